// Stands between y-indexeddb and its database: every write is fenced, strict, watched, and never throws into the page.
// Rules: spec/vault.md §5.
import type { SealwireError } from '@sealwire/protocol';
import { sameBytes } from '@sealwire/protocol';
import { CUSTOM, FENCE, type Fence, full, lost, takenOver, UPDATES, writeError } from './browser-database.ts';

/** What y-indexeddb gets to see instead of its database. */
export interface Guard {
  /** The only part of an IDBDatabase that y-indexeddb uses. */
  transaction(stores: string[], mode: IDBTransactionMode): IDBTransaction;
  /** Resolves when all rows written before the call are durable and were read back; rejects otherwise. */
  readBack(): Promise<void>;
  /** Lets writes through again after a failure, beginning with a row of what is missing. */
  resume(missing: () => Uint8Array): Promise<void>;
  /** Lets no further write through. */
  halt(): void;
}

interface Row {
  readonly value: Uint8Array;
  readonly request: IDBRequest<IDBValidKey>;
  /** True when the value is the whole document, which stands for all rows before it. */
  readonly isState: boolean;
}

/**
 * Guards one connection.
 *
 * Each writing transaction reads who may write and how many steps were made, and writes the next step. If another tab
 * claimed the database, or the step before failed, it aborts itself: no write comes after a takeover, and none is kept
 * without those before it.
 *
 * @param owner - must have claimed the database.
 * @param failed - called when a write failed; no further one is let through then.
 */
export const guardDatabase = (
  database: IDBDatabase,
  owner: string,
  failed: (error: SealwireError) => void,
): Guard => {
  let step = 0;
  let halted = false;
  let unread: Row[] = [];
  let lastState: Row | undefined;

  const fail = (error: SealwireError): void => {
    if (halted) return;
    halted = true;
    failed(error);
  };

  const begin = (): IDBTransaction => {
    const transaction = database.transaction([UPDATES, CUSTOM], 'readwrite', { durability: 'strict' });
    const custom = transaction.objectStore(CUSTOM);
    const expected = step;
    step += 1;
    let reason: SealwireError | undefined;
    const fence = custom.get(FENCE) as IDBRequest<Fence | undefined>;
    fence.onsuccess = () => {
      if (fence.result?.owner !== owner) reason = takenOver();
      else if (fence.result.step !== expected) reason = full();
      if (reason) transaction.abort();
    };
    custom.put({ owner, step: step } satisfies Fence, FENCE);
    transaction.onabort = () => fail(reason ?? writeError(transaction.error));
    return transaction;
  };

  const added = (row: Row): void => {
    unread.push(row);
    if (row.isState) lastState = row;
  };

  return {
    transaction(_stores, mode) {
      if (halted) return deadTransaction();
      try {
        return quiet(mode === 'readonly' ? database.transaction([UPDATES], mode) : begin(), added);
      } catch (error) {
        fail(lost('The database of this device was deleted or closed.', error));
        return deadTransaction();
      }
    },
    async readBack() {
      const rows = unread;
      unread = [];
      if (rows.length > 0 && !(await areThere(database, rows, () => lastState))) throw full();
    },
    async resume(missing) {
      const fence = await readFence(database);
      if (fence?.owner !== owner) throw takenOver();
      step = fence.step;
      unread = [];
      halted = false;
      const transaction = begin();
      const value = missing();
      added({ value, request: transaction.objectStore(UPDATES).add(value), isState: false });
    },
    halt() {
      halted = true;
    },
  };
};

/**
 * Reads rows in a transaction that starts after they were written. A row that is gone counts as there when a later state
 * is: y-indexeddb's trim replaces rows by one with the state of all.
 */
const areThere = (
  database: IDBDatabase,
  rows: readonly Row[],
  lastState: () => Row | undefined,
): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const transaction = database.transaction([UPDATES], 'readonly');
    const store = transaction.objectStore(UPDATES);
    let all = true;
    const expect = (row: Row): void => {
      const key = keyOf(row);
      if (key === undefined) {
        all = false;
        return;
      }
      const found = store.get(key);
      found.onsuccess = () => {
        if (!(found.result instanceof Uint8Array) || !sameBytes(found.result, row.value)) all = false;
      };
    };
    // The first answer comes after all earlier writes: only now are their keys known.
    store.count().onsuccess = () => {
      const state = lastState();
      const stateKey = state && keyOf(state);
      const covered = rows.filter((row) => stateKey !== undefined && (keyOf(row) ?? stateKey) < stateKey);
      for (const row of rows) if (!covered.includes(row)) expect(row);
      if (state && covered.length > 0 && !rows.includes(state)) expect(state);
    };
    transaction.oncomplete = () => resolve(all);
    transaction.onabort = () => reject(writeError(transaction.error));
  });

/** The key a row got, or undefined if it was not written. */
const keyOf = ({ request }: Row): IDBValidKey | undefined =>
  request.readyState === 'done' && !request.error ? request.result : undefined;

const readFence = (database: IDBDatabase): Promise<Fence | undefined> =>
  new Promise((resolve, reject) => {
    const transaction = database.transaction([CUSTOM], 'readonly');
    const request = transaction.objectStore(CUSTOM).get(FENCE);
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = () => reject(writeError(transaction.error));
  });

const METHODS = [
  'add',
  'put',
  'get',
  'getAll',
  'getAllKeys',
  'count',
  'delete',
  'openCursor',
  'openKeyCursor',
] as const;

/**
 * y-indexeddb neither awaits its requests nor handles their failures, so each failed one would be an unhandled
 * rejection. Its requests get no `onerror`; failures are seen in the transaction's `onabort` and by reading back.
 */
const quiet = (transaction: IDBTransaction, added: (row: Row) => void): IDBTransaction => {
  let readsAll = false;
  const objectStore = transaction.objectStore.bind(transaction);
  transaction.objectStore = (name) => {
    const store = objectStore(name);
    for (const method of METHODS) {
      const original = store[method].bind(store) as (...args: unknown[]) => IDBRequest;
      const replacement = (...args: unknown[]): IDBRequest => {
        if (method === 'getAll') readsAll = true;
        try {
          const request = original(...args);
          Object.defineProperty(request, 'onerror', { get: () => null, set: () => undefined });
          if (method === 'add') added({ value: args[0] as Uint8Array, request, isState: readsAll });
          return request;
        } catch {
          return deadRequest(); // The transaction is over; why, its `onabort` says.
        }
      };
      Object.defineProperty(store, method, { value: replacement });
    }
    return store;
  };
  return transaction;
};

/** A request that never answers. y-indexeddb sets its handlers and waits, which costs nothing. */
const deadRequest = (): IDBRequest => ({}) as IDBRequest;

const deadTransaction = (): IDBTransaction => {
  const store = Object.fromEntries(METHODS.map((method) => [method, deadRequest]));
  return { objectStore: () => store } as unknown as IDBTransaction;
};
