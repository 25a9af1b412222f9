// Which pages of a room are open: those of use, those that somebody holds, and those that something has just come for.
// Rules: spec/pages.md §3.

import { toHex } from '@sealwire/protocol';
import type { Evidence } from '../api.ts';
import type { ClosedPage } from './closed-page.ts';
import { closedAndCut, closePages, findLost, isClosed, pagesToClose, readClosed } from './closing.ts';
import type { Inbox, InboxOptions } from './inbox.ts';
import { rebuildRoom } from './rebuild.ts';
import { type RoomState, touch } from './state.ts';

const LEFT_BEHIND =
  'A page that was put aside is gone from this device, and so is the room that had it: only who else has it can show it.';

export interface PagingOptions {
  readonly state: RoomState;
  readonly inbox: Pick<Inbox, 'parked'>;
  readonly inboxOptions: InboxOptions;
  readonly report: (evidence: Omit<Evidence, 'room'>) => void;
  /** Runs in the room's turn. */
  readonly step: (run: () => Promise<void>) => Promise<void>;
  /** Whether a provider is attached to a page. */
  readonly isAttached: (stream: string) => boolean;
  /** What the archive lost must come from the relay again. */
  readonly startOver: () => void;
  readonly changed: () => void;
}

/** All but `hold` is to be called in the room's turn. */
export const createPaging = (options: PagingOptions) => {
  const { state, inbox, step } = options;
  /** Streams that somebody looks at, and how many do. */
  const held = new Map<string, number>();
  /** The pages that are put aside, until that changes. */
  let closed: readonly ClosedPage[] | undefined;
  const isHeld = (stream: string): boolean => held.has(stream) || options.isAttached(stream);

  /** Makes pages that were put aside what they were: whatever is judged or shown needs them whole. */
  const wake = async (streams: Iterable<string>): Promise<void> => {
    const asked = [...new Set(streams)].filter((stream) => isClosed(state, stream));
    if (asked.length === 0) return;
    const lost = await readClosed(state, asked);
    closed = undefined;
    const woken = new Set(asked.filter((stream) => !lost.includes(stream)));
    if (woken.size > 0) await rebuildRoom(state, options.inboxOptions, options.report, woken);
    for (const stream of woken) touch(state, stream);
    if (lost.length > 0) options.startOver();
  };

  const putAside = async (): Promise<void> => {
    const streams = pagesToClose(state, inbox.parked(), isHeld);
    if (streams.length === 0) return;
    const isStill = (stream: string): boolean =>
      !isHeld(stream) && !state.outbox.some((item) => item.stream === stream);
    await closePages(state, streams, isStill);
    closed = undefined;
    options.changed();
  };

  return {
    wake,
    putAside,
    /** Wakes what was closed under other cuts than those of today. */
    wakeCut: (devices: ReadonlySet<string>): Promise<void> => wake(closedAndCut(state, devices)),
    /** The relay lost what lies behind a position: own bodies of closed pages may be among it. */
    wakeBehind: (head: number): Promise<void> => {
      const room = toHex(state.address.id);
      const behind = [...state.closed.values()].filter(
        ({ page }) => page.room === room && page.position > head,
      );
      return wake(behind.map(({ page }) => page.stream));
    },
    /** Wakes what was closed in another room than this one: it is to be put there, and is closed again after that. */
    async wakeMoved(to: Uint8Array): Promise<void> {
      const room = toHex(to);
      await wake([...state.closed.values()].flatMap(({ page }) => (page.room === room ? [] : page.stream)));
      // What the archive lost, and has not come again, is in the room that is left, if anywhere.
      for (const stream of state.lost)
        if (!state.sizes.has(stream)) options.report({ code: 'FRAME_GAP', message: LEFT_BEHIND, stream });
      state.lost.clear();
    },
    /** The storage was deleted and written anew: what lay beside the vault may be gone. */
    async repaired(): Promise<void> {
      const lost = await findLost(state);
      closed = undefined;
      if (lost.length > 0) options.startOver();
    },
    /** Pages that are put aside: the same array until that changes. */
    closed(): readonly ClosedPage[] {
      closed ??= [...state.closed.values()].flatMap(({ page }) =>
        state.awake.has(page.stream) ? [] : [page],
      );
      return closed;
    },
    /** Opens a page that may be closed, and keeps it open. @returns the function that lets go of it. */
    async hold(stream: string): Promise<() => void> {
      held.set(stream, (held.get(stream) ?? 0) + 1);
      await step(() => wake([stream]));
      let isLetGo = false;
      return () => {
        if (isLetGo) return;
        isLetGo = true;
        const left = held.get(stream)! - 1;
        if (left > 0) held.set(stream, left);
        else held.delete(stream);
        if (left === 0) void step(putAside);
      };
    },
  };
};
