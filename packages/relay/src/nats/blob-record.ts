// What messages of a blob hold: its beginning, its chunks in order, and at last the list of them. Rules: spec/blobs.md (BL16),
// spec/relay-protocol.md §13 (RP169). The last message of a blob's subject tells what there is of it.
import { PRINCIPAL_ID_BYTES, Reader, SealwireError } from '@sealwire/protocol';
import * as encoding from 'lib0/encoding';

/** Bytes of each chunk but the last; what JetStream's own object store takes. */
export const CHUNK_BYTES = 128 * 1024;

/** Chunks that one list names: with numbers of 7 bytes it still fits a message of NATS. */
export const MOST_CHUNKS = 131_072;

interface Common {
  readonly size: number;
  readonly principal: Uint8Array;
}

export type BlobRecord = Common &
  (
    | { readonly kind: 'begun' }
    | {
        readonly kind: 'chunk';
        /** Sequence number of the beginning. */
        readonly begun: number;
        /** Where its bytes begin in the blob: a multiple of {@link CHUNK_BYTES}. */
        readonly start: number;
        readonly bytes: Uint8Array;
      }
    | { readonly kind: 'whole' /** Sequence numbers of the chunks. */; readonly chunks: readonly number[] }
  );

const KINDS = ['begun', 'chunk', 'whole'] as const;
const FORMAT = 1;

export const encodeBlobRecord = (record: BlobRecord): Uint8Array =>
  encoding.encode((to) => {
    encoding.writeUint8(to, FORMAT);
    encoding.writeUint8(to, KINDS.indexOf(record.kind));
    encoding.writeVarUint(to, record.size);
    encoding.writeUint8Array(to, record.principal);
    if (record.kind === 'chunk') {
      encoding.writeVarUint(to, record.begun);
      encoding.writeVarUint(to, record.start);
      encoding.writeVarUint8Array(to, record.bytes);
    } else if (record.kind === 'whole') {
      encoding.writeVarUint(to, record.chunks.length);
      let before = 0;
      for (const seq of record.chunks) {
        encoding.writeVarUint(to, seq - before);
        before = seq;
      }
    }
  });

/** @returns bytes of chunks as a view of `bytes`. @throws SealwireError STORE_FAILED for bytes that no relay wrote. */
export const decodeBlobRecord = (bytes: Uint8Array): BlobRecord => {
  try {
    const from = new Reader(bytes);
    if (from.byte() !== FORMAT) throw new RangeError('another format');
    const kind = KINDS[from.byte()];
    const common = { size: from.positive(), principal: from.fixed(PRINCIPAL_ID_BYTES).slice() };
    const record = contentOf(from, kind, common);
    from.end();
    return record;
  } catch (cause) {
    throw new SealwireError('STORE_FAILED', 'A message of a blob at NATS is damaged.', { cause });
  }
};

const contentOf = (from: Reader, kind: (typeof KINDS)[number] | undefined, common: Common): BlobRecord => {
  switch (kind) {
    case 'begun':
      return { ...common, kind };
    case 'chunk':
      return { ...common, kind, begun: from.positive(), start: from.uint(), bytes: from.sized(CHUNK_BYTES) };
    case 'whole': {
      let seq = 0;
      const chunks = Array.from({ length: from.count(MOST_CHUNKS, 1) }, () => {
        seq += from.positive();
        return seq;
      });
      return { ...common, kind, chunks };
    }
    default:
      throw new RangeError('another kind');
  }
};

/** Bytes that are there, as the last message of a blob tells. */
export const receivedOf = (record: BlobRecord): number => {
  if (record.kind === 'chunk') return record.start + record.bytes.length;
  return record.kind === 'whole' ? record.size : 0;
};
