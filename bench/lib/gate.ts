// What fails a benchmark: a ratio that is worse than earlier runs explain, or than a suite allows. Never a time.
import { median, type Report, type Result } from './result.ts';
import type { Suite } from './suite.ts';

/** Ratios of earlier runs; `baseline.json`. */
export interface Baseline {
  /** From how many runs they are the medians. */
  readonly runs: number;
  readonly env: Omit<Report['env'], 'quick'>;
  /** What part of its worth a ratio may lose: what is timed, and what is counted, which is the same in each run. */
  readonly tolerance: { readonly timed: number; readonly counted: number };
  /** By suite and case. */
  readonly ratios: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export const TOLERANCE: Baseline['tolerance'] = { timed: 0.5, counted: 0.02 };

/** The baseline of several reports. @throws RangeError if there is none. */
export const toBaseline = (reports: readonly Report[]): Baseline => {
  const [first] = reports;
  if (!first) throw new RangeError('a baseline needs at least one report');
  const samples = new Map<string, Map<string, number[]>>();
  for (const { suite, case: name, ratio } of reports.flatMap(({ results }) => results)) {
    const cases = samples.get(suite) ?? new Map<string, number[]>();
    samples.set(suite, cases.set(name, [...(cases.get(name) ?? []), ratio]));
  }
  const { quick: _, ...env } = first.env;
  const ratios = Object.fromEntries(
    [...samples].map(([suite, cases]) => [
      suite,
      Object.fromEntries([...cases].map(([name, each]) => [name, Number(median(each).toFixed(3))])),
    ]),
  );
  return { runs: reports.length, env, tolerance: TOLERANCE, ratios };
};

/** One line for each ratio that is too bad. */
export const complaintsOf = (
  results: readonly Result[],
  { limits }: Pick<Suite, 'limits'>,
  { ratios, tolerance }: Pick<Baseline, 'ratios' | 'tolerance'>,
): string[] =>
  results.flatMap((result) => {
    const { suite, case: name, ratio } = result;
    const before = ratios[suite]?.[name];
    const limit = limits?.get(name);
    const part = isCounted(result) ? tolerance.counted : tolerance.timed;
    const worst =
      before !== undefined && (result.better === 'higher' ? before * (1 - part) : before / (1 - part));
    return [
      ...(limit !== undefined && isWorse(result, limit) ? [`wanted: ${bound(result, limit)}`] : []),
      ...(worst !== false && isWorse(result, worst)
        ? [`earlier runs: ${before?.toFixed(2)}, so ${bound(result, worst)}`]
        : []),
    ].map((why) => `${suite}: ${name} has ratio ${ratio.toFixed(2)}; ${why}`);
  });

const isCounted = ({ unit }: Result): boolean => unit.startsWith('B');

const isWorse = ({ better, ratio }: Result, than: number): boolean =>
  better === 'higher' ? ratio < than : ratio > than;

const bound = ({ better }: Result, limit: number): string =>
  `${better === 'higher' ? 'at least' : 'at most'} ${limit.toFixed(2)}`;
