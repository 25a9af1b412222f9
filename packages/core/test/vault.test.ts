// Records, steps and barriers of the vault over a storage in memory. Rules: spec/vault.md §2 and §3.
import { SealwireError } from '@sealwire/protocol';
import { seededRandom } from '@sealwire/testkit/random';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { concat, utf8 } from '../src/bytes.ts';
import { openAead } from '../src/crypto/aead.ts';
import { randomBytes } from '../src/random.ts';
import { memoryArchive } from '../src/testing.ts';
import type { OpenStorage } from '../src/vault/storage.ts';
import { openVault, type Vault } from '../src/vault/vault.ts';

const test = suite('vault');

/** A storage whose barriers a test settles by hand. */
interface MemoryStorage extends OpenStorage {
  readonly barriers: { resolve(): void; reject(error: Error): void }[];
  lose(error: Error): void;
  repairs: number;
  closes: number;
}

const memoryStorage = (state?: Uint8Array, key: Uint8Array = new Uint8Array(32).fill(7)): MemoryStorage => {
  const doc = new Y.Doc();
  if (state) Y.applyUpdate(doc, state);
  const listeners: ((error: Error) => void)[] = [];
  return {
    doc,
    key,
    archive: memoryArchive(),
    barriers: [],
    repairs: 0,
    closes: 0,
    barrier() {
      return new Promise<void>((resolve, reject) => this.barriers.push({ resolve, reject }));
    },
    async repair() {
      this.repairs++;
    },
    onLost: (listener) => void listeners.push(listener),
    lose(error) {
      for (const listener of listeners) listener(error);
    },
    async close() {
      this.closes++;
    },
    async destroy() {
      this.closes++;
    },
  };
};

const open = (storage: OpenStorage): Promise<Vault> => openVault(storage, { randomBytes });

const stateOf = ({ doc }: OpenStorage): Uint8Array => Y.encodeStateAsUpdate(doc);

