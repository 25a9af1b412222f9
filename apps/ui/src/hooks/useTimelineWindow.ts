// Keeps a bounded window of a long conversation in the page: the newest messages at first, more while scrolling
// either way, and never a jump under the reader's eyes. No spec rules here.
import type { Message } from '@sealwire/core';
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { dayStart } from '../lib/format.ts';

/** Messages shown at first and added at a time. */
const STEP = 60;
/** Messages in the page at once. */
const MAX = 240;
/** Pixels from an edge at which more is added. */
const NEAR_PX = 800;
/** Pixels from the bottom that still count as the bottom. */
const BOTTOM_PX = 48;

/** Pixels above the message that one goes to. */
const ABOVE_PX = 12;

/** Which messages are shown; `newest` follows the end of the conversation. */
type Span = 'newest' | { readonly from: string; readonly fromIndex: number; readonly to: string };

export interface TimelineWindow {
  readonly scroller: RefObject<HTMLElement | null>;
  /** Index of the first message shown. */
  readonly start: number;
  /** Index after the last message shown. */
  readonly end: number;
  /** The reader left the bottom, so new messages do not move the page. */
  readonly away: boolean;
  /** How many messages came since the reader left the bottom. */
  readonly fresh: number;
  readonly onScroll: () => void;
  readonly toNewest: () => void;
}

/** What is not among the messages given, on either side: how many, and what brings some of them. */
export interface Beside {
  readonly older: number;
  readonly newer: number;
  /** The local day to begin with, as an ISO 8601 date; undefined for the newest messages. */
  readonly day: string | undefined;
  readonly loadOlder: () => Promise<unknown>;
  readonly loadNewer: () => Promise<unknown>;
  /** Gives the messages from a time on instead; without one, the newest. */
  readonly showAround: (time?: number) => Promise<unknown>;
}

export function useTimelineWindow(messages: readonly Message[], source: Beside): TimelineWindow {
  const { older, newer, day } = source;
  const scroller = useRef<HTMLElement>(null);
  const atBottom = useRef(true);
  const anchor = useRef<Anchor | undefined>(undefined);
  const [span, setSpan] = useState<Span>('newest');
  const { start, end } = resolve(span, messages);
  const leftAt = useRef<string | undefined>(undefined);
  const shown = useRef({ messages, start, end });
  shown.current = { messages, start, end };
  const beside = useRef(source);
  beside.current = source;
  const loading = useRef(false);
  /** Begins with the first message from this time on, as soon as it is given. */
  const [jump, setJump] = useState<number | undefined>(undefined);
  /** The message that goes to the top of the view once it is in the page. */
  const landing = useRef<string | undefined>(undefined);
  const visited = useRef(day);

  const show = useCallback((from: number, to: number) => {
    const { messages } = shown.current;
    const first = messages[from];
    const last = messages[to - 1];
    if (first === undefined || last === undefined) return;
    setSpan((old) =>
      old !== 'newest' && old.from === first.id && old.to === last.id
        ? old
        : { from: first.id, fromIndex: from, to: last.id },
    );
  }, []);

  /** Adds messages at the edge that the reader is near, and drops as many at the other. */
  const fill = useCallback(() => {
    const view = scroller.current;
    const { messages, start, end } = shown.current;
    if (view === null) return;
    const { older, newer, loadOlder, loadNewer } = beside.current;
    const load = (bring: () => Promise<unknown>): void => {
      if (loading.current) return;
      loading.current = true;
      void bring().finally(() => {
        loading.current = false;
      });
    };
    if (start === 0 && older > 0 && view.scrollTop < NEAR_PX) load(loadOlder);
    else if (end === messages.length && newer > 0 && gapBelow(view) < NEAR_PX) load(loadNewer);
    if (start > 0 && view.scrollTop < NEAR_PX) {
      const from = Math.max(0, start - STEP);
      show(from, Math.min(end, from + MAX));
    } else if (end < messages.length && gapBelow(view) < NEAR_PX) {
      const to = Math.min(messages.length, end + STEP);
      show(Math.max(start, to - MAX), to);
    }
  }, [show]);

  const onScroll = useCallback(() => {
    const view = scroller.current;
    if (view === null) return;
    const { messages, start, end } = shown.current;
    const isEnd = end === messages.length && beside.current.newer === 0;
    atBottom.current = isEnd && gapBelow(view) < BOTTOM_PX;
    anchor.current = atBottom.current ? undefined : findAnchor(view);
    if (atBottom.current) {
      leftAt.current = undefined;
      setSpan('newest');
    } else {
      // What is read on is not what has come meanwhile.
      leftAt.current = beside.current.newer > 0 ? undefined : (leftAt.current ?? messages.at(-1)?.id);
      show(start, end);
      fill();
    }
  }, [show, fill]);

  const toNewest = useCallback(() => {
    const settle = (): void => {
      atBottom.current = true;
      anchor.current = undefined;
      leftAt.current = undefined;
      setSpan('newest');
      // With other messages in the page, its end would be taken for where the reader went; they are scrolled when they are drawn.
      const isDrawn = shown.current.end === shown.current.messages.length;
      if (isDrawn && scroller.current !== null) scrollToEnd(scroller.current);
    };
    if (beside.current.newer > 0) void beside.current.showAround().then(settle);
    else settle();
  }, []);

  useEffect(() => {
    if (day === undefined) {
      if (visited.current !== undefined) toNewest();
    } else {
      const time = dayStart(day);
      atBottom.current = false;
      anchor.current = undefined;
      void beside.current.showAround(time).then(() => setJump(time));
    }
    visited.current = day;
  }, [day, toNewest]);

  useLayoutEffect(() => {
    if (jump === undefined) return;
    const from = messages.findIndex(({ at }) => at >= jump);
    const at = from < 0 ? messages.length - 1 : from;
    landing.current = messages[at]?.id;
    show(Math.max(0, at - STEP), Math.min(messages.length, at + STEP));
    setJump(undefined);
  }, [jump, messages, show]);

  useLayoutEffect(() => {
    const view = scroller.current;
    if (view === null) return;
    if (atBottom.current) scrollToEnd(view);
    else if (landing.current !== undefined) {
      anchor.current = land(view, landing.current);
      if (anchor.current !== undefined) landing.current = undefined;
    } else if (anchor.current !== undefined) anchor.current = holdAnchor(view, anchor.current);
    const isMore = start > 0 || end < messages.length || older > 0 || newer > 0;
    if (messages.length > 0 && isMore && !atBottom.current) fill();
  }, [messages, start, end, older, newer, fill]);

  useEffect(() => {
    const view = scroller.current;
    if (view === null) return;
    const observer = new ResizeObserver(() => {
      if (atBottom.current) scrollToEnd(view);
    });
    observer.observe(view);
    return () => observer.disconnect();
  }, []);

  const fresh = span === 'newest' ? 0 : countAfter(messages, leftAt.current);
  return { scroller, start, end, away: span !== 'newest' || newer > 0, fresh, onScroll, toNewest };
}

