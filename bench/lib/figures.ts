// The figures of a run inside a suite's README, between two comments, so that the page never says what no run gave.
import type { Absent, Report, Result } from './result.ts';

const BEGIN = '<!-- figures of one run -->';
const END = '<!-- end of figures -->';

/** The page with new figures; unchanged where it has no place for them. */
export const withFigures = (page: string, figures: string): string => {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) return page;
  return `${page.slice(0, begin + BEGIN.length)}\n${figures}\n${page.slice(end)}`;
};

/** A table of all rows with all peers, and the notes. */
export const figuresOf = (
  { node, cores, quick }: Report['env'],
  results: readonly Result[],
  notes: readonly string[],
  absent: readonly Absent[] = [],
): string =>
  [
    `Medians of one run${quick ? ' with `--quick`' : ''}, ${cores} cores, Node ${node}.`,
    '',
    '| case | unit | ours | peers, the best first | ratio |',
    '|---|---|---|---|---|',
    ...results.map(
      ({ case: name, unit, better, ours, peers, ratio }) =>
        `| \`${name}\` | ${unit}, ${better} is better | ${format(ours)} | ${peers.map((peer) => `${peer.name} ${peer.version}: ${format(peer.value)}`).join('; ')} | ${ratio.toFixed(2)} |`,
    ),
    ...absent.map(
      ({ case: name, name: peer, version, why }) =>
        `| \`${name}\` | – | – | ${peer} ${version} does not run here: ${why} | – |`,
    ),
    '',
    ...notes.map((note) => `- ${note}`),
  ]
    .join('\n')
    .trimEnd();

const format = (value: number): string =>
  Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(2);
