// Sealing an attachment in chunks that open one by one. Rules: spec/blobs.md §1.
import { SealwireError } from '@sealwire/protocol';
import { concat, utf8 } from '../bytes.ts';
import { AEAD_OVERHEAD_BYTES, openAead, sealAead } from '../crypto/aead.ts';

/** Bytes of content in each chunk but the last. */
export const BLOB_CHUNK_BYTES = 65_536;

/** Bytes of a sealed chunk, but of the last: chunk n of a blob begins at n times this. */
export const SEALED_CHUNK_BYTES = BLOB_CHUNK_BYTES + AEAD_OVERHEAD_BYTES;

const LABEL = utf8('sealwire/v1/blob-chunk');

/**
 * Seals content as it comes; no more than two chunks are held.
 *
 * @param key - 32 random bytes, never used for anything else. Borrowed.
 * @param content - pieces of any length. Borrowed.
 * @param randomBytes - gives that many fresh random bytes.
 * @returns the chunks of the blob in order, at least one.
 * @throws RangeError if the key has a wrong length; whatever `content` throws.
 */
export async function* sealBlob(
  key: Uint8Array,
  content: AsyncIterable<Uint8Array>,
  randomBytes: (length: number) => Uint8Array,
): AsyncGenerator<Uint8Array> {
  let index = 0;
  let held = new Uint8Array(BLOB_CHUNK_BYTES);
  let length = 0;
  const seal = (isLast: boolean): Uint8Array =>
    sealAead(key, held.subarray(0, length), aadOf(index++, isLast), randomBytes);
  for await (const piece of content) {
    for (let at = 0; at < piece.length; ) {
      // Only when more comes is a full chunk known not to be the last.
      if (length === BLOB_CHUNK_BYTES) {
        yield seal(false);
        held = new Uint8Array(BLOB_CHUNK_BYTES);
        length = 0;
      }
      const taken = piece.subarray(at, at + BLOB_CHUNK_BYTES - length);
      held.set(taken, length);
      length += taken.length;
      at += taken.length;
    }
  }
  yield seal(true);
}

/** Where a chunk lies in a blob. */
export interface ChunkPlace {
  /** From 0 on. */
  readonly index: number;
  readonly start: number;
  /** Not in it. */
  readonly end: number;
  readonly isLast: boolean;
}

/**
 * The chunks to fetch for a part of the content.
 *
 * @param blobBytes - of the whole sealed blob, as the entry that names it says.
 * @param from - first byte of the content, and `to`, one behind the last.
 * @throws SealwireError FRAME_UNREADABLE if no blob has this size; RangeError for a part that is not in it.
 */
export const chunksOf = (blobBytes: number, from: number, to: number): ChunkPlace[] => {
  const count = Math.ceil(blobBytes / SEALED_CHUNK_BYTES);
  const last = blobBytes - (count - 1) * SEALED_CHUNK_BYTES;
  const isEmptyLast = last === AEAD_OVERHEAD_BYTES && count > 1;
  if (count < 1 || last < AEAD_OVERHEAD_BYTES || isEmptyLast) throw unreadable();
  const contentBytes = blobBytes - count * AEAD_OVERHEAD_BYTES;
  if (from < 0 || to < from || to > contentBytes)
    throw new RangeError('from and to: not a part of the content');
  const first = Math.min(Math.floor(from / BLOB_CHUNK_BYTES), count - 1);
  const end = Math.min(Math.max(Math.ceil(to / BLOB_CHUNK_BYTES), first + 1), count);
  return Array.from({ length: end - first }, (_, i) => {
    const index = first + i;
    const start = index * SEALED_CHUNK_BYTES;
    return {
      index,
      start,
      end: Math.min(start + SEALED_CHUNK_BYTES, blobBytes),
      isLast: index === count - 1,
    };
  });
};

/**
 * Opens one chunk.
 *
 * @param sealed - from anywhere. Borrowed.
 * @throws SealwireError FRAME_UNREADABLE if it is another chunk, of another blob, cut or changed.
 */
export const openChunk = (
  key: Uint8Array,
  { index, isLast }: Pick<ChunkPlace, 'index' | 'isLast'>,
  sealed: Uint8Array,
): Uint8Array => {
  const content = openAead(key, sealed, aadOf(index, isLast));
  if (content === undefined) throw unreadable();
  return content;
};

const aadOf = (index: number, isLast: boolean): Uint8Array => {
  const place = new Uint8Array(9);
  new DataView(place.buffer).setBigUint64(0, BigInt(index));
  place[8] = isLast ? 1 : 0;
  return concat(LABEL, place);
};

const unreadable = (): SealwireError =>
  new SealwireError('FRAME_UNREADABLE', 'An attachment, or a part of it, does not open.');
