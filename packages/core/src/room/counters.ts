// Which frames of each device have come, by the counters that its frames carry: shows what a relay left out.
// Rules: spec/frame.md §7.
import { CONTROL_STREAM } from '@sealwire/protocol';
import type { Body } from '../frame/body.ts';

interface Heard {
  top: number;
  /** The highest counter of a page frame that came. */
  topPage: number;
  /** Up to here all must have come: frames of a page leave in their order, those of the control stream may overtake them. */
  proven: number;
  /** What lies between a page frame, or the beginning, and one that opens a chain behind it: ranges as in `missing`. */
  readonly pauses: [number, number][];
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
  /** Counters of frames that were passed over. Whose they are cannot be told where the opening of their chain was passed over too. */
  const passed = new Set<number>();
  const heard = (device: string): Heard => {
    let entry = devices.get(device);
    if (!entry) {
      entry = { top: 0, topPage: 0, proven: 0, pauses: [], missing: [], told: 0 };
      devices.set(device, entry);
    }
    return entry;
  };
  /** Of one who was away, what a device wrote before it began to write for them is not missed. */
  const firstMissing = ({ missing, pauses }: Heard): number | undefined =>
    isLate() ? firstOutside(missing, pauses, passed) : missing[0]?.[0];
  return {
    /** A frame of this device came; `page` is `none` for one of the control stream. */
    take(device: string, counter: number, page: 'none' | 'opens' | 'goes on' = 'goes on'): void {
      const entry = heard(device);
      if (page === 'opens' && counter > entry.topPage + 1) {
        entry.pauses.push([entry.topPage + 1, counter - 1]);
        keepFew(entry.pauses);
      }
      if (page !== 'none') {
        entry.topPage = Math.max(entry.topPage, counter);
        entry.proven = Math.max(entry.proven, counter);
      }
      if (counter > entry.top) {
        addMissing(entry, counter - 1);
        entry.top = counter;
      } else removeMissing(entry, counter);
    },
    /** Frames of pages came with all counters of a range, none of which opens a chain. */
    takeRange(device: string, from: number, to: number): void {
      const entry = heard(device);
      entry.topPage = Math.max(entry.topPage, to);
      entry.proven = Math.max(entry.proven, to);
      if (to > entry.top) {
        addMissing(entry, from - 1);
        entry.top = to;
      }
      removeRange(entry, from, to);
    },
    /** Frames came that are passed over here. @returns the counters that are new. */
    passOver(counters: Iterable<number>): number[] {
      const fresh = [...new Set(counters)].filter((counter) => !passed.has(counter));
      for (const counter of fresh) passed.add(counter);
      return fresh;
    },
    /** Somebody says that the device's frames exist up to this counter. */
    claimed(device: string, counter: number): void {
      const entry = heard(device);
      entry.proven = Math.max(entry.proven, counter);
      if (counter <= entry.top) return;
      addMissing(entry, counter);
      entry.top = counter;
    },
    /** Devices of which something is missing, with the lowest missing counter. */
    gaps(): { readonly device: string; readonly counter: number }[] {
      return [...devices].flatMap(([device, entry]) => {
        const counter = firstMissing(entry);
        const most = isLate() ? entry.topPage : entry.proven;
        return counter === undefined || counter > most ? [] : [{ device, counter }];
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

const removeRange = ({ missing }: Heard, from: number, to: number): void => {
  const left = missing.flatMap(([start, end]): [number, number][] => {
    if (end < from || start > to) return [[start, end]];
    return [
      ...(start < from ? [[start, from - 1] as [number, number]] : []),
      ...(end > to ? [[to + 1, end] as [number, number]] : []),
    ];
  });
  missing.splice(0, missing.length, ...left);
  keepFew(missing);
};

/** The first number that is in one of `ranges`, in none of `others` and not in `singles`. */
const firstOutside = (
  ranges: Heard['missing'],
  others: Heard['missing'],
  singles: ReadonlySet<number>,
): number | undefined => {
  for (const [from, to] of ranges)
    for (let first = from; first <= to; first++) {
      const other = others.find(([start, end]) => start <= first && first <= end);
      if (other) first = other[1];
      else if (!singles.has(first)) return first;
    }
  return undefined;
};

const keepFew = (missing: Heard['missing']): void => {
  while (missing.length > RANGES_KEPT) {
    const [first, second] = missing;
    missing.splice(0, 2, [first![0], second![1]]);
  }
};

/** What {@link Counters.take} is told of a body. */
export const placeOf = (stream: string, { opening }: Pick<Body, 'opening'>): 'none' | 'opens' | 'goes on' => {
  if (stream === CONTROL_STREAM) return 'none';
  return opening ? 'opens' : 'goes on';
};
