// A report as a picture: for each case how ours stands to each peer. Plain SVG, no library.
import type { Result } from './result.ts';

const ROW = 46;
const LEFT = 300;
const WIDTH = 960;
const TOP = 64;
/** Room for the figures behind the longest bar. */
const RIGHT = 290;
const BAR = 14;

/**
 * One group of bars a case: ours, then the peers, each as long as its value, the longest of a case as long as the picture
 * allows.
 */
export const plotResults = (title: string, results: readonly Result[]): string => {
  const groups: string[] = [];
  let y = TOP;
  for (const result of results) {
    groups.push(group(result, y));
    y += ROW + BAR * Math.max(0, result.peers.length - 1);
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 8}" width="${WIDTH}" height="${y + 8}" role="img" font-family="system-ui, sans-serif" font-size="12">
<title>${escaped(title)}</title>
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="16" y="26" font-size="16" font-weight="600" fill="#1b1f24">${escaped(title)}</text>
<text x="16" y="46" fill="#57606a">Medians of one run. ${LEGEND}</text>
${groups.join('\n')}
</svg>
`;
};

const OURS = '#0a6b5d';
const PEER = '#9aa4ae';
const LEGEND = 'Dark: ours; light: the peers, the best first. Under each name how ours stands to the best.';

const group = (result: Result, y: number): string => {
  const bars = [
    { name: 'ours', value: result.ours, colour: OURS },
    ...result.peers.map(({ name, value }) => ({ name, value, colour: PEER })),
  ];
  const longest = Math.max(...bars.map(({ value }) => value));
  const better = result.better === 'higher' ? 'more is better' : 'less is better';
  const lines = bars.map(({ name, value, colour }, i) => {
    const width = Math.max(1, (value / longest) * (WIDTH - LEFT - RIGHT));
    const top = y + i * BAR;
    const figure = `${formatValue(value)} ${result.unit} · ${name}`;
    return (
      `<rect x="${LEFT}" y="${top}" width="${width.toFixed(1)}" height="${BAR - 2}" fill="${colour}"/>` +
      `<text x="${(LEFT + width + 6).toFixed(1)}" y="${top + 10}" font-size="11" fill="#1b1f24">${escaped(figure)}</text>`
    );
  });
  const label =
    `<text x="16" y="${y + 10}" font-weight="600" fill="#1b1f24">${escaped(result.case)}</text>` +
    `<text x="16" y="${y + 25}" font-size="11" fill="#57606a">${result.ratio.toFixed(2)} × the best · ${better}</text>`;
  return `${label}\n${lines.join('\n')}`;
};

const formatValue = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(1);

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
