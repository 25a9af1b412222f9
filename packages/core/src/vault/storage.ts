// Where a device keeps its vault, as an interface: IndexedDB in browsers, files in Node. Rules: spec/vault.md.
import type * as Y from 'yjs';

/**
 * Values beside the document, each by itself: what a device need not read at each start. What the storage's document says
 * decides which of them count.
 */
export interface Archive {
  /**
   * Keeps a value for good. Resolves when it is durable and was read back.
   *
   * @param name - 32 lower-case hexadecimal digits, never used before.
   * @throws SealwireError STORAGE_FULL, STORAGE_LOST, STORAGE_IN_USE; then nothing of it is kept.
   */
  put(name: string, value: Uint8Array): Promise<void>;
  /** @returns undefined if there is none: removed, or lost with what somebody deleted. @throws SealwireError STORAGE_LOST */
  get(name: string): Promise<Uint8Array | undefined>;
  /** Removes values; names that are not there are no fault. */
  remove(names: readonly string[]): Promise<void>;
  /** All that are there. */
  names(): Promise<string[]>;
}

/**
 * An opened place for one vault: a Yjs document that is kept durable, and the key that seals its records.
 * One contract suite (testkit `vault-contract`) is passed by every implementation.
 */
export interface OpenStorage {
  /** The vault document, loaded from disk. The backend persists every update applied to it. */
  readonly doc: Y.Doc;
  /** 32 bytes; borrowed by the vault until `close`. */
  readonly key: Uint8Array;
  readonly archive: Archive;
  /**
   * Resolves when everything applied to `doc` before the call is durable and was read back.
   * Rejects with STORAGE_FULL (absent when read back), STORAGE_LOST (the database is gone) or STORAGE_IN_USE (somebody
   * else took it over). From then on nothing is written until `repair`, and every barrier rejects with the same.
   */
  barrier(): Promise<void>;
  /**
   * Writes what the storage lacks of `doc`: after a full disk has room again, or everything after it was deleted.
   * Rejects as `barrier` does; with STORAGE_IN_USE always, if that is what happened.
   */
  repair(): Promise<void>;
  /** Called each time the storage is lost or taken over by somebody else (STORAGE_LOST, STORAGE_IN_USE). */
  onLost(listener: (error: Error) => void): void;
  /** Waits for the barrier, then releases files, locks and databases. */
  close(): Promise<void>;
  /** Removes vault and key for ever and releases the rest; what waited is not written. Never rejects for a problem. */
  destroy(): Promise<void>;
}

/** A place for a vault that is not open yet. */
export interface Storage {
  /** @throws SealwireError STORAGE_UNAVAILABLE, STORAGE_IN_USE, STORAGE_CORRUPT, STORAGE_NEWER, STORAGE_FULL */
  open(): Promise<OpenStorage>;
  /** Removes vault and key for ever. @throws SealwireError STORAGE_IN_USE, STORAGE_UNAVAILABLE */
  destroy(): Promise<void>;
}
