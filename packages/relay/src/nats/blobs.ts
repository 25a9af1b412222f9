// Blobs at NATS: one subject each, its messages the chunks; any relay goes on with what another took. Rules: spec/blobs.md
// (BL16), spec/relay-protocol.md §13 (RP169, RP170).
import { SealwireError, sameBytes } from '@sealwire/protocol';
import { createSoleWriters } from '../blob-parts.ts';
import type { Begun, BlobAddress, BlobInfo, BlobStore } from '../blob-store.ts';
import {
  type BlobRecord,
  CHUNK_BYTES,
  decodeBlobRecord,
  encodeBlobRecord,
  MOST_CHUNKS,
  receivedOf,
} from './blob-record.ts';
import { type BlobWriter, createKnownProgress, openBlobWriter } from './blob-writer.ts';
import type { Found, JetStream } from './jetstream.ts';
import { openPlace } from './open.ts';
import type { NatsStoreOptions } from './options.ts';
import type { Names, Place } from './subjects.ts';

/** Chunks of one reader that are under way or waiting at a time. */
const READ_AHEAD = 4;
const NO_BYTES = new Uint8Array();

/** A blob's last message. */
interface Last extends Found {
  readonly record: BlobRecord;
}

/**
 * Opens the store of blobs, and makes what is not there, over a connection of its own, so that large ones hold up no frames.
 * Any number of processes may hold it at a time.
 *
 * @param now - milliseconds since 1970.
 * @throws SealwireError (rejects) STORE_FAILED if the cluster cannot be reached within 30 s, or holds another format.
 */
export const natsBlobStore = async (
  options: NatsStoreOptions,
  now: () => number = Date.now,
): Promise<BlobStore> => {
  const { connection, jetStream, names } = await openPlace(options, ({ blobStreams }) => blobStreams());
  const writers = createSoleWriters();
  const progress = createKnownProgress();

  const lastOf = async (address: BlobAddress): Promise<Last | undefined> => {
    const found = await jetStream.last(names.blob(address));
    return found && { ...found, record: decodeBlobRecord(found.data) };
  };
  const find = async (address: BlobAddress): Promise<BlobInfo | undefined> => {
    const last = await lastOf(address);
    return last && infoOf(last.record);
  };
  const remove = async (address: BlobAddress): Promise<BlobInfo | undefined> => {
    const last = await lastOf(address);
    if (last === undefined) return undefined;
    // By its number, so that a blob that is begun anew meanwhile keeps its own.
    const mark = last.record.kind === 'whole' ? undefined : await markOf(address, last.record);
    const removed = await jetStream.purge(names.blob(address));
    if (mark) await jetStream.remove(mark.stream, mark.seq);
    // Of several who remove it at once, one gives its bytes back.
    return removed > 0 ? infoOf(last.record) : undefined;
  };
  /** What says that a blob is begun. */
  const markOf = async (
    address: BlobAddress,
    { size, principal }: BlobRecord,
  ): Promise<{ readonly stream: string; readonly seq: number } | undefined> => {
    const place = names.begun({ address, size, principal });
    const found = await jetStream.last(place);
    return found && { stream: place.stream, seq: found.seq };
  };

  const begin = async (address: BlobAddress, size: number, principal: Uint8Array): Promise<BlobInfo> => {
    if (Math.ceil(size / CHUNK_BYTES) > MOST_CHUNKS)
      throw new SealwireError('TOO_LARGE', 'NATS holds no blob of that size.');
    const known = await find(address);
    if (known) return known;
    // Before the blob itself: a mark without a blob is found and goes, a begun blob without a mark would stay.
    const place = names.begun({ address, size, principal });
    const mark = await jetStream.publish(place, NO_BYTES);
    const record: BlobRecord = { kind: 'begun', size, principal: principal.slice() };
    const seq = await jetStream.publish(names.blob(address), encodeBlobRecord(record), { expected: 0 });
    if (seq !== undefined) return infoOf(record);
    const other = await find(address);
    const isSame = other && !other.isWhole && other.size === size && sameBytes(other.principal, principal);
    if (!isSame && mark !== undefined) await jetStream.remove(place.stream, mark);
    return other ?? begin(address, size, principal);
  };

  const write = async (
    address: BlobAddress,
    offset: number,
    body: AsyncIterable<Uint8Array>,
  ): Promise<BlobInfo> => {
    const last = await lastOf(address);
    if (last === undefined || last.record.kind === 'whole')
      throw new SealwireError('BLOB_UNKNOWN', 'There is no such begun blob.');
    const { record } = last;
    if (offset !== receivedOf(record))
      throw new SealwireError('UNEXPECTED_MESSAGE', 'The blob goes on elsewhere.');
    const writer = await openBlobWriter(jetStream, names.blob(address), last, progress);
    await takeAll(writer, body);
    if (writer.received < record.size) return { ...infoOf(record), received: writer.received };
    if (!writer.hasName(address.name)) {
      await remove(address);
      throw new SealwireError('MALFORMED', 'What was sent is not of this name.');
    }
    const mark = await markOf(address, record);
    await writer.seal();
    if (mark) await jetStream.remove(mark.stream, mark.seq);
    return { ...infoOf(record), received: record.size, isWhole: true };
  };

  return {
    find,
    begin,
    write: (address, offset, body) => writers.alone(address, () => write(address, offset, body)),
    async *read(address, start, end) {
      const record = (await lastOf(address))?.record;
      if (record?.kind !== 'whole') throw new SealwireError('BLOB_UNKNOWN', 'There is no such blob.');
      yield* readRange(jetStream, names.blob(address), record.chunks, start, end);
    },
    remove,
    async removeRoom(room) {
      const marks = await jetStream.subjects(names.begunOf({ room }));
      const seqs = await Promise.all(
        marks.map((subject) => jetStream.last({ stream: begunStream(names), subject })),
      );
      await jetStream.purge(names.blobs(room));
      for (const mark of seqs) if (mark) await jetStream.remove(begunStream(names), mark.seq);
    },
    begunBy: (principal) => sumOf(jetStream, names, { principal }),
    begunIn: (room) => sumOf(jetStream, names, { room }),
    async expire(olderThanMs) {
      const until = now() - olderThanMs;
      const marks = names.begunOf({});
      let gone = 0;
      for (let seq = 0; ; ) {
        const mark = await jetStream.near(marks, seq + 1, 'next');
        if (mark === undefined || mark.time > until) return gone;
        seq = mark.seq;
        const { address } = names.parseBegun(mark.subject);
        if (writers.isWritten(address)) continue;
        const last = await lastOf(address);
        if (last && last.record.kind !== 'whole') {
          if (last.time > until) continue;
          await jetStream.purge(names.blob(address));
          gone++;
        }
        await jetStream.remove(marks.stream, seq);
      }
    },
    close: () => connection.close(),
  };
};

