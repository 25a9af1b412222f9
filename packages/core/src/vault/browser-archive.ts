// Values beside a vault's document, in a database of their own. Rules: spec/vault.md §5.

import { sameBytes } from '@sealwire/protocol';
import * as idb from 'lib0/indexeddb';
import { full, inTransaction, lost, openError, takenOver, writeError } from './browser-database.ts';
import type { Archive } from './storage.ts';

const VALUES = 'values';

/**
 * @param name - of the database.
 * @param isStolen - whether another tab has the vault by now.
 */
export const browserArchive = (
  name: string,
  isStolen: () => boolean,
): Archive & { readonly close: () => Promise<void> } => {
  let opening: Promise<IDBDatabase> | undefined;
  const database = (): Promise<IDBDatabase> => {
    opening ??= idb
      .openDB(name, (fresh) => idb.createStores(fresh, [[VALUES]]))
      .then((opened) => {
        // Deleted or closed elsewhere: the next use opens it anew.
        const gone = (): void => {
          opened.close();
          opening = undefined;
        };
        opened.onversionchange = gone;
        opened.onclose = gone;
        return opened;
      })
      .catch((error: unknown) => {
        opening = undefined;
        throw openError(error instanceof DOMException ? error : null);
      });
    return opening;
  };
  const read = async <T>(run: (store: IDBObjectStore) => Promise<T>): Promise<T> => {
    try {
      const [store] = idb.transact(await database(), [VALUES], 'readonly');
      return await run(store!);
    } catch (error) {
      throw error instanceof DOMException ? writeError(error) : error;
    }
  };
  const write = async (run: (store: IDBObjectStore) => void): Promise<void> => {
    if (isStolen()) throw takenOver();
    const opened = await database();
    try {
      await inTransaction(opened, [VALUES], (transaction) => run(transaction.objectStore(VALUES)));
    } catch (error) {
      throw error instanceof DOMException ? lost('The database of this device was closed.', error) : error;
    }
  };
  const get = (key: string): Promise<Uint8Array | undefined> =>
    read(async (store) => (await idb.get(store, key)) as unknown as Uint8Array | undefined);
  return {
    async put(key, value) {
      await write((store) => void store.put(value, key));
      const found = await get(key);
      if (!found || !sameBytes(found, value)) throw full();
    },
    get,
    remove: (keys) =>
      keys.length === 0
        ? Promise.resolve()
        : write((store) => {
            for (const key of keys) store.delete(key);
          }),
    names: () => read(async (store) => (await idb.getAllKeys(store)) as unknown as string[]),
    async close() {
      (await opening?.catch(() => undefined))?.close();
      opening = undefined;
    },
  };
};