/** The row at the top of the view, and where it stood. */
interface Anchor {
  readonly id: string;
  readonly top: number;
}

function resolve(span: Span, messages: readonly Message[]): { start: number; end: number } {
  const total = messages.length;
  if (span === 'newest') return { start: Math.max(0, total - STEP), end: total };
  const from = messages.findIndex((message) => message.id === span.from);
  const start = from >= 0 ? from : Math.min(span.fromIndex, Math.max(0, total - STEP));
  const to = messages.findIndex((message) => message.id === span.to);
  return { start, end: to >= start ? to + 1 : Math.min(total, start + STEP) };
}

function countAfter(messages: readonly Message[], id: string | undefined): number {
  if (id === undefined) return 0;
  const at = messages.findIndex((message) => message.id === id);
  return at < 0 ? 0 : messages.length - 1 - at;
}

function findAnchor(view: HTMLElement): Anchor | undefined {
  for (const row of view.querySelectorAll<HTMLElement>('[data-message]')) {
    if (row.offsetTop + row.offsetHeight > view.scrollTop) {
      return { id: row.dataset.message ?? '', top: row.offsetTop };
    }
  }
  return undefined;
}

/** Scrolls to a message, below the line with its day. @returns undefined if it is not in the page yet. */
function land(view: HTMLElement, id: string): Anchor | undefined {
  const row = view.querySelector<HTMLElement>(`[data-message="${CSS.escape(id)}"]`);
  if (row === null) return undefined;
  const line = row.previousElementSibling;
  const top = line instanceof HTMLElement && line.dataset.message === undefined ? line : row;
  view.scrollTop = top.offsetTop - ABOVE_PX;
  return { id, top: row.offsetTop };
}

function holdAnchor(view: HTMLElement, anchor: Anchor): Anchor | undefined {
  const row = view.querySelector<HTMLElement>(`[data-message="${CSS.escape(anchor.id)}"]`);
  if (row === null) return findAnchor(view);
  const moved = row.offsetTop - anchor.top;
  if (moved !== 0) view.scrollTop += moved;
  return { id: anchor.id, top: row.offsetTop };
}

const gapBelow = (view: HTMLElement): number => view.scrollHeight - view.scrollTop - view.clientHeight;

function scrollToEnd(view: HTMLElement): void {
  view.scrollTop = view.scrollHeight;
}
