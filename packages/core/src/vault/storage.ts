// Where a device keeps its vault, as an interface: IndexedDB in browsers, files in Node. Rules: spec/vault.md.
import type * as Y from 'yjs';

/**
 * An opened place for one vault: a Yjs document that is kept durable, and the key that seals its records.
 * One contract suite (testkit `vault-contract`) is passed by every implementation.
 */
export interface OpenStorage {
  /** The vault document, loaded from disk. The backend persists every update applied to it. */
  readonly doc: Y.Doc;
  /** 32 bytes; borrowed by the vault until `close`. */
  readonly key: Uint8Array;
  /**
   * Resolves when everything applied to `doc` before the call is durable and was read back.
   * Rejects with STORAGE_FULL (absent when read back) or STORAGE_LOST (the database is gone); both stay until `repair`.
   */
  barrier(): Promise<void>;
  /** Writes the whole document anew, after a full disk has room again or a deleted database is to be put back. */
  repair(): Promise<void>;
  /** Called once when the storage is lost or taken over by somebody else (STORAGE_LOST, STORAGE_IN_USE). */
  onLost(listener: (error: Error) => void): void;
  /** Waits for the barrier, then releases files, locks and databases. */
  close(): Promise<void>;
}

/** A place for a vault that is not open yet. */
export interface Storage {
  /** @throws SealwireError STORAGE_UNAVAILABLE, STORAGE_IN_USE, STORAGE_CORRUPT */
  open(): Promise<OpenStorage>;
  /** Removes vault and key for ever. */
  destroy(): Promise<void>;
}
