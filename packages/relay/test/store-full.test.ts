// A disk that is really full: a file system of a few megabytes in memory, which needs root. Rules: spec/relay-protocol.md §7.
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SealwireError } from '@sealwire/protocol';
import { framesHeard } from '@sealwire/testkit/relay-client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { lmdbStore } from '../src/index.ts';
import { answered, follow, makeRoom, refusedWith, withRelay } from './support.ts';

const full = suite('full disk');
const room = new Uint8Array(32).fill(3);

const mounts = (folder: string, size = '4m'): boolean =>
  spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder]).status === 0;
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

(works ? full : full.skip)(
  `[RP67] a relay whose disk is full tells writers so and serves readers, live and from the store${works ? '' : ' (no right to mount here)'}`,
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sealwire-full-'));
    assert.ok(mounts(folder, '2m'));
    const failures: string[] = [];
    try {
      await withRelay(
        {
          store: await lmdbStore(join(folder, 'data')),
          log: (event) => event.event === 'store-failed' && failures.push(event.code),
        },
        async ({ account, connect }) => {
          const [ada, bob] = [await account(), await account()];
          const id = await makeRoom(ada, bob);
          await follow(bob.client, id);
          const write = (byte: number, bytes = 9_000) =>
            ada.client.request({
              type: 'append',
              room: id,
              stream: 'control',
              frame: new Uint8Array(bytes).fill(byte),
            });
          let kept = 0;
          let refused = 0;
          for (let i = 0; i < 400 && refused < 20; i++) {
            const answer = await write(kept + 1);
            if (answer.type === 'appended') {
              kept += 1;
              assert.is(answer.position, kept);
            } else {
              refusedWith(answer, 'STORE_FULL');
              refused += 1;
            }
          }
          assert.ok(kept > 20 && refused === 20, `${kept} kept, ${refused} refused`);
          await bob.client.sync();
          const bytesOf = (frames: readonly { readonly bytes: Uint8Array }[]) =>
            frames.map(({ bytes }) => bytes[0]);
          const expected = Array.from({ length: kept }, (_, i) => (i + 1) & 255);
          assert.equal(bytesOf(framesHeard(bob.client, id)), expected);
          const late = await connect(bob.client.key);
          assert.is((await follow(late, id)).news[0]?.head, kept);
          await late.until(() => framesHeard(late, id).length === kept);
          assert.equal(bytesOf(framesHeard(late, id)), expected);
          const read = { type: 'read', room: id, stream: 'control', after: 0, maxBytes: 9_000 } as const;
          assert.is(answered(await late.request(read), 'read-result').head, kept);
          refusedWith(await write(1), 'STORE_FULL');
        },
      )();
      assert.ok(failures.length >= 21 && failures.every((code) => code === 'STORE_FULL'));
    } finally {
      spawnSync('umount', [folder]);
      await rm(folder, { recursive: true, force: true });
    }
  },
);

full.run();
