// Payloads of pages: what they say, what they leave to their chain, and the one way to write them. Rules:
// spec/log-document.md §1.
import { LIMITS, SealwireError } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseUpdate } from '../src/logdoc/parser.ts';
import { decodePayload, encodePayload } from '../src/logdoc/payload.ts';
import { writerDoc } from './support.ts';

const test = suite('payload');
const ALICE = 2 ** 52 + 12345;
const BOB = 2 ** 51 + 999;
const text = (value: string) => new TextEncoder().encode(value);

const refused = (payload: Uint8Array, clock = 0): string => {
  let message = 'accepted';
  try {
    decodePayload(payload, ALICE, clock);
  } catch (error) {
    assert.instance(error, SealwireError);
    assert.is((error as SealwireError).code, 'UPDATE_REFUSED');
    message = (error as SealwireError).message;
  }
  return message;
};

const deleting = (...deletions: { clientId: number; clock: number; length: number }[]) =>
  encodePayload([{ clientId: ALICE, entries: [], deletions }]);

test('[LD16] a payload names neither author nor clocks: the chain that it continues does', () => {
  const alice = writerDoc(ALICE);
  alice.write(text('one'));
  alice.write(text('two'));
  const payload = encodePayload(alice.updates.map((update, clock) => parseUpdate(update, ALICE, clock)));
  assert.is(payload.length, 1 + 2 * (1 + 3));
  for (const [author, clock] of [
    [ALICE, 0],
    [BOB, 300],
  ] as const) {
    const { clientId, entries, deletions } = decodePayload(payload, author, clock);
    assert.is(clientId, author);
    assert.equal(
      entries.map((entry) => [entry.clock, new TextDecoder().decode(entry.content)]),
      [
        [clock, 'one'],
        [clock + 1, 'two'],
      ],
    );
    assert.equal(deletions, []);
  }
  assert.match(refused(payload, Number.MAX_SAFE_INTEGER - 1), 'clock out of range');
});

test('[LD17] deletions have one spelling, however they were made', () => {
  const one = deleting(
    { clientId: BOB, clock: 9, length: 1 },
    { clientId: ALICE, clock: 3, length: 1 },
    { clientId: BOB, clock: 4, length: 1 },
    { clientId: BOB, clock: 5, length: 1 },
    { clientId: BOB, clock: 4, length: 2 },
  );
  const same = deleting(
    { clientId: ALICE, clock: 3, length: 1 },
    { clientId: BOB, clock: 4, length: 2 },
    { clientId: BOB, clock: 9, length: 1 },
  );
  assert.equal(one, same);
  assert.equal(decodePayload(one, ALICE, 0).deletions, [
    { clientId: ALICE, clock: 3, length: 1 },
    { clientId: BOB, clock: 4, length: 2 },
    { clientId: BOB, clock: 9, length: 1 },
  ]);
  const of = (...bytes: number[]) => refused(Uint8Array.from(bytes));
  assert.match(of(0, 7, 1, 0, 1, 5, 1, 0, 1), 'out of order');
  assert.match(of(0, 7, 1, 0, 1, 7, 1, 2, 1), 'out of order');
  assert.match(of(0, 7, 2, 0, 1, 0, 1), 'two deletions that are one');
  assert.match(of(0, 7, 0), 'empty list');
  assert.match(of(0, 7, 1, 0, 0), 'out of range');
  assert.match(of(0x80, 0), 'shortest form');
  const spelledOut = encodePayload([
    { clientId: BOB, entries: [], deletions: [{ clientId: ALICE, clock: 0, length: 1 }] },
  ]);
  assert.match(refused(spelledOut), 'out of order');
});

test('[LD3] an entry of more bytes than an entry may have is refused', () => {
  const entryOf = (length: number) =>
    encodePayload([
      { clientId: ALICE, entries: [{ clock: 0, content: new Uint8Array(length), length }], deletions: [] },
    ]);
  assert.is(decodePayload(entryOf(LIMITS.entryBytes), ALICE, 0).entries.length, 1);
  assert.match(refused(entryOf(LIMITS.entryBytes + 1)), 'too large');
});

test('[LD7] what is cut short is refused, but where a shorter payload ends', () => {
  const whole = encodePayload([
    {
      clientId: ALICE,
      entries: [{ clock: 0, content: text('entry'), length: 5 }],
      deletions: [
        { clientId: ALICE, clock: 0, length: 300 },
        { clientId: BOB, clock: 7, length: 1 },
      ],
    },
  ]);
  const ends = Array.from({ length: whole.length }, (_, i) => i).filter(
    (length) => refused(whole.subarray(0, length)) === 'accepted',
  );
  assert.is(ends.length, 2, 'behind the entries, and behind the first list of deletions');
  assert.match(refused(Uint8Array.of(200, 1, 1)), 'count that cannot be');
});

test.run();
