// Makes the vectors of log documents, one fault a file, from spec/log-document.md; payloads and updates are written byte by
// byte, without Yjs. Run it to write them again: node --import tsx spec/vectors/log-document/generate.ts
import { collect, type Layer, type Vector, writeIfMain } from '../form.ts';
import { byte, varuint } from '../frame/twin.ts';
import { type Bytes, hex, join, utf8 } from '../link/twin.ts';

const { vectors, layer } = collect();

const ALICE = 2 ** 52 + 12_345;
const BOB = 2 ** 51 + 999;
const NONE = new Uint8Array(0);

// Yjs update V1, in the words of spec/log-document.md §7.
const text = (value: string): Bytes => join(varuint(value.length), utf8(value));
const KEYED = 0x20;
const BINARY = KEYED | 3;
const DELETED = KEYED | 1;

interface StructParts {
  readonly info?: number;
  readonly root?: string;
  readonly key?: string;
  readonly content?: Bytes;
}

/** An entry as a struct. `changes` make it one that no device would write. */
const struct = (clock: number, value: string, changes: StructParts = {}): Bytes => {
  const { info = BINARY, root = 'e', key = `${ALICE}:${clock}`, content = text(value) } = changes;
  return join(byte(info), byte(1), text(root), text(key), content);
};

const gone = (clock: number, length = 1): Bytes =>
  struct(clock, '', { info: DELETED, content: varuint(length) });

/** Structs of one clientID, from `clock` on. */
const run = (clientId: number, clock: number, ...structs: readonly Bytes[]): Bytes =>
  join(varuint(structs.length), varuint(clientId), varuint(clock), ...structs);

const deletedBy = (clientId: number, ...ranges: readonly (readonly [number, number | bigint])[]): Bytes =>
  join(
    varuint(clientId),
    varuint(ranges.length),
    ...ranges.map(([clock, length]) => join(varuint(clock), varuint(length))),
  );

const update = (runs: readonly Bytes[], deletions: readonly Bytes[] = []): Bytes =>
  join(varuint(runs.length), ...runs, varuint(deletions.length), ...deletions);

const read = (bytes: Bytes, clock = 0, clientId = ALICE): Vector['input'] => ({
  update: hex(bytes),
  clientId,
  clock,
});

const entries = (...list: readonly (readonly [number, string | null])[]) =>
  list.map(([clock, value]) => ({ clock, content: value === null ? null : hex(utf8(value)) }));

const one = update([run(ALICE, 0, struct(0, 'one'))]);

const addUpdates = ({ good, bad }: Layer): void => {
  good('one', 'LD2', read(one), { entries: entries([0, 'one']), deletions: [] });
  good(
    'more',
    'LD1',
    read(update([run(ALICE, 300, struct(300, 'a'), struct(301, 'b'), struct(302, 'c'))]), 300),
    { entries: entries([300, 'a'], [301, 'b'], [302, 'c']), deletions: [] },
    'three entries of a chain that stands at 300',
  );
  good(
    'deletes',
    'LD4',
    read(update([], [deletedBy(BOB, [4, 2], [9, 1]), deletedBy(ALICE, [0, 1])]), 7),
    {
      entries: [],
      deletions: [
        { clientId: BOB, clock: 4, length: 2 },
        { clientId: BOB, clock: 9, length: 1 },
        { clientId: ALICE, clock: 0, length: 1 },
      ],
    },
    'deletions alone',
  );
  good(
    'deleted',
    'LD2',
    read(update([run(ALICE, 0, struct(0, 'kept'), gone(1))], [deletedBy(ALICE, [1, 1])])),
    { entries: entries([0, 'kept'], [1, null]), deletions: [{ clientId: ALICE, clock: 1, length: 1 }] },
    'an entry that was deleted before it left its device',
  );
  good('nothing', 'LD7', read(update([])), { entries: [], deletions: [] }, 'neither structs nor deletions');

  const refused = (name: string, rule: string, fault: string, bytes: Bytes, clock = 0): void =>
    bad(name, rule, fault, 'UPDATE_REFUSED', read(bytes, clock));
  refused(
    'author',
    'LD1',
    "another clientID's structs",
    update([run(BOB, 0, struct(0, 'one', { key: `${BOB}:0` }))]),
  );
  refused(
    'authors',
    'LD1',
    'structs of two clientIDs',
    update([run(ALICE, 0, struct(0, 'one')), run(BOB, 0, struct(0, 'two', { key: `${BOB}:0` }))]),
  );
  refused('ahead', 'LD1', 'a clock that leaves one out', update([run(ALICE, 8, struct(8, 'one'))]), 7);
  refused('again', 'LD1', 'a clock that is taken', update([run(ALICE, 6, struct(6, 'one'))]), 7);
  addShapes(refused);
  addNumbers(refused);
};

