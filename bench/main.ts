// `pnpm bench`: runs benchmark suites, prints a table on stdout and progress on stderr. Form of results: README.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { readBaseline } from './lib/baseline-files.ts';
import { figuresOf, ratiosOf, withFigures } from './lib/figures.ts';
import { complaintsOf } from './lib/gate.ts';
import { help, parseOptions } from './lib/options.ts';
import { plotResults } from './lib/plot.ts';
import { environment, ResultsDiffer } from './lib/result.ts';
import { runSuites } from './lib/suite.ts';
import { formatTable } from './lib/table.ts';
import { SUITES } from './suites.ts';

/** The page about all suites. */
const OVERVIEW = new URL('../docs/benchmarks.md', import.meta.url);

const rewrite = (page: URL, change: (text: string) => string): void =>
  writeFileSync(page, change(readFileSync(page, 'utf8')));

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const say = (line: string): void => void process.stderr.write(`${line}\n`);

const main = async (args: readonly string[]): Promise<number> => {
  const names = SUITES.map(({ name }) => name);
  try {
    const options = parseOptions(args, names, process.cwd());
    if (options.help) {
      print(help(SUITES));
      return 0;
    }
    const complaints: string[] = [];
    const report = await runSuites(
      SUITES.filter(({ name }) => options.suites.includes(name)),
      {
        quick: options.quick,
        trace: options.trace,
        say,
        show: (suite, { results, notes, absent = [], pictures = new Map() }) => {
          const baseline = readBaseline(suite.name);
          const table = formatTable(results, baseline?.cases, absent);
          print(`\n${[table, '', ...notes].join('\n')}`);
          complaints.push(...complaintsOf(results, suite, baseline));
          if (!options.plot) return;
          const picture = plotResults(`${suite.name}: ${suite.about}`, results);
          for (const [name, svg] of [['plot.svg', picture] as const, ...pictures])
            writeFileSync(new URL(`${suite.name}/${name}`, import.meta.url), svg);
          const page = new URL(`${suite.name}/README.md`, import.meta.url);
          const env = environment(options.quick);
          rewrite(page, (text) => withFigures(text, figuresOf(env, results, notes, absent)));
          rewrite(OVERVIEW, (text) =>
            withFigures(text, ratiosOf(env, suite.name, results, absent), suite.name),
          );
        },
      },
    );
    if (options.json) writeFileSync(options.json, `${JSON.stringify(report, undefined, 2)}\n`);
    for (const complaint of complaints) say(complaint);
    return complaints.length > 0 ? 1 : 0;
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof ResultsDiffer)) throw error;
    say(error.message);
    return error instanceof RangeError ? 2 : 1;
  }
};

process.exitCode = await main(process.argv.slice(2));
