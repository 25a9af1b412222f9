// A small version of `pnpm abuse`. Rules: spec/relay-protocol.md §8 and §12.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ABUSES } from './abuse.ts';
import { compareAbuse } from './abused.ts';

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
      // Fifty slow readers may hold a megabyte and an answer each, five hundred strangers their 4 KiB.
      const more = Math.max(...abused.memory) - Math.max(...calm.memory);
      assert.ok(more < 400, `${more} MB more than undisturbed`);
    } finally {
      await rm(data, { recursive: true, force: true });
    }
  },
);

abuse.run();
