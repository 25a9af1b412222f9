// Results as a table for people.
import type { CaseBaseline } from './gate.ts';
import { type Absent, type Result, ratioSpread } from './result.ts';

/**
 * @param baseline - what was measured earlier, by case; its ratios are shown beside the new ones.
 * @param absent - peers that did not run: a line each, with the reason.
 */
export const formatTable = (
  results: readonly Result[],
  baseline: Readonly<Record<string, CaseBaseline>> = {},
  absent: readonly Absent[] = [],
): string => {
  const head = ['case', 'unit', 'better', 'ours', 'best peer', 'ratio', 'middle half', 'baseline', 'peer'];
  const rows = results.map((result) => {
    const [low, high] = ratioSpread(result);
    const before = baseline[result.case]?.ratio;
    const [peer] = result.peers;
    return [
      result.case,
      result.unit,
      result.better,
      formatValue(result.ours),
      formatValue(peer!.value),
      result.ratio.toFixed(2),
      `${low.toFixed(2)}–${high.toFixed(2)}`,
      before === undefined ? '–' : before.toFixed(2),
      `${peer!.name} ${peer!.version}`,
    ];
  });
  const widths = head.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (NUMERIC.has(head[i]!) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd();
  return [
    line(head),
    line(widths.map((width) => '-'.repeat(width))),
    ...rows.map(line),
    ...absent.map(absentLine),
  ].join('\n');
};

const absentLine = ({ case: name, name: peer, version, why }: Absent): string =>
  `${name}  ${peer} ${version} does not run here: ${why}`;

const NUMERIC = new Set(['ours', 'best peer', 'ratio', 'middle half', 'baseline']);

const formatValue = (value: number): string =>
  value >= 1_000 ? Math.round(value).toLocaleString('en-US') : value.toFixed(1);
