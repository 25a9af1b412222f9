// Folders with vaults in them, and the child processes that open them, for the contract and for tests of crashes.
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleForNode } from '@sealwire/testkit/bundle';
import type { SmallVaultPlace, VaultDriver, VaultPlace } from '@sealwire/testkit/vault-contract';
import { remoteVault, type VaultReply } from '@sealwire/testkit/vault-remote';

const SMALL_DISK = '2m';

/** Bundles the child once, so that each start takes a tenth of a second; `remove` when all is done. */
export const bundleChild = () => bundleForNode(fileURLToPath(new URL('./vault-child.ts', import.meta.url)));

/** A place in a new folder. @param child - path of the bundled child. */
export const folderPlace = async (child: string): Promise<VaultPlace & { readonly dir: string }> => {
  const root = await mkdtemp(join(tmpdir(), 'sealwire-vault-'));
  return processes(child, join(root, 'vault'), () => rm(root, { recursive: true, force: true }));
};

/** A place on a disk of 2 MB. Needs root. */
export const smallDiskPlace = async (child: string): Promise<SmallVaultPlace> => {
  const root = await mkdtemp(join(tmpdir(), 'sealwire-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SMALL_DISK}`, 'tmpfs', root]);
  const ballast = join(root, 'ballast');
  await writeFile(ballast, new Uint8Array(1024 * 1024));
  return {
    ...processes(child, join(root, 'vault'), async () => {
      execFileSync('umount', [root]);
      await rm(root, { recursive: true });
    }),
    async free() {
      await rm(ballast);
    },
  };
};

/** True when this process may mount a file system: a disk can be filled without filling this machine's. */
export const canMount = (): boolean => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  try {
    execFileSync('unshare', ['--mount', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false; // Root in a container without the right to mount.
  }
};

const processes = (
  child: string,
  dir: string,
  remove: () => Promise<void>,
): VaultPlace & { readonly dir: string } => {
  const running = new Set<ChildProcess>();
  let tell: (step: number) => void = () => undefined;
  const crash = async (): Promise<void> => {
    await Promise.all([...running].map(kill));
    running.clear();
  };
  return {
    dir,
    async start() {
      const { process, vault } = startChild(child, dir, (step) => tell(step));
      running.add(process);
      return vault;
    },
    crash,
    onDurable(listener) {
      tell = listener;
    },
    async raw() {
      const files = (await readdir(dir)).filter((name) => name.startsWith('vault.log'));
      return Promise.all(files.map((name) => readFile(join(dir, name))));
    },
    async lose() {
      await rm(dir, { recursive: true });
    },
    async dispose() {
      await crash();
      await remove();
    },
  };
};

const kill = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    child.once('close', () => resolve());
    child.kill('SIGKILL');
  });

const startChild = (
  path: string,
  dir: string,
  report: (step: number) => void,
): { readonly process: ChildProcess; readonly vault: VaultDriver } => {
  const child = fork(path, [dir], { execArgv: [] });
  const waiting = new Map<number, { resolve(reply: VaultReply): void; reject(error: Error): void }>();
  child.on('message', (message: { durable: number } | { id: number; reply: VaultReply }) => {
    if ('durable' in message) return report(message.durable);
    waiting.get(message.id)?.resolve(message.reply);
    waiting.delete(message.id);
  });
  child.once('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error('the process ended'));
  });
  let calls = 0;
  const vault = remoteVault(
    (call) =>
      new Promise((resolve, reject) => {
        const id = calls++;
        waiting.set(id, { resolve, reject });
        child.send({ id, call });
      }),
  );
  return { process: child, vault };
};
