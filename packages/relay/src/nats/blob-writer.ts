// Bytes of one blob into messages at NATS: whole chunks, and what is left at the end of a part as a short one that a longer
// one replaces. Rules: spec/blobs.md (BL6, BL16), spec/relay-protocol.md §13 (RP169).
import { createHash, type Hash } from 'node:crypto';
import { SealwireError, sameBytes } from '@sealwire/protocol';
import { boundedMap } from '../bounded-map.ts';
import {
  type BlobRecord,
  CHUNK_BYTES,
  decodeBlobRecord,
  encodeBlobRecord,
  receivedOf,
} from './blob-record.ts';
import type { Found, JetStream } from './jetstream.ts';
import type { Place } from './subjects.ts';

/** A begun blob as its last message shows it. */
export interface BegunRecord extends Pick<Found, 'seq'> {
  readonly record: BlobRecord;
}

export interface BlobWriter {
  /** Adds bytes behind what is there. @throws SealwireError (rejects) TOO_LARGE; of the store. */
  take(piece: Uint8Array): Promise<void>;
  /** Stores what is not stored yet. Does nothing after the store failed, or somebody else wrote. */
  flush(): Promise<void>;
  readonly received: number;
  /** Whether all that is there has this SHA-256. */
  hasName(name: Uint8Array): boolean;
  /** Says that the blob is whole. @throws SealwireError (rejects) as `take` does. */
  seal(): Promise<void>;
}

/** What is stored of a blob. */
export interface Progress {
  /** Sequence number of the blob's last message: whoever writes after another one has finds it different. */
  last: number;
  /** Of the beginning. */
  begun: number;
  /** Of full chunks. */
  readonly chunks: number[];
  /** Of full chunks. */
  readonly hash: Hash;
  /** Sequence number of a chunk that is not full, behind them. */
  short: number | undefined;
}

/** What this process knows of blobs that it wrote to, so that a part does not read all parts before it. */
export type KnownProgress = ReturnType<typeof boundedMap<string, Progress>>;

const BLOBS_KNOWN = 64;

export const createKnownProgress = (): KnownProgress => boundedMap(BLOBS_KNOWN);

/**
 * Goes on with a blob where it is, whichever relay brought it there: what is there is read once, for its hash.
 *
 * @throws SealwireError (rejects) BLOB_UNKNOWN if it is removed meanwhile.
 */
export const openBlobWriter = async (
  jetStream: JetStream,
  place: Place,
  { seq, record }: BegunRecord,
  known: KnownProgress,
): Promise<BlobWriter> => {
  const { size, principal } = record;
  const before = known.get(place.subject);
  const progress = before?.last === seq ? before : await readProgress(jetStream, place, seq, record);
  let waiting = Buffer.from(progress.short !== undefined && record.kind === 'chunk' ? record.bytes : []);
  let stored = receivedOf(record);
  let received = stored;
  let hasFailed = false;

  const publish = async (next: BlobRecord): Promise<number> => {
    const seq = await jetStream.publish(place, encodeBlobRecord(next), { expected: progress.last });
    if (seq === undefined)
      throw new SealwireError('UNEXPECTED_MESSAGE', 'Somebody else sent or removed this blob meanwhile.');
    progress.last = seq;
    return seq;
  };

  /** Stores a chunk in place of a short one that begins where it does. */
  const store = async (bytes: Uint8Array): Promise<void> => {
    const { begun, chunks, short } = progress;
    const start = chunks.length * CHUNK_BYTES;
    hasFailed = true;
    const seq = await publish({ kind: 'chunk', size, principal, begun, start, bytes });
    if (short !== undefined) await jetStream.remove(place.stream, short);
    progress.short = bytes.length < CHUNK_BYTES ? seq : undefined;
    if (progress.short === undefined) {
      chunks.push(seq);
      progress.hash.update(bytes);
    }
    stored = start + bytes.length;
    hasFailed = false;
  };

  return {
    get received() {
      return received;
    },
    async take(piece) {
      if (received + piece.length > size)
        throw new SealwireError('TOO_LARGE', 'That is more than the blob has.');
      received += piece.length;
      waiting = Buffer.concat([waiting, piece]);
      for (; waiting.length >= CHUNK_BYTES; waiting = waiting.subarray(CHUNK_BYTES))
        await store(waiting.subarray(0, CHUNK_BYTES));
    },
    async flush() {
      if (hasFailed) return;
      if (stored < received) await store(waiting);
      known.set(place.subject, progress);
    },
    hasName: (name) => sameBytes(progress.hash.copy().update(waiting).digest(), name),
    async seal() {
      const { chunks, short } = progress;
      await publish({
        kind: 'whole',
        size,
        principal,
        chunks: short === undefined ? chunks : [...chunks, short],
      });
    },
  };
};

/** Reads what is there. A short chunk that a relay had no time to remove after a longer one goes. */
const readProgress = async (
  jetStream: JetStream,
  place: Place,
  last: number,
  record: BlobRecord,
): Promise<Progress> => {
  const begun = record.kind === 'chunk' ? record.begun : last;
  const progress: Progress = { last, begun, chunks: [], hash: createHash('sha256'), short: undefined };
  for (let seq = begun; seq < last; ) {
    const found = await jetStream.near(place, seq + 1, 'next');
    if (found === undefined) throw new SealwireError('BLOB_UNKNOWN', 'The blob is gone.');
    seq = found.seq;
    const chunk = decodeBlobRecord(found.data);
    if (chunk.kind !== 'chunk' || chunk.start !== progress.chunks.length * CHUNK_BYTES)
      throw new SealwireError('STORE_FAILED', 'The chunks of a blob at NATS are not in order.');
    if (progress.short !== undefined) await jetStream.remove(place.stream, progress.short);
    progress.short = chunk.bytes.length < CHUNK_BYTES ? seq : undefined;
    if (progress.short === undefined) {
      progress.chunks.push(seq);
      progress.hash.update(chunk.bytes);
    }
  }
  return progress;
};
