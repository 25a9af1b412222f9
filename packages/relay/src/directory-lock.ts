// One relay process a store: two would give out the same positions. Rules: spec/relay-protocol.md §7 (RP66).
import { mkdir, open, readFile, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SealwireError } from '@sealwire/protocol';

/** Directories that this process holds. */
const held = new Set<string>();

/**
 * Takes a directory for this process, made if it is not there. A file with the process id stands for it; what a
 * killed process left behind is taken over.
 *
 * @returns the function that gives it back.
 * @throws SealwireError (rejects) STORE_FAILED if another process holds it, or it cannot be written.
 */
export const lockDirectory = async (directory: string): Promise<() => Promise<void>> => {
  try {
    await mkdir(directory, { recursive: true });
    const path = await realpath(directory);
    if (held.has(path)) throw inUse();
    held.add(path);
    try {
      await take(join(path, 'relay.pid'));
    } catch (error) {
      held.delete(path);
      throw error;
    }
    return async () => {
      await rm(join(path, 'relay.pid'), { force: true });
      held.delete(path);
    };
  } catch (cause) {
    if (cause instanceof SealwireError) throw cause;
    throw new SealwireError('STORE_FAILED', "The relay's directory cannot be used; check its rights.", {
      cause,
    });
  }
};

const take = async (path: string): Promise<void> => {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const file = await open(path, 'wx');
      await file.writeFile(`${process.pid}\n`).finally(() => file.close());
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const owner = Number(await readFile(path, 'utf8').catch(() => ''));
      if (owner > 0 && owner !== process.pid && isAlive(owner)) throw inUse();
      await rm(path, { force: true });
    }
  }
  throw inUse();
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

const inUse = (): SealwireError =>
  new SealwireError('STORE_FAILED', 'Another relay holds this directory; stop it first.');
