// The messages of a link as bytes: read back, total and in one form only. Rules: spec/link.md §5.
import { SealwireError, toHex } from '@sealwire/protocol';
import { seededRandom } from '@sealwire/testkit/random';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { concat } from '../src/bytes.ts';
import {
  ACCEPTANCE_BYTES,
  answerFront,
  decodeLinkMessage,
  encodeLinkMessage,
  isDeviceName,
  LINK_PAYLOAD_BYTES,
  type LinkMessage,
  offerFront,
} from '../src/link/messages.ts';
import { ABORT_REASONS } from '../src/link/reasons.ts';
import { bytesOf } from './link-kit.ts';

const test = suite('link messages');

type Random = ReturnType<typeof seededRandom>;

const samples = (random: Random): LinkMessage[] => [
  {
    type: 'hello',
    accountRoot: random.bytes(32),
    phoneKey: random.bytes(32),
    commitment: random.bytes(32),
  },
  {
    type: 'answer',
    deviceName: random.pick(['x', "Ada's laptop", 'Gerät 💻', '日本語'.repeat(33), 'é'.repeat(100)]),
    platform: random.pick(['phone', 'web', 'desktop', 'headless']),
    relayKey: random.bytes(32),
    hpkeKey: random.bytes(32),
    possession: random.bytes(64),
    mac: random.bytes(32),
  },
  {
    type: 'offer',
    opening: random.bytes(32),
    offer: random.bytes(random.int(300)),
    approval: random.bytes(64),
  },
  { type: 'acceptance', acceptance: random.bytes(random.int(200)) },
  { type: 'bundle', bundle: random.bytes(random.int(300)) },
  { type: 'done' },
  { type: 'abort', reason: random.pick(ABORT_REASONS) },
];

test('[LK11] every message reads back as it was written', () => {
  const random = seededRandom(1);
  for (let run = 0; run < 100; run++) {
    for (const message of samples(random)) {
      assert.equal(decodeLinkMessage(encodeLinkMessage(message)), message);
    }
  }
});

test('[LK11] the fronts that signatures speak of are the fronts of the messages', () => {
  for (const message of samples(seededRandom(2))) {
    const bytes = encodeLinkMessage(message);
    if (message.type === 'answer') assert.equal(bytes.subarray(0, -96), answerFront(message));
    if (message.type === 'offer') assert.equal(bytes.subarray(0, -64), offerFront(message));
  }
});

test('[LK11] 20,000 seeded inputs give a message or an error of the two codes, and one form only', () => {
  const random = seededRandom(3);
  let accepted = 0;
  for (let run = 0; run < 20_000; run++) {
    const bytes = hostileBytes(random);
    let message: LinkMessage;
    try {
      message = decodeLinkMessage(bytes);
    } catch (error) {
      assert.instance(error, SealwireError);
      assert.ok(['MALFORMED', 'TOO_LARGE'].includes((error as SealwireError).code));
      continue;
    }
    accepted++;
    assert.is(toHex(encodeLinkMessage(message)), toHex(bytes));
  }
  assert.ok(accepted > 2_000 && accepted < 18_000, `${accepted} accepted`);
});

test('[LK11] cut short or with a byte more, nothing is a message', () => {
  for (const message of samples(seededRandom(4))) {
    const bytes = encodeLinkMessage(message);
    for (let length = 0; length < bytes.length; length++) {
      assert.throws(
        () => decodeLinkMessage(bytes.subarray(0, length)),
        isMalformed,
        `${message.type} ${length}`,
      );
    }
    assert.throws(() => decodeLinkMessage(concat(bytes, Uint8Array.of(0))), isMalformed, message.type);
  }
  assert.throws(() => decodeLinkMessage(Uint8Array.of(0)), isMalformed);
  assert.throws(() => decodeLinkMessage(Uint8Array.of(8)), isMalformed);
  assert.throws(() => decodeLinkMessage(Uint8Array.of(7, 0)), isMalformed);
  assert.throws(() => decodeLinkMessage(Uint8Array.of(7, ABORT_REASONS.length + 1)), isMalformed);
});

