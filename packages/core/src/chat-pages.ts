// The pages of one chat as messages: every entry of every page that is open, in one order. Rules: spec/pages.md.
import { pageIndex, toHex } from '@sealwire/protocol';
import type { ChatStatus } from './chat-api.ts';
import type { MessageEntry, PersonEntry } from './logdoc/entries.ts';
import { isNewerName, type PageIndex } from './logdoc/page-index.ts';
import type { Clock } from './logdoc/stamp.ts';
import { createTimeline, type TimelineItem, timelineItem } from './logdoc/timeline.ts';
import { isBehind, type PageRange, pagesFrom, type View, viewAround } from './logdoc/view.ts';
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
  /** The time that is looked at; undefined for the newest messages. */
  let at: number | undefined;
  /** The slice of the timeline that is shown, and what it was cut from. */
  let shown: {
    readonly of: readonly PagedItem[];
    readonly view: View;
    readonly items: readonly PagedItem[];
  } = { of: [], view: EVERYTHING, items: [] };
  /** What opens and lets go of pages happens one after the other. */
  let turn: Promise<unknown> = Promise.resolve();

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

  let known = sumUp([], at);
  /** What closed pages come to. */
  const closed = (): ClosedSum => {
    const pages = room.closedPages();
    if (known.pages !== pages || known.at !== at) known = sumUp(pages, at);
    return known;
  };

  /** While what lies before pages that came first loads, nothing of it is shown: it would look as if none were missing. */
  const viewNow = (): View => {
    const { view } = closed();
    const ahead = at === undefined ? room.aheadPages() : NONE;
    const first = ahead.size > 0 ? timeline.items().find(({ stream }) => ahead.has(stream)) : undefined;
    return first ? { ...view, from: Math.max(first.at, view.from ?? first.at) } : view;
  };

  const inTurn = <T>(run: () => Promise<T>): Promise<T> => {
    const mine = turn.then(run);
    turn = mine.catch(() => undefined);
    return mine;
  };
  const hold = async (streams: Iterable<string>): Promise<void> => {
    for (const stream of streams) if (!held.has(stream)) held.set(stream, await room.holdPage(stream));
  };
  const letGo = (isKept: (stream: string) => boolean): void => {
    for (const [stream, release] of held) {
      if (isKept(stream)) continue;
      held.delete(stream);
      release();
    }
  };
  /** Opens a page beside what is shown. Who reads on keeps what is there: nothing goes from under their eyes. */
  const openBeside = ({ stream }: ClosedPage): Promise<void> =>
    hold([stream, ...room.pages().map((page) => page.stream)]);
  /** What open pages hold, as the index of a closed one says it. */
  const openRanges = (): PlacedRange[] => {
    const ranges = new Map<string, PlacedRange>();
    // In order of time, so the last one that comes is the newest of its page.
    for (const { stream, at } of timeline.items())
      ranges.set(stream, { stream, from: ranges.get(stream)?.from ?? at, to: at });
    return [...ranges.values()];
  };

  return {
    /** Messages in order: those around what is looked at, without what lies behind pages that are closed. */
    items(): readonly PagedItem[] {
      const [of, view] = [timeline.items(), viewNow()];
      const isSame = shown.of === of && shown.view.from === view.from && shown.view.before === view.before;
      if (!isSame) shown = { of, view, items: timeline.within(view) };
      return shown.items;
    },
    /** How many messages there are, and the newest one's beginning and time, wherever it is. */
    summary(): { readonly messages: number; readonly text?: string; readonly at?: number } {
      const { messages, newest } = closed();
      const last = timeline.items().at(-1);
      const isOpen = last !== undefined && last.at >= (newest?.to ?? Number.NEGATIVE_INFINITY);
      return {
        messages: timeline.items().length + messages,
        ...(isOpen
          ? { text: last.entry.x, at: last.at }
          : newest?.to !== undefined && { text: newest.text, at: newest.to }),
      };
    },
    /** How many messages are before and behind those that are shown, and when the first one of all was written. */
    beside(): Pick<ChatStatus, 'older' | 'newer' | 'firstAt'> {
      const { messages, behind, firstAt } = closed();
      const view = viewNow();
      const shown = timeline.within(view).length;
      const after =
        view.before === undefined ? 0 : timeline.within({ from: view.before, before: undefined }).length;
      const first = timeline.items()[0]?.at;
      const all = [first, firstAt].filter((time) => time !== undefined);
      return {
        older: timeline.items().length - shown - after + messages - behind,
        newer: after + behind,
        firstAt: all.length > 0 ? Math.min(...all) : undefined,
      };
    },
    /**
     * Opens the page with the newest messages before those that are shown, and keeps it open.
     * @param since - until all messages from then on are shown; milliseconds since 1970. Default: one page.
     * @returns false if there is none.
     */
    loadOlder: (since = Number.POSITIVE_INFINITY): Promise<boolean> =>
      inTurn(async () => {
        for (let isAny = false; ; isAny = true) {
          const isLoading = at === undefined && room.aheadPages().size > 0;
          const next = isLoading ? undefined : closed().before;
          if (!next || (isAny && (next.index.to ?? 0) < since)) return isAny;
          await openBeside(next);
          if (since === Number.POSITIVE_INFINITY) return true;
        }
      }),
    /** Opens the page with the first messages behind those that are shown. @returns false if there is none. */
    loadNewer: (): Promise<boolean> =>
      inTurn(async () => {
        const { after } = closed();
        if (after) await openBeside(after);
        // With nothing closed behind it, what is looked at reaches to the newest messages, and follows them.
        if (!closed().after) at = undefined;
        changed();
        return after !== undefined;
      }),
    /**
     * Looks at the messages from a time on, and lets go of what was brought before.
     * @param time - milliseconds since 1970; undefined, or later than all messages, for the newest.
     */
    showAround: (time: number | undefined): Promise<void> =>
      inTurn(async () => {
        const closedRanges = closed().pages.map(({ stream, index }) => ({ stream, ...index }));
        const wanted = time === undefined ? [] : pagesFrom([...closedRanges, ...openRanges()], time);
        const streams = new Set(wanted.map(({ stream }) => stream));
        await hold(streams);
        at = wanted[0] && Math.max(time!, wanted[0].from!);
        letGo((stream) => streams.has(stream));
        if (!closed().after) at = undefined;
        changed();
      }),
    /** Nobody reads the chat any more. */
    letGo(): void {
      at = undefined;
      letGo(() => false);
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

type PlacedRange = PageRange & { readonly stream: string };

const NONE: ReadonlySet<string> = new Set();

const EVERYTHING: View = { from: undefined, before: undefined };

/** What closed pages come to, all together, for who looks at a time. */
interface ClosedSum {
  readonly pages: readonly ClosedPage[];
  readonly at: number | undefined;
  readonly view: View;
  readonly messages: number;
  /** How many of them are behind what is looked at. */
  readonly behind: number;
  readonly firstAt: number | undefined;
  /** That of the page with the newest message. */
  readonly newest: PageIndex | undefined;
  /** The pages that come next before and behind what is shown. */
  readonly before: ClosedPage | undefined;
  readonly after: ClosedPage | undefined;
  /** By account in hexadecimal. */
  readonly names: ReadonlyMap<string, PersonEntry>;
}

const sumUp = (pages: readonly ClosedPage[], at: number | undefined): ClosedSum => {
  let [messages, behind] = [0, 0];
  let firstAt: number | undefined;
  let [newest, before, after]: (ClosedPage | undefined)[] = [];
  const names = new Map<string, PersonEntry>();
  for (const page of pages) {
    const { index } = page;
    messages += index.messages;
    if (isBehind(index, at)) {
      behind += index.messages;
      if (!after || index.from! < after.index.from!) after = page;
    } else if (!before || endOf(page) > endOf(before)) before = page;
    if (index.from !== undefined) firstAt = Math.min(firstAt ?? index.from, index.from);
    if (index.to !== undefined && (!newest || index.to > endOf(newest))) newest = page;
    for (const [account, entry] of index.names)
      if (isNewerName(names.get(account), entry)) names.set(account, entry);
  }
  const view = viewAround(
    pages.map(({ index }) => index),
    at,
  );
  return { ...{ pages, at, view, messages, behind, firstAt, before, after, names }, newest: newest?.index };
};

/** A page without messages comes last of those that are before. */
const endOf = ({ index }: ClosedPage): number => index.to ?? Number.NEGATIVE_INFINITY;

export type ChatPages = ReturnType<typeof createChatPages>;

/** clientID and clock of an entry's id. */
export const idParts = (id: string): readonly [number, number] => {
  const colon = id.indexOf(':');
  return [Number(id.slice(0, colon)), Number(id.slice(colon + 1))];
};
