// The command line of `pnpm bench`.
import { resolve } from 'node:path';

export interface BenchOptions {
  /** All suites if none is named. */
  readonly suites: readonly string[];
  readonly quick: boolean;
  /** Absolute path of the file that gets the report. */
  readonly json: string | undefined;
  /** A picture of each suite goes into its folder. */
  readonly plot: boolean;
  /** Of the merge suite: a file with an editing trace, absolute, or the name of one that is made. */
  readonly trace: string | undefined;
  readonly help: boolean;
}

export const help = (suites: readonly { readonly name: string; readonly about: string }[]): string =>
  `pnpm bench [suite] [--quick] [--json FILE] [--plot]

Measures Sealwire beside its peers in one run, after checking that their results are equal.

${suites.map(({ name, about }) => `  ${name.padEnd(12)} ${about}`).join('\n')}

  --quick      at most 60 s a suite
  --json FILE  writes the report there; its form is in bench/README.md
  --plot       draws each suite: bench/SUITE/plot.svg
  --trace FILE merge alone: replays an editing trace (josephg/editing-traces, gzipped or not), or "b4-shape", which is made
  --help       this page

Exits with 1 if results differ, or if a ratio is worse than baseline.json or the suite allows.`;

/** @throws RangeError naming what is wrong. */
export const parseOptions = (
  args: readonly string[],
  known: readonly string[],
  cwd: string,
): BenchOptions => {
  const suites: string[] = [];
  let quick = false;
  let json: string | undefined;
  let plot = false;
  let trace: string | undefined;
  let help = false;
  for (let i = 0; i < args.length; i++) {
    const [name = '', inline] = (args[i] ?? '').split('=', 2);
    if (name === '--') continue;
    if (name === '--help' || name === '-h') help = true;
    else if (name === '--quick') quick = true;
    else if (name === '--plot') plot = true;
    else if (name === '--json') {
      const file = inline ?? args[++i];
      if (!file) throw new RangeError('--json needs a file');
      json = resolve(cwd, file);
    } else if (name === '--trace') {
      const file = inline ?? args[++i];
      if (!file) throw new RangeError('--trace needs a file');
      trace = file === 'b4-shape' ? file : resolve(cwd, file);
    } else if (name.startsWith('-')) throw new RangeError(`there is no option ${name}; try --help`);
    else if (known.includes(name)) suites.push(name);
    else throw new RangeError(`there is no suite ${name}; there are: ${known.join(', ')}`);
  }
  if (trace !== undefined && suites.some((name) => name !== 'merge'))
    throw new RangeError('--trace is of the merge suite alone');
  const all = trace === undefined ? known : ['merge'];
  return { suites: suites.length > 0 ? suites : all, quick, json, plot, trace, help };
};
