// A vault in a browser: y-indexeddb keeps the document, watched so that its silent failures are seen.
// Rules: spec/vault.md §5.
import { SealwireError, sameBytes, toHex } from '@sealwire/protocol';
import * as idb from 'lib0/indexeddb';
import { IndexeddbPersistence } from 'y-indexeddb';
import * as Y from 'yjs';
import { randomBytes } from '../random.ts';
import { browserArchive } from './browser-archive.ts';
import {
  claim,
  corrupt,
  isLong,
  lost,
  openDatabase,
  readRows,
  replaceRows,
  takenOver,
  unavailable,
} from './browser-database.ts';
import { type Guard, guardDatabase } from './browser-guard.ts';
import { readKey, writeKey } from './browser-key.ts';
import { type BrowserLock, lockName } from './browser-lock.ts';
import type { OpenStorage, Storage } from './storage.ts';

/**
 * A vault in this origin's IndexedDB.
 *
 * @param name - tells several vaults of one origin apart.
 * @param options.steal - take the vault over from a tab that has it open; that tab is told STORAGE_IN_USE and writes
 *   nothing more. Default: false, and opening it in a second tab is refused with STORAGE_IN_USE.
 */
export const browserStorage = (name: string, options: { readonly steal?: boolean } = {}): Storage => {
  const place: Place = {
    database: `sealwire/${name}/vault`,
    keys: `sealwire/${name}/key`,
    archive: `sealwire/${name}/archive`,
  };
  const lock = `sealwire/${name}`;
  return {
    async open() {
      const held = await takeLock(lock, options.steal ?? false);
      try {
        // A prompt in some browsers, so nobody waits for the answer; refused, the browser may evict the vault.
        void navigator.storage?.persist?.().catch(() => undefined);
        return await openLocked(place, held);
      } catch (error) {
        held.release();
        throw error instanceof SealwireError
          ? error
          : unavailable('This browser does not let the app store anything.', error);
      }
    },
    async destroy() {
      const held = await takeLock(lock, false);
      try {
        await removeAll(place);
      } finally {
        held.release();
      }
    },
  };
};

/** The key first: what is left without it nobody can read. */
const removeAll = async (place: Place): Promise<void> => {
  await idb.deleteDB(place.keys);
  await idb.deleteDB(place.database);
  await idb.deleteDB(place.archive);
};

/** Names of the databases of a vault. */
interface Place {
  readonly database: string;
  readonly keys: string;
  readonly archive: string;
}

const takeLock = async (name: string, steal: boolean): Promise<BrowserLock> => {
  if (typeof indexedDB === 'undefined' || !globalThis.navigator?.locks || !globalThis.crypto?.subtle)
    throw unavailable('This page has no storage, locks or cryptography; it needs HTTPS.');
  const held = await lockName(name, steal);
  if (held) return held;
  throw new SealwireError('STORAGE_IN_USE', 'This device is open in another tab: use it there, or here.');
};

const openLocked = async (place: Place, lock: BrowserLock): Promise<OpenStorage> => {
  const doc = new Y.Doc({ gc: true });
  let connection: Connection | undefined;
  let problem: SealwireError | undefined;
  const listeners = new Set<(error: Error) => void>();
  const fail = (error: unknown): void => {
    if (problem) return;
    problem = error instanceof SealwireError ? error : lost('The storage of this device was closed.', error);
    connection?.guard.halt();
    if (problem.code === 'STORAGE_FULL') return;
    void connection?.end();
    connection = undefined;
    for (const listener of listeners) listener(problem);
  };
  const { key, ...first } = await prepare(place, lock);
  connection = await connect(place, first, doc, fail);
  lock.onStolen(() => fail(takenOver()));
  const archive = browserArchive(place.archive, lock.isStolen);

  let queue: Promise<void> = Promise.resolve();
  const inTurn = (run: () => Promise<void>): Promise<void> => {
    const turn = queue.then(run);
    queue = turn.catch(() => undefined); // Reported to whoever asked for this turn.
    return turn;
  };
  /** Runs what may fail; whatever fails, here or meanwhile, is the storage's problem. */
  const watch = async (run: () => Promise<void>): Promise<void> => {
    await run().catch(fail);
    if (problem) throw problem;
  };
  const barrier = async (): Promise<void> => {
    if (problem) throw problem;
    await watch(() => connection!.guard.readBack());
  };
  const repair = async (): Promise<void> => {
    if (problem?.code === 'STORAGE_IN_USE') throw problem;
    problem = undefined;
    await watch(async () => {
      await putBackKey(place.keys, key);
      if (connection) await writeMissing(place, doc, connection);
      else connection = await connect(place, await enter(place, lock), doc, fail);
      await connection.guard.readBack();
    });
  };
  return {
    doc,
    key,
    archive,
    barrier: () => inTurn(barrier),
    repair: () => inTurn(repair),
    onLost: (listener) => void listeners.add(listener),
    close: () =>
      inTurn(async () => {
        try {
          if (!problem) await barrier();
        } finally {
          await connection?.end();
          await archive.close();
          doc.destroy();
          lock.release();
        }
      }),
    destroy: () =>
      inTurn(async () => {
        await connection?.end();
        await archive.close();
        doc.destroy();
        // Databases of another tab that took the vault over are not ours to remove.
        if (!lock.isStolen()) await removeAll(place);
        lock.release();
      }),
  };
};

