// The pages of one chat as messages: every entry of every page that is open, in one order. Rules: spec/pages.md.
import { pageIndex, toHex } from '@sealwire/protocol';
import type { MessageEntry, PersonEntry } from './logdoc/entries.ts';
import { isNewerName, type PageIndex } from './logdoc/page-index.ts';
import type { Clock } from './logdoc/stamp.ts';
import { createTimeline, type TimelineItem, timelineItem } from './logdoc/timeline.ts';
import { chainKey } from './room/chains.ts';
import type { ClosedPage } from './room/closed-page.ts';
import type { Page, PageEntry } from './room/page.ts';
import type { Room } from './room/room.ts';

/** A message, and the stream of the page that it is in. */
export interface PagedItem extends TimelineItem {
  readonly stream: string;
}

export interface ChatPagesOptions {
  readonly room: Room;
  readonly clock: Clock;
  /** An entry whose stamp is too far ahead of this device's clock. */
  readonly onClockAhead: (entry: MessageEntry, id: string) => void;
  /** A message is not as it was shown, or there no more; undefined: any may be. */
  readonly forget: (id: string | undefined) => void;
  readonly changed: () => void;
}

export const createChatPages = ({ room, clock, onClockAhead, forget, changed }: ChatPagesOptions) => {
  const timeline = createTimeline<PagedItem>();
  /** What people call themselves, by page and account in hexadecimal. */
  const names = new Map<string, Map<string, PersonEntry>>();
  /** Pages that are kept open since somebody reads them. */
  const held = new Map<string, () => void>();
  /** The slice of the timeline that is shown, and what it was cut from. */
  let shown: {
    readonly of: readonly PagedItem[];
    readonly from: number | undefined;
    readonly items: readonly PagedItem[];
  } = {
    of: [],
    from: undefined,
    items: [],
  };

  const deviceOf = (stream: string, id: string) =>
    room.state.chains.get(chainKey(stream, idParts(id)[0]))?.device ?? room.options.device;

  const takeName = (stream: string, id: string, entry: PersonEntry): void => {
    const accountId = toHex(deviceOf(stream, id).account);
    const ofPage = names.get(stream) ?? new Map<string, PersonEntry>();
    names.set(stream, ofPage);
    if (!isNewerName(ofPage.get(accountId), entry)) return;
    ofPage.set(accountId, entry);
    forget(undefined);
  };

  const take = (stream: string, { id, entry }: PageEntry): void => {
    if (entry.k === 'me') takeName(stream, id, entry);
    if (entry.k !== 'm') return;
    if (!clock.hear(entry.t)) onClockAhead(entry, id);
    timeline.add({ ...timelineItem(id, entry), stream });
  };

  const drop = (stream: string): void => {
    timeline.removeAll((item) => item.stream === stream);
    names.delete(stream);
    forget(undefined);
  };

  const watch = (page: Page): void => {
    const { stream } = page;
    if (pageIndex(stream) === undefined) return;
    for (const entry of page.entries()) take(stream, entry);
    page.onChange(({ added, removed }) => {
      for (const entry of added) take(stream, entry);
      for (const id of removed) {
        timeline.remove(id);
        forget(id);
      }
      changed();
    });
    page.onReset(() => {
      drop(stream);
      for (const entry of page.entries()) take(stream, entry);
      changed();
    });
    page.onClose(() => drop(stream));
  };
  for (const page of room.pages()) watch(page);
  const stopWatching = room.onPage(watch);

  let known = sumUp([]);
  /** What closed pages come to. */
  const closed = (): ClosedSum => {
    const pages = room.closedPages();
    if (known.pages !== pages) known = sumUp(pages);
    return known;
  };

  return {
    /** Messages in order, without what lies behind pages that are closed. */
    items(): readonly PagedItem[] {
      const [of, from] = [timeline.items(), closed().newest?.to];
      if (shown.of !== of || shown.from !== from) shown = { of, from, items: timeline.since(from) };
      return shown.items;
    },
    /** How many messages there are, and the newest one's beginning and time, if it is in no open page. */
    summary(): { readonly messages: number; readonly text?: string; readonly at?: number } {
      const { messages, newest } = closed();
      return {
        messages: timeline.items().length + messages,
        ...(newest?.to !== undefined && { text: newest.text, at: newest.to }),
      };
    },
    /** How many messages are in none of the pages that are shown. */
    older(): number {
      const { messages, newest } = closed();
      return timeline.items().length - timeline.since(newest?.to).length + messages;
    },
    /**
     * Opens the page with the newest messages that are not shown, and keeps it open.
     * @param since - until all messages from then on are shown; milliseconds since 1970. Default: one page.
     * @returns false if there is none.
     */
    async loadOlder(since = Number.POSITIVE_INFINITY): Promise<boolean> {
      for (let isAny = false; ; isAny = true) {
        const next = closed().pages.find(({ index }) => index === closed().newest) ?? closed().pages[0];
        if (!next || (isAny && (next.index.to ?? 0) < since)) return isAny;
        // Who reads back keeps what is shown: nothing goes from under their eyes.
        for (const stream of [next.stream, ...room.pages().map((page) => page.stream)])
          if (!held.has(stream)) held.set(stream, await room.holdPage(stream));
        if (since === Number.POSITIVE_INFINITY) return true;
      }
    },
    /** Nobody reads the chat any more. */
    letGo(): void {
      for (const release of held.values()) release();
      held.clear();
    },
    deviceOf,
    /** What a person calls themself here. */
    nameOf(accountId: string): string | undefined {
      let newest: PersonEntry | undefined;
      for (const ofPage of names.values()) {
        const entry = ofPage.get(accountId);
        if (entry && isNewerName(newest, entry)) newest = entry;
      }
      const entry = closed().names.get(accountId);
      if (entry && isNewerName(newest, entry)) newest = entry;
      return newest?.n;
    },
    /** The page that a message is in. */
    holding: (id: string): Page | undefined => room.pages().find(({ map }) => map.has(id)),
    /** Opens the closed page that a message may be in. @returns the function that lets go of it; undefined if there is none. */
    async hold(id: string): Promise<(() => void) | undefined> {
      const [clientId] = idParts(id);
      const page = closed().pages.find(({ chains }) => chains.some((end) => end.clientId === clientId));
      return page && room.holdPage(page.stream);
    },
    dispose(): void {
      stopWatching();
      for (const { doc } of room.pages()) doc.destroy();
    },
  };
};

/** What closed pages come to, all together. */
interface ClosedSum {
  readonly pages: readonly ClosedPage[];
  readonly messages: number;
  /** That of the page with the newest message. */
  readonly newest: PageIndex | undefined;
  /** By account in hexadecimal. */
  readonly names: ReadonlyMap<string, PersonEntry>;
}

const sumUp = (pages: readonly ClosedPage[]): ClosedSum => {
  let messages = 0;
  let newest: PageIndex | undefined;
  const names = new Map<string, PersonEntry>();
  for (const { index } of pages) {
    messages += index.messages;
    if (index.to !== undefined && index.to > (newest?.to ?? Number.NEGATIVE_INFINITY)) newest = index;
    for (const [account, entry] of index.names)
      if (isNewerName(names.get(account), entry)) names.set(account, entry);
  }
  return { pages, messages, newest, names };
};

export type ChatPages = ReturnType<typeof createChatPages>;

/** clientID and clock of an entry's id. */
export const idParts = (id: string): readonly [number, number] => {
  const colon = id.indexOf(':');
  return [Number(id.slice(0, colon)), Number(id.slice(colon + 1))];
};
