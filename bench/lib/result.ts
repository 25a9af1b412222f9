// What a suite gives back: figures of ours beside those of peers, in one form for people and for programs.
import { availableParallelism } from 'node:os';

export interface Peer {
  readonly name: string;
  readonly version: string;
  /** In the row's unit: the median of its samples. */
  readonly value: number;
}

export interface Result {
  readonly suite: string;
  /** Of the form `catch-up/100k/one-by-one`. */
  readonly case: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  /** The median of the samples. */
  readonly ours: number;
  /** The best one first. */
  readonly peers: readonly Peer[];
  /** `ours` divided by the first peer's value. */
  readonly ratio: number;
  /** Each figure as it was measured; `peers` in the order of the peers. Index for index they belong to one round. */
  readonly samples: { readonly ours: readonly number[]; readonly peers: readonly (readonly number[])[] };
}

/** A peer that does not run here: it has no figures, but its place in the table. */
export interface Absent {
  readonly suite: string;
  readonly case: string;
  readonly name: string;
  readonly version: string;
  readonly why: string;
}

export interface Report {
  readonly env: {
    readonly node: string;
    readonly platform: string;
    readonly arch: string;
    readonly cores: number;
    readonly quick: boolean;
  };
  readonly results: readonly Result[];
  /** Left out if every peer ran. */
  readonly absent?: readonly Absent[];
}

export const environment = (quick: boolean): Report['env'] => ({
  node: process.versions.node,
  platform: process.platform,
  arch: process.arch,
  cores: availableParallelism(),
  quick,
});

/** What is compared is not the same: nothing was timed. */
export class ResultsDiffer extends Error {}

/** The value in the middle. @throws RangeError for an empty list. */
export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** The value below which a part of the values lies, between neighbours by their distance. */
export const quantile = (values: readonly number[], part: number): number => {
  if (values.length === 0) throw new RangeError('values: an empty list has no quantile');
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const low = sorted[Math.floor(at)]!;
  return low + (sorted[Math.ceil(at)]! - low) * (at - Math.floor(at));
};

export interface Measured {
  readonly name: string;
  readonly version: string;
  readonly samples: readonly number[];
}

/** One row: medians, the peers sorted, the ratio to the best of them. */
export const toResult = (
  row: Pick<Result, 'suite' | 'case' | 'unit' | 'better'>,
  ours: readonly number[],
  peers: readonly Measured[],
): Result => {
  const sign = row.better === 'higher' ? -1 : 1;
  const sorted = peers
    .map((peer) => ({ ...peer, value: median(peer.samples) }))
    .sort((a, b) => sign * (a.value - b.value));
  const [best] = sorted;
  if (!best) throw new RangeError('peers: a row compares with at least one');
  const value = median(ours);
  return {
    ...row,
    ours: value,
    peers: sorted.map(({ name, version, value }) => ({ name, version, value })),
    ratio: value / best.value,
    samples: { ours, peers: sorted.map(({ samples }) => samples) },
  };
};

/** Ours over the best peer's, round by round. */
export const ratiosOfRounds = ({ samples }: Result): number[] => {
  const peer = samples.peers[0]!;
  return samples.ours.map((value, i) => value / (peer[i] ?? peer[0]!));
};

/** The middle half of the ratios of single rounds: how far a figure may be trusted. */
export const ratioSpread = (result: Result): readonly [number, number] => {
  const ratios = ratiosOfRounds(result);
  return [quantile(ratios, 0.25), quantile(ratios, 0.75)];
};
