// Copies of a store, and stores that are damaged. Rules: spec/relay-protocol.md §7 (RP187) and §10 (RP190, RP191).
import { cp, mkdir, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SealwireError } from '@sealwire/protocol';
import { seededRandom } from '@sealwire/testkit/random';
import { open } from 'lmdb';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { backupStore, checkStore, lmdbStore, restoreStore } from '../src/index.ts';

const test = suite('store copies');
const NOW = Date.UTC(2026, 5, 1);
const room = new Uint8Array(32).fill(3);
const other = new Uint8Array(32).fill(4);

const inFolder = (run: (folder: string) => Promise<void>) => async (): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'sealwire-copies-'));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const failed = async (promise: Promise<unknown>, says: RegExp): Promise<void> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, SealwireError);
  assert.is((error as SealwireError).code, 'STORE_FAILED');
  assert.match((error as SealwireError).message, says);
};

type Store = Awaited<ReturnType<typeof lmdbStore>>;

const append = (store: Store, of = room, stream = 'control', byte = 7): Promise<number> =>
  store.append({ room: of, stream, frame: new Uint8Array(20).fill(byte) });

const positions = (store: Store, of = room): number[] =>
  store.read({ room: of, stream: '', after: 0, maxBytes: 1e9 }).frames.map(({ position }) => position);

test(
  '[RP191] a copy that is made while everything is written is of one moment and whole',
  inFolder(async (folder) => {
    const data = join(folder, 'data');
    const store = await lmdbStore(data);
    const random = seededRandom(3);
    let writing = true;
    let sent = 0;
    const writer = (async () => {
      while (writing) {
        sent += 50;
        await Promise.all(
          Array.from({ length: 50 }, () =>
            append(store, random.pick([room, other]), `page-${random.int(9)}`),
          ),
        );
      }
    })();
    for (let i = 0; i < 3; i++) {
      const before = store.head(room) + store.head(other);
      const report = await backupStore(data, join(folder, `copy-${i}`));
      assert.equal(report.problems, []);
      assert.ok(report.frames >= before && report.frames <= sent, `${before} ${report.frames} ${sent}`);
    }
    writing = false;
    await writer;
    assert.equal((await checkStore(data)).frames, sent);
    await failed(backupStore(data, join(folder, 'copy-0')), /name a new folder/);
    await failed(restoreStore(join(folder, 'copy-0'), data, NOW), /Another relay holds/);
    await store.close();
    await failed(restoreStore(join(folder, 'copy-0'), data, NOW), /move it away/);
    await failed(backupStore(join(folder, 'nothing'), join(folder, 'copy-9')), /no store/);
    assert.not.ok((await readdir(folder)).includes('copy-9'));
  }),
);

test(
  '[RP187] a restored store uses no position twice, and knows cursors of frames that it lacks, whatever came since',
  inFolder(async (folder) => {
    const [first, second, third] = ['first', 'second', 'third'].map((name) => join(folder, name));
    let store = await lmdbStore(first!);
    for (let i = 0; i < 3; i++) await append(store);
    await backupStore(first!, join(folder, 'copy'));
    for (let i = 0; i < 5; i++) await append(store);
    await append(store, other);
    assert.is(store.rolledBackTo?.(room, 8), undefined);
    const { relayId } = store;
    await store.close();

    await restoreStore(join(folder, 'copy'), second!, NOW);
    store = await lmdbStore(second!);
    assert.equal(store.relayId, relayId);
    assert.is(store.head(room), 3);
    const next = await append(store);
    assert.ok(next > 2 ** 40, 'above all that may have been given out');
    assert.is(await append(store), next + 1);
    assert.equal(positions(store), [1, 2, 3, next, next + 1]);
    const back = (cursor: number, of = room): number | undefined => store.rolledBackTo?.(of, cursor);
    assert.equal(
      [0, 1, 3, next, next + 1].map((cursor) => back(cursor)),
      Array(5).fill(undefined),
    );
    assert.equal(
      [4, 8, 9, next - 1].map((cursor) => back(cursor)),
      Array(4).fill(3),
    );
    await append(store, other);
    assert.equal(
      [0, 1].map((cursor) => back(cursor, other)),
      [undefined, 0],
      'it was empty in the copy',
    );
    await store.close();

    // The same copy again, and within the same minute: what the second life gave out is not given out again.
    await restoreStore(join(folder, 'copy'), third!, NOW + 60_000);
    store = await lmdbStore(third!);
    const later = await append(store);
    assert.ok(later > next + 2 ** 28);
    assert.equal(
      [3, 8, next, next + 1, later].map((cursor) => back(cursor)),
      [undefined, 3, 3, 3, undefined],
    );
    await backupStore(third!, join(folder, 'copy-2'));
    await store.close();
    await restoreStore(join(folder, 'copy-2'), join(folder, 'fourth'), NOW);
    store = await lmdbStore(join(folder, 'fourth'));
    const last = await append(store);
    assert.ok(last > later + 2 ** 28, 'a clock that stands still does not matter');
    assert.equal(
      [3, 8, next, later, later + 1].map((cursor) => back(cursor)),
      [undefined, 3, 3, undefined, later],
    );
    assert.equal((await checkStore(join(folder, 'fourth'))).problems, []);
    await store.close();
  }),
);

