// What the relay asks of a store of blobs. Rules: spec/blobs.md (BL16). Every implementation passes testkit's
// `blobStoreContract`.

import type { Awaitable } from './awaitable.ts';

/** A blob under its room. Both 32 bytes. */
export interface BlobAddress {
  readonly room: Uint8Array;
  /** SHA-256 of its bytes. */
  readonly name: Uint8Array;
}

export interface BlobInfo {
  /** Bytes of the whole blob. */
  readonly size: number;
  /** Bytes that are there; `size` for one that is whole, verified and durable. */
  readonly received: number;
  readonly isWhole: boolean;
  /** Who put it, 32 bytes. */
  readonly principal: Uint8Array;
}

/** What begun blobs will take when they are whole. */
export interface Begun {
  readonly blobs: number;
  readonly bytes: number;
}

/**
 * Blobs by address. Bytes come and go in pieces as the other side takes them; none is held whole. What rejects, rejects
 * with STORE_FULL or STORE_FAILED where nothing else is said.
 */
export interface BlobStore {
  /** What is there; undefined if nothing is. */
  find(address: BlobAddress): Promise<BlobInfo | undefined>;
  /**
   * Begins a blob. One that is there, begun or whole, stays as it is.
   *
   * @param size - from 1 on.
   */
  begin(address: BlobAddress, size: number, principal: Uint8Array): Promise<BlobInfo>;
  /**
   * Adds bytes to a begun blob; what came is kept, also if `body` throws. With the last byte it becomes whole.
   *
   * @param offset - where the bytes begin: what is there already.
   * @throws SealwireError (rejects) BLOB_UNKNOWN if it was not begun; UNEXPECTED_MESSAGE if the offset is another or
   *   somebody else is writing; TOO_LARGE for more than the blob's size; MALFORMED, and it is gone, if all is there and is
   *   not of this name; whatever `body` throws.
   */
  write(address: BlobAddress, offset: number, body: AsyncIterable<Uint8Array>): Promise<BlobInfo>;
  /**
   * Bytes of a whole blob from `start` up to `end`, which is not among them.
   *
   * @throws SealwireError (rejects, or the iteration throws) BLOB_UNKNOWN unless it is whole.
   */
  read(address: BlobAddress, start: number, end: number): AsyncIterable<Uint8Array>;
  /** Removes it, begun or whole. @returns what was there. */
  remove(address: BlobAddress): Promise<BlobInfo | undefined>;
  /** Removes all of a room. */
  removeRoom(room: Uint8Array): Promise<void>;
  /** What a principal has begun. */
  begunBy(principal: Uint8Array): Awaitable<Begun>;
  /** What is begun in a room. */
  begunIn(room: Uint8Array): Awaitable<Begun>;
  /** Drops begun blobs that got nothing for so long. @returns how many. */
  expire(olderThanMs: number): Promise<number>;
  /** Frees everything. */
  close(): Promise<void>;
}
