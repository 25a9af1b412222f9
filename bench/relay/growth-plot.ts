// Growth as a picture: what an append and a catch-up cost by the size of the store.
import { type GrowthLine, plotGrowth as plot } from '../lib/growth-plot.ts';
import type { Grown } from './store-cases.ts';

export type { GrowthLine };

export const growthLines = (what: string, sizes: readonly number[], costs: readonly Grown[]): GrowthLine[] =>
  (['appendUs', 'catchUpUs'] as const).map((name) => ({
    name: `${name === 'appendUs' ? 'append' : 'catch-up'}, ${what}`,
    points: sizes.map((many, i) => ({ many, cost: costs[i]![name] })),
  }));

export const plotGrowth = (lines: readonly GrowthLine[]): string =>
  plot({
    title: 'What one append and one catch-up of 50 frames cost',
    across: 'rooms or frames in the store',
    unit: 'µs',
    lines,
  });
