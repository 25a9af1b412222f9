// What a connection has missed, read from the store and sent as fast as its socket takes it, room by room in turn.
// Rules: spec/relay-protocol.md §7 and §8 (RP72, RP73, RP79, RP81).
import { deliver, type Follow } from './follow.ts';
import { FRAME_OVERHEAD, type LogStore } from './store.ts';

export interface Backlog {
  add(follow: Follow): void;
  remove(follow: Follow): void;
  /** Sends until the socket is full, all is sent, or this turn's share is used up. */
  pump(): void;
}

export interface BacklogOptions {
  readonly store: LogStore;
  readonly readBytes: number;
  readonly isFull: () => boolean;
  readonly soon: (run: () => void) => void;
  /** Told what the store throws; the connection cannot go on. */
  readonly failed: (error: unknown) => void;
}

/** One connection's share of a turn, so that a long backlog does not hold up the others. */
const TURN_BYTES = 1024 * 1024;

export const createBacklog = ({ store, readBytes, isFull, soon, failed }: BacklogOptions): Backlog => {
  // Rooms are taken from the front and put back at the end.
  const waiting = new Set<Follow>();
  let scheduled = false;

  const pump = (): void => {
    let share = TURN_BYTES;
    for (const follow of waiting) {
      if (isFull()) return;
      if (share <= 0) {
        schedule();
        return;
      }
      waiting.delete(follow);
      share -= step(follow);
      if (follow.cursor < follow.room.passed) waiting.add(follow);
    }
  };

  const guardedPump = (): void => {
    try {
      pump();
    } catch (error) {
      waiting.clear();
      failed(error);
    }
  };

  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    soon(() => {
      scheduled = false;
      guardedPump();
    });
  };

  /** Sends one chunk of one room. @returns about how many bytes it took. */
  const step = (follow: Follow): number => {
    const { room, cursor } = follow;
    if (cursor >= room.passed) return 0;
    const read = store.read({ room: room.id, stream: '', after: cursor, maxBytes: readBytes });
    // Above `passed` the next pass delivers.
    const frames = read.frames.filter(({ position }) => position <= room.passed);
    const isAll = read.complete || frames.length < read.frames.length;
    deliver(follow, frames, isAll ? room.passed : frames.at(-1)!.position, readBytes);
    return frames.reduce((sum, { frame }) => sum + frame.length + FRAME_OVERHEAD, FRAME_OVERHEAD);
  };

  return {
    add(follow) {
      waiting.add(follow);
      schedule();
    },
    remove: (follow) => void waiting.delete(follow),
    pump() {
      if (waiting.size > 0) guardedPump();
    },
  };
};