type Refused = (name: string, rule: string, fault: string, bytes: Bytes, clock?: number) => void;

const addShapes = (refused: Refused): void => {
  const shape = (name: string, fault: string, bytes: Bytes): void =>
    refused(name, 'LD2', fault, update([run(ALICE, 0, bytes)]));
  shape('key-other', "the key of another's entry", struct(0, 'one', { key: `${BOB}:0` }));
  shape('key-clock', 'the key of another clock', struct(0, 'one', { key: `${ALICE}:1` }));
  shape('key-zero', 'a key with a leading zero', struct(0, 'one', { key: `${ALICE}:00` }));
  shape('root', 'another root', struct(0, 'one', { root: 'f' }));
  const parent = join(byte(BINARY), byte(0), varuint(BOB), varuint(0), text(`${ALICE}:0`), text('one'));
  shape('parent', 'a parent that is no root', parent);
  const origin = (info: number): Bytes => join(byte(info), varuint(BOB), varuint(0), text('one'));
  shape('origin', 'an origin, as of an overwritten key', origin(0x80 | BINARY));
  shape('right-origin', 'a right origin', origin(0x40 | BINARY));
  shape('no-key', 'an element of a list', join(byte(3), byte(1), text('e'), text('one')));
  shape('string', 'content that is a string', struct(0, 'one', { info: KEYED | 4 }));
  const json = join(varuint(1), text('"one"'));
  shape('json', 'content that is JSON', struct(0, '', { info: KEYED | 2, content: json }));
  shape('type', 'content that is a shared type', struct(0, '', { info: KEYED | 7, content: byte(1) }));
  shape(
    'any',
    'content that is any value',
    struct(0, '', { info: KEYED | 8, content: join(varuint(1), byte(126)) }),
  );
  shape(
    'document',
    'content that is a subdocument',
    struct(0, '', { info: KEYED | 9, content: join(text('id'), byte(118), byte(0)) }),
  );
  shape('collected', 'a struct that was garbage-collected', join(byte(0), varuint(1)));
  shape('skip', 'a skip', join(byte(10), varuint(1)));
  shape('deleted-none', 'a deleted entry of length 0, which poisons a document for ever', gone(0, 0));
  shape('deleted-two', 'a deleted entry of length 2', gone(0, 2));
  refused('empty', 'LD3', 'an entry of no bytes', update([run(ALICE, 0, struct(0, ''))]));
  const large = struct(0, '', { content: join(varuint(65_537), new Uint8Array(65_537)) });
  refused('large', 'LD3', 'an entry of 65,537 bytes', update([run(ALICE, 0, large)]));
};

const addNumbers = (refused: Refused): void => {
  refused('range-empty', 'LD4', 'a deleted range of length 0', update([], [deletedBy(BOB, [4, 0])]));
  refused(
    'range-end',
    'LD4',
    'a deleted range that ends at 2^53',
    update([], [deletedBy(BOB, [1, 2n ** 53n - 1n])]),
  );
  refused('ranges-none', 'LD6', 'a clientID without deleted ranges', update([], [deletedBy(BOB)]));
  refused('no-bytes', 'LD6', 'no bytes', NONE);
  refused('cut', 'LD6', 'the last byte is missing', one.subarray(0, -1));
  refused('trailing', 'LD6', 'a byte behind the update', join(one, byte(0)));
  refused(
    'padded',
    'LD6',
    'a count in two bytes where one is enough',
    join(Uint8Array.of(0x81, 0), one.subarray(1)),
  );
  const counted = (count: number | bigint): Bytes =>
    join(byte(1), varuint(count), varuint(ALICE), varuint(0), struct(0, 'one'), byte(0));
  refused(
    'structs-none',
    'LD6',
    'a clientID without structs',
    join(byte(1), varuint(0), varuint(ALICE), varuint(0), byte(0)),
  );
  refused('structs-many', 'LD6', 'more structs counted than there are', counted(2));
  refused('structs-huge', 'LD6', 'more structs counted than there are bytes', counted(2n ** 40n));
  refused('number', 'LD6', 'a count of 2^53', counted(2n ** 53n));
};

