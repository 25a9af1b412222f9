// Writes a vault's log file so that what is reported durable was forced to disk and read back. Rules: spec/vault.md §4.
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SealwireError, sameBytes } from '@sealwire/protocol';
import { concat } from '../bytes.ts';
import { encodeRow, LOG_HEADER } from './file-log.ts';

export const LOG_FILE = 'vault.log';
export const NEW_LOG_FILE = `${LOG_FILE}.new`;

/** The log of a vault folder, open for appending. One call at a time. */
export interface LogWriter {
  /** Bytes of the file. */
  readonly bytes: number;
  /**
   * Appends one row, forces it to disk and reads it back.
   *
   * @throws SealwireError STORAGE_FULL, STORAGE_LOST. The file may end with part of the row then: `cutOff` first.
   */
  append(updates: readonly Uint8Array[]): Promise<void>;
  /** Removes what an append that failed left behind the last whole row. */
  cutOff(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Puts a whole new log in the place of the old, if there is one: at every moment one of the two is there.
 *
 * @throws the error of the file system, or STORAGE_FULL if it did not keep what was written.
 */
export const createLog = async (dir: string, updates: readonly Uint8Array[]): Promise<LogWriter> => {
  const fresh = join(dir, NEW_LOG_FILE);
  const contents = updates.length === 0 ? LOG_HEADER : concat(LOG_HEADER, encodeRow(updates));
  const file = await open(fresh, 'w+', 0o600);
  try {
    await writeAll(file, contents, 0);
    await file.sync();
    await readBack(file, contents, 0);
    await rename(fresh, join(dir, LOG_FILE));
    await syncFolder(dir);
  } catch (error) {
    await file.close();
    await rm(fresh, { force: true });
    throw error;
  }
  return logWriter(dir, file, contents.length);
};

/** Opens the log of a folder to append behind `end`; what lies there is cut off. */
export const resumeLog = async (dir: string, end: number): Promise<LogWriter> => {
  const file = await open(join(dir, LOG_FILE), 'r+');
  try {
    if ((await file.stat()).size > end) {
      await file.truncate(end);
      await file.sync();
    }
  } catch (error) {
    await file.close();
    throw error;
  }
  return logWriter(dir, file, end);
};

/** Forces a folder's list of names to disk. */
export const syncFolder = async (dir: string): Promise<void> => {
  if (process.platform === 'win32') return; // Windows neither needs nor allows it.
  const folder = await open(dir, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
};

const logWriter = (dir: string, file: FileHandle, length: number): LogWriter => {
  let bytes = length;
  return {
    get bytes() {
      return bytes;
    },
    async append(updates) {
      try {
        await checkPlace(dir, file, bytes);
        const row = encodeRow(updates);
        await writeAll(file, row, bytes);
        await file.datasync();
        await readBack(file, row, bytes);
        bytes += row.length;
      } catch (error) {
        throw writeError(error);
      }
    },
    async cutOff() {
      await file.truncate(bytes);
      await file.sync();
    },
    close: () => file.close(),
  };
};

/** What went wrong while writing, as a code. */
export const writeError = (error: unknown): SealwireError => {
  if (error instanceof SealwireError) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') return full(error);
  return lost(`The storage of this device cannot be written any more (${code ?? 'unknown'}).`, error);
};

const full = (cause?: unknown): SealwireError =>
  new SealwireError('STORAGE_FULL', 'The disk is full: make room, then try again.', { cause });

const lost = (what: string, cause?: unknown): SealwireError =>
  new SealwireError('STORAGE_LOST', `${what} Try again to write it anew.`, { cause });

/** The open file must still be the one that the next start will read, and as long as we left it. */
const checkPlace = async (dir: string, file: FileHandle, bytes: number): Promise<void> => {
  const [open, named] = await Promise.all([file.stat(), statOf(join(dir, LOG_FILE))]);
  if (!named || named.ino !== open.ino || named.dev !== open.dev)
    throw lost('The storage of this device was removed or replaced.');
  if (open.size !== bytes) throw lost('Another program wrote to the storage of this device.');
};

const statOf = async (path: string) => {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

const writeAll = async (file: FileHandle, bytes: Uint8Array, position: number): Promise<void> => {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
};

const readBack = async (file: FileHandle, bytes: Uint8Array, position: number): Promise<void> => {
  const found = new Uint8Array(bytes.length);
  for (let done = 0; done < found.length; ) {
    const { bytesRead } = await file.read(found, done, found.length - done, position + done);
    if (bytesRead === 0) throw full();
    done += bytesRead;
  }
  if (!sameBytes(found, bytes)) throw full();
};
