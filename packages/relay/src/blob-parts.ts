// Begun blobs, counted by principal and room, and who writes which. Rules: spec/blobs.md §3 (BL12, BL13).
import { SealwireError } from '@sealwire/protocol';
import type { Begun, BlobAddress } from './blob-store.ts';
import { keyOf } from './keys.ts';

export interface BegunPart {
  readonly address: BlobAddress;
  readonly size: number;
  readonly principal: Uint8Array;
  /** Milliseconds on the store's clock. */
  touchedAt: number;
}

export interface BlobParts {
  add(part: BegunPart): void;
  get(address: BlobAddress): BegunPart | undefined;
  remove(address: BlobAddress): void;
  /** Those that nobody writes, and that got nothing since then. */
  idleSince(atMs: number): BegunPart[];
  by(principal: Uint8Array): Begun;
  in(room: Uint8Array): Begun;
  readonly alone: SoleWriters['alone'];
}

export interface SoleWriters {
  /**
   * Runs the only write of a blob in this process.
   *
   * @throws SealwireError (rejects) UNEXPECTED_MESSAGE if there is one already.
   */
  alone<T>(address: BlobAddress, write: () => Promise<T>): Promise<T>;
  isWritten(address: BlobAddress): boolean;
}

export const keyOfBlob = ({ room, name }: BlobAddress): string => keyOf(room) + keyOf(name);

export const createSoleWriters = (): SoleWriters => {
  const writing = new Set<string>();
  return {
    isWritten: (address) => writing.has(keyOfBlob(address)),
    async alone(address, write) {
      const key = keyOfBlob(address);
      if (writing.has(key)) throw new SealwireError('UNEXPECTED_MESSAGE', 'Somebody is sending this blob.');
      writing.add(key);
      try {
        return await write();
      } finally {
        writing.delete(key);
      }
    },
  };
};

export const createBlobParts = (): BlobParts => {
  const parts = new Map<string, BegunPart>();
  const writers = createSoleWriters();
  const sums = new Map<string, { blobs: number; bytes: number }>();
  const count = (name: string, blobs: number, bytes: number): void => {
    const sum = sums.get(name) ?? { blobs: 0, bytes: 0 };
    sum.blobs += blobs;
    sum.bytes += bytes;
    if (sum.blobs === 0) sums.delete(name);
    else sums.set(name, sum);
  };
  const countPart = ({ address, size, principal }: BegunPart, sign: 1 | -1): void => {
    count(`p${keyOf(principal)}`, sign, sign * size);
    count(`r${keyOf(address.room)}`, sign, sign * size);
  };
  const sumOf = (name: string): Begun => ({ ...(sums.get(name) ?? { blobs: 0, bytes: 0 }) });
  return {
    add(part) {
      if (parts.has(keyOfBlob(part.address))) return;
      parts.set(keyOfBlob(part.address), part);
      countPart(part, 1);
    },
    get: (address) => parts.get(keyOfBlob(address)),
    remove(address) {
      const key = keyOfBlob(address);
      const part = parts.get(key);
      if (part && parts.delete(key)) countPart(part, -1);
    },
    idleSince: (atMs) =>
      [...parts.values()].filter((part) => part.touchedAt <= atMs && !writers.isWritten(part.address)),
    by: (principal) => sumOf(`p${keyOf(principal)}`),
    in: (room) => sumOf(`r${keyOf(room)}`),
    alone: writers.alone,
  };
};
