// Takes the frames of deleted rooms out of the LMDB store, a piece at a time, so that no other write waits for long.
// Rules: spec/relay-protocol.md §7 (RP186).
import { keyOf } from './keys.ts';
import { endOf, type OpenTables, type Table } from './lmdb-tables.ts';
import { frameKey } from './records.ts';

/** Keys removed in one transaction: some milliseconds. */
const PIECE = 2_000;

export interface Sweep {
  /** Whether the room was deleted and some of its frames may still be there. */
  has(roomKey: string): boolean;
  /** Rooms that were deleted just now, durably marked. */
  begin(rooms: Iterable<Uint8Array>): void;
  /** Resolves when nothing is being removed; what is left then goes after the next start. */
  stop(): Promise<void>;
}

/** A sweep that goes on with what an earlier process left. @param failed - told of a piece that could not be written. */
export const createSweep = ({ root, tables }: OpenTables, failed: (error: unknown) => void): Sweep => {
  const doomed = new Map<string, Buffer>();
  let stopped = false;
  let running: Promise<void> | undefined;

  const sweepRoom = async (roomKey: string, room: Buffer): Promise<void> => {
    const range = { start: frameKey(room, 0).subarray(0, 32), end: endOf(frameKey(room, 0), 32) };
    while (!stopped) {
      const pieces = [tables.frames, tables.runs, tables.ends].map((table): [Table, Buffer[]] => [
        table,
        [...table.getKeys({ ...range, limit: PIECE })] as Buffer[],
      ]);
      const isEmpty = pieces.every(([, keys]) => keys.length === 0);
      await root.batch(() => {
        for (const [table, keys] of pieces) for (const key of keys) void table.remove(key);
        if (isEmpty) void tables.doomed.remove(room);
      });
      if (!isEmpty) continue;
      doomed.delete(roomKey);
      return;
    }
  };
  const run = async (): Promise<void> => {
    try {
      for (const [roomKey, room] of doomed) {
        if (stopped) break;
        await sweepRoom(roomKey, room);
      }
    } catch (error) {
      // A full disk, most likely: the rooms stay marked, and the next deletion or start goes on.
      failed(error);
    } finally {
      running = undefined;
    }
  };
  const begin = (rooms: Iterable<Uint8Array>): void => {
    for (const room of rooms) doomed.set(keyOf(room), Buffer.from(room));
    if (doomed.size > 0 && !stopped) running ??= run();
  };
  begin(tables.doomed.getKeys() as Iterable<Buffer>);
  return {
    has: (roomKey) => doomed.has(roomKey),
    begin,
    async stop() {
      stopped = true;
      await running;
    },
  };
};
