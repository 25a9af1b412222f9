// A small load on a real relay: every receiver checks every frame. Rules: spec/relay-protocol.md §7.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runLoad } from './load.ts';

const load = suite('load');

load(
  '[RP63, RP70, RP71] 300 connections in 30 rooms for ten seconds: nothing lost, doubled or reordered',
  async () => {
    const data = await mkdtemp(join(tmpdir(), 'sealwire-load-'));
    try {
      const options = { connections: 300, rooms: 30, seconds: 10, perSecond: 300, data, say: () => {} };
      const { appended, delivered } = await runLoad(options);
      assert.ok(appended > 2_500, `${appended} appended`);
      assert.is(delivered, appended * 9);
    } finally {
      await rm(data, { recursive: true, force: true });
    }
  },
);

load.run();
