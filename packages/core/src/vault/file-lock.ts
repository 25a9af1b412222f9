// One process a vault folder: a lock that says who holds it and that a dead process cannot keep.
// Rules: spec/vault.md §4.
import { randomBytes } from 'node:crypto';
import { readdir, readFile, readlink, rename, rm, symlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { SealwireError } from '@sealwire/protocol';

export interface FileLock {
  /** `gone` once somebody removed it, `taken` once another process has it. */
  state(): Promise<'held' | 'gone' | 'taken'>;
  release(): Promise<void>;
}

const LOCK = 'vault.lock';

/** Tokens of the locks of this process. Where start times are unknown, our pid with another token is an earlier process. */
const ownTokens = new Set<string>();

/**
 * Takes the lock of a vault folder; a dead process's lock is taken over.
 *
 * A lock is a symbolic link whose target is `pid-started-token`: making one is atomic, and needs no room on a full disk.
 * Of several processes that find the same dead lock only one may make the link `vault.lock.TOKEN` that succeeds it,
 * and it counts only if the dead lock is still the one in force.
 *
 * @param dir - exists.
 * @throws SealwireError STORAGE_IN_USE; the error of the file system otherwise.
 */
export const lockFolder = async (dir: string): Promise<FileLock> => {
  const root = join(dir, LOCK);
  const token = randomBytes(8).toString('hex');
  const target = `${process.pid}-${await startOf(process.pid)}-${token}`;
  ownTokens.add(token);
  try {
    while (!(await succeed(dir, target)));
    await makeRoot(dir, target);
  } catch (error) {
    ownTokens.delete(token);
    throw error;
  }
  return {
    async state() {
      const found = await targetOf(root);
      return found === target ? 'held' : found === undefined ? 'gone' : 'taken';
    },
    async release() {
      ownTokens.delete(token);
      if ((await targetOf(root)) === target) await unlink(root);
    },
  };
};

/** Walks from the lock over dead holders to the first free name and takes it. False: the ground moved, try again. */
const succeed = async (dir: string, target: string): Promise<boolean> => {
  const walked: { readonly path: string; readonly target: string }[] = [];
  let path = join(dir, LOCK);
  while (!(await makeLink(target, path))) {
    const holder = await targetOf(path);
    if (holder === undefined) return false;
    if (await isAlive(holder))
      throw new SealwireError(
        'STORAGE_IN_USE',
        `Process ${holder.split('-')[0]} uses this storage: end it first.`,
      );
    walked.push({ path, target: holder });
    path = join(dir, `${LOCK}.${holder.split('-')[2]}`);
  }
  for (const step of walked) {
    if ((await targetOf(step.path)) === step.target) continue;
    await rm(path, { force: true });
    return false;
  }
  return true;
};

/** Puts the holder's link in the first place, so that chains do not grow, and removes what dead ones left. */
const makeRoot = async (dir: string, target: string): Promise<void> => {
  const root = join(dir, LOCK);
  if ((await targetOf(root)) !== target) {
    const fresh = `${root}.${target.split('-')[2]}`;
    await symlink(target, fresh);
    await rename(fresh, root);
  }
  for (const name of await readdir(dir))
    if (name.startsWith(`${LOCK}.`)) await rm(join(dir, name), { force: true });
};

const makeLink = async (target: string, path: string): Promise<boolean> => {
  try {
    await symlink(target, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
};

const targetOf = async (path: string): Promise<string | undefined> => {
  try {
    return await readlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

const isAlive = async (holder: string): Promise<boolean> => {
  const [pidText = '', started = '', token = ''] = holder.split('-');
  const pid = Number(pidText);
  if (pid === process.pid && started === '0') return ownTokens.has(token);
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const now = await startOf(pid);
  return started === '0' || now === '0' || now === started;
};

/** When a process started, in the kernel's ticks, where /proc tells it (proc(5), field 22); "0" elsewhere. */
const startOf = async (pid: number): Promise<string> => {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '0';
  } catch {
    return '0'; // No /proc, or not for us: the pid alone has to do.
  }
};
