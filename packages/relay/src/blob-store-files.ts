// Blobs as files: one a blob, in a folder a room; begun ones together in another. Rules: spec/blobs.md (BL16).
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fromHex, PRINCIPAL_ID_BYTES, SealwireError, sameBytes, toHex } from '@sealwire/protocol';
import { createBlobParts } from './blob-parts.ts';
import type { BlobAddress, BlobInfo, BlobStore } from './blob-store.ts';
import { copyOf } from './keys.ts';

/** A file begins with the principal that put it and the size of the whole, 8 bytes, big-endian. */
const HEADER_BYTES = PRINCIPAL_ID_BYTES + 8;

/**
 * Opens the store in a folder, made if it is not there. One process may hold it at a time; the relay's own store sees to
 * that.
 *
 * @throws SealwireError (rejects) STORE_FAILED if the folder cannot be used.
 */
export const fileBlobStore = async (folder: string): Promise<BlobStore> => {
  const parts = createBlobParts();
  const begun = join(folder, 'begun');
  const whole = join(folder, 'whole');
  const partOf = ({ room, name }: BlobAddress): string => join(begun, `${toHex(room)}-${toHex(name)}`);
  const roomOf = (room: Uint8Array): string => join(whole, toHex(room));
  const fileOf = ({ room, name }: BlobAddress): string => join(roomOf(room), toHex(name));

  const find = async (address: BlobAddress): Promise<BlobInfo | undefined> =>
    (await headerOf(fileOf(address), true)) ?? (await headerOf(partOf(address), false));
  const remove = async (address: BlobAddress): Promise<BlobInfo | undefined> => {
    const known = await find(address);
    await rm(fileOf(address), { force: true });
    await rm(partOf(address), { force: true });
    parts.remove(address);
    return known;
  };

  await failing(async () => {
    for (const path of [begun, whole]) await mkdir(path, { recursive: true });
    for (const file of await readdir(begun)) await takeUp(join(begun, file), file);
  });
  /** A blob that an earlier process began. What is no blob, or lost its header, goes. */
  async function takeUp(path: string, file: string): Promise<void> {
    const known = /^[0-9a-f]{64}-[0-9a-f]{64}$/.test(file) ? await headerOf(path, false) : undefined;
    if (known === undefined) return rm(path, { force: true });
    const address = { room: fromHex(file.slice(0, 64)), name: fromHex(file.slice(65)) };
    const { mtimeMs } = await stat(path);
    parts.add({ address, size: known.size, principal: known.principal, touchedAt: mtimeMs });
  }

  return {
    find: (address) => failing(() => find(address)),
    begin: (given, size, principal) =>
      failing(async () => {
        const known = await find(given);
        if (known) return known;
        const address = { room: copyOf(given.room), name: copyOf(given.name) };
        const file = await open(partOf(address), 'wx');
        await file.write(headerBytes(principal, size)).finally(() => file.close());
        parts.add({ address, size, principal: copyOf(principal), touchedAt: Date.now() });
        return { size, received: 0, isWhole: false, principal };
      }),
    write: (address, offset, body) =>
      parts.alone(address, async () => {
        const part = parts.get(address);
        const known = part && (await failing(() => headerOf(partOf(address), false)));
        if (!part || !known) throw new SealwireError('BLOB_UNKNOWN', 'There is no such begun blob.');
        if (offset !== known.received)
          throw new SealwireError('UNEXPECTED_MESSAGE', 'The blob goes on elsewhere.');
        const received = await addTo(partOf(address), known, body, () => {
          part.touchedAt = Date.now();
        });
        if (received < known.size) return { ...known, received };
        if (!(await failing(() => hasName(partOf(address), address.name)))) {
          await failing(() => remove(address));
          throw new SealwireError('MALFORMED', 'What was sent is not of this name.');
        }
        await failing(() => settle(partOf(address), roomOf(address.room), fileOf(address)));
        parts.remove(address);
        return { ...known, received, isWhole: true };
      }),
    async *read(address, start, end) {
      if (!(await failing(() => headerOf(fileOf(address), true))))
        throw new SealwireError('BLOB_UNKNOWN', 'There is no such blob.');
      if (end <= start) return;
      const range = { start: HEADER_BYTES + start, end: HEADER_BYTES + end - 1 };
      const pieces = createReadStream(fileOf(address), range)[Symbol.asyncIterator]();
      try {
        for (;;) {
          const next = await failing(() => pieces.next());
          if (next.done) return;
          yield next.value as Buffer;
        }
      } finally {
        await pieces.return?.();
      }
    },
    remove: (address) => failing(() => remove(address)),
    removeRoom: (room) =>
      failing(async () => {
        await rm(roomOf(room), { recursive: true, force: true });
        for (const file of await readdir(begun)) {
          if (!file.startsWith(`${toHex(room)}-`)) continue;
          await remove({ room, name: fromHex(file.slice(65)) });
        }
      }),
    begunBy: parts.by,
    begunIn: parts.in,
    expire: (olderThanMs) =>
      failing(async () => {
        const idle = parts.idleSince(Date.now() - olderThanMs);
        for (const { address } of idle) await remove(address);
        return idle.length;
      }),
    async close() {},
  };
};

