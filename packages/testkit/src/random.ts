// The one seeded generator of all tests, benchmarks and the demo: the same seed gives the same run.
// Rules it serves: none of its own; a failing seed repeats its test.

/** Repeatable randomness for choosing test cases, never for keys: whoever knows the seed knows all of it. */
export interface Random {
  /** From 0 up to, not including, 1. */
  next(): number;
  /** A whole number from 0 to `below` - 1. */
  int(below: number): number;
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number;
  /** A new array of `length` random bytes. */
  bytes(length: number): Uint8Array;
  /** One of the items, of which there is at least one. */
  pick<T>(items: readonly T[]): T;
  /** The items in a new array, every order equally likely. */
  shuffled<T>(items: readonly T[]): T[];
}

/**
 * A generator of its own sequence, for choosing test cases, never for keys.
 *
 * xoshiro128** with its state filled from the seed by a multiplying mixer; each number has 32 random bits.
 *
 * @param seed - a whole number; its lowest 32 bits count.
 * @see Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators", 2018
 */
export const seededRandom = (seed: number): Random => {
  const next = xoshiro(seed);
  const int = (below: number): number => Math.floor(next() * below);
  return {
    next,
    int,
    between: (low, high) => low + int(high - low + 1),
    bytes: (length) => Uint8Array.from({ length }, () => int(256)),
    pick: (items) => items[int(items.length)]!,
    shuffled(items) {
      const out = [...items];
      for (let i = out.length - 1; i > 0; i--) {
        const j = int(i + 1);
        [out[i], out[j]] = [out[j]!, out[i]!];
      }
      return out;
    },
  };
};

const xoshiro = (seed: number): (() => number) => {
  let mixed = seed >>> 0;
  const mix = (): number => {
    mixed = (mixed + 0x9e3779b9) >>> 0;
    let z = mixed;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  };
  let [a, b, c, d] = [mix(), mix(), mix(), mix()];
  return () => {
    const x = Math.imul(b, 5);
    const result = Math.imul((x << 7) | (x >>> 25), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return result / 2 ** 32;
  };
};
