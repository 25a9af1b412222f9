// timeout: 1800s
// The simulator over many seeds: whole devices over the real relay core, with everything between and under them bad.
// A failing seed prints the command that repeats it. Rules: spec/frame.md §7 to §9, spec/relay-protocol.md §7.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ATTACKS } from './attacks.ts';
import { FAULTS } from './faults.ts';
import { LIES } from './lies.ts';
import { type RunReport, simulate } from './run.ts';

const FIRST = Number(process.env.SEALWIRE_SEED ?? 1);
const IS_SLOW = process.env.SEALWIRE_SLOW === '1';
/** The slow run has as many as hold every kind of fault, lie and attack. More of them: `pnpm sim --seeds 2000`. */
const SEEDS = IS_SLOW ? 120 : 5;

const test = suite('simulator');

test('one seed, one run: every event, and every byte on a wire, again', async () => {
  for (const seed of [3, 8]) {
    const [first, again] = [await simulate(seed), await simulate(seed)];
    assert.is(first.failure, undefined);
    assert.ok(first.steps > 300 && wordsOf(first) > 10, 'it did something');
    assert.is(again.digest, first.digest);
    assert.is(again.steps, first.steps);
  }
  assert.is.not((await simulate(3)).digest, (await simulate(4)).digest);
});

test('[FR12] [FR16] devices agree with each other and with the model, whatever befell them', async () => {
  const counts = new Map<string, number>();
  const failures: string[] = [];
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const report = await simulate(seed);
    for (const [kind, times] of report.counts) counts.set(kind, (counts.get(kind) ?? 0) + times);
    if (report.failure)
      failures.push(`seed ${seed}: ${report.failure.stack}\n  again: pnpm sim --seed ${seed}`);
    assert.ok(report.failure || wordsOf(report) > 0, `seed ${seed} did nothing`);
  }
  process.stdout.write(
    `${SEEDS} seeds: ${[...counts].map(([kind, times]) => `${kind} ${times}`).join(', ')}\n`,
  );
  assert.is(failures.join('\n'), '');
  assert.ok((counts.get('words said') ?? 0) > 10 * SEEDS);
  if (!IS_SLOW) return;
  const kinds = [
    ...Object.keys(FAULTS),
    ...Object.keys(LIES).map((kind) => `lie: ${kind}`),
    ...Object.keys(ATTACKS).map((kind) => `attack: ${kind}`),
  ];
  for (const kind of kinds) assert.ok((counts.get(kind) ?? 0) > 0, `no ${kind} in ${SEEDS} seeds`);
});

test.run();

function wordsOf({ counts }: RunReport): number {
  return counts.get('words said') ?? 0;
}
