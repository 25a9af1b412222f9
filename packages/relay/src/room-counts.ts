// What one batch of writes changes of what rooms take: bytes, streams, and rooms that are deleted.
// Rules: spec/relay-protocol.md §7 (RP186) and §12 (RP183, RP184).
import { SealwireError } from '@sealwire/protocol';
import { keyOf } from './keys.ts';
import type { RoomShare } from './store.ts';

/** The durable state that it counts from. */
export interface CountedRooms {
  share(room: Uint8Array, roomKey: string): RoomShare;
  /** Whether the room has a frame of the stream, or had one that was deleted since. */
  hasStream(room: Uint8Array, roomKey: string, stream: string): boolean;
}

type OpenShare = { -readonly [K in keyof RoomShare]: RoomShare[K] };

export interface RoomCounts {
  /** Shares as the batch leaves them, by room key. */
  readonly shares: ReadonlyMap<string, RoomShare>;
  /** Rooms that the batch deletes, by key. */
  readonly deleted: ReadonlyMap<string, Uint8Array>;
  /** @throws SealwireError ROOM_DELETED if the batch, or one before it, deletes the room. */
  append(room: Uint8Array, roomKey: string, stream: string, bytes: number): void;
  charge(room: Uint8Array, bytes: number): void;
  deleteRoom(room: Uint8Array): void;
}

/** @param gone - keys of rooms whose deletion was taken from the queue; this batch adds its own. */
export const createRoomCounts = (durable: CountedRooms, gone: Set<string>): RoomCounts => {
  const shares = new Map<string, OpenShare>();
  const deleted = new Map<string, Uint8Array>();
  const streams = new Set<string>();
  /** Most frames of a batch follow one of the same stream, whose names need not be looked up for each. */
  let last: { readonly roomKey: string; readonly stream: string; readonly share: OpenShare } | undefined;
  const shareOf = (room: Uint8Array, roomKey: string): OpenShare => {
    let share = shares.get(roomKey);
    if (share === undefined) {
      share = { ...durable.share(room, roomKey) };
      shares.set(roomKey, share);
    }
    return share;
  };
  return {
    shares,
    deleted,
    append(room, roomKey, stream, bytes) {
      if (last !== undefined && last.stream === stream && last.roomKey === roomKey) {
        last.share.bytes += bytes;
        return;
      }
      if (gone.has(roomKey)) throw new SealwireError('ROOM_DELETED', 'The room was deleted.');
      const share = shareOf(room, roomKey);
      share.bytes += bytes;
      last = { roomKey, stream, share };
      const name = roomKey + stream;
      if (streams.has(name)) return;
      streams.add(name);
      if (!durable.hasStream(room, roomKey, stream)) share.streams++;
    },
    charge(room, bytes) {
      const roomKey = keyOf(room);
      if (gone.has(roomKey)) return;
      const share = shareOf(room, roomKey);
      share.bytes = Math.max(0, share.bytes + bytes);
    },
    deleteRoom(room) {
      const roomKey = keyOf(room);
      last = undefined;
      gone.add(roomKey);
      deleted.set(roomKey, room);
      shares.set(roomKey, { bytes: 0, streams: 0 });
    },
  };
};
