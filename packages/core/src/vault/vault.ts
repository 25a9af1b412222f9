// The device's sealed, durable records, over any OpenStorage. Rules: spec/vault.md §2 and §3.
import { SealwireError, toHex } from '@sealwire/protocol';
import type * as Y from 'yjs';
import { concat, utf8 } from '../bytes.ts';
import { openAead, sealAead } from '../crypto/aead.ts';
import type { OpenStorage } from './storage.ts';

/** Names one record within one run of the program; a reopened vault gives new ones. */
export type RecordId = number;

export interface VaultRecord {
  readonly id: RecordId;
  /** Opened bytes; owned by the vault, not to be changed. */
  readonly bytes: Uint8Array;
}

/** See {@link Vault.archive}. */
export interface VaultArchive {
  /** Seals and keeps a value. Resolves with its name, a new one each time, when it is durable. @throws SealwireError STORAGE_* */
  put(value: Uint8Array): Promise<string>;
  /** @returns undefined if the storage lost it. @throws SealwireError STORAGE_CORRUPT, STORAGE_LOST */
  get(name: string): Promise<Uint8Array | undefined>;
  /** Of these names, those under which there is nothing. */
  missing(names: Iterable<string>): Promise<string[]>;
  /** Removes values that no record names any more. One that stays for a while does no harm: see `keep`. */
  remove(names: readonly string[]): Promise<void>;
  /** Removes all others: what a crash left behind that no record names. */
  keep(names: ReadonlySet<string>): Promise<void>;
}

/** See {@link openVault}. */
export interface Vault {
  /**
   * All records in the order in which they were put, as they were when the vault was opened.
   * Once only: the records are handed over, not kept. @throws TypeError when called again.
   */
  load(): VaultRecord[];
  /**
   * These records as they are now, opened anew, in the order of `ids`. For what must be judged again, which is rare.
   * @throws RangeError naming an id that is not in the vault; SealwireError CLOSED.
   */
  read(ids: readonly RecordId[]): VaultRecord[];
  /**
   * Puts and removes records in one atomic step. The ids come back at once; `durable` settles when the step is on disk.
   * Steps become durable in the order of the calls; steps that wait together share one barrier.
   *
   * While there is a `problem`, `durable` rejects with it and nothing reaches the disk; the step stays in memory, so
   * that what the caller holds and what `repair` writes are the same. After `close` it rejects with CLOSED.
   *
   * @throws RangeError naming an id that is not in the vault; nothing was changed.
   */
  commit(change: { readonly put?: readonly Uint8Array[]; readonly remove?: readonly RecordId[] }): {
    readonly ids: readonly RecordId[];
    readonly durable: Promise<void>;
  };
  /** Values beside the records, read only when somebody asks for them. What records name is theirs. */
  readonly archive: VaultArchive;
  /** STORAGE_FULL, STORAGE_LOST or STORAGE_IN_USE once that has happened; stays until `repair`. */
  readonly problem: Error | undefined;
  /** Called whenever `problem` changes. @returns the function that ends the subscription. */
  onProblem(listener: (problem: Error | undefined) => void): () => void;
  /**
   * Writes everything anew: what was durable and what waited in memory. Rejects, with `problem` set, if that fails.
   * A vault that somebody else took over (STORAGE_IN_USE) is never repaired.
   */
  repair(): Promise<void>;
  /** Waits for the commits made before, then releases the storage. Never rejects for a `problem`. */
  close(): Promise<void>;
  /** Removes records and key for ever, and closes. Commits that wait reject with CLOSED. */
  destroy(): Promise<void>;
}

/** The vault format that this code writes: spec/vault.md §2. */
export const VAULT_VERSION = 1;

const MAGIC = utf8('sealwire-vault');
const MARKER_LABEL = utf8('sealwire/v1/vault-marker');
const RECORD_LABEL = utf8('sealwire/v1/vault-record');
const ARCHIVE_LABEL = 'sealwire/v1/vault-archive';
const ARCHIVE_NAME_BYTES = 16;

