// The gate: a ratio that is worse than earlier runs explain fails a run, of whatever suite. That worse builds are noticed: gate.slow.test.ts.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseBaselineOptions } from './lib/baseline-options.ts';
import { type Baseline, complaintsOf, TOLERANCE, toBaselines } from './lib/gate.ts';
import { environment, type Result, toResult } from './lib/result.ts';

const test = suite('bench gate');

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
