// What a connection has missed, read from the store and sent as fast as its socket takes it, room by room in turn.
// Rules: spec/relay-protocol.md §7 and §8 (RP72, RP73, RP79, RP81).
import { type Awaitable, isLater } from './awaitable.ts';
import { deliver, type Follow } from './follow.ts';
import { FRAME_OVERHEAD, type LogStore, type ReadResult } from './store.ts';

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
  /** The room whose frames the store has been asked for; undefined again if they are no longer wanted. */
  let reading: Follow | undefined;
  /** Of the reads begun, so that one that nobody waits for any more is told from a later one of the same room. */
  let reads = 0;

  const pump = (): void => {
    let share = TURN_BYTES;
    for (const follow of waiting) {
      if (reading !== undefined || isFull()) return;
      if (share <= 0) {
        schedule();
        return;
      }
      waiting.delete(follow);
      const sent = step(follow);
      if (isLater(sent)) return;
      share -= sent;
    }
  };

  const fail = (error: unknown): void => {
    waiting.clear();
    reading = undefined;
    failed(error);
  };

  const guardedPump = (): void => {
    try {
      pump();
    } catch (error) {
      fail(error);
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

  /** Sends one chunk of one room, which then waits again if there is more. @returns about how many bytes it took. */
  const step = (follow: Follow): Awaitable<number> => {
    const { room, cursor } = follow;
    // What becomes durable while the store reads may be missing in the answer; up to here it is whole.
    const { passed } = room;
    if (cursor >= passed) return 0;
    const read = store.read({ room: room.id, stream: '', after: cursor, maxBytes: readBytes });
    if (!isLater(read)) return send(follow, read, passed);
    reading = follow;
    const mine = ++reads;
    return read.then(
      (result) => {
        if (reading !== follow || reads !== mine) return 0;
        reading = undefined;
        const sent = send(follow, result, passed);
        guardedPump();
        return sent;
      },
      (error: unknown) => {
        if (reading === follow && reads === mine) fail(error);
        return 0;
      },
    );
  };

  const send = (follow: Follow, read: ReadResult, passed: number): number => {
    // Above `passed` the next pass delivers, or the next read.
    const frames = read.frames.filter(({ position }) => position <= passed);
    const isAll = read.complete || frames.length < read.frames.length;
    deliver(follow, frames, isAll ? passed : frames.at(-1)!.position, readBytes);
    if (follow.cursor < follow.room.passed) waiting.add(follow);
    return frames.reduce((sum, { frame }) => sum + frame.length + FRAME_OVERHEAD, FRAME_OVERHEAD);
  };

  return {
    add(follow) {
      waiting.add(follow);
      schedule();
    },
    remove(follow) {
      waiting.delete(follow);
      if (reading !== follow) return;
      reading = undefined;
      if (waiting.size > 0) schedule();
    },
    pump() {
      if (waiting.size > 0) guardedPump();
    },
  };
};