/**
 * Opens the records in `storage`. Each is sealed with the storage's key; nothing readable reaches the document.
 *
 * @param storage - owned by the vault from now on, closed with it, and closed if this rejects.
 * @param options.randomBytes - a cryptographic source; 24 bytes are drawn for each record.
 * @throws SealwireError STORAGE_CORRUPT if a record does not open, STORAGE_NEWER for a newer format.
 */
export const openVault = async (
  storage: OpenStorage,
  options: { readonly randomBytes: (length: number) => Uint8Array },
): Promise<Vault> => {
  const { doc, key } = storage;
  const array = doc.getArray<Uint8Array>('records');
  let loaded: VaultRecord[] | undefined;
  try {
    loaded = openRecords(array, key);
  } catch (error) {
    await storage.close();
    throw error;
  }
  /** Ids of the records in the array, which start behind the marker. They only rise. */
  const ids = loaded.map(({ id }) => id);
  let nextId = ids.length;
  const listeners = new Set<(problem: Error | undefined) => void>();
  let problem: Error | undefined;
  let closed = false;
  let waiting: Waiting[] = [];
  let pump: Promise<void> | undefined;

  const setProblem = (next: Error | undefined): void => {
    if (problem === next) return;
    problem = next;
    for (const listener of listeners) listener(next);
  };
  storage.onLost(setProblem);

  /** One barrier for all that waits, until nothing does. */
  const settleWaiting = async (): Promise<void> => {
    await Promise.resolve(); // Steps of the same turn go together.
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        await storage.barrier();
        for (const { resolve } of batch) resolve();
      } catch (error) {
        setProblem(error as Error);
        for (const { reject } of batch) reject(error as Error);
      }
    }
    pump = undefined;
  };

  const durable = (): Promise<void> => {
    if (problem) return rejected(problem);
    const promise = new Promise<void>((resolve, reject) => waiting.push({ resolve, reject }));
    promise.catch(() => undefined); // Callers that do not look learn of it from `problem`.
    pump ??= settleWaiting();
    return promise;
  };

  const write = (put: readonly Uint8Array[], remove: readonly RecordId[]): RecordId[] => {
    const indexes = [...new Set(remove)].sort((a, b) => b - a).map((id) => indexOf(ids, id));
    const sealed = put.map((bytes) => sealAead(key, bytes, RECORD_LABEL, options.randomBytes));
    const added = put.map((_, i) => nextId + i);
    nextId += added.length;
    if (indexes.length + sealed.length === 0) return added;
    doc.transact(() => {
      if (array.length === 0) array.push([encodeMarker(key, options.randomBytes)]);
      for (const index of indexes) {
        array.delete(index + 1);
        ids.splice(index, 1);
      }
      if (sealed.length > 0) array.push(sealed);
    });
    ids.push(...added);
    return added;
  };

  return {
    load() {
      if (!loaded) throw new TypeError('the records of this vault were handed over already');
      const records = loaded;
      loaded = undefined;
      return records;
    },
    read(wanted) {
      // What was to be written after the end is not there.
      if (closed) throw closedError();
      const sealed = array.toArray();
      return wanted.map((id) => {
        const bytes = openAead(key, sealed[indexOf(ids, id) + 1]!, RECORD_LABEL);
        if (!bytes) throw new Error('a record that was sealed by this run does not open');
        return { id, bytes };
      });
    },
    commit({ put = [], remove = [] }) {
      if (closed) return { ids: put.map(() => nextId++), durable: rejected(closedError()) };
      return { ids: write(put, remove), durable: durable() };
    },
    archive: {
      async put(value) {
        const name = toHex(options.randomBytes(ARCHIVE_NAME_BYTES));
        if (closed) throw closedError();
        if (problem) throw problem;
        await storage.archive.put(
          name,
          sealAead(key, value, utf8(`${ARCHIVE_LABEL}${name}`), options.randomBytes),
        );
        return name;
      },
      async get(name) {
        const sealed = await storage.archive.get(name);
        if (!sealed) return undefined;
        const value = openAead(key, sealed, utf8(`${ARCHIVE_LABEL}${name}`));
        if (value) return value;
        throw new SealwireError(
          'STORAGE_CORRUPT',
          'A page on this device was altered. Restore the storage from a backup, or remove it and link this device again.',
        );
      },
      async missing(names) {
        const there = new Set(await storage.archive.names());
        return [...names].filter((name) => !there.has(name));
      },
      remove: (names) => storage.archive.remove(names),
      async keep(names) {
        const others = (await storage.archive.names()).filter((name) => !names.has(name));
        if (others.length > 0) await storage.archive.remove(others);
      },
    },
    get problem() {
      return problem;
    },
    onProblem(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async repair() {
      if (closed) throw closedError();
      try {
        await storage.repair();
        await storage.barrier(); // For steps that came while it was written.
      } catch (error) {
        setProblem(error as Error);
        throw error;
      }
      setProblem(undefined);
    },
    async close() {
      if (closed) return;
      closed = true;
      await pump;
      await storage.close();
    },
    async destroy() {
      if (closed) return;
      closed = true;
      for (const { reject } of waiting.splice(0)) reject(closedError());
      await pump;
      await storage.destroy();
    },
  };
};

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

