// A vault in a folder of files, for Node: key, log and lock. Rules: spec/vault.md §4.
import { mkdir, readFile, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SealwireError, sameBytes } from '@sealwire/protocol';
import * as Y from 'yjs';
import { randomBytes } from '../random.ts';
import { ARCHIVE_FOLDER, fileArchive } from './file-archive.ts';
import { KEY_FILE, readKey, writeKey } from './file-key.ts';
import { type FileLock, lockFolder } from './file-lock.ts';
import { corrupt, decodeLog, type LogContents } from './file-log.ts';
import { createLog, LOG_FILE, type LogWriter, NEW_LOG_FILE, resumeLog, writeError } from './file-writer.ts';
import type { OpenStorage, Storage } from './storage.ts';

/** Rows from which a log is written anew when it is opened. */
const COMPACT_ROWS = 500;
/** A log this many times as long as what it says is written anew when it is opened. */
const COMPACT_FACTOR = 2;
/** While open, a log is written anew at this many bytes, if it is this much longer than after the last time. */
const COMPACT_OPEN_BYTES = 16 * 1024 * 1024;
const COMPACT_OPEN_FACTOR = 2;
/** A log from this many bytes on is compacted when it is closed, by the factor for opening: an import leaves much behind it. */
const COMPACT_CLOSE_BYTES = 1024 * 1024;

/**
 * A vault in a folder: `vault.key` (mode 0600), `vault.log`, and `vault.lock` while a process has it open.
 * The folder must lie on a local disk. Back up key and log together, and only while it is closed.
 *
 * @param dir - made with mode 0700 if it is not there.
 */
export const fileStorage = (dir: string): Storage => ({
  async open() {
    try {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      const lock = await lockFolder(dir);
      try {
        return await openLocked(dir, lock);
      } catch (error) {
        await lock.release();
        throw error;
      }
    } catch (error) {
      throw openError(error);
    }
  },
  async destroy() {
    let lock: FileLock;
    try {
      lock = await lockFolder(dir);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw openError(error);
    }
    await removeAll(dir, lock);
  },
});

const removeAll = async (dir: string, lock: FileLock): Promise<void> => {
  for (const name of [KEY_FILE, `${KEY_FILE}.new`, LOG_FILE, NEW_LOG_FILE])
    await rm(join(dir, name), { force: true });
  await rm(join(dir, ARCHIVE_FOLDER), { recursive: true, force: true });
  await lock.release();
  await rmdir(dir).catch(() => undefined); // Something else of its owner's lies in it.
};

const openLocked = async (dir: string, firstLock: FileLock): Promise<OpenStorage> => {
  const doc = new Y.Doc({ gc: true });
  const key = await loadKey(dir);
  let writer = await loadLog(dir, doc);
  let lock = firstLock;
  /** Bytes of the log when it last held nothing but the document's state. */
  let compactBytes = writer.bytes;
  let pending: Uint8Array[] = [];
  /** The log that is open is not the one that the next start will read. */
  let isGone = false;
  let problem: SealwireError | undefined;
  const listeners = new Set<(error: Error) => void>();
  const onUpdate = (update: Uint8Array): void => {
    pending.push(update);
  };
  doc.on('update', onUpdate);

  let queue: Promise<void> = Promise.resolve();
  const inTurn = (run: () => Promise<void>): Promise<void> => {
    const turn = queue.then(run);
    queue = turn.catch(() => undefined); // Reported to whoever asked for this turn.
    return turn;
  };

  /** What was to be written stays pending: a repair writes it. */
  const fail = (error: unknown, updates: readonly Uint8Array[]): never => {
    problem = writeError(error);
    pending = [...updates, ...pending];
    if (problem.code !== 'STORAGE_FULL') {
      isGone = true;
      for (const listener of listeners) listener(problem);
    }
    throw problem;
  };

  /** The document's state in a new file, instead of the old one and of what is pending. */
  const rewrite = async (): Promise<void> => {
    const covered = pending;
    pending = [];
    const before = writer;
    try {
      writer = await createLog(dir, [Y.encodeStateAsUpdate(doc)]);
    } catch (error) {
      pending = [...covered, ...pending];
      throw error;
    }
    compactBytes = writer.bytes;
    isGone = false;
    await before.close();
  };

  const requireOurs = async (): Promise<void> => {
    const state = await lock.state();
    if (state !== 'held') throw state === 'taken' ? takenOver() : removed();
  };

  const flush = async (): Promise<void> => {
    if (problem) throw problem;
    if (pending.length === 0) return;
    const updates = pending;
    pending = [];
    try {
      await requireOurs();
      if (writer.bytes > Math.max(COMPACT_OPEN_BYTES, COMPACT_OPEN_FACTOR * compactBytes)) {
        if (await fits(rewrite)) return;
        compactBytes = writer.bytes; // No room for both logs: go on with the old one for a good while.
      }
      await writer.append(updates);
    } catch (error) {
      fail(error, updates);
    }
  };

  const repair = async (): Promise<void> => {
    if (problem?.code === 'STORAGE_IN_USE') throw problem;
    problem = undefined;
    try {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      if ((await lock.state()) !== 'held') lock = await lockFolder(dir);
      const found = await readKey(dir);
      if (found && !sameBytes(found, key)) throw takenOver();
      if (!found) await writeKey(dir, key);
      // A disk that was full may have room for what is pending, but not for everything a second time.
      if (isGone) await rewrite();
      else await writer.cutOff();
    } catch (error) {
      fail(error, []);
    }
    await flush();
  };

  return {
    doc,
    key,
    archive: fileArchive(dir, requireOurs),
    barrier: () => inTurn(flush),
    repair: () => inTurn(repair),
    onLost: (listener) => void listeners.add(listener),
    close: () =>
      inTurn(async () => {
        try {
          if (!problem) await flush();
          if (!problem && isWorthIt(writer.bytes, doc)) await fits(rewrite);
        } finally {
          doc.off('update', onUpdate);
          doc.destroy();
          await writer.close();
          await lock.release();
        }
      }),
    destroy: () =>
      inTurn(async () => {
        doc.off('update', onUpdate);
        doc.destroy();
        await writer.close();
        // Files of another process that took the folder over are not ours to remove.
        if ((await lock.state()) !== 'taken') await removeAll(dir, lock);
      }),
  };
};

