// Which page of a chat a new entry goes into: a pure choice of its author. Rules: spec/pages.md §1.
import { LIMITS } from '@sealwire/protocol';

/** What a page holds, of all authors together, deleted entries included. */
export interface PageSize {
  readonly entries: number;
  /** Of entries that were not deleted before they left their device. */
  readonly bytes: number;
}

/** Default: `LIMITS.pageEntries` and `LIMITS.pageBytes`. */
export type PageLimits = PageSize;

export const PAGE_LIMITS: PageLimits = { entries: LIMITS.pageEntries, bytes: LIMITS.pageBytes };

export const EMPTY_PAGE: PageSize = { entries: 0, bytes: 0 };

export const isFull = ({ entries, bytes }: PageSize, limits: PageLimits): boolean =>
  entries >= limits.entries || bytes >= limits.bytes;

/**
 * The lowest page that is not full.
 *
 * @param from - the page that this device wrote on last since it started, else 0.
 */
export const pageToWrite = (
  from: number,
  sizeOf: (page: number) => PageSize,
  limits: PageLimits = PAGE_LIMITS,
): number => {
  let page = from;
  while (isFull(sizeOf(page), limits)) page += 1;
  return page;
};