const closedError = (): SealwireError => new SealwireError('CLOSED', 'This vault is closed.');

/** A rejection that may stay unseen: the vault's `problem`, or its being closed, says the same. */
const rejected = (error: Error): Promise<void> => {
  const promise = Promise.reject(error);
  promise.catch(() => undefined);
  return promise;
};

/** Where `id` is. Ids rise, so a binary search finds it. @throws RangeError if it is not there */
const indexOf = (ids: readonly RecordId[], id: RecordId): number => {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ids[middle]! < id) low = middle + 1;
    else high = middle;
  }
  if (ids[low] !== id) throw new RangeError(`the vault holds no record ${id}`);
  return low;
};

const encodeMarker = (key: Uint8Array, randomBytes: (length: number) => Uint8Array): Uint8Array =>
  concat(MAGIC, Uint8Array.of(VAULT_VERSION), sealAead(key, new Uint8Array(0), MARKER_LABEL, randomBytes));

/** Opens marker and records; an empty array is a new vault. @throws SealwireError STORAGE_CORRUPT, STORAGE_NEWER */
const openRecords = (array: Y.Array<Uint8Array>, key: Uint8Array): VaultRecord[] => {
  if (array.length === 0) return [];
  const [marker, ...sealed] = array.toArray();
  checkMarker(marker, key);
  return sealed.map((record, id) => {
    const bytes = record instanceof Uint8Array ? openAead(key, record, RECORD_LABEL) : undefined;
    if (!bytes)
      throw new SealwireError(
        'STORAGE_CORRUPT',
        `Record ${id + 1} of ${sealed.length} on this device was altered. Restore the storage from a backup, or remove it and link this device again.`,
      );
    return { id, bytes };
  });
};

const checkMarker = (marker: unknown, key: Uint8Array): void => {
  const known = marker instanceof Uint8Array && MAGIC.every((byte, i) => marker[i] === byte);
  if (known && marker[MAGIC.length]! > VAULT_VERSION)
    throw new SealwireError(
      'STORAGE_NEWER',
      'The storage of this device was written by a newer version of this app: update it.',
    );
  if (known && openAead(key, marker.subarray(MAGIC.length + 1), MARKER_LABEL)) return;
  throw new SealwireError(
    'STORAGE_CORRUPT',
    'The storage of this device does not belong to its key. Restore both from one backup, or remove them and link this device again.',
  );
};
