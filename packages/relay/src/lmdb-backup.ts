// Copies of an LMDB store: made while a relay writes, checked, and put in place. Rules: spec/relay-protocol.md §10 (RP191).
import { constants, cp, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SealwireError } from '@sealwire/protocol';
import { lockDirectory } from './directory-lock.ts';
import { checkLength, checkTables } from './lmdb-check.ts';
import { META, type OpenTables, openTables } from './lmdb-tables.ts';
import { frameKey, positionOfKey } from './records.ts';
import type { StoreReport } from './store-report.ts';

/** Positions of one life of a store: below a 16,777,216th of 2⁵³, so that a minute each lasts for 30 years. */
const LIFE = 2 ** 29;

/** Minutes are counted from here. */
const FIRST_LIFE = Date.UTC(2026, 0, 1);

/** Of a store's folder, what else belongs to a copy of it. */
const BESIDE = ['blobs'];

/**
 * Reads a whole store, which a relay may be using.
 *
 * @throws SealwireError (rejects) STORE_FAILED if it cannot be opened at all.
 */
export const checkStore = (directory: string): Promise<StoreReport> => reading(directory, checkTables);

/**
 * Copies a store into a new folder, which appears when the copy is whole and on disk. A relay may go on using the store.
 *
 * @param to - not there yet; its parent is made.
 * @throws SealwireError (rejects) STORE_FAILED if there is something at `to`, the store cannot be opened, or the copy is
 *   not whole; STORE_FULL is not told apart.
 */
export const backupStore = async (directory: string, to: string): Promise<StoreReport> => {
  if (await isThere(to)) throw failure('There is something at the place of the backup; name a new folder.');
  const part = `${to}.part`;
  await rm(part, { recursive: true, force: true });
  await mkdir(part, { recursive: true });
  await reading(directory, ({ root }) => root.backup(part, true));
  await copyBeside(directory, part);
  const report = await checkStore(part);
  if (report.problems.length > 0) throw failure(`The copy is not whole: ${report.problems[0]}`);
  await settle(part, to);
  return report;
};

/**
 * Puts a copy in the place of a store that is not there. Positions go on above all that the store may have given out since
 * the copy was made, so that every device finds out what is missing.
 *
 * @param nowMs - milliseconds since 1970.
 * @throws SealwireError (rejects) STORE_FAILED if there is a store, or the copy is not whole.
 */
export const restoreStore = async (from: string, directory: string, nowMs: number): Promise<StoreReport> => {
  const report = await checkStore(from);
  if (report.problems.length > 0) throw failure(`The copy is not whole: ${report.problems[0]}`);
  const unlock = await lockDirectory(directory);
  try {
    const taken = (await readdir(directory)).some((name) => name === 'data.mdb' || BESIDE.includes(name));
    if (taken) throw failure('There is a store in this folder; move it away first.');
    await copyBeside(from, directory);
    const part = join(directory, 'restoring');
    await rm(part, { recursive: true, force: true });
    await mkdir(part);
    await cp(join(from, 'data.mdb'), join(part, 'data.mdb'));
    await raiseFloor(part, nowMs);
    // Last, since a store is there from this moment on.
    await settle(join(part, 'data.mdb'), join(directory, 'data.mdb'));
    await rm(part, { recursive: true });
  } finally {
    await unlock();
  }
  return report;
};

const raiseFloor = async (directory: string, nowMs: number): Promise<void> => {
  const { root, tables } = await openTables(directory);
  try {
    const before = tables.meta.get(META.floor);
    const life = Math.max(
      Math.floor((before ? positionOfKey(before) : 0) / LIFE) + 1,
      Math.floor((nowMs - FIRST_LIFE) / 60_000),
    );
    await tables.meta.put(META.floor, frameKey(new Uint8Array(32), life * LIFE).subarray(32));
  } finally {
    await root.close();
  }
};

const reading = async <T>(directory: string, read: (open: OpenTables) => T | Promise<T>): Promise<T> => {
  await checkLength(directory);
  if (!(await isThere(join(directory, 'data.mdb')))) throw failure('There is no store of a relay here.');
  const opened = await openTables(directory, true);
  try {
    return await read(opened);
  } finally {
    await opened.root.close();
  }
};

const copyBeside = async (from: string, to: string): Promise<void> => {
  for (const name of BESIDE)
    if (await isThere(join(from, name)))
      await cp(join(from, name), join(to, name), { recursive: true, mode: constants.COPYFILE_FICLONE });
};

const isThere = async (path: string): Promise<boolean> => {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  await file?.close();
  return file !== undefined;
};

/** Renames what is complete; both its bytes and its name are on disk afterwards. */
const settle = async (part: string, to: string): Promise<void> => {
  await syncAll(part);
  await rename(part, to);
  await sync(dirname(to));
};

const syncAll = async (path: string): Promise<void> => {
  if ((await stat(path)).isDirectory())
    for (const name of await readdir(path)) await syncAll(join(path, name));
  await sync(path);
};

const sync = async (path: string): Promise<void> => {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
};

const failure = (message: string): SealwireError => new SealwireError('STORE_FAILED', message);
