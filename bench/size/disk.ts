// What a chat takes on the disks of a relay and of a device: the stores that both really use, in folders of their own.
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileStorage } from '@sealwire/core/node';
import { openVault } from '@sealwire/core/testing';
import type { StoredFrame } from '@sealwire/protocol';
import { lmdbStore } from '@sealwire/relay';
import { ResultsDiffer } from '../lib/result.ts';
import { catchUpSealed, deliveries, freshDevice, type SealedLog } from '../merge/sealed.ts';

const AT_ONCE = 1_000;

const inFolder = async <T>(run: (folder: string) => Promise<T>): Promise<T> => {
  const folder = await mkdtemp(join(tmpdir(), 'sealwire-bench-'));
  try {
    return await run(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** Bytes of all files of a folder, those below it included. */
const folderBytes = async (folder: string): Promise<number> => {
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    bytes += entry.isDirectory() ? await folderBytes(path) : (await stat(path)).size;
  }
  return bytes;
};

/**
 * What the frames of one room add to the relay's LMDB folder, pages that are free again included.
 *
 * @throws ResultsDiffer if the store gives back anything else.
 */
export const relayBytes = (frames: readonly StoredFrame[]): Promise<number> =>
  inFolder(async (folder) => {
    const room = new Uint8Array(randomBytes(32));
    const first = await lmdbStore(folder);
    const members = [{ principal: new Uint8Array(randomBytes(32)), admin: true }];
    await first.putRoom({ room, version: 1, members });
    await first.close();
    const empty = await folderBytes(folder);
    const store = await lmdbStore(folder);
    for (let from = 0; from < frames.length; from += AT_ONCE)
      await Promise.all(
        frames.slice(from, from + AT_ONCE).map(({ stream, frame }) => store.append({ room, stream, frame })),
      );
    const { frames: read } = store.read({ room, stream: '', after: 0, maxBytes: Number.MAX_SAFE_INTEGER });
    await store.close();
    if (read.length !== frames.length || read.some(({ frame }, i) => !equal(frame, frames[i]!.frame)))
      throw new ResultsDiffer('the relay store gives back other frames than it was given');
    return (await folderBytes(folder)) - empty;
  });

const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** The vault's folder after a device has caught up, and after it was opened once more, which may write it anew. */
export const vaultBytes = ({ account, frames }: SealedLog): Promise<{ written: number; reopened: number }> =>
  inFolder(async (folder) => {
    const vault = await openVault(await fileStorage(folder).open(), { randomBytes });
    const device = await freshDevice(account, vault);
    await catchUpSealed(device, deliveries(frames));
    await vault.close();
    const written = await folderBytes(folder);
    const again = await openVault(await fileStorage(folder).open(), { randomBytes });
    await again.close();
    return { written, reopened: await folderBytes(folder) };
  });
