// Rooms that somebody follows, and live delivery: one pass after each commit, each message encoded once for all.
// Rules: spec/relay-protocol.md §7 (RP70 to RP76, RP78).
import type { StoredFrame } from '@sealwire/protocol';
import { deliver, encodeFrames, type Follow, type Subscriber } from './follow.ts';
import { copyOf, keyOf } from './keys.ts';
import type { Clock } from './link.ts';
import type { Measures } from './measures.ts';
import { memberOf } from './rights.ts';
import type { LogStore, RoomRecord } from './store.ts';

/** A room with followers. */
export interface ActiveRoom {
  readonly id: Uint8Array;
  readonly key: string;
  record: RoomRecord;
  /** The highest position that may be delivered. */
  head: number;
  /** Frames above `passed` up to `head`, which the next pass delivers. */
  fresh: StoredFrame[];
  /** When the first of `fresh` was durable. */
  freshSince: number;
  /** Followers whose cursor is below this read from the store. */
  passed: number;
  readonly followers: Set<Follow>;
}

export interface Rooms {
  /** The record of a room, from memory if it is followed. */
  record(room: Uint8Array): RoomRecord | undefined;
  /** The highest position that may be read. */
  head(room: Uint8Array): number;
  /**
   * Registers a follow from `cursor` on, which the store must know the room of. From here on no frame above the
   * cursor is missed: the caller's backlog brings what is below `passed`, the passes the rest.
   */
  follow(record: RoomRecord, subscriber: Subscriber, cursor: number): Follow;
  unfollow(follow: Follow): void;
  /**
   * A frame is durable. Told once a frame, in rising position in each room.
   *
   * @param follow - the follow of the connection that appended it, if it follows the room.
   * @returns true when the acknowledgement will come with the deliveries of `follow`.
   */
  committed(room: Uint8Array, frame: StoredFrame, request: number, follow: Follow | undefined): boolean;
  /** A new record of a room is durable: followers that it does not list are expelled. */
  edited(record: RoomRecord): void;
  /** Calls `to` for each follower of the room. */
  forEachFollower(room: Uint8Array, to: (subscriber: Subscriber) => void): void;
  /** Delivers at once what waits for the next pass. */
  pass(): void;
  /** Rooms with followers. */
  readonly active: number;
}

export interface RoomsOptions {
  readonly store: LogStore;
  readonly clock: Clock;
  readonly readBytes: number;
  readonly measures: Measures;
}

export const createRooms = ({ store, clock, readBytes, measures }: RoomsOptions): Rooms => {
  const active = new Map<string, ActiveRoom>();
  const dirty = new Set<ActiveRoom>();
  let scheduled = false;

  const pass = (): void => {
    scheduled = false;
    for (const room of dirty) {
      passRoom(room, readBytes);
      measures.delivered(room.followers.size, clock.now() - room.freshSince);
    }
    dirty.clear();
  };

  return {
    record: (room) => active.get(keyOf(room))?.record ?? store.room(room),
    head: (room) => active.get(keyOf(room))?.head ?? store.head(room),

    follow(record, subscriber, cursor) {
      const key = keyOf(record.room);
      let room = active.get(key);
      if (room === undefined) {
        const head = store.head(record.room);
        room = {
          id: copyOf(record.room),
          key,
          record,
          head,
          fresh: [],
          freshSince: 0,
          passed: head,
          followers: new Set(),
        };
        active.set(key, room);
      }
      const follow: Follow = { room, subscriber, cursor, own: undefined };
      room.followers.add(follow);
      return follow;
    },

    unfollow(follow) {
      const { room } = follow;
      room.followers.delete(follow);
      if (room.followers.size > 0) return;
      active.delete(room.key);
      dirty.delete(room);
    },

    committed(id, frame, request, follow) {
      const room = active.get(keyOf(id));
      if (room === undefined) return false;
      if (frame.position > room.head) {
        room.head = frame.position;
        if (room.fresh.length === 0) room.freshSince = clock.now();
        room.fresh.push(frame);
        dirty.add(room);
        if (!scheduled) {
          scheduled = true;
          clock.soon(pass);
        }
      }
      if (follow === undefined || follow.cursor >= frame.position) return false;
      follow.own ??= new Map();
      follow.own.set(frame.position, request);
      return true;
    },

    edited(record) {
      const room = active.get(keyOf(record.room));
      if (room === undefined || record.version <= room.record.version) return;
      room.record = record;
      for (const follow of room.followers) {
        const { principal } = follow.subscriber;
        if (!principal || !memberOf(record, principal)) follow.subscriber.expelled(follow);
      }
    },

    forEachFollower(id, to) {
      for (const follow of active.get(keyOf(id))?.followers ?? []) to(follow.subscriber);
    },

    pass,
    get active() {
      return active.size;
    },
  };
};

const passRoom = (room: ActiveRoom, readBytes: number): void => {
  const { fresh, head, passed } = room;
  room.fresh = [];
  room.passed = head;
  const alike: Subscriber[] = [];
  for (const follow of room.followers) {
    // Below `passed` it is in its connection's backlog already, which now reaches to the new `passed`.
    if (follow.cursor < passed) continue;
    if (follow.subscriber.isFull()) {
      follow.subscriber.fallBehind(follow);
    } else if (follow.cursor === passed && follow.own === undefined) {
      follow.cursor = head;
      alike.push(follow.subscriber);
    } else {
      deliver(follow, fresh, head, readBytes);
    }
  }
  if (alike.length === 0) return;
  // One message to all before the next: a link frames what it has just framed no second time.
  for (const bytes of encodeFrames(room.id, fresh, readBytes)) {
    for (const subscriber of alike) subscriber.send(bytes);
  }
};
