// The pages of one chat as messages: every entry of every page that is open, in one order. Rules: spec/pages.md.
import { pageIndex, toHex } from '@sealwire/protocol';
import type { MessageEntry, PersonEntry } from './logdoc/entries.ts';
import { isNewerName } from './logdoc/page-index.ts';
import type { Clock } from './logdoc/stamp.ts';
import { createTimeline, type TimelineItem, timelineItem } from './logdoc/timeline.ts';
import { chainKey } from './room/chains.ts';
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
  };
  for (const page of room.pages()) watch(page);
  const stopWatching = room.onPage(watch);

  return {
    /** Messages in order. */
    items: timeline.items,
    deviceOf,
    /** What a person calls themself here. */
    nameOf(accountId: string): string | undefined {
      let newest: PersonEntry | undefined;
      for (const ofPage of names.values()) {
        const entry = ofPage.get(accountId);
        if (entry && isNewerName(newest, entry)) newest = entry;
      }
      return newest?.n;
    },
    /** The page that a message is in. */
    holding: (id: string): Page | undefined => room.pages().find(({ map }) => map.has(id)),
    dispose(): void {
      stopWatching();
      for (const { doc } of room.pages()) doc.destroy();
    },
  };
};

export type ChatPages = ReturnType<typeof createChatPages>;

/** clientID and clock of an entry's id. */
export const idParts = (id: string): readonly [number, number] => {
  const colon = id.indexOf(':');
  return [Number(id.slice(0, colon)), Number(id.slice(colon + 1))];
};
