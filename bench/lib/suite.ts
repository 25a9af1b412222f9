// What a suite is, and how several are run.
import { type Absent, environment, type Report, type Result } from './result.ts';

export interface SuiteRun {
  readonly quick: boolean;
  /** An editing trace to replay instead; see options.ts. */
  readonly trace?: string | undefined;
  /** Progress, a line at a time. */
  readonly say: (line: string) => void;
}

export interface Suite {
  readonly name: string;
  readonly about: string;
  /** The worst ratio that a case may have, whatever earlier runs gave. */
  readonly limits?: ReadonlyMap<string, number>;
  /**
   * @returns rows, and lines that explain them.
   * @throws ResultsDiffer before anything is timed.
   */
  readonly run: (options: SuiteRun) => Promise<SuiteResult>;
}

export interface SuiteResult {
  readonly results: readonly Result[];
  readonly notes: readonly string[];
  /** Peers that did not run. */
  readonly absent?: readonly Absent[];
  /** More pictures, SVG by file name. */
  readonly pictures?: ReadonlyMap<string, string>;
}

/** Runs suites one after another. */
export const runSuites = async (
  suites: readonly Suite[],
  options: SuiteRun & {
    readonly show: (suite: Suite, result: SuiteResult) => void;
  },
): Promise<Report> => {
  const all: Result[] = [];
  const absent: Absent[] = [];
  for (const suite of suites) {
    options.say(`${suite.name}: ${suite.about}`);
    const result = await suite.run(options);
    options.show(suite, result);
    all.push(...result.results);
    absent.push(...(result.absent ?? []));
  }
  const env = environment(options.quick);
  return absent.length > 0 ? { env, results: all, absent } : { env, results: all };
};
