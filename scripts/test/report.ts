// What the test runner prints: a line a file, the output of files that are not green, the slowest, the sums.
import type { FileResult } from './run-file.ts';

export interface Sums {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export function progressLine(result: FileResult, done: number, of: number): string {
  const state = result.failed > 0 ? 'FAIL' : result.passed === 0 ? 'skip' : 'ok  ';
  const counts = `${result.passed}${result.skipped > 0 ? ` (+${result.skipped} skipped)` : ''}`;
  const place = `${done}/${of}`.padStart(String(of).length * 2 + 1);
  return `${place} ${state} ${Math.round(result.durationMs).toString().padStart(6)} ms  ${result.path}  ${counts}`;
}

export function failureText(result: FileResult): string {
  const output = result.output === '' ? '' : `${result.output.trimEnd()}\n`;
  return `---- ${result.path}\n${output}${result.reasons.map((reason) => `!! ${reason}`).join('\n')}\n----`;
}

/** The files that took longest, so that a slow one does not creep in unseen. */
export function slowestLines(results: readonly FileResult[], count = 8): string[] {
  const slowest = [...results].sort((a, b) => b.durationMs - a.durationMs).slice(0, count);
  return [
    '\nslowest:',
    ...slowest.map((r) => `${Math.round(r.durationMs).toString().padStart(8)} ms  ${r.path}`),
  ];
}

export const sums = (results: readonly Sums[]): Sums => ({
  passed: results.reduce((sum, result) => sum + result.passed, 0),
  failed: results.reduce((sum, result) => sum + result.failed, 0),
  skipped: results.reduce((sum, result) => sum + result.skipped, 0),
});

export const sumLine = ({ passed, failed, skipped }: Sums): string =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`;
