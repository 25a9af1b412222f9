// What a test does to the databases of an origin from another tab, without any code of the vault.
import { toText } from '@sealwire/testkit/vault-remote';

declare global {
  interface Window {
    /** The bytes of every value in every database, in base64; strings as UTF-8. */
    dumpDatabases(): Promise<string[]>;
    deleteDatabases(): Promise<void>;
    /** Runs one transaction on one store. */
    change(
      database: string,
      store: string,
      run: (store: IDBObjectStore) => IDBRequest | undefined,
    ): Promise<unknown>;
  }
}

window.dumpDatabases = async () => {
  const found: string[] = [];
  const visit = (value: unknown): void => {
    if (value instanceof Uint8Array) found.push(toText(value));
    else if (value instanceof ArrayBuffer) found.push(toText(new Uint8Array(value)));
    else if (typeof value === 'string') found.push(toText(new TextEncoder().encode(value)));
    else if (value instanceof Object) for (const inner of Object.values(value)) visit(inner);
  };
  for (const { name } of await indexedDB.databases()) {
    const database = await settled(indexedDB.open(name!));
    for (const store of database.objectStoreNames)
      visit(await settled(database.transaction(store).objectStore(store).getAll()));
    database.close();
  }
  return found;
};

window.deleteDatabases = async () => {
  for (const { name } of await indexedDB.databases()) await settled(indexedDB.deleteDatabase(name!));
};

window.change = async (name, storeName, run) => {
  const database = await settled(indexedDB.open(name));
  const transaction = database.transaction(storeName, 'readwrite');
  const request = run(transaction.objectStore(storeName));
  await new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
  database.close();
  return request?.result;
};

const settled = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
