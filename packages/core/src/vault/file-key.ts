// The key file of a vault folder: 32 bytes that only its owner may read. Rules: spec/vault.md §4.
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SealwireError } from '@sealwire/protocol';
import { corrupt } from './file-log.ts';
import { syncFolder } from './file-writer.ts';

export const KEY_FILE = 'vault.key';
const KEY_BYTES = 32;

/**
 * The key in a vault folder, or undefined if there is none.
 *
 * A file that other users may read is refused, not mended: they may have read it already, and a person should know.
 *
 * @throws SealwireError STORAGE_UNAVAILABLE, STORAGE_CORRUPT; the error of the file system otherwise.
 */
export const readKey = async (dir: string): Promise<Uint8Array | undefined> => {
  const path = join(dir, KEY_FILE);
  let key: Uint8Array;
  try {
    const { mode } = await stat(path);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      throw new SealwireError(
        'STORAGE_UNAVAILABLE',
        `Other users of this machine may read ${path}. If nobody did, run "chmod 600" on it; otherwise remove the storage and link this device again.`,
      );
    key = new Uint8Array(await readFile(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  if (key.length !== KEY_BYTES) throw corrupt(`${KEY_FILE} is ${key.length} bytes, not ${KEY_BYTES}.`);
  return key;
};

/** Writes a key file where there is none, durably. The caller holds the folder's lock. */
export const writeKey = async (dir: string, key: Uint8Array): Promise<void> => {
  const fresh = join(dir, `${KEY_FILE}.new`);
  await rm(fresh, { force: true });
  const file = await open(fresh, 'wx', 0o600);
  try {
    await file.writeFile(key);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(fresh, join(dir, KEY_FILE));
  await syncFolder(dir);
};
