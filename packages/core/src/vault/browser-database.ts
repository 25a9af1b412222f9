// The vault's IndexedDB database: opened by us first, so that failures are seen, and read before y-indexeddb is let in.
// Rules: spec/vault.md §5.
import { SealwireError } from '@sealwire/protocol';
import * as Y from 'yjs';

/** y-indexeddb's stores: rows of updates under rising keys, and a place for values of its users. */
export const UPDATES = 'updates';
export const CUSTOM = 'custom';

/** Where in `custom` it is written who may write, and how many steps they have made. */
export const FENCE = 'sealwire-fence';

export interface Fence {
  /** Random, new at every opening. */
  readonly owner: string;
  readonly step: number;
}

const DATABASE_VERSION = 1;
const COMPACT_ROWS = 500;
const COMPACT_FACTOR = 2;
const COMPACT_SLACK_BYTES = 4096;

/**
 * Opens the database as y-indexeddb would make it.
 *
 * @throws SealwireError STORAGE_UNAVAILABLE, STORAGE_NEWER, STORAGE_CORRUPT
 */
export const openDatabase = async (name: string): Promise<IDBDatabase> => {
  const database = await new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(name, DATABASE_VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(UPDATES, { autoIncrement: true });
      request.result.createObjectStore(CUSTOM);
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(openError(request.error));
  });
  if (database.objectStoreNames.contains(UPDATES) && database.objectStoreNames.contains(CUSTOM))
    return database;
  database.close();
  throw corrupt('The database of this device is not a vault.');
};

/** What a database that could not be opened means. */
export const openError = (error: DOMException | null): SealwireError => {
  if (error?.name === 'VersionError')
    return new SealwireError(
      'STORAGE_NEWER',
      'The storage of this device was written by a newer version of this app: update it.',
    );
  if (error?.name === 'QuotaExceededError') return full();
  return unavailable(`This browser does not let the app store anything (${error?.name ?? 'unknown'}).`);
};

/**
 * Makes `owner` the only one whose writes count. Writes of earlier owners that are still under way are before this or
 * will be refused: transactions over one store run one after another.
 */
export const claim = (database: IDBDatabase, owner: string): Promise<void> =>
  inTransaction(database, [CUSTOM], (transaction) => {
    transaction.objectStore(CUSTOM).put({ owner, step: 0 } satisfies Fence, FENCE);
  });

export interface Stored {
  readonly rows: number;
  readonly bytes: number;
  /** The state that all rows together make; empty for a new vault. */
  readonly state: Uint8Array;
  readonly isEmpty: boolean;
}

/** Reads and checks all rows. @throws SealwireError STORAGE_CORRUPT */
export const readRows = async (database: IDBDatabase): Promise<Stored> => {
  let rows: unknown[] = [];
  await inTransaction(
    database,
    [UPDATES],
    (transaction) => {
      const request = transaction.objectStore(UPDATES).getAll();
      request.onsuccess = () => {
        rows = request.result;
      };
    },
    'readonly',
  );
  const doc = new Y.Doc({ gc: true });
  let bytes = 0;
  try {
    doc.transact(() => {
      for (const row of rows) {
        if (!(row instanceof Uint8Array)) throw new TypeError('a row is not bytes');
        Y.applyUpdate(doc, row);
        bytes += row.length;
      }
    });
  } catch (error) {
    throw corrupt('The database of this device holds what is no document.', error);
  }
  if (doc.store.pendingStructs || doc.store.pendingDs)
    throw corrupt('The database of this device has a gap.');
  const state = Y.encodeStateAsUpdate(doc);
  const isEmpty = doc.store.clients.size === 0;
  doc.destroy();
  return { rows: rows.length, bytes, state, isEmpty };
};

/** True when it is worth replacing all rows by one with the state. */
export const isLong = ({ rows, bytes, state }: Stored): boolean =>
  rows > COMPACT_ROWS || bytes > COMPACT_FACTOR * (state.length + COMPACT_SLACK_BYTES);

/** Replaces all rows by one, in one step. Rejects with STORAGE_FULL and changes nothing if there is no room. */
export const replaceRows = (database: IDBDatabase, state: Uint8Array): Promise<void> =>
  inTransaction(database, [UPDATES], (transaction) => {
    transaction.objectStore(UPDATES).clear();
    transaction.objectStore(UPDATES).add(state);
  });

/** Runs one transaction, durable before it resolves where the browser offers that. */
export const inTransaction = (
  database: IDBDatabase,
  stores: string[],
  run: (transaction: IDBTransaction) => void,
  mode: IDBTransactionMode = 'readwrite',
): Promise<void> =>
  new Promise((resolve, reject) => {
    const transaction = database.transaction(stores, mode, { durability: 'strict' });
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(writeError(transaction.error));
    run(transaction);
  });

/** What an aborted transaction means. */
export const writeError = (error: DOMException | null): SealwireError =>
  error?.name === 'QuotaExceededError'
    ? full(error)
    : lost(
        `The browser no longer stores what this device writes (${error?.name ?? 'no reason given'}).`,
        error,
      );

export const full = (cause?: unknown): SealwireError =>
  new SealwireError('STORAGE_FULL', 'The storage of this browser is full: make room, then try again.', {
    cause,
  });

export const lost = (what: string, cause?: unknown): SealwireError =>
  new SealwireError('STORAGE_LOST', `${what} Try again to write it anew.`, { cause });

export const takenOver = (): SealwireError =>
  new SealwireError('STORAGE_IN_USE', 'Another tab took over the storage of this device.');

export const unavailable = (what: string, cause?: unknown): SealwireError =>
  new SealwireError(
    'STORAGE_UNAVAILABLE',
    `${what} Allow site data for this page, leave private browsing, or use another browser.`,
    { cause },
  );

export const corrupt = (what: string, cause?: unknown): SealwireError =>
  new SealwireError('STORAGE_CORRUPT', `${what} Clear this site's data and link this device again.`, {
    cause,
  });