/** Whether a log is so much longer than what it holds that the next start should not have to read it. */
const isWorthIt = (bytes: number, doc: Y.Doc): boolean =>
  bytes > COMPACT_CLOSE_BYTES && bytes > COMPACT_FACTOR * Y.encodeStateAsUpdate(doc).length;

/** The folder's key; a new one if the folder is empty. */
const loadKey = async (dir: string): Promise<Uint8Array> => {
  const known = await readKey(dir);
  if (known) return known;
  if (await readLog(dir))
    throw corrupt(`${KEY_FILE} is gone, and without it nobody can read what is stored here.`);
  const key = randomBytes(32);
  await writeKey(dir, key);
  return key;
};

/** Reads the folder's log into `doc`, and has it ready for more. */
const loadLog = async (dir: string, doc: Y.Doc): Promise<LogWriter> => {
  const bytes = await readLog(dir);
  if (!bytes) return createLog(dir, []);
  const log = decodeLog(bytes);
  applyAll(doc, log);
  const state = Y.encodeStateAsUpdate(doc);
  let compacted: LogWriter | undefined;
  if (log.rows > COMPACT_ROWS || log.end > COMPACT_FACTOR * (state.length + 1024))
    await fits(async () => {
      compacted = await createLog(dir, [state]);
    });
  await rm(join(dir, NEW_LOG_FILE), { force: true });
  return compacted ?? resumeLog(dir, log.end);
};

/** False if there is no room to write a log anew beside the old one, which then serves as it is. */
const fits = async (write: () => Promise<void>): Promise<boolean> => {
  try {
    await write();
    return true;
  } catch (error) {
    if (writeError(error).code === 'STORAGE_FULL') return false;
    throw error;
  }
};

const applyAll = (doc: Y.Doc, log: LogContents): void => {
  try {
    doc.transact(() => {
      for (const update of log.updates) Y.applyUpdate(doc, update);
    });
  } catch (error) {
    throw corrupt('The log holds what is no document.', error);
  }
  if (doc.store.pendingStructs || doc.store.pendingDs) throw corrupt('The log has a gap.');
};

const readLog = async (dir: string): Promise<Uint8Array | undefined> => {
  try {
    return new Uint8Array(await readFile(join(dir, LOG_FILE)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

const takenOver = (): SealwireError =>
  new SealwireError('STORAGE_IN_USE', 'Another process took over the storage of this device.');

const removed = (): SealwireError =>
  new SealwireError('STORAGE_LOST', 'The storage of this device was removed. Try again to write it anew.');

/** What went wrong while opening, as a code. */
const openError = (error: unknown): SealwireError => {
  if (error instanceof SealwireError) return error;
  const mapped = writeError(error);
  if (mapped.code === 'STORAGE_FULL') return mapped;
  const { code } = error as NodeJS.ErrnoException;
  return new SealwireError(
    'STORAGE_UNAVAILABLE',
    `The storage folder of this device cannot be used (${code ?? 'unknown'}): check that it is there and may be written.`,
    { cause: error },
  );
};