/** A database that this tab alone may write to. */
interface Entered {
  readonly database: IDBDatabase;
  readonly owner: string;
}

/** Opens the database and claims it. @throws SealwireError STORAGE_* */
const enter = async (place: Place, lock: BrowserLock): Promise<Entered> => {
  const database = await openDatabase(place.database);
  try {
    if (lock.isStolen()) throw takenOver();
    const owner = toHex(randomBytes(16));
    await claim(database, owner);
    return { database, owner };
  } catch (error) {
    database.close();
    throw error;
  }
};

/** Enters, checks what is stored, shortens it if that is worthwhile, and reads the key; makes one for a new vault. */
const prepare = async (place: Place, lock: BrowserLock): Promise<Entered & { key: Uint8Array }> => {
  const entered = await enter(place, lock);
  try {
    const stored = await readRows(entered.database);
    if (isLong(stored))
      await replaceRows(entered.database, stored.state).catch((error: SealwireError) => {
        if (error.code !== 'STORAGE_FULL') throw error; // Without room, the rows serve as they are.
      });
    const known = await readKey(place.keys);
    if (known) return { ...entered, key: known };
    if (!stored.isEmpty)
      throw corrupt('The key of this device is gone, and without it nobody can read what is stored.');
    const key = randomBytes(32);
    await writeKey(place.keys, key);
    return { ...entered, key };
  } catch (error) {
    entered.database.close();
    throw error;
  }
};

/** After databases were deleted: the key goes back before the document. @throws SealwireError STORAGE_IN_USE */
const putBackKey = async (name: string, key: Uint8Array): Promise<void> => {
  const found = await readKey(name);
  if (!found) await writeKey(name, key);
  else if (!sameBytes(found, key)) throw takenOver();
};

/** Writes what the rows lack: when there is little room again, there may be none for a second copy of all. */
const writeMissing = async (place: Place, doc: Y.Doc, connection: Connection): Promise<void> => {
  const database = await openDatabase(place.database);
  const { state } = await readRows(database).finally(() => database.close());
  connection.endTrim();
  const stored = Y.encodeStateVectorFromUpdate(state);
  await connection.guard.resume(() => Y.encodeStateAsUpdate(doc, stored));
};

interface Connection {
  readonly guard: Guard;
  /** Has y-indexeddb no longer try to shorten the rows, for which there was no room. */
  endTrim(): void;
  /** Stops keeping the document, once what was written is through. */
  end(): Promise<void>;
}

/**
 * Has y-indexeddb keep `doc` in the database: it loads the rows there, and adds one with what `doc` holds already.
 *
 * @param entered - its database is closed when y-indexeddb has its own.
 * @param failed - called at any time from now on, when a write fails or the database goes away.
 */
const connect = async (
  place: Place,
  entered: Entered,
  doc: Y.Doc,
  failed: (error: SealwireError) => void,
): Promise<Connection> => {
  let guard: Guard | undefined;
  let ended = false;
  const provider = new IndexeddbPersistence(place.database, doc);
  const end = (): Promise<void> => {
    ended = true;
    return provider.destroy();
  };
  const broken = new Promise<never>((_, reject) => {
    const fail = (error: SealwireError): void => {
      reject(error);
      if (!ended) failed(error);
    };
    // y-indexeddb assigns `db` when it has opened its connection, and uses it at once.
    Object.defineProperty(provider, 'db', {
      get: () => guard ?? null,
      set: (opened: IDBDatabase) => {
        guard = guardDatabase(opened, entered.owner, fail);
        const gone = () => fail(lost('The database of this device was deleted.'));
        opened.addEventListener('versionchange', gone);
        opened.addEventListener('close', gone);
      },
    });
  });
  broken.catch(() => undefined); // After loading, `failed` alone tells of it.
  try {
    await Promise.race([provider.whenSynced, broken]);
  } catch (error) {
    await end();
    throw error;
  } finally {
    entered.database.close();
  }
  const endTrim = (): void => {
    provider._dbsize = Number.NEGATIVE_INFINITY; // It trims when this count of rows reaches 500.
  };
  return { guard: guard!, endTrim, end };
};
