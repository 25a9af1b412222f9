// What a chat shows of a page without opening it: how many messages, from when to when, the newest one, and names. Pure.
// Rules: spec/pages.md §3.
import type { Entry, PersonEntry } from './entries.ts';
import { compareItems, type TimelineItem, timelineItem } from './timeline.ts';

/** What one page adds to its chat's list entry. */
export interface PageIndex {
  /** Messages that are shown. */
  readonly messages: number;
  /** Of the oldest and the newest, milliseconds since 1970; undefined without messages. */
  readonly from?: number;
  readonly to?: number;
  /** The newest message's beginning. */
  readonly text: string;
  /** What people call themselves in it, by account in hexadecimal. */
  readonly names: readonly (readonly [string, PersonEntry])[];
}

/** Characters of the newest text that an index keeps. */
export const INDEX_TEXT_CHARS = 200;

/** @param accountOf - whose an entry is, by its id. */
export const indexPage = (
  entries: Iterable<{ readonly id: string; readonly entry: Entry }>,
  accountOf: (id: string) => string,
): PageIndex => {
  const names = new Map<string, PersonEntry>();
  let messages = 0;
  let first: TimelineItem | undefined;
  let last: TimelineItem | undefined;
  for (const { id, entry } of entries)
    if (entry.k === 'me') {
      const account = accountOf(id);
      if (isNewerName(names.get(account), entry)) names.set(account, entry);
    } else if (entry.k === 'm') {
      const item = timelineItem(id, entry);
      messages += 1;
      if (!first || compareItems(item, first) < 0) first = item;
      if (!last || compareItems(item, last) > 0) last = item;
    }
  return {
    messages,
    ...(first && last && { from: first.at, to: last.at }),
    text: last?.entry.x.slice(0, INDEX_TEXT_CHARS) ?? '',
    names: [...names],
  };
};

/** Of two names that a person gave, the later counts, and of equal stamps the greater text. */
export const isNewerName = (known: PersonEntry | undefined, entry: PersonEntry): boolean =>
  !known || entry.t > known.t || (entry.t === known.t && entry.n > known.n);
