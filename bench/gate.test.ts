// timeout: 60s
// The gate: a ratio that is worse than earlier runs explain fails a run, of whatever suite; a worse build is noticed.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseBaselineOptions } from './lib/baseline-options.ts';
import { type Baseline, complaintsOf, TOLERANCE, toBaselines } from './lib/gate.ts';
import { environment, type Result, toResult } from './lib/result.ts';
import { importVariant } from './lib/variants.ts';

const test = suite('bench gate');
const silent = (): void => undefined;

const reportOf = (...results: Result[]) => ({ env: environment(true), results });

/** @param samples - ratios of rounds. */
const result = (name: string, better: 'higher' | 'lower', unit: string, ...samples: number[]): Result =>
  toResult({ suite: 's', case: name, unit, better }, samples, [
    { name: 'p', version: '1', samples: samples.map(() => 1) },
  ]);

const baselineOf = (...results: Result[]): Baseline =>
  toBaselines(results.map((each) => reportOf(each))).get('s')!;

test('a baseline is the median of runs, and its tolerance comes from how far rounds and runs lay apart', () => {
  const steady = baselineOf(...[2, 2, 2].map((ratio) => result('a', 'higher', 'messages/s', ratio)));
  assert.equal(steady.cases, { a: { ratio: 2, tolerance: TOLERANCE.timed, runs: 3 } });
  const runs = baselineOf(...[1.8, 2.2, 2].map((ratio) => result('a', 'higher', 'messages/s', ratio)));
  assert.equal(runs.cases, { a: { ratio: 2, tolerance: 0.4, runs: 3 } });
  const rounds = baselineOf(result('a', 'lower', 'ms', 1.8, 1.9, 2, 2.1, 2.2));
  assert.equal(rounds.cases, { a: { ratio: 2, tolerance: 0.2, runs: 1 } });
  const wild = baselineOf(result('a', 'lower', 'ms', 1, 9));
  assert.is(wild.cases.a!.tolerance, TOLERANCE.most);
  assert.is(baselineOf(result('a', 'lower', 'B', 10)).cases.a!.tolerance, TOLERANCE.counted);
  assert.is(baselineOf(result('a', 'lower', 'round trips', 1)).cases.a!.tolerance, TOLERANCE.counted);
  assert.throws(() => toBaselines([]), RangeError);
});

test('each suite of a report has a baseline of its own', () => {
  const other = { ...result('b', 'lower', 'ms', 1), suite: 't' };
  const baselines = toBaselines([reportOf(result('a', 'lower', 'ms', 1), other)]);
  assert.equal(
    [...baselines].map(([name, { cases }]) => [name, Object.keys(cases)]),
    [
      ['s', ['a']],
      ['t', ['b']],
    ],
  );
});

test('a ratio that is worse than earlier runs or than the suite allows is complained of', () => {
  const baseline = {
    cases: {
      fast: { ratio: 2, tolerance: 0.5, runs: 3 },
      slow: { ratio: 2, tolerance: 0.2, runs: 3 },
      small: { ratio: 10, tolerance: 0.02, runs: 3 },
    },
  };
  const limits = { limits: new Map([['bounded', 1.5]]) };
  const complaints = (...results: Result[]): string[] => complaintsOf(results, limits, baseline);
  assert.equal(
    complaints(
      result('fast', 'higher', 'messages/s', 1.01),
      result('slow', 'lower', 'ms', 2.49),
      result('small', 'lower', 'B', 10.19),
      result('bounded', 'lower', 'ms', 1.49),
      result('new', 'lower', 'ms', 99),
    ),
    [],
  );
  assert.match(
    complaints(result('fast', 'higher', 'messages/s', 0.99))[0]!,
    /fast has ratio 0\.99; .*at least 1\.00/,
  );
  assert.match(complaints(result('slow', 'lower', 'ms', 2.51))[0]!, /at most 2\.50/);
  assert.match(complaints(result('small', 'lower', 'B', 10.21))[0]!, /at most 10\.20/);
  assert.match(complaints(result('bounded', 'lower', 'ms', 1.51))[0]!, /wanted: at most 1\.50/);
  assert.equal(complaintsOf([result('fast', 'higher', 'messages/s', 0.01)], limits, undefined), []);
});

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
  const baseline = toBaselines([reportOf(...asItIs)]).get(suite);
  assert.equal(complaintsOf(asItIs, {}, baseline), [], 'the baseline is no complaint of itself');
  return complaintsOf(worse, {}, baseline).map((line) => line.split(' ')[1]!);
};

const CIPHER = ['openManyXChaCha', 'openXChaCha', 'sealXChaCha'];

/** What compares times, for a quiet machine: what compares bytes is asked for everywhere. */
const timed = process.env.SEALWIRE_TIMED === '1' ? test : test.skip;

timed('a build with a slow cipher is noticed by the seal suite', async () => {
  const sizes = { batches: [1], updates: 64, rounds: 2, timeMs: 0 };
  const { runSeal } = await import('./seal/bench.ts');
  const slowed = (await worse('seal', ['seal/'], ...CIPHER)) as typeof import('./seal/bench.ts');
  const { results } = await runSeal(RUN, sizes);
  const cases = noticed('seal', results, (await slowed.runSeal(RUN, sizes)).results);
  for (const name of ['seal/1', 'open/1', 'backlog/1'])
    assert.ok(cases.includes(name), `${name} is not among ${cases.join(', ')}`);
  assert.not.ok(cases.includes('open/1m/noble'), 'what was not slowed is not complained of');
});

timed('the same build is noticed by the merge suite', async () => {
  const sizes = { catchUp: [100], worst: 100, rounds: 2, checks: false };
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

test('the command line of baselines is read strictly', () => {
  assert.equal(parseBaselineOptions(['merge', '--quick', '--runs', '5'], ['merge', 'size']), {
    suites: ['merge'],
    quick: true,
    runs: 5,
    files: [],
  });
  assert.equal(parseBaselineOptions(['--from', '/a.json', '--from', '/b.json'], ['merge']).files, [
    '/a.json',
    '/b.json',
  ]);
  for (const args of [['other'], ['--runs', '0'], ['--runs'], ['--from']])
    assert.throws(() => parseBaselineOptions(args, ['merge']), RangeError);
});

test.run();
