// Keeps a bounded window of a long conversation in the page: the newest messages at first, more while scrolling
// either way, and never a jump under the reader's eyes. No spec rules here.
import type { Message } from '@sealwire/core';
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';

/** Messages shown at first and added at a time. */
const STEP = 60;
/** Messages in the page at once. */
const MAX = 240;
/** Pixels from an edge at which more is added. */
const NEAR_PX = 800;
/** Pixels from the bottom that still count as the bottom. */
const BOTTOM_PX = 48;

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

/** Messages that are not among those given yet: how many, and what brings some of them. */
export interface Older {
  readonly count: number;
  readonly load: () => Promise<unknown>;
}

export function useTimelineWindow(messages: readonly Message[], older: Older): TimelineWindow {
  const scroller = useRef<HTMLElement>(null);
  const atBottom = useRef(true);
  const anchor = useRef<Anchor | undefined>(undefined);
  const [span, setSpan] = useState<Span>('newest');
  const { start, end } = resolve(span, messages);
  const leftAt = useRef<string | undefined>(undefined);
  const shown = useRef({ messages, start, end });
  shown.current = { messages, start, end };
  const behind = useRef(older);
  behind.current = older;
  const loading = useRef(false);

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
    if (start === 0 && view.scrollTop < NEAR_PX && behind.current.count > 0 && !loading.current) {
      loading.current = true;
      void behind.current.load().finally(() => {
        loading.current = false;
      });
    }
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
    atBottom.current = end === messages.length && gapBelow(view) < BOTTOM_PX;
    anchor.current = atBottom.current ? undefined : findAnchor(view);
    if (atBottom.current) {
      leftAt.current = undefined;
      setSpan('newest');
    } else {
      leftAt.current ??= messages.at(-1)?.id;
      show(start, end);
      fill();
    }
  }, [show, fill]);

  const toNewest = useCallback(() => {
    atBottom.current = true;
    anchor.current = undefined;
    leftAt.current = undefined;
    setSpan('newest');
    if (scroller.current !== null) scrollToEnd(scroller.current);
  }, []);

  useLayoutEffect(() => {
    const view = scroller.current;
    if (view === null) return;
    if (atBottom.current) scrollToEnd(view);
    else if (anchor.current !== undefined) anchor.current = holdAnchor(view, anchor.current);
    const isMore = start > 0 || end < messages.length || older.count > 0;
    if (messages.length > 0 && isMore && !atBottom.current) fill();
  }, [messages, start, end, older.count, fill]);

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
  return { scroller, start, end, away: span !== 'newest', fresh, onScroll, toNewest };
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
