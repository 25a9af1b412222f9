// timeout: 180s
// Whole devices, the relay's core, network, disks and clock under one seed: what people saw is there in the end.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { simulate } from './run.ts';

const test = suite('simulator');
const SEEDS = process.env.SEALWIRE_SLOW === '1' ? 120 : 15;

test('[FR12] [FR16] crashes, full and lost disks, old copies, dead relays and cut networks lose nothing and fork nothing', async () => {
  const counts = new Map<string, number>();
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { failure, counts: found } = await simulate(seed);
    assert.is(failure, undefined, `pnpm sim --seed ${seed}: ${failure?.stack ?? failure?.message}`);
    for (const [kind, times] of found) counts.set(kind, (counts.get(kind) ?? 0) + times);
  }
  for (const kind of [
    'crash',
    'cut',
    'disk full',
    'restart',
    'restored from a copy',
    'relay dies',
    'linking done',
  ])
    assert.ok((counts.get(kind) ?? 0) > 0, `no ${kind} in ${SEEDS} seeds: the run proves nothing of it`);
  assert.ok((counts.get('words said') ?? 0) > 100 * SEEDS, 'hardly anything was said');
});

test('one seed is one run', async () => {
  const [first, again] = [await simulate(7), await simulate(7)];
  assert.is(first.failure, undefined);
  assert.ok(first.steps > 0);
  assert.is(again.digest, first.digest);
  assert.is(again.steps, first.steps);
});

test.run();