/** Lets everything that is ready to run, run. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise;
    return 'none';
  } catch (error) {
    return error instanceof SealwireError ? error.code : String(error);
  }
};

const texts = (vault: Vault): string[] => vault.load().map(({ bytes }) => new TextDecoder().decode(bytes));

test('[VT13] steps that wait together share one barrier; the next ones share the next', async () => {
  const storage = memoryStorage();
  const vault = await open(storage);
  const done: string[] = [];
  const commit = (name: string) =>
    void vault.commit({ put: [utf8(name)] }).durable.then(() => done.push(name));
  for (const name of ['a', 'b', 'c']) commit(name);
  await settle();
  assert.is(storage.barriers.length, 1);
  for (const name of ['d', 'e']) commit(name);
  await settle();
  assert.is(storage.barriers.length, 1, 'one at a time');
  assert.equal(done, []);
  storage.barriers[0]!.resolve();
  await settle();
  assert.equal(done, ['a', 'b', 'c']);
  assert.is(storage.barriers.length, 2);
  storage.barriers[1]!.resolve();
  await settle();
  assert.equal(done, ['a', 'b', 'c', 'd', 'e']);
  assert.is(storage.barriers.length, 2);
});

test('[VT10] one step is one Yjs update', async () => {
  const storage = memoryStorage();
  const vault = await open(storage);
  let updates = 0;
  storage.doc.on('update', () => updates++);
  const { ids } = vault.commit({ put: ['a', 'b', 'c'].map(utf8) });
  assert.is(updates, 1);
  vault.commit({ put: [utf8('d')], remove: [ids[0]!, ids[2]!, ids[0]!] });
  assert.is(updates, 2);
  vault.commit({});
  assert.is(updates, 2, 'a step without change writes nothing');
  assert.equal(texts(await open(memoryStorage(stateOf(storage)))), ['b', 'd']);
});

test('[VT1] [VT2] [VT3] what lies in the document, byte for byte', async () => {
  const storage = memoryStorage();
  const vault = await open(storage);
  vault.commit({ put: [utf8('hello')] });
  const [marker, record, ...rest] = storage.doc.getArray<Uint8Array>('records').toArray();
  assert.equal(rest, []);
  assert.equal(marker!.subarray(0, 15), concat(utf8('sealwire-vault'), Uint8Array.of(1)));
  assert.equal(
    openAead(storage.key, marker!.subarray(15), utf8('sealwire/v1/vault-marker')),
    new Uint8Array(0),
  );
  assert.equal(openAead(storage.key, record!, utf8('sealwire/v1/vault-record')), utf8('hello'));
  assert.equal([...storage.doc.share.keys()], ['records']);
});

test('[VT2] a newer vault is not opened; a vault of another key neither; both release the storage', async () => {
  const storage = memoryStorage();
  (await open(storage)).commit({ put: [utf8('hello')] });
  const newer = memoryStorage();
  newer.doc.getArray('records').push([concat(utf8('sealwire-vault'), Uint8Array.of(2), randomBytes(9))]);
  assert.is(await codeOf(open(newer)), 'STORAGE_NEWER');
  assert.is(newer.closes, 1);
  const otherKey = memoryStorage(stateOf(storage), randomBytes(32));
  assert.is(await codeOf(open(otherKey)), 'STORAGE_CORRUPT');
  assert.is(otherKey.closes, 1);
  const noMarker = memoryStorage();
  noMarker.doc.getArray('records').push([storage.doc.getArray<Uint8Array>('records').get(1)]);
  assert.is(await codeOf(open(noMarker)), 'STORAGE_CORRUPT');
});

test('[VT4] a record of which any byte changed is damage', async () => {
  const storage = memoryStorage();
  (await open(storage)).commit({ put: ['good', 'bad'].map(utf8) });
  const damaged = memoryStorage();
  const [marker, good, bad] = storage.doc.getArray<Uint8Array>('records').toArray() as Uint8Array[];
  bad![30]! ^= 1;
  damaged.doc.getArray('records').push([marker, good, bad]);
  assert.is(await codeOf(open(damaged)), 'STORAGE_CORRUPT');
});

test('[VT6] a removed record’s bytes are gone from the document, and thousands leave little behind', async () => {
  const storage = memoryStorage();
  const vault = await open(storage);
  vault.commit({ put: [utf8('stays')] });
  const { ids } = vault.commit({ put: [utf8('goes')] });
  const sealed = Buffer.from(storage.doc.getArray<Uint8Array>('records').get(2));
  assert.ok(Buffer.from(stateOf(storage)).includes(sealed), 'found while it is there');
  vault.commit({ remove: ids });
  assert.not.ok(Buffer.from(stateOf(storage)).includes(sealed), 'gone at once');
  const before = stateOf(storage).length;
  for (let i = 0; i < 2000; i++) vault.commit({ remove: vault.commit({ put: [randomBytes(100)] }).ids });
  const reopened = new Y.Doc();
  Y.applyUpdate(reopened, stateOf(storage));
  assert.ok(Y.encodeStateAsUpdate(reopened).length < before + 100, 'they merge into one deleted run');
});

test('[VT5] ids stay right while records come and go in any order', async () => {
  const storage = memoryStorage();
  const vault = await open(storage);
  const model = new Map<number, string>();
  const random = seededRandom(42);
  for (let i = 0; i < 600; i++) {
    const names = Array.from({ length: random.int(4) }, (_, j) => `${i}.${j}`);
    const held = [...model.keys()];
    const remove = held.filter(() => random.int(10) < 2);
    const { ids } = vault.commit({ put: names.map(utf8), remove });
    for (const id of remove) model.delete(id);
    ids.forEach((id, j) => {
      model.set(id, names[j]!);
    });
  }
  assert.ok(model.size > 0);
  assert.equal(texts(await open(memoryStorage(stateOf(storage)))), [...model.values()]);
});

test('[VT9] an id that is not there is the caller’s mistake, and changes nothing', async () => {
  const storage = memoryStorage();
  const vault = await open(storage);
  const { ids } = vault.commit({ put: [utf8('a')] });
  const before = stateOf(storage);
  assert.throws(() => vault.commit({ put: [utf8('b')], remove: [ids[0]!, 99] }), /no record 99/);
  assert.equal(stateOf(storage), before);
  vault.commit({ remove: ids });
  assert.throws(() => vault.commit({ remove: ids }), /no record 0/);
});

test('records are handed over once', async () => {
  const vault = await open(memoryStorage());
  vault.load();
  assert.throws(() => vault.load(), /handed over/);
});

test('[VT14] after a failure steps are refused, listeners told once, and repair clears it', async () => {
  const storage = memoryStorage();
  const vault = await open(storage);
  const heard: (Error | undefined)[] = [];
  const end = vault.onProblem((problem) => heard.push(problem));
  const full = new SealwireError('STORAGE_FULL', 'full');
  const first = vault.commit({ put: [utf8('first')] }).durable;
  await settle();
  const second = vault.commit({ put: [utf8('second')] }).durable;
  storage.barriers[0]!.reject(full);
  await settle();
  storage.barriers[1]!.reject(full);
  assert.is(await codeOf(first), 'STORAGE_FULL');
  assert.is(await codeOf(second), 'STORAGE_FULL');
  assert.is(vault.problem, full);
  assert.is(await codeOf(vault.commit({ put: [utf8('third')] }).durable), 'STORAGE_FULL');
  assert.is(storage.barriers.length, 2, 'nothing more is asked of the storage');
  assert.equal(heard, [full]);

  const repaired = vault.repair();
  await settle();
  assert.is(storage.repairs, 1);
  assert.is(vault.problem, full, 'not before the barrier');
  storage.barriers[2]!.resolve();
  await repaired;
  assert.is(vault.problem, undefined);
  assert.equal(heard, [full, undefined]);
  assert.equal(texts(await open(memoryStorage(stateOf(storage)))), ['first', 'second', 'third']);
  end();
  storage.lose(new SealwireError('STORAGE_IN_USE', 'elsewhere'));
  assert.is(heard.length, 2, 'unsubscribed');
  assert.is(await codeOf(vault.commit({}).durable), 'STORAGE_IN_USE');
});

test('[VT16] a repair that fails leaves the newer problem', async () => {
  const storage = memoryStorage();
  const vault = await open(storage);
  storage.lose(new SealwireError('STORAGE_LOST', 'gone'));
  const full = new SealwireError('STORAGE_FULL', 'full');
  storage.repair = () => Promise.reject(full);
  assert.is(await codeOf(vault.repair()), 'STORAGE_FULL');
  assert.is(vault.problem, full);
});

test('[VT19] close waits for steps, and what comes after is CLOSED', async () => {
  const storage = memoryStorage();
  const vault = await open(storage);
  const { ids, durable } = vault.commit({ put: [utf8('a')] });
  const closing = vault.close();
  await settle();
  assert.is(storage.closes, 0);
  // Not as if what was put after the end had never been given an id.
  const late = vault.commit({ put: [utf8('b')] });
  assert.throws(
    () => vault.read([...ids, ...late.ids]),
    ({ code }: SealwireError) => code === 'CLOSED',
  );
  const before = stateOf(storage);
  assert.is(await codeOf(late.durable), 'CLOSED');
  assert.is(await codeOf(vault.repair()), 'CLOSED');
  assert.equal(stateOf(storage), before);
  storage.barriers[0]!.resolve();
  await durable;
  await closing;
  assert.is(storage.closes, 1);
});

test.run();
