// What the LMDB store works out of a room's tables: its counts where none are kept, and where it ended when the store was
// restored. Rules: spec/relay-protocol.md §7 (RP187) and §12.
import { endOf, type Tables } from './lmdb-tables.ts';
import { decodeFrame, decodeHead, frameKey, positionOfKey } from './records.ts';
import { FRAME_OVERHEAD, type RoomShare } from './store.ts';

export const NOTHING: RoomShare = { bytes: 0, streams: 0 };

/** Counts a room from its frames: for stores that kept no counts, and for checks. Time goes with the room's length. */
export const countRoom = (tables: Tables, room: Uint8Array): RoomShare => {
  const streams = new Set<string>();
  let bytes = 0;
  const range = { start: frameKey(room, 0), end: endOf(frameKey(room, 0), 32) };
  for (const { value } of tables.frames.getRange(range)) {
    const { stream, frame } = decodeFrame(value);
    streams.add(stream);
    bytes += frame.length + FRAME_OVERHEAD;
  }
  return { bytes, streams: streams.size };
};

/**
 * The room's last position of before the restoring after which `cursor` was given out; undefined if it is still good.
 *
 * A restored store goes on far above every position that it may have given out, so a cursor tells in which life of the
 * store it was taken: above the last frame of an older life and not above the floor that followed, it is of a frame that
 * the store lost.
 */
export const endBefore = (
  tables: Tables,
  {
    room,
    cursor,
    floor,
    head,
  }: {
    readonly room: Uint8Array;
    readonly cursor: number;
    readonly floor: number;
    readonly head: number;
  },
): number | undefined => {
  if (floor === 0 || cursor === 0 || cursor > floor || head <= floor) return undefined;
  const range = { start: frameKey(room, cursor), end: endOf(frameKey(room, 0), 32), limit: 1 };
  for (const { key, value } of tables.ends.getRange(range)) {
    const end = decodeHead(value).head;
    return cursor > end && cursor <= positionOfKey(key) ? end : undefined;
  }
  // The room had no frame at all when the store was restored.
  return 0;
};