test('[LK12] names that show as something else are refused, by writer and reader', () => {
  const good = ['x', 'Ada’s phone', 'عربي', '👩‍👩‍👧', ' padded ', 'x'.repeat(100)];
  for (const name of good) assert.ok(isDeviceName(name), name);
  const bad = [
    '',
    '   ',
    'x'.repeat(101),
    'a\u0000b',
    'a\nb',
    'a\u0085b',
    'a\u202eb',
    'a\u2066b',
    'a\u200fb',
    'a\u2028b',
    'a\ud800b',
  ];
  const answer = samples(seededRandom(5))[1]!;
  assert.is(answer.type, 'answer');
  for (const name of bad) {
    assert.not.ok(isDeviceName(name), JSON.stringify(name));
    assert.throws(
      () => encodeLinkMessage({ ...answer, deviceName: name } as LinkMessage),
      (error: unknown) => error instanceof RangeError,
    );
  }
  const nameOf = (name: Uint8Array): Uint8Array =>
    concat(Uint8Array.of(2, name.length), name, Uint8Array.of(0), new Uint8Array(160));
  assert.is(decodeLinkMessage(nameOf(Uint8Array.of(0x61))).type, 'answer');
  for (const name of [
    [],
    [0x20],
    [0x61, 0x0a],
    [0xe2, 0x80, 0xae],
    [0xff],
    [0xc0, 0x80],
    [0xed, 0xa0, 0x80],
  ]) {
    assert.throws(() => decodeLinkMessage(nameOf(Uint8Array.from(name))), isMalformed, String(name));
  }
});

test('[LK13] sizes are bounded, both ways', () => {
  const most = decodeLinkMessage(
    encodeLinkMessage({ type: 'bundle', bundle: new Uint8Array(LINK_PAYLOAD_BYTES) }),
  );
  assert.is(most.type, 'bundle');
  const tooMuch: LinkMessage[] = [
    { type: 'bundle', bundle: new Uint8Array(LINK_PAYLOAD_BYTES + 1) },
    { type: 'acceptance', acceptance: new Uint8Array(ACCEPTANCE_BYTES + 1) },
    {
      type: 'offer',
      opening: bytesOf('o'),
      offer: new Uint8Array(LINK_PAYLOAD_BYTES + 1),
      approval: bytesOf('a', 64),
    },
    { type: 'hello', accountRoot: bytesOf('a', 31), phoneKey: bytesOf('p'), commitment: bytesOf('c') },
    { type: 'abort', reason: 'CLOSED' as 'LINK_REFUSED' },
  ];
  for (const message of tooMuch) {
    assert.throws(
      () => encodeLinkMessage(message),
      (error: unknown) => error instanceof RangeError,
      message.type,
    );
  }
  const code = (bytes: Uint8Array): string => {
    try {
      return decodeLinkMessage(bytes).type;
    } catch (error) {
      return (error as SealwireError).code;
    }
  };
  assert.is(code(concat(Uint8Array.of(5, 0x81, 0xe0, 0x03), new Uint8Array(61_441))), 'TOO_LARGE');
  assert.is(code(concat(Uint8Array.of(4, 0x81, 0x08), new Uint8Array(1_025))), 'TOO_LARGE');
  assert.is(code(Uint8Array.of(5, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f)), 'TOO_LARGE');
});

test.run();

const isMalformed = (error: unknown): boolean => error instanceof SealwireError && error.code === 'MALFORMED';

const hostileBytes = (random: Random): Uint8Array => {
  let bytes = encodeLinkMessage(random.pick(samples(random)));
  if (random.int(4) === 0) return bytes;
  if (random.int(8) === 0) return random.bytes(random.int(200));
  for (let rounds = 1 + random.int(3); rounds > 0; rounds--) {
    const at = random.int(bytes.length + 1);
    switch (random.int(4)) {
      case 0:
        bytes = bytes.slice(0, at);
        break;
      case 1:
        bytes = concat(bytes.subarray(0, at), random.bytes(1 + random.int(4)), bytes.subarray(at));
        break;
      case 2:
        bytes = concat(bytes.subarray(0, at), bytes.subarray(at + 1 + random.int(4)));
        break;
      default:
        bytes = bytes.slice();
        if (at < bytes.length) bytes[at]! ^= 1 << random.int(8);
    }
  }
  return bytes;
};
