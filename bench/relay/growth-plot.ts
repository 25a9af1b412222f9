// Growth as a picture: what an append and a catch-up cost by the size of the store. Plain SVG, no library.
import type { Grown } from './store-cases.ts';

export interface GrowthLine {
  readonly name: string;
  /** Rooms or frames, rising. */
  readonly points: readonly { readonly many: number; readonly us: number }[];
}

const WIDTH = 760;
const HEIGHT = 340;
const LEFT = 70;
const RIGHT = 200;
const TOP = 50;
const BOTTOM = 50;
const COLOURS = ['#0a6b5d', '#5fb7a8', '#8a4b08', '#d99a4e'];

export const growthLines = (what: string, sizes: readonly number[], costs: readonly Grown[]): GrowthLine[] =>
  (['appendUs', 'catchUpUs'] as const).map((name) => ({
    name: `${name === 'appendUs' ? 'append' : 'catch-up'}, ${what}`,
    points: sizes.map((many, i) => ({ many, us: costs[i]![name] })),
  }));

/** Both axes by powers of ten. */
export const plotGrowth = (lines: readonly GrowthLine[]): string => {
  const points = lines.flatMap((line) => line.points);
  const across = decades(points.map(({ many }) => many));
  const up = decades(points.map(({ us }) => us));
  const x = (many: number): number =>
    LEFT + ((Math.log10(many) - across[0]) / (across[1] - across[0])) * (WIDTH - LEFT - RIGHT);
  const y = (us: number): number =>
    HEIGHT - BOTTOM - ((Math.log10(us) - up[0]) / (up[1] - up[0])) * (HEIGHT - TOP - BOTTOM);
  const grid = [
    ...steps(across).map(
      (power) =>
        `<line x1="${x(10 ** power)}" x2="${x(10 ** power)}" y1="${TOP}" y2="${HEIGHT - BOTTOM}" stroke="#e4e8eb"/>` +
        `<text x="${x(10 ** power)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle" fill="#57606a">${(10 ** power).toLocaleString('en-US')}</text>`,
    ),
    ...steps(up).map(
      (power) =>
        `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(10 ** power)}" y2="${y(10 ** power)}" stroke="#e4e8eb"/>` +
        `<text x="${LEFT - 8}" y="${y(10 ** power) + 4}" text-anchor="end" fill="#57606a">${(10 ** power).toLocaleString('en-US')} µs</text>`,
    ),
  ];
  const drawn = lines.map(({ name, points }, i) => {
    const colour = COLOURS[i % COLOURS.length];
    const path = points.map(({ many, us }) => `${x(many).toFixed(1)},${y(us).toFixed(1)}`).join(' ');
    return (
      `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>` +
      `<text x="${WIDTH - RIGHT + 12}" y="${TOP + 14 + i * 20}" fill="${colour}">${name}</text>`
    );
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" font-family="system-ui, sans-serif" font-size="12">
<title>relay: cost by size of the store</title>
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="16" y="26" font-size="16" font-weight="600" fill="#1b1f24">What one append and one catch-up of 50 frames cost</text>
${[...grid, ...drawn].join('\n')}
</svg>
`;
};

const decades = (values: readonly number[]): [number, number] => {
  const low = Math.floor(Math.log10(Math.min(...values)));
  return [low, Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))))];
};

const steps = ([low, high]: readonly [number, number]): number[] =>
  Array.from({ length: high - low + 1 }, (_, i) => low + i);
