// The vault key in a browser: 32 bytes, wrapped by a CryptoKey that no script can export. Rules: spec/vault.md §5.
import * as idb from 'lib0/indexeddb';
import { utf8 } from '../bytes.ts';
import { randomBytes } from '../random.ts';
import { corrupt, inTransaction, openError } from './browser-database.ts';

const KEYS = 'keys';
const ENTRY = 'vault';
const LABEL = utf8('sealwire/v1/vault-key');

interface WrappedKey {
  /** AES-GCM, 256 bits, not extractable. */
  readonly wrapping: CryptoKey;
  readonly iv: Uint8Array<ArrayBuffer>;
  readonly wrapped: ArrayBuffer;
}

/**
 * The key in a key database, or undefined if there is none.
 *
 * @returns 32 new bytes.
 * @throws SealwireError STORAGE_CORRUPT if it does not unwrap, STORAGE_UNAVAILABLE
 */
export const readKey = async (name: string): Promise<Uint8Array | undefined> => {
  const entry = await withDatabase(name, async (database) => {
    const [store] = idb.transact(database, [KEYS], 'readonly');
    return (await idb.get(store!, ENTRY)) as unknown as WrappedKey | undefined;
  });
  if (!entry) return undefined;
  try {
    return new Uint8Array(await crypto.subtle.decrypt(aesGcm(entry.iv), entry.wrapping, entry.wrapped));
  } catch (error) {
    throw corrupt('The key of this device was altered.', error);
  }
};

/** Wraps `key` with a new CryptoKey and stores both, durably, in one step. Replaces what is there. */
export const writeKey = async (name: string, key: Uint8Array): Promise<void> => {
  const wrapping = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, [
    'encrypt',
    'decrypt',
  ]);
  const iv = new Uint8Array(randomBytes(12));
  const wrapped = await crypto.subtle.encrypt(aesGcm(iv), wrapping, new Uint8Array(key));
  const entry: WrappedKey = { wrapping, iv, wrapped };
  await withDatabase(name, (database) =>
    inTransaction(database, [KEYS], (transaction) => {
      transaction.objectStore(KEYS).put(entry, ENTRY);
    }),
  );
};

const aesGcm = (iv: Uint8Array<ArrayBuffer>): AesGcmParams => ({
  name: 'AES-GCM',
  iv,
  additionalData: new Uint8Array(LABEL),
});

const withDatabase = async <T>(name: string, run: (database: IDBDatabase) => Promise<T>): Promise<T> => {
  let database: IDBDatabase;
  try {
    database = await idb.openDB(name, (fresh) => idb.createStores(fresh, [[KEYS]]));
  } catch (error) {
    throw openError(error as DOMException);
  }
  try {
    return await run(database);
  } finally {
    database.close();
  }
};
