// Where baselines are kept: one file a suite, in its folder.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Baseline } from './gate.ts';

const fileOf = (suite: string): URL => new URL(`../${suite}/baseline.json`, import.meta.url);

/** @returns undefined for a suite that has none yet. */
export const readBaseline = (suite: string): Baseline | undefined => {
  const file = fileOf(suite);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Baseline) : undefined;
};

/** @param keep - cases that the new one does not have stay as they are. */
export const writeBaseline = (suite: string, baseline: Baseline, keep: boolean): void => {
  const cases = { ...(keep && readBaseline(suite)?.cases), ...baseline.cases };
  writeFileSync(fileOf(suite), `${JSON.stringify({ ...baseline, cases }, undefined, 2)}\n`);
};