// Payloads, in the words of spec/log-document.md §1.
const payload = (values: readonly (string | null)[], ...deletions: readonly Bytes[]): Bytes =>
  join(varuint(values.length), ...values.map((value) => text(value ?? '')), ...deletions);

const carried = (bytes: Bytes, clock = 0): Vector['input'] => ({
  payload: hex(bytes),
  clientId: ALICE,
  clock,
});

const addPayloads = ({ good, bad }: Layer): void => {
  good('one', 'LD16', carried(payload(['one'])), { entries: entries([0, 'one']), deletions: [] });
  good(
    'more',
    'LD16',
    carried(payload(['a', 'b', 'c']), 300),
    { entries: entries([300, 'a'], [301, 'b'], [302, 'c']), deletions: [] },
    'three entries of a chain that stands at 300',
  );
  good(
    'deletes',
    'LD17',
    carried(payload([], deletedBy(0, [0, 1]), deletedBy(BOB, [4, 2], [3, 1])), 7),
    {
      entries: [],
      deletions: [
        { clientId: ALICE, clock: 0, length: 1 },
        { clientId: BOB, clock: 4, length: 2 },
        { clientId: BOB, clock: 9, length: 1 },
      ],
    },
    'deletions alone, the own ones under 0, the second of another counted from the end of the first',
  );
  good(
    'deleted',
    'LD16',
    carried(payload(['kept', null], deletedBy(0, [1, 1]))),
    { entries: entries([0, 'kept'], [1, null]), deletions: [{ clientId: ALICE, clock: 1, length: 1 }] },
    'an entry that was deleted before it left its device',
  );
  good(
    'nothing',
    'LD7',
    carried(payload([])),
    { entries: [], deletions: [] },
    'neither entries nor deletions',
  );

  const refused = (name: string, rule: string, fault: string, bytes: Bytes, clock = 0): void =>
    bad(name, rule, fault, 'UPDATE_REFUSED', carried(bytes, clock));
  const last = Number.MAX_SAFE_INTEGER;
  refused('clock', 'LD16', 'an entry behind the last clock', payload(['one']), last);
  const large = join(byte(1), varuint(65_537), new Uint8Array(65_537));
  refused('large', 'LD3', 'an entry of 65,537 bytes', large);
  refused('range-empty', 'LD4', 'a deleted range of length 0', payload([], deletedBy(BOB, [4, 0])));
  const end = deletedBy(BOB, [1, 2n ** 53n - 1n]);
  refused('range-end', 'LD4', 'a deleted range that ends at 2^53', payload([], end));
  const spelled = (name: string, fault: string, bytes: Bytes): void => refused(name, 'LD17', fault, bytes);
  spelled('own', "the author's clientID where 0 stands for it", payload([], deletedBy(ALICE, [0, 1])));
  spelled('order', 'clientIDs that do not rise', payload([], deletedBy(BOB, [0, 1]), deletedBy(0, [0, 1])));
  spelled('twice', 'a clientID twice', payload([], deletedBy(BOB, [0, 1]), deletedBy(BOB, [2, 1])));
  spelled('touching', 'two ranges that touch', payload([], deletedBy(BOB, [4, 2], [0, 1])));
  spelled('ranges-none', 'a clientID without deleted ranges', payload([], deletedBy(BOB)));
  spelled('no-bytes', 'no bytes', NONE);
  spelled('cut', 'the last byte is missing', payload(['one']).subarray(0, -1));
  spelled('trailing', 'a byte behind the payload', join(payload(['one']), byte(0)));
  spelled('padded', 'a count in two bytes', join(Uint8Array.of(0x81, 0), text('one')));
  spelled('many', 'more entries counted than there are', join(byte(2), text('one')));
  spelled('huge', 'more entries counted than there are bytes', join(varuint(2n ** 40n), text('one')));
  spelled('number', 'a count of 2^53', join(varuint(2n ** 53n), text('one')));
};

