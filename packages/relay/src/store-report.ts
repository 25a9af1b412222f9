// What a look at a whole store finds. Apart from what looks, so that LMDB's types stay out of the package's.
// Rules: spec/relay-protocol.md §7 (RP191).

export interface StoreReport {
  readonly rooms: number;
  readonly principals: number;
  readonly frames: number;
  /** Bytes of frames, as they are counted. */
  readonly bytes: number;
  /** What is wrong, the first of each kind with how often; no ids. Empty for a whole store. */
  readonly problems: readonly string[];
}
