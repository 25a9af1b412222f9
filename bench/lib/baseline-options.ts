// The command line of `pnpm bench:baseline`.
import { resolve } from 'node:path';

export interface BaselineOptions {
  readonly suites: readonly string[];
  readonly quick: boolean;
  /** How often each suite is run. */
  readonly runs: number;
  /** Reports to take instead of running anything; absolute. */
  readonly files: readonly string[];
}

const RUNS = { usual: 3, most: 20 } as const;

export const baselineHelp = `pnpm bench:baseline [suite...] [--quick] [--runs N] [--from FILE]...

Writes bench/SUITE/baseline.json: the ratios that later runs are held to, each with a tolerance from the spread.

  --quick      of quick runs; cases that only a full run has stay as they are
  --runs N     runs of each suite, each in a process of its own (${RUNS.usual})
  --from FILE  of a report that \`pnpm bench --json FILE\` wrote, instead of running; more than once for several`;

/** @throws RangeError naming what is wrong. */
export const parseBaselineOptions = (args: readonly string[], known: readonly string[]): BaselineOptions => {
  const suites: string[] = [];
  const files: string[] = [];
  let quick = false;
  let runs: number = RUNS.usual;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === '--') continue;
    if (arg === '--quick') quick = true;
    else if (arg === '--from') {
      const file = args[++i];
      if (!file) throw new RangeError('--from needs a file');
      files.push(resolve(file));
    } else if (arg === '--runs') {
      runs = Number(args[++i]);
      if (!Number.isInteger(runs) || runs < 1 || runs > RUNS.most)
        throw new RangeError(`--runs needs a number from 1 to ${RUNS.most}`);
    } else if (known.includes(arg)) suites.push(arg);
    else throw new RangeError(`there is no suite or option ${arg}; there are: ${known.join(', ')}`);
  }
  return { suites: suites.length > 0 ? suites : known, quick, runs, files };
};
