// What fails a benchmark: a ratio that is worse than earlier runs explain, or than a suite allows. Never a time.
import { median, quantile, type Report, type Result, ratiosOfRounds } from './result.ts';
import type { Suite } from './suite.ts';

/** What earlier runs of a suite gave: its `baseline.json`. */
export interface Baseline {
  readonly env: Omit<Report['env'], 'quick'>;
  readonly cases: Readonly<Record<string, CaseBaseline>>;
}

export interface CaseBaseline {
  /** Median over the runs. */
  readonly ratio: number;
  /** What part of its worth the ratio may lose: 0 to 1. From how far rounds and runs lay apart. */
  readonly tolerance: number;
  readonly runs: number;
}

/**
 * What is counted is nearly the same in each run. What is timed is allowed at least a seventh, and never more than half:
 * a case of which no spread would excuse less is no measurement.
 */
export const TOLERANCE = { counted: 0.02, timed: 0.15, most: 0.5 } as const;
/** How often the spread of earlier runs a ratio may be away. */
const SPREADS = 2;

/** The baseline of each suite in the reports. @throws RangeError if there is none. */
export const toBaselines = (reports: readonly Report[]): Map<string, Baseline> => {
  const [first] = reports;
  if (!first) throw new RangeError('a baseline needs at least one report');
  const { quick: _, ...env } = first.env;
  const suites = new Map<string, Map<string, Result[]>>();
  for (const result of reports.flatMap(({ results }) => results)) {
    const cases = suites.get(result.suite) ?? new Map<string, Result[]>();
    suites.set(result.suite, cases.set(result.case, [...(cases.get(result.case) ?? []), result]));
  }
  return new Map(
    [...suites].map(([suite, cases]) => [
      suite,
      { env, cases: Object.fromEntries([...cases].map(([name, runs]) => [name, caseOf(runs)])) },
    ]),
  );
};

const caseOf = (runs: readonly Result[]): CaseBaseline => {
  const ratios = runs.map(({ ratio }) => ratio);
  const ratio = median(ratios);
  const rounds = runs.flatMap(ratiosOfRounds);
  const spread = Math.max(
    Math.max(...ratios) - Math.min(...ratios),
    quantile(rounds, 0.75) - quantile(rounds, 0.25),
  );
  const least = isCounted(runs[0]!) ? TOLERANCE.counted : TOLERANCE.timed;
  const tolerance = Math.min(TOLERANCE.most, Math.max(least, (SPREADS * spread) / ratio));
  return { ratio: Number(ratio.toPrecision(3)), tolerance: Number(tolerance.toFixed(3)), runs: runs.length };
};

/** One line for each ratio that is too bad. */
export const complaintsOf = (
  results: readonly Result[],
  { limits }: Pick<Suite, 'limits'>,
  baseline: Pick<Baseline, 'cases'> | undefined,
): string[] =>
  results.flatMap((result) => {
    const { suite, case: name, ratio } = result;
    const before = baseline?.cases[name];
    const limit = limits?.get(name);
    const worst = before && worstOf(result, before);
    return [
      ...(limit !== undefined && isWorse(result, limit) ? [`wanted: ${bound(result, limit)}`] : []),
      ...(worst !== undefined && isWorse(result, worst)
        ? [`earlier runs: ${before!.ratio}, so ${bound(result, worst)}`]
        : []),
    ].map((why) => `${suite}: ${name} has ratio ${ratio.toFixed(2)}; ${why}`);
  });

const worstOf = ({ better }: Result, { ratio, tolerance }: CaseBaseline): number =>
  better === 'higher' ? ratio * (1 - tolerance) : ratio / (1 - tolerance);

const COUNTED = new Set(['round trips', 'connections']);

const isCounted = ({ unit }: Result): boolean => unit.startsWith('B') || COUNTED.has(unit);

const isWorse = ({ better, ratio }: Result, than: number): boolean =>
  better === 'higher' ? ratio < than : ratio > than;

const bound = ({ better }: Result, limit: number): string =>
  `${better === 'higher' ? 'at least' : 'at most'} ${limit.toFixed(2)}`;
