// A small version of `pnpm abuse`. Rules: spec/relay-protocol.md §8 and §12.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LIMITS } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ABUSES, SLOW_READERS } from './abuse.ts';
import { compareAbuse } from './abused.ts';
import { runNoise } from './noise.ts';

const abuse = suite('abuse');

abuse(
  '[RP79, RP88, RP122] beside every abuse at once honest devices lose nothing, and memory is bounded',
  async () => {
    const data = await mkdtemp(join(tmpdir(), 'sealwire-abuse-'));
    try {
      const { calm, abused, done } = await compareAbuse({ seconds: 8, data, say: () => {} });
      assert.is(abused.delivered, abused.appended * 9);
      assert.ok(abused.appended > 1_000, `${abused.appended} appended`);
      for (const { name } of ABUSES) assert.ok(done.get(name)! > 0, `${name}: nothing was done`);
      const more = Math.max(...abused.memory) - Math.max(...calm.memory);
      // What the slow readers may leave unread; all else is far below it.
      assert.ok(more < (SLOW_READERS * LIMITS.socketDropBytes) / 1e6, `${more} MB more than undisturbed`);
    } finally {
      await rm(data, { recursive: true, force: true });
    }
  },
);

abuse(
  '[RP79, RP80] a relay that reads thousands of fuzzed messages serves honest devices, which lose nothing',
  async () => {
    const data = await mkdtemp(join(tmpdir(), 'sealwire-abuse-'));
    try {
      const { honest, read, malformed } = await runNoise({ frames: 5_000, seed: 1, data, say: () => {} });
      assert.is(honest.delivered, honest.appended * 3);
      assert.ok(
        honest.appended > 0 && read >= 5_000 && malformed > 100,
        `${read} read, ${malformed} malformed`,
      );
    } finally {
      await rm(data, { recursive: true, force: true });
    }
  },
);

abuse.run();
