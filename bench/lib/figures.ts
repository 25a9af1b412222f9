// The figures of a run inside a suite's README, between two comments, so that the page never says what no run gave.
import type { Absent, Report, Result } from './result.ts';

const begin = (suite: string | undefined): string =>
  `<!-- figures of one run${suite === undefined ? '' : `: ${suite}`} -->`;
const END = '<!-- end of figures -->';

/**
 * The page with new figures; unchanged where it has no place for them.
 *
 * @param suite - of a page that has places for several.
 */
export const withFigures = (page: string, figures: string, suite?: string): string => {
  const mark = begin(suite);
  const from = page.indexOf(mark);
  const to = page.indexOf(END, from);
  if (from < 0 || to < 0) return page;
  return `${page.slice(0, from + mark.length)}\n${figures}\n${page.slice(to)}`;
};

/** Ratios alone, for a page about all suites: who is ahead, and by how much. */
export const ratiosOf = (
  { node, cores, quick }: Report['env'],
  suite: string,
  results: readonly Result[],
  absent: readonly Absent[] = [],
): string =>
  [
    `\`pnpm bench ${suite}${quick ? ' --quick' : ''}\`, one run, ${cores} cores, Node ${node}.`,
    '',
    '| case | ahead | by | best peer |',
    '|---|---|---|---|',
    ...results.map(({ case: name, better, ratio, peers: [peer] }) => {
      const gain = better === 'higher' ? ratio : 1 / ratio;
      return `| \`${name}\` | ${gain >= 1 ? 'ours' : 'the peer'} | ${format(Math.max(gain, 1 / gain))} × | ${peer!.name} |`;
    }),
    ...absent.map(
      ({ case: name, name: peer, why }) => `| \`${name}\` | – | – | ${peer} does not run here: ${why} |`,
    ),
  ].join('\n');

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
