// A disk that is really full: a file system of a few megabytes in memory, which needs root. Rules: spec/relay-protocol.md §7.
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SealwireError } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { lmdbStore } from '../src/index.ts';

const full = suite('full disk');
const room = new Uint8Array(32).fill(3);

const mounts = (folder: string): boolean =>
  spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder]).status === 0;
const probe = await mkdtemp(join(tmpdir(), 'sealwire-full-'));
const works = mounts(probe);
if (works) spawnSync('umount', [probe]);
await rm(probe, { recursive: true, force: true });

(works ? full : full.skip)(
  `[RP67] LMDB on a full disk refuses with STORE_FULL, keeps what it acknowledged, and goes on when there is room${works ? '' : ' (no right to mount here)'}`,
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sealwire-full-'));
    assert.ok(mounts(folder));
    try {
      await writeFile(join(folder, 'filler'), new Uint8Array(1_500_000));
      let store = await lmdbStore(join(folder, 'data'));
      const kept: number[] = [];
      const failures: unknown[] = [];
      for (let i = 0; i < 200 && failures.length < 3; i++) {
        const append = (offset: number) =>
          store.append({ room, stream: 'control', frame: new Uint8Array(9_000).fill(i + offset) });
        for (const [offset, result] of (await Promise.allSettled([append(0), append(1)])).entries()) {
          if (result.status === 'fulfilled') kept[result.value] = (i + offset) & 255;
          else failures.push(result.reason);
        }
      }
      assert.ok(failures.length > 0 && kept.length > 10, `${failures.length} failures`);
      for (const error of failures) {
        assert.instance(error, SealwireError);
        assert.is((error as SealwireError).code, 'STORE_FULL');
      }
      const head = kept.length - 1;
      assert.is(store.head(room), head);
      await rm(join(folder, 'filler'));
      const next = await store.append({ room, stream: 'control', frame: Uint8Array.of(77) });
      assert.is(next, head + 1);
      kept[next] = 77;
      await store.close();
      store = await lmdbStore(join(folder, 'data'));
      const { frames, complete } = store.read({ room, stream: 'control', after: 0, maxBytes: 100_000_000 });
      await store.close();
      assert.ok(complete);
      assert.equal(
        frames.map(({ position, frame }) => [position, frame[0]]),
        kept.flatMap((byte, position) => [[position, byte]]),
      );
    } finally {
      spawnSync('umount', [folder]);
      await rm(folder, { recursive: true, force: true });
    }
  },
);

full.run();
