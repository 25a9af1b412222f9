// A hybrid logical clock in one safe integer: milliseconds × 1024 + a counter. Rules: spec/log-document.md §3.
import { LIMITS } from '@sealwire/protocol';

/** Milliseconds since 1970 × 1024 + counter; below 2^53 until the year 2248. */
export type Stamp = number;

const PER_MS = 1024;

/** The milliseconds of a stamp. */
export const stampMs = (stamp: Stamp): number => Math.floor(stamp / PER_MS);

/** True for what may stand as a stamp in an entry. */
export const isStamp = (value: unknown): value is Stamp =>
  Number.isSafeInteger(value) && (value as number) >= 0;

/**
 * The clock of one device. See Kulkarni et al., "Logical Physical Clocks", 2014.
 *
 * @param now - milliseconds since 1970.
 */
export const createClock = (now: () => number) => {
  let last: Stamp = 0;
  return {
    /** A stamp above all that this clock gave out or heard. */
    next(): Stamp {
      last = Math.max(last + 1, Math.floor(now()) * PER_MS);
      return last;
    },
    /** Takes note of another's stamp. One too far ahead is not believed: @returns false and leaves the clock alone. */
    hear(stamp: Stamp): boolean {
      if (stampMs(stamp) - now() > LIMITS.clockAheadMs) return false;
      if (stamp > last) last = stamp;
      return true;
    },
  };
};

export type Clock = ReturnType<typeof createClock>;