const HASH = '5ea1'.repeat(16);
const KEY = 'c2Vhbd'.repeat(8).slice(0, 43);

const addEntries = ({ good }: Layer): void => {
  const known = (name: string, entry: object, rule = 'LD8', note?: string): void =>
    good(name, rule, { entry: hex(utf8(JSON.stringify(entry))) }, { entry }, note);
  const message = { k: 'm', t: 1_700_000_000_000 * 1024 + 3, x: 'Grüße 👋' };
  const origin = { n: 'Ada', s: 1_400_000_000_000, a: 'WhatsApp' };
  const chat = { k: 'chat', t: 1024, id: HASH, s: KEY, e: [KEY], n: 'Note to self' };
  known('message', message);
  known('imported', { ...message, o: origin }, 'LD11');
  known('chat', chat);
  known('device', { k: 'device', t: 1024, id: HASH.slice(0, 32), n: 'Laptop', p: 'web' });
  known('person', { k: 'me', t: 0, n: '' });
  const more = { ...message, y: 1 };
  good(
    'more',
    'LD8',
    { entry: hex(utf8(JSON.stringify(more))) },
    { entry: message },
    'a field of a later version',
  );

  const unknown = (name: string, fault: string, bytes: Bytes): void =>
    good(
      `unknown-${name}`,
      'LD8',
      { entry: hex(bytes) },
      { entry: null },
      `${fault}; it is kept and not shown`,
    );
  const odd = (name: string, fault: string, entry: unknown): void =>
    unknown(name, fault, utf8(JSON.stringify(entry)));
  odd('kind', 'a kind of a later version', { k: 'poll', t: 1024 });
  odd('inherited', 'a kind that every object has', { k: 'constructor', t: 1024 });
  odd('stamp', 'a stamp that is no whole number', { ...message, t: 0.5 });
  odd('stamp-negative', 'a stamp before 1970', { ...message, t: -1 });
  odd('stamp-large', 'a stamp of 2^53', { ...message, t: 2 ** 53 });
  odd('no-text', 'a message without text', { k: 'm', t: 1024 });
  odd('long', 'a text of 16,001 characters', { ...message, x: 'x'.repeat(16_001) });
  odd('origin', 'an origin without a time', { ...message, o: { n: 'Ada', a: 'WhatsApp' } });
  odd('chat-id', 'a chat id in capitals', { ...chat, id: HASH.toUpperCase() });
  odd('chat-key', 'a room secret of 31 bytes', { ...chat, s: KEY.slice(0, 42) });
  odd('chat-epochs', 'a chat whose epoch keys are no list', { ...chat, e: KEY });
  odd('list', 'a list', [message]);
  unknown('json', 'bytes that are no JSON', utf8('{"k":"m"'));
  unknown('utf8', 'bytes that are no UTF-8', join(utf8('{"k":"m","t":1,"x":"'), byte(0xff), utf8('"}')));
};

const addPages = ({ good }: Layer): void => {
  for (const [name, stream, page] of [
    ['first', 'page-0', 0],
    ['later', 'page-41', 41],
    ['control', 'control', null],
    ['zeros', 'page-041', null],
    ['none', 'page-', null],
    ['sign', 'page--1', null],
    ['letter', 'page-1x', null],
  ] as const)
    good(name, 'LD14', { stream }, { page }, page === null ? 'a stream that is no page' : undefined);
};

addPayloads(layer('payload'));
addUpdates(layer('update'));
addEntries(layer('entry'));
addPages(layer('page'));

/** All vectors by name. */
export const logDocumentVectors = vectors;

writeIfMain(import.meta.url, vectors);
