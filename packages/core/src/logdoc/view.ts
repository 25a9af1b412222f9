// Which part of a chat is in view: the messages around a time, without gaps, between the pages that are closed. Pure.
// Rules: spec/pages.md §3 (PG10, PG11).

/** From when to when a page's messages are, milliseconds since 1970; undefined without messages. */
export interface PageRange {
  readonly from?: number;
  readonly to?: number;
}

/** Milliseconds since 1970. */
export interface View {
  /** Messages from here on; undefined for all. */
  readonly from: number | undefined;
  /** Messages before this; undefined for all. */
  readonly before: number | undefined;
}

/** Whether all of a page lies behind what is looked at. @param at - undefined for the newest messages. */
export const isBehind = ({ from }: PageRange, at: number | undefined): boolean =>
  at !== undefined && from !== undefined && from > at;

/** @param closed - what is missing between the messages that are at hand. */
export const viewAround = (closed: Iterable<PageRange>, at: number | undefined): View => {
  let [from, before]: (number | undefined)[] = [];
  for (const page of closed) {
    if (page.from === undefined || page.to === undefined) continue;
    if (isBehind(page, at)) before = Math.min(before ?? page.from, page.from);
    // One that reaches over the time is told as older messages, and comes when they are asked for.
    else if (at === undefined || page.to < at) from = Math.max(from ?? page.to, page.to);
  }
  return { from, before };
};

/**
 * The pages with the first messages from a time on: all that reach over it, else the one that begins next.
 *
 * @returns none if all messages are before it.
 */
export const pagesFrom = <P extends PageRange>(pages: Iterable<P>, time: number): P[] => {
  const over: P[] = [];
  let next: P | undefined;
  for (const page of pages) {
    if (page.from === undefined || page.to === undefined || page.to < time) continue;
    if (page.from <= time) over.push(page);
    else if (page.from < (next?.from ?? Number.POSITIVE_INFINITY)) next = page;
  }
  return over.length > 0 || !next ? over : [next];
};