const headerBytes = (principal: Uint8Array, size: number): Buffer => {
  const header = Buffer.alloc(HEADER_BYTES);
  header.set(principal);
  header.writeBigUInt64BE(BigInt(size), PRINCIPAL_ID_BYTES);
  return header;
};

const headerOf = async (path: string, isWhole: boolean): Promise<BlobInfo | undefined> => {
  const file = await opened(path);
  if (file === undefined) return undefined;
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    const { bytesRead } = await file.read(header, 0, HEADER_BYTES, 0);
    if (bytesRead < HEADER_BYTES) return undefined;
    const size = Number(header.readBigUInt64BE(PRINCIPAL_ID_BYTES));
    const received = (await file.stat()).size - HEADER_BYTES;
    return { size, received, isWhole, principal: new Uint8Array(header.subarray(0, PRINCIPAL_ID_BYTES)) };
  } finally {
    await file.close();
  }
};

const opened = (path: string): Promise<FileHandle | undefined> =>
  open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });

/** Writes what comes behind what is there. @returns how much is there now. */
const addTo = async (
  path: string,
  { size, received }: BlobInfo,
  body: AsyncIterable<Uint8Array>,
  came: () => void,
): Promise<number> => {
  const file = await failing(() => open(path, 'r+'));
  let at = received;
  try {
    for await (const piece of body) {
      if (at + piece.length > size) throw new SealwireError('TOO_LARGE', 'That is more than the blob has.');
      at += await failing(() => writeAll(file, piece, HEADER_BYTES + at));
      came();
    }
    if (at === size) await failing(() => file.sync());
  } finally {
    await file.close();
  }
  return at;
};

/** A disk that gets full takes some of the bytes, and says so with the next. */
const writeAll = async (file: FileHandle, bytes: Uint8Array, position: number): Promise<number> => {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, position + at);
    at += bytesWritten;
  }
  return bytes.length;
};

const hasName = async (path: string, name: Uint8Array): Promise<boolean> => {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { start: HEADER_BYTES })) hash.update(piece as Buffer);
  return sameBytes(hash.digest(), name);
};

/** Gives a complete file its place; its name is on disk afterwards. */
const settle = async (part: string, folder: string, path: string): Promise<void> => {
  const made = await mkdir(folder, { recursive: true });
  await rename(part, path);
  await sync(folder);
  if (made !== undefined) await sync(join(folder, '..'));
};

const sync = async (folder: string): Promise<void> => {
  const file = await open(folder, 'r');
  await file.sync().finally(() => file.close());
};

/** Errors of the file system as ours. */
const failing = async <T>(run: () => Promise<T>): Promise<T> => {
  try {
    return await run();
  } catch (cause) {
    if (cause instanceof SealwireError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    throw code === 'ENOSPC' || code === 'EDQUOT'
      ? new SealwireError('STORE_FULL', "The relay's disk is full; free some space.", { cause })
      : new SealwireError('STORE_FAILED', "The relay's blobs cannot be read or written.", { cause });
  }
};
