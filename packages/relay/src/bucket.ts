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
export const createBucket = (size: BucketSize): Bucket => new PlainBucket(size);

/** Three fields, since every connection has several of them. */
class PlainBucket implements Bucket {
  readonly #size: BucketSize;
  #left: number;
  #filledAt: number | undefined;

  constructor(size: BucketSize) {
    this.#size = size;
    this.#left = size.most;
  }

  take(now: number, amount: number): boolean {
    this.#fill(now);
    if (this.#left < amount) return false;
    this.#left -= amount;
    return true;
  }

  spend(now: number, amount: number): number {
    this.#fill(now);
    this.#left -= amount;
    return this.#left >= 0 ? 0 : Math.ceil(-this.#left * this.#size.everyMs);
  }

  #fill(now: number): void {
    const { most, everyMs } = this.#size;
    if (this.#filledAt !== undefined)
      this.#left = Math.min(most, this.#left + Math.max(0, now - this.#filledAt) / everyMs);
    this.#filledAt = now;
  }
}

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
