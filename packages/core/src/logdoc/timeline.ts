// Reduces a page's entries to the timeline that a person sees. Rules: spec/log-document.md §3.
import type { MessageEntry } from './entries.ts';
import { stampMs } from './stamp.ts';
import type { View } from './view.ts';

/** A message in its place; what the reducer orders by. */
export interface TimelineItem {
  /** `clientID:clock`. */
  readonly id: string;
  readonly entry: MessageEntry;
  /** Milliseconds since 1970: the origin's for an imported message, else the stamp's. */
  readonly at: number;
}

export const timelineItem = (id: string, entry: MessageEntry): TimelineItem => ({
  id,
  entry,
  at: entry.o ? entry.o.s : stampMs(entry.t),
});

/** The one order that all devices show: time, then stamp, then id. */
export const compareItems = (a: TimelineItem, b: TimelineItem): number =>
  a.at - b.at || a.entry.t - b.entry.t || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

/**
 * A sorted list that takes messages as they come. What arrives together is sorted once and merged, so a catch-up costs
 * one pass; a single new message at the end costs nothing more than its place.
 */
export const createTimeline = <I extends TimelineItem = TimelineItem>() => {
  let items: readonly I[] = [];
  let added: I[] = [];
  const removed = new Set<string>();
  /** The list as it is now. */
  const flush = (): readonly I[] => {
    if (added.length === 0 && removed.size === 0) return items;
    const merged = merge(items, added.sort(compareItems));
    items = removed.size > 0 ? merged.filter((item) => !removed.has(item.id)) : merged;
    added = [];
    removed.clear();
    return items;
  };
  return {
    add(item: I): void {
      added.push(item);
    },
    remove(id: string): void {
      removed.add(id);
    },
    /** Removes what `which` says: a page that was made anew or closed. */
    removeAll(which: (item: I) => boolean): void {
      items = flush().filter((item) => !which(item));
    },
    /** The same array until something changed. */
    items: flush,
    /** What is there in a span of time. */
    within({ from, before }: View): readonly I[] {
      const all = flush();
      const start = from === undefined ? 0 : firstFrom(all, from);
      const end = before === undefined ? all.length : firstFrom(all, before);
      return start === 0 && end === all.length ? all : all.slice(start, end);
    },
  };
};

/** Index of the first message at or after a time. */
const firstFrom = (items: readonly TimelineItem[], at: number): number => {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (items[middle]!.at < at) low = middle + 1;
    else high = middle;
  }
  return low;
};

export type Timeline = ReturnType<typeof createTimeline>;

const merge = <I extends TimelineItem>(a: readonly I[], b: readonly I[]): I[] => {
  const last = a.at(-1);
  if (!last || b.length === 0 || compareItems(last, b[0]!) < 0) return [...a, ...b];
  const out: I[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) out.push(compareItems(a[i]!, b[j]!) <= 0 ? a[i++]! : b[j++]!);
  while (i < a.length) out.push(a[i++]!);
  while (j < b.length) out.push(b[j++]!);
  return out;
};
