// Values beside a vault's log, one file each. Rules: spec/vault.md §4.
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SealwireError, sameBytes } from '@sealwire/protocol';
import { syncFolder, writeError } from './file-writer.ts';
import type { Archive } from './storage.ts';

export const ARCHIVE_FOLDER = 'archive';

const NAME = /^[0-9a-f]{32}$/;

/**
 * @param dir - the vault's folder.
 * @param requireOurs - throws if the folder is not this process's any more.
 */
export const fileArchive = (dir: string, requireOurs: () => Promise<void>): Archive => {
  const folder = join(dir, ARCHIVE_FOLDER);
  const pathOf = (name: string): string => {
    if (!NAME.test(name)) throw new RangeError('name: no 32 hexadecimal digits');
    return join(folder, name);
  };
  return {
    async put(name, value) {
      const path = pathOf(name);
      const fresh = `${path}.new`;
      try {
        await requireOurs();
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await write(fresh, value);
        await rename(fresh, path);
        await syncFolder(folder);
        await syncFolder(dir);
      } catch (error) {
        await rm(fresh, { force: true }).catch(() => undefined); // The first error says more.
        throw writeError(error);
      }
    },
    async get(name) {
      try {
        return new Uint8Array(await readFile(pathOf(name)));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw writeError(error);
      }
    },
    async remove(names) {
      for (const name of names) await rm(pathOf(name), { force: true });
    },
    async names() {
      try {
        return (await readdir(folder)).filter((name) => NAME.test(name));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
        throw writeError(error);
      }
    },
  };
};

const write = async (path: string, value: Uint8Array): Promise<void> => {
  const file = await open(path, 'w+', 0o600);
  try {
    await file.writeFile(value);
    await file.sync();
    const found = new Uint8Array(value.length);
    const { bytesRead } = await file.read(found, 0, found.length, 0);
    if (bytesRead !== value.length || !sameBytes(found, value))
      throw new SealwireError('STORAGE_FULL', 'The disk is full: make room, then try again.');
  } finally {
    await file.close();
  }
};