test(
  '[RP190] a store that is cut short or is none is refused with a word on what to do, and left as it is',
  inFolder(async (folder) => {
    const data = join(folder, 'data');
    let store = await lmdbStore(data);
    for (let i = 0; i < 2_000; i++) void append(store);
    await append(store);
    await store.close();
    const file = join(data, 'data.mdb');
    await cp(data, join(folder, 'whole'), { recursive: true });
    await truncate(file, 40_960);
    await failed(lmdbStore(data), /cut short: 40960 of \d+ bytes; restore a backup/);
    await failed(checkStore(data), /cut short/);
    await failed(backupStore(data, join(folder, 'copy')), /cut short/);
    await failed(restoreStore(data, join(folder, 'new'), NOW), /cut short/);
    await writeFile(file, 'a text of at least as many bytes as are looked at '.repeat(20));
    await failed(lmdbStore(data), /begins with something else/);
    await mkdir(join(folder, 'empty'));
    await failed(checkStore(join(folder, 'empty')), /no store/);
    store = await lmdbStore(join(folder, 'whole'));
    assert.is(store.head(room), 2_001);
    await store.close();
  }),
);

test(
  '[RP190] records that do not fit are found: at the ends of tables when it is opened, everywhere by a check',
  inFolder(async (folder) => {
    const data = join(folder, 'data');
    const store = await lmdbStore(data);
    for (const [of, stream] of [
      [room, 'a'],
      [room, 'b'],
      [other, 'a'],
    ] as const)
      await append(store, of, stream);
    await store.close();
    const change = async (name: string, edit: (key: Buffer, value: Buffer) => Buffer | undefined) => {
      const root = open({ path: data, noSubdir: false, maxDbs: 16 });
      const table = root.openDB<Buffer, Buffer>({ name, keyEncoding: 'binary', encoding: 'binary' });
      const [{ key, value }] = [...table.getRange({ limit: 1 })] as [{ key: Buffer; value: Buffer }];
      const before = Buffer.from(value);
      const after = edit(key, before);
      if (after) await table.put(key, after);
      else await table.remove(key);
      await root.close();
      return async () => {
        const again = open({ path: data, noSubdir: false, maxDbs: 16 });
        const same = again.openDB<Buffer, Buffer>({ name, keyEncoding: 'binary', encoding: 'binary' });
        await same.put(key, before);
        await again.close();
      };
    };
    const wrong: [string, (key: Buffer, value: Buffer) => Buffer | undefined, RegExp, boolean][] = [
      ['frames', () => undefined, /runs: an entry without its frame/, false],
      ['frames', () => Buffer.of(200, 1), /frames: a record does not decode/, true],
      ['heads', () => undefined, /heads: a room with frames has none/, false],
      ['heads', (_key, value) => Buffer.alloc(24).fill(value.subarray(8), 8), /above its head/, true],
      [
        'heads',
        (_key, value) => Buffer.concat([value.subarray(0, 8), Buffer.alloc(16)]),
        /than is counted/,
        false,
      ],
      ['runs', () => undefined, /runs: not as many entries as frames/, false],
    ];
    for (const [table, edit, says, isSeenAtOnce] of wrong) {
      const undo = await change(table, edit);
      const { problems } = await checkStore(data);
      assert.match(problems.join('\n'), says);
      if (isSeenAtOnce) await failed(lmdbStore(data), /is damaged.*restore a backup/);
      await failed(backupStore(data, join(folder, 'copy')), /not whole/);
      await undo();
      assert.equal((await checkStore(data)).problems, []);
    }
  }),
);

test(
  '[RP184] a store of before counts is counted from its frames',
  inFolder(async (folder) => {
    const data = join(folder, 'data');
    let store = await lmdbStore(data);
    for (const stream of ['a', 'b', 'a']) await append(store, room, stream);
    const share = store.share(room);
    await store.close();
    const root = open({ path: data, noSubdir: false, maxDbs: 16 });
    const heads = root.openDB<Buffer, Buffer>({ name: 'heads', keyEncoding: 'binary', encoding: 'binary' });
    await heads.put(Buffer.from(room), heads.get(Buffer.from(room))!.subarray(0, 8));
    await root.close();
    store = await lmdbStore(data);
    assert.equal([store.share(room), store.head(room)], [share, 3]);
    assert.is(await append(store, room, 'c'), 4);
    assert.equal(store.share(room), { bytes: 4 * 68, streams: 3 });
    await store.close();
  }),
);

test.run();
