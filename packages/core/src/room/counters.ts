// Which frames of each device have come, by the counters that its frames carry: shows what a relay left out.
// Rules: spec/frame.md §7.

interface Heard {
  top: number;
  /** The lowest counter of a page frame that came; infinite before the first. */
  lowestPage: number;
  /** Counters up to `top` that have not come, as ranges [from, to], rising and apart from each other. */
  readonly missing: [number, number][];
  /** What was last told to others in `seen`. */
  told: number;
}

/** Ranges kept a device; beyond it the oldest are joined, so a liar cannot make this grow. */
const RANGES_KEPT = 64;

/** @param isLate - whether frames were passed over here that this account was never to read: spec/chats.md, CH5. */
export const createCounters = (isLate: () => boolean = () => false) => {
  const devices = new Map<string, Heard>();
  const heard = (device: string): Heard => {
    let entry = devices.get(device);
    if (!entry) {
      entry = { top: 0, lowestPage: Number.POSITIVE_INFINITY, missing: [], told: 0 };
      devices.set(device, entry);
    }
    return entry;
  };
  /** Of one who came late, what a device wrote before its first words for them is not missed. */
  const firstMissing = ({ missing, lowestPage }: Heard): number | undefined =>
    (isLate() ? missing.find(([, to]) => to >= lowestPage) : missing[0])?.[0];
  return {
    /** A frame of this device came. @param isPage - false for one of the control stream. */
    take(device: string, counter: number, isPage = true): void {
      const entry = heard(device);
      if (isPage) entry.lowestPage = Math.min(entry.lowestPage, counter);
      if (counter > entry.top) {
        addMissing(entry, counter - 1);
        entry.top = counter;
      } else removeMissing(entry, counter);
    },
    /** Somebody says that the device's frames exist up to this counter. */
    claimed(device: string, counter: number): void {
      const entry = heard(device);
      if (counter <= entry.top) return;
      addMissing(entry, counter);
      entry.top = counter;
    },
    /** Devices of which something is missing, with the lowest missing counter. */
    gaps(): { readonly device: string; readonly counter: number }[] {
      return [...devices].flatMap(([device, entry]) => {
        const counter = firstMissing(entry);
        return counter === undefined ? [] : [{ device, counter }];
      });
    },
    top: (device: string): number => devices.get(device)?.top ?? 0,
    /** What is new to say of other devices: all that came without a gap. Marks it as told. */
    tell(limit: number): { readonly device: string; readonly counter: number }[] {
      const news = [];
      for (const [device, entry] of devices) {
        const missing = firstMissing(entry);
        const whole = missing === undefined ? entry.top : missing - 1;
        if (whole <= entry.told || news.length === limit) continue;
        entry.told = whole;
        news.push({ device, counter: whole });
      }
      return news;
    },
  };
};

export type Counters = ReturnType<typeof createCounters>;

/** All above `top` up to `to` is missing. In a catch-up one device's frames claim another's, one by one: one range. */
const addMissing = ({ missing, top }: Heard, to: number): void => {
  if (to <= top) return;
  const last = missing.at(-1);
  if (last && last[1] === top) last[1] = to;
  else missing.push([top + 1, to]);
  keepFew(missing);
};

const removeMissing = ({ missing }: Heard, counter: number): void => {
  const at = missing.findIndex(([, to]) => counter <= to);
  const range = missing[at];
  if (!range || counter < range[0]) return;
  const [from, to] = range;
  if (from === to) missing.splice(at, 1);
  else if (counter === from) range[0]++;
  else if (counter === to) range[1]--;
  else {
    missing.splice(at, 1, [from, counter - 1], [counter + 1, to]);
    keepFew(missing);
  }
};

const keepFew = (missing: Heard['missing']): void => {
  while (missing.length > RANGES_KEPT) {
    const [first, second] = missing;
    missing.splice(0, 2, [first![0], second![1]]);
  }
};
