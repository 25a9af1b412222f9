// Growth as a picture: what something costs by how much there is. Both axes by powers of ten. Plain SVG, no library.

export interface GrowthLine {
  readonly name: string;
  /** Rising by how many there are. */
  readonly points: readonly { readonly many: number; readonly cost: number }[];
}

export interface GrowthPlot {
  readonly title: string;
  /** Of `many`, e.g. `messages`. */
  readonly across: string;
  /** Of `cost`, e.g. `ms`. */
  readonly unit: string;
  readonly lines: readonly GrowthLine[];
}

const WIDTH = 760;
const HEIGHT = 340;
const LEFT = 80;
const RIGHT = 220;
const TOP = 50;
const BOTTOM = 60;
const COLOURS = ['#0a6b5d', '#5fb7a8', '#8a4b08', '#d99a4e', '#57606a', '#9aa4ae'];

/** @throws RangeError for no lines. */
export const plotGrowth = ({ title, across, unit, lines }: GrowthPlot): string => {
  const points = lines.flatMap((line) => line.points);
  if (points.length === 0) throw new RangeError('lines: there is nothing to draw');
  const columns = decades(points.map(({ many }) => many));
  const rows = decades(points.map(({ cost }) => cost));
  const x = (many: number): number =>
    LEFT + ((Math.log10(many) - columns[0]) / (columns[1] - columns[0])) * (WIDTH - LEFT - RIGHT);
  const y = (cost: number): number =>
    HEIGHT - BOTTOM - ((Math.log10(cost) - rows[0]) / (rows[1] - rows[0])) * (HEIGHT - TOP - BOTTOM);
  const grid = [
    ...steps(columns).map(
      (power) =>
        `<line x1="${x(10 ** power)}" x2="${x(10 ** power)}" y1="${TOP}" y2="${HEIGHT - BOTTOM}" stroke="#e4e8eb"/>` +
        `<text x="${x(10 ** power)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle" fill="#57606a">${power10(power)}</text>`,
    ),
    ...steps(rows).map(
      (power) =>
        `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(10 ** power)}" y2="${y(10 ** power)}" stroke="#e4e8eb"/>` +
        `<text x="${LEFT - 8}" y="${y(10 ** power) + 4}" text-anchor="end" fill="#57606a">${power10(power)} ${unit}</text>`,
    ),
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 14}" text-anchor="middle" fill="#57606a">${across}</text>`,
  ];
  const drawn = lines.map(({ name, points }, i) => {
    const colour = COLOURS[i % COLOURS.length];
    const path = points.map(({ many, cost }) => `${x(many).toFixed(1)},${y(cost).toFixed(1)}`).join(' ');
    return (
      `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>` +
      `<text x="${WIDTH - RIGHT + 12}" y="${TOP + 14 + i * 20}" fill="${colour}">${name}</text>`
    );
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" font-family="system-ui, sans-serif" font-size="12">
<title>${title}</title>
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="16" y="26" font-size="16" font-weight="600" fill="#1b1f24">${title}</text>
${[...grid, ...drawn].join('\n')}
</svg>
`;
};

const power10 = (power: number): string =>
  (10 ** power).toLocaleString('en-US', { maximumFractionDigits: 6 });

const decades = (values: readonly number[]): [number, number] => {
  const low = Math.floor(Math.log10(Math.min(...values)));
  return [low, Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))))];
};

const steps = ([low, high]: readonly [number, number]): number[] =>
  Array.from({ length: high - low + 1 }, (_, i) => low + i);
