// Which frames of each device have come, by the counters that its frames carry: shows what a relay left out.
// Rules: spec/frame.md §7.

interface Heard {
  top: number;
  /** Counters below `top` that have not come, as ranges [from, to]. */
  missing: [number, number][];
  /** What was last told to others in `seen`. */
  told: number;
}

/** Ranges kept a device; beyond it the oldest are joined, so a liar cannot make this grow. */
const RANGES_KEPT = 64;

export const createCounters = () => {
  const devices = new Map<string, Heard>();
  const heard = (device: string): Heard => {
    let entry = devices.get(device);
    if (!entry) {
      entry = { top: 0, missing: [], told: 0 };
      devices.set(device, entry);
    }
    return entry;
  };
  return {
    /** A frame of this device came. */
    take(device: string, counter: number): void {
      const entry = heard(device);
      if (counter > entry.top) {
        if (counter > entry.top + 1) entry.missing.push([entry.top + 1, counter - 1]);
        entry.top = counter;
      } else entry.missing = entry.missing.flatMap((range) => without(range, counter));
      while (entry.missing.length > RANGES_KEPT) {
        const [first, second] = entry.missing;
        entry.missing.splice(0, 2, [first![0], second![1]]);
      }
    },
    /** Somebody says that the device's frames exist up to this counter. */
    claimed(device: string, counter: number): void {
      const entry = heard(device);
      if (counter <= entry.top) return;
      entry.missing.push([entry.top + 1, counter]);
      entry.top = counter;
    },
    /** Devices of which something is missing, with the lowest missing counter. */
    gaps(): { readonly device: string; readonly counter: number }[] {
      return [...devices].flatMap(([device, { missing }]) =>
        missing[0] ? [{ device, counter: missing[0][0] }] : [],
      );
    },
    top: (device: string): number => devices.get(device)?.top ?? 0,
    /** What is new to say of other devices: all that came without a gap. Marks it as told. */
    tell(limit: number): { readonly device: string; readonly counter: number }[] {
      const news = [];
      for (const [device, entry] of devices) {
        const whole = entry.missing[0] ? entry.missing[0][0] - 1 : entry.top;
        if (whole <= entry.told || news.length === limit) continue;
        entry.told = whole;
        news.push({ device, counter: whole });
      }
      return news;
    },
  };
};

export type Counters = ReturnType<typeof createCounters>;

const without = ([from, to]: [number, number], counter: number): [number, number][] => {
  if (counter < from || counter > to) return [[from, to]];
  const parts: [number, number][] = [];
  if (from < counter) parts.push([from, counter - 1]);
  if (counter < to) parts.push([counter + 1, to]);
  return parts;
};
