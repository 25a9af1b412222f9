// Token buckets: how much of something there may be at once, and how fast more may come. Pure: time comes in.
// Rules: spec/relay-protocol.md §11 and §12; numbers in spec/limits.md.
import { boundedMap } from './bounded-map.ts';

/** How a bucket is filled. */
export interface BucketSize {
  /** What it holds when it is full. */
  readonly most: number;
  /** Milliseconds in which one more comes. */
  readonly everyMs: number;
}

export interface Bucket {
  /** Takes `amount` if that much is there. @returns whether it was. */
  take(now: number, amount: number): boolean;
  /** Takes `amount` even if it is not there. @returns milliseconds until the bucket is out of debt, 0 if it is not in debt. */
  spend(now: number, amount: number): number;
}

/** A full bucket. */
export const createBucket = ({ most, everyMs }: BucketSize): Bucket => {
  let left = most;
  let filledAt: number | undefined;
  const fill = (now: number): void => {
    if (filledAt !== undefined) left = Math.min(most, left + Math.max(0, now - filledAt) / everyMs);
    filledAt = now;
  };
  return {
    take(now, amount) {
      fill(now);
      if (left < amount) return false;
      left -= amount;
      return true;
    },
    spend(now, amount) {
      fill(now);
      left -= amount;
      return left >= 0 ? 0 : Math.ceil(-left * everyMs);
    },
  };
};

/** Buckets by name; of the longest unused the fill is forgotten. */
export interface Buckets {
  of(name: string): Bucket;
}

/** Names remembered: each costs about 300 bytes, and forgetting one only fills its bucket. */
const REMEMBERED = 65_536;

export const createBuckets = (size: BucketSize): Buckets => {
  const buckets = boundedMap<string, Bucket>(REMEMBERED);
  return {
    of(name) {
      const known = buckets.get(name);
      if (known !== undefined) return known;
      const bucket = createBucket(size);
      buckets.set(name, bucket);
      return bucket;
    },
  };
};
