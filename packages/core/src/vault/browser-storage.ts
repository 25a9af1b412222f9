// A vault in a browser: y-indexeddb keeps the document, watched so that its silent failures are seen.
// Rules: spec/vault.md §5.
import { SealwireError, sameBytes, toHex } from '@sealwire/protocol';
import * as idb from 'lib0/indexeddb';
import { IndexeddbPersistence } from 'y-indexeddb';
import * as Y from 'yjs';
import { randomBytes } from '../random.ts';
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
  const place: Place = { database: `sealwire/${name}/vault`, keys: `sealwire/${name}/key` };
  const lock = (steal: boolean, stolen: () => void) => takeLock(`sealwire/${name}`, steal, stolen);
  return {
    async open() {
      let stolen = () => {};
      const held = await lock(options.steal ?? false, () => stolen());
      try {
        // A prompt in some browsers, so nobody waits for the answer; refused, the browser may evict the vault.
        void navigator.storage?.persist?.().catch(() => undefined);
        const opened = await openLocked(place, held);
        stolen = opened.stolen;
        return opened.storage;
      } catch (error) {
        held.release();
        throw error instanceof SealwireError
          ? error
          : unavailable('This browser does not let the app store anything.', error);
      }
    },
    async destroy() {
      const held = await lock(false, () => undefined);
      try {
        await idb.deleteDB(place.database);
        await idb.deleteDB(place.keys);
      } finally {
        held.release();
      }
    },
  };
};

interface Place {
  readonly database: string;
  readonly keys: string;
}

const takeLock = async (name: string, steal: boolean, stolen: () => void): Promise<BrowserLock> => {
  if (typeof indexedDB === 'undefined' || !globalThis.navigator?.locks || !globalThis.crypto?.subtle)
    throw unavailable('This page has no storage, locks or cryptography; it needs HTTPS.');
  const held = await lockName(name, steal, stolen);
  if (held) return held;
  throw new SealwireError('STORAGE_IN_USE', 'This device is open in another tab: use it there, or here.');
};
