// Blobs in memory: for tests, and the readable twin of the one in files. Rules: spec/blobs.md (BL16).
import { createHash } from 'node:crypto';
import { SealwireError, sameBytes } from '@sealwire/protocol';
import { createBlobParts, keyOfBlob } from './blob-parts.ts';
import type { BlobAddress, BlobInfo, BlobStore } from './blob-store.ts';
import { copyOf, keyOf } from './keys.ts';

interface Held {
  readonly size: number;
  readonly principal: Uint8Array;
  bytes: Buffer;
  isWhole: boolean;
}

/** A new empty store. @param now - milliseconds on any clock. */
export const memoryBlobStore = (now: () => number = Date.now): BlobStore => {
  const held = new Map<string, Held>();
  const parts = createBlobParts();
  const infoOf = ({ size, bytes, isWhole, principal }: Held): BlobInfo => ({
    size,
    received: bytes.length,
    isWhole,
    principal,
  });
  const remove = async (address: BlobAddress): Promise<BlobInfo | undefined> => {
    const key = keyOfBlob(address);
    const blob = held.get(key);
    held.delete(key);
    parts.remove(address);
    return blob && infoOf(blob);
  };
  return {
    async find(address) {
      const blob = held.get(keyOfBlob(address));
      return blob && infoOf(blob);
    },
    async begin(given, size, principal) {
      const known = held.get(keyOfBlob(given));
      if (known) return infoOf(known);
      const address = { room: copyOf(given.room), name: copyOf(given.name) };
      const blob: Held = { size, principal: copyOf(principal), bytes: Buffer.alloc(0), isWhole: false };
      held.set(keyOfBlob(address), blob);
      parts.add({ address, size, principal: blob.principal, touchedAt: now() });
      return infoOf(blob);
    },
    write: (address, offset, body) =>
      parts.alone(address, async () => {
        const blob = held.get(keyOfBlob(address));
        const part = parts.get(address);
        if (!blob || !part) throw new SealwireError('BLOB_UNKNOWN', 'There is no such begun blob.');
        if (offset !== blob.bytes.length)
          throw new SealwireError('UNEXPECTED_MESSAGE', 'The blob goes on elsewhere.');
        for await (const piece of body) {
          if (blob.bytes.length + piece.length > blob.size)
            throw new SealwireError('TOO_LARGE', 'That is more than the blob has.');
          blob.bytes = Buffer.concat([blob.bytes, piece]);
          part.touchedAt = now();
        }
        if (blob.bytes.length < blob.size) return infoOf(blob);
        if (!sameBytes(createHash('sha256').update(blob.bytes).digest(), address.name)) {
          await remove(address);
          throw new SealwireError('MALFORMED', 'What was sent is not of this name.');
        }
        blob.isWhole = true;
        parts.remove(address);
        return infoOf(blob);
      }),
    async *read(address, start, end) {
      const blob = held.get(keyOfBlob(address));
      if (!blob?.isWhole) throw new SealwireError('BLOB_UNKNOWN', 'There is no such blob.');
      for (let at = start; at < end; at += 65_536) yield blob.bytes.subarray(at, Math.min(end, at + 65_536));
    },
    remove,
    async removeRoom(room) {
      const prefix = keyOf(room);
      for (const key of [...held.keys()]) {
        if (!key.startsWith(prefix)) continue;
        await remove({ room, name: Buffer.from(key.slice(prefix.length), 'latin1') });
      }
    },
    begunBy: parts.by,
    begunIn: parts.in,
    async expire(olderThanMs) {
      const idle = parts.idleSince(now() - olderThanMs);
      for (const { address } of idle) await remove(address);
      return idle.length;
    },
    async close() {},
  };
};
