// The device's sealed, durable records, over any OpenStorage. Rules: spec/vault.md.

/** Names one record within one run of the program; a reopened vault gives new ones. */
export type RecordId = number;

export interface VaultRecord {
  readonly id: RecordId;
  /** Opened bytes; owned by the vault, not to be changed. */
  readonly bytes: Uint8Array;
}

/** See {@link openVault}. */
export interface Vault {
  /** All records in the order in which they were put. Read once after opening; it is not kept up to date. */
  load(): VaultRecord[];
  /**
   * Puts and removes records in one atomic step. The ids come back at once; `durable` settles when the step is on disk.
   * Steps become durable in the order of the calls; steps that wait together share one barrier.
   */
  commit(change: { readonly put?: readonly Uint8Array[]; readonly remove?: readonly RecordId[] }): {
    readonly ids: readonly RecordId[];
    readonly durable: Promise<void>;
  };
  /** STORAGE_FULL or STORAGE_LOST once that has happened; every commit is refused until `repair`. */
  readonly problem: Error | undefined;
  onProblem(listener: (problem: Error | undefined) => void): () => void;
  repair(): Promise<void>;
  close(): Promise<void>;
}
