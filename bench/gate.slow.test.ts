// The gate notices builds that were made worse on purpose: a slow cipher by what it takes, a missing deflate by bytes.
// timeout: 180s
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { complaintsOf, toBaselines } from './lib/gate.ts';
import { environment, type Result } from './lib/result.ts';
import { importVariant } from './lib/variants.ts';

const test = suite('bench gate, worse builds');
const silent = (): void => undefined;

const reportOf = (results: readonly Result[]) => ({ env: environment(true), results });

const here = (path: string): string => new URL(path, import.meta.url).href;
const TESTING = import.meta.resolve('@sealwire/core/testing');
const RUN = { quick: true, say: silent };

/** A suite over a core with functions of lib/slowed.ts. Modules that are not named, such as peers, stay as they are. */
const worse = (suite: string, modules: readonly string[], ...names: string[]): Promise<unknown> =>
  importVariant(
    {
      name: `worse-${suite}`,
      scope: [new URL('.', TESTING).href, here(`${suite}/bench.ts`), ...modules.map(here)],
      replacements: [{ module: '/crypto/native.node.ts', names, by: here('lib/slowed.ts') }],
    },
    here(`${suite}/bench.ts`),
  );

/** The modules of the merge suite that make and read sealed chats; those that check core stay as they are. */
const SEALED = ['contenders', 'device', 'sealed', 'workload'].map((name) => `merge/${name}.ts`);

/** Cases of the worse build that the gate complains of, with the build as it is for a baseline. */
const noticed = (suite: string, asItIs: readonly Result[], worse: readonly Result[]): string[] => {
  const baseline = toBaselines([reportOf(asItIs)]).get(suite);
  assert.equal(complaintsOf(asItIs, {}, baseline), [], 'the baseline is no complaint of itself');
  return complaintsOf(worse, {}, baseline).map((line) => line.split(' ')[1]!);
};

const CIPHER = ['openManyXChaCha', 'openXChaCha', 'sealXChaCha'];

/** How much dearer than its peer a case is in the worse build. */
const worsened = (name: string, asItIs: readonly Result[], worse: readonly Result[]): number => {
  const [before, after] = [asItIs, worse].map((results) => results.find((each) => each.case === name)!);
  const factor = after!.ratio / before!.ratio;
  return before!.better === 'lower' ? factor : 1 / factor;
};

test('a build with a slow cipher is noticed by the seal suite', async () => {
  const sizes = { batches: [1], updates: 64, rounds: 3, timeMs: 0 };
  const { runSeal } = await import('./seal/bench.ts');
  const slowed = (await worse('seal', ['seal/'], ...CIPHER)) as typeof import('./seal/bench.ts');
  const { results } = await runSeal(RUN, sizes);
  const slow = (await slowed.runSeal(RUN, sizes)).results;
  const cases = noticed('seal', results, slow);
  // What was not slowed stays as it is but for what a busy machine does to a sample.
  const untouched = worsened('open/1m/noble', results, slow);
  for (const name of ['seal/1', 'open/1', 'backlog/1']) {
    assert.ok(cases.includes(name), `${name} is not among ${cases.join(', ')}`);
    assert.ok(worsened(name, results, slow) > 3 * untouched, `${name} beside ${untouched}`);
  }
});

test('the same build is noticed by the merge suite', async () => {
  const sizes = { catchUp: [100], worst: 100, rounds: 3, checks: false };
  const { runMerge } = await import('./merge/bench.ts');
  const slowed = (await worse('merge', SEALED, ...CIPHER)) as typeof import('./merge/bench.ts');
  const { results } = await runMerge(RUN, sizes);
  const cases = noticed('merge', results, (await slowed.runMerge(RUN, sizes)).results);
  for (const name of ['catch-up/100/one-transaction', 'worst/one-frame-an-update'])
    assert.ok(cases.includes(name), `${name} is not among ${cases.join(', ')}`);
});

test('a build that deflates nothing is noticed by the size suite, by bytes alone', async () => {
  const { runSize } = await import('./size/bench.ts');
  const worseSize = (await worse(
    'size',
    ['size/', ...SEALED],
    'deflate',
  )) as typeof import('./size/bench.ts');
  const { results } = await runSize(RUN, 120, []);
  const cases = noticed('size', results, (await worseSize.runSize(RUN, 120, [])).results);
  for (const name of ['catch-up/120', 'vault/120'])
    assert.ok(cases.includes(name), `${name} is not among ${cases.join(', ')}`);
});

test.run();