const begunStream = (names: Names): string => names.begunOf({}).stream;

const infoOf = (record: BlobRecord): BlobInfo => ({
  size: record.size,
  received: receivedOf(record),
  isWhole: record.kind === 'whole',
  principal: record.principal,
});

/** Writes what comes; also what came before `body` threw. */
const takeAll = async (writer: BlobWriter, body: AsyncIterable<Uint8Array>): Promise<void> => {
  try {
    for await (const piece of body) await writer.take(piece);
  } catch (error) {
    await writer.flush();
    throw error;
  }
  await writer.flush();
};

/** Bytes of a whole blob, a few chunks ahead of whoever takes them. */
async function* readRange(
  jetStream: JetStream,
  place: Place,
  chunks: readonly number[],
  start: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  const fetch = (index: number): Promise<Found | undefined> => {
    const coming = jetStream.near(place, chunks[index]!, 'this');
    // Whoever stops reading leaves it behind; who reads on hears of its failure when it comes to it.
    coming.catch(() => {});
    return coming;
  };
  const past = Math.ceil(end / CHUNK_BYTES);
  let next = Math.floor(start / CHUNK_BYTES);
  const ahead: Promise<Found | undefined>[] = [];
  for (let at = start; at < end; ) {
    while (ahead.length < READ_AHEAD && next < past) ahead.push(fetch(next++));
    const found = await ahead.shift();
    if (found === undefined) throw new SealwireError('BLOB_UNKNOWN', 'The blob was removed.');
    const chunk = decodeBlobRecord(found.data);
    if (chunk.kind !== 'chunk') throw new SealwireError('STORE_FAILED', 'A chunk of a blob at NATS is none.');
    const piece = chunk.bytes.subarray(at - chunk.start, Math.min(chunk.bytes.length, end - chunk.start));
    if (piece.length === 0)
      throw new SealwireError('STORE_FAILED', 'A chunk of a blob at NATS is too short.');
    yield piece;
    at += piece.length;
  }
}

const sumOf = async (
  jetStream: JetStream,
  names: Names,
  of: { readonly principal?: Uint8Array; readonly room?: Uint8Array },
): Promise<Begun> => {
  const subjects = await jetStream.subjects(names.begunOf(of));
  const bytes = subjects.reduce((sum, subject) => sum + names.parseBegun(subject).size, 0);
  return { blobs: subjects.length, bytes };
};
