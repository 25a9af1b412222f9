// `pnpm bench:baseline`: runs suites several times and writes what later runs are held to, one baseline.json a suite.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeBaseline } from './lib/baseline-files.ts';
import { type BaselineOptions, baselineHelp, parseBaselineOptions } from './lib/baseline-options.ts';
import { toBaselines } from './lib/gate.ts';
import type { Report } from './lib/result.ts';
import { SUITES } from './suites.ts';

const PROGRAM = fileURLToPath(new URL('main.ts', import.meta.url));

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const read = (file: string): Report => JSON.parse(readFileSync(file, 'utf8')) as Report;

/** Each run in a process of its own: what a warm heap or compiler gives would be the same in all of one. */
const runOnce = (suite: string, quick: boolean, folder: string, run: number): Report => {
  const file = join(folder, `${suite}-${run}.json`);
  const args = [
    '--conditions=sealwire:source',
    '--import',
    'tsx',
    '--expose-gc',
    PROGRAM,
    suite,
    '--json',
    file,
  ];
  const { status } = spawnSync(process.execPath, [...args, ...(quick ? ['--quick'] : [])], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  // Worse than the old baseline is no reason not to make a new one; no report is.
  if (!existsSync(file)) throw new Error(`bench ${suite} ended with ${status} and gave no report`);
  return read(file);
};

const runSuite = (suite: string, { quick, runs }: BaselineOptions): Report[] => {
  const folder = mkdtempSync(join(tmpdir(), 'sealwire-bench-'));
  try {
    return Array.from({ length: runs }, (_, run) => {
      print(`${suite}: run ${run + 1} of ${runs}`);
      return runOnce(suite, quick, folder, run);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const write = (reports: readonly Report[]): void => {
  for (const [suite, baseline] of toBaselines(reports)) {
    // A quick run has not all cases of a full one.
    const isPart = reports.some(
      ({ env, results }) => env.quick && results.some((each) => each.suite === suite),
    );
    writeBaseline(suite, baseline, isPart);
    print(`bench/${suite}/baseline.json: ${Object.keys(baseline.cases).length} cases`);
  }
};

const main = (args: readonly string[]): number => {
  let options: BaselineOptions;
  try {
    options = parseBaselineOptions(
      args,
      SUITES.map(({ name }) => name),
    );
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    print(`${error.message}\n\n${baselineHelp}`);
    return 2;
  }
  if (options.files.length > 0) write(options.files.map(read));
  // Written suite by suite: what is done stays when a later one fails.
  else for (const suite of options.suites) write(runSuite(suite, options));
  return 0;
};

process.exitCode = main(process.argv.slice(2));
