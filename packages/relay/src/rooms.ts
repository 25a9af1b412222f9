// Rooms that somebody follows, and live delivery: one pass after each commit, each message encoded once for all.
// Rules: spec/relay-protocol.md §7 (RP70 to RP76, RP78).
import { encodeRelayMessage, type StoredFrame } from '@sealwire/protocol';
import { type Awaitable, isLater, whenRead } from './awaitable.ts';
import { deliver, encodeFrames, type Follow, type Subscriber } from './follow.ts';
import { copyOf, keyOf } from './keys.ts';
import type { Clock } from './link.ts';
import type { Measures } from './measures.ts';
import type { Watch } from './neighbours.ts';
import { memberOf } from './rights.ts';
import type { LogStore, RoomRecord } from './store.ts';

/** A room that somebody follows, or is about to. */
export interface ActiveRoom {
  readonly id: Uint8Array;
  readonly key: string;
  /** Undefined if there is no such room. */
  record: RoomRecord | undefined;
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
  /** The record of a room, from memory if it is active. */
  record(room: Uint8Array): Awaitable<RoomRecord | undefined>;
  /** The highest position that may be read. */
  head(room: Uint8Array): Awaitable<number>;
  /**
   * Makes a room active, and keeps it so until it is released. First it is registered, so that all that becomes durable
   * from here on is told; then its record and its head are read. Both are current in the moment that it is given.
   *
   * @param cursor - a position that somebody knows of: where other relays write too, the head is not given below it
   *   without a look at the store.
   */
  open(room: Uint8Array, cursor?: number): Awaitable<ActiveRoom>;
  release(room: ActiveRoom): void;
  /**
   * Registers a follow of a room that is held open. From here on no frame above the cursor is missed: the caller's
   * backlog brings what is below `passed`, the passes the rest.
   */
  follow(room: ActiveRoom, subscriber: Subscriber, cursor: number): Follow;
  unfollow(follow: Follow): void;
  /**
   * A frame that was appended here is durable. Told once a frame, in rising position in each room.
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

/** An active room with what its followers need not know. */
interface HeldRoom extends ActiveRoom {
  /** Requests that are at work on it. */
  holds: number;
  /** Settles when record and head are read; undefined once they are. */
  opening: Promise<unknown> | undefined;
  watch: Watch | undefined;
}

export const createRooms = ({ store, clock, readBytes, measures }: RoomsOptions): Rooms => {
  const active = new Map<string, HeldRoom>();
  const dirty = new Set<HeldRoom>();
  let scheduled = false;

  const pass = (): void => {
    scheduled = false;
    for (const room of dirty) {
      passRoom(room, readBytes);
      measures.delivered(room.followers.size, clock.now() - room.freshSince);
    }
    dirty.clear();
  };

  const deliverSoon = (room: HeldRoom): void => {
    dirty.add(room);
    if (scheduled) return;
    scheduled = true;
    clock.soon(pass);
  };

  /** Takes what became durable behind all that was known. */
  const extend = (room: HeldRoom, frame: StoredFrame): void => {
    if (frame.position <= room.head) return;
    room.head = frame.position;
    if (room.fresh.length === 0) room.freshSince = clock.now();
    room.fresh.push(frame);
    if (room.opening === undefined) deliverSoon(room);
  };

  const edited = (record: RoomRecord): void => {
    const room = active.get(keyOf(record.room));
    if (room === undefined || record.version <= (room.record?.version ?? 0)) return;
    room.record = record;
    for (const follow of room.followers) {
      const { principal } = follow.subscriber;
      if (!principal || !memberOf(record, principal)) follow.subscriber.expelled(follow);
    }
  };

  const signalled = (room: HeldRoom, payload: Uint8Array): void => {
    const bytes = encodeRelayMessage({ type: 'signal', room: room.id, payload });
    for (const { subscriber } of room.followers) if (!subscriber.isFull()) subscriber.send(bytes);
  };

  const close = (room: HeldRoom): void => {
    if (room.followers.size > 0 || room.holds > 0 || active.get(room.key) !== room) return;
    active.delete(room.key);
    dirty.delete(room);
    room.watch?.end();
  };

  /** Registers the room, then reads. What was told meanwhile counts, if it is newer than what was read. */
  const begin = (room: HeldRoom): Awaitable<HeldRoom> => {
    active.set(room.key, room);
    room.watch = store.neighbours?.watchRoom(room.id, {
      arrived(frames) {
        for (const frame of frames) extend(room, frame);
      },
      edited,
      signalled: (payload) => signalled(room, payload),
    });
    return whenRead(room.watch?.ready, () =>
      whenRead(store.room(room.id), (record) =>
        whenRead(store.head(room.id), (head) => {
          if ((record?.version ?? 0) > (room.record?.version ?? 0)) room.record = record;
          room.fresh = room.fresh.filter(({ position }) => position > head);
          room.passed = head;
          room.head = room.fresh.at(-1)?.position ?? head;
          room.opening = undefined;
          if (room.fresh.length > 0) deliverSoon(room);
          return room;
        }),
      ),
    );
  };

  const abandon = (room: HeldRoom): void => {
    if (active.get(room.key) === room) active.delete(room.key);
    room.watch?.end();
  };

  return {
    record(room) {
      const known = active.get(keyOf(room));
      return known && known.opening === undefined ? known.record : store.room(room);
    },
    head(room) {
      const known = active.get(keyOf(room));
      // What another relay has acknowledged may not have been told here yet.
      return known && known.opening === undefined && known.watch === undefined
        ? known.head
        : store.head(room);
    },

    open(id, cursor = 0) {
      const known = active.get(keyOf(id));
      if (known !== undefined) {
        known.holds++;
        if (known.opening) return known.opening.then(() => known);
        if (cursor <= known.head || known.watch === undefined) return known;
        return known.watch.catchUp().then(
          () => known,
          (error: unknown) => {
            known.holds--;
            close(known);
            throw error;
          },
        );
      }
      const room = newRoom(id);
      try {
        const opened = begin(room);
        if (!isLater(opened)) return opened;
        room.opening = opened;
        return opened.catch((error: unknown) => {
          abandon(room);
          throw error;
        });
      } catch (error) {
        abandon(room);
        throw error;
      }
    },

    release(room) {
      const held = room as HeldRoom;
      held.holds--;
      close(held);
    },

    follow(room, subscriber, cursor) {
      const follow: Follow = { room, subscriber, cursor, own: undefined };
      room.followers.add(follow);
      return follow;
    },

    unfollow(follow) {
      follow.room.followers.delete(follow);
      close(follow.room as HeldRoom);
    },

    committed(id, frame, request, follow) {
      const room = active.get(keyOf(id));
      if (room === undefined) return false;
      extend(room, frame);
      if (follow === undefined || follow.cursor >= frame.position) return false;
      follow.own ??= new Map();
      follow.own.set(frame.position, request);
      return true;
    },

    edited,

    forEachFollower(id, to) {
      for (const follow of active.get(keyOf(id))?.followers ?? []) to(follow.subscriber);
    },

    pass,
    get active() {
      return active.size;
    },
  };
};

const newRoom = (id: Uint8Array): HeldRoom => ({
  id: copyOf(id),
  key: keyOf(id),
  record: undefined,
  head: 0,
  fresh: [],
  freshSince: 0,
  passed: 0,
  followers: new Set(),
  holds: 1,
  // Held to be opening until its record and head are known.
  opening: NEVER,
  watch: undefined,
});

const NEVER: Promise<never> = new Promise(() => {});

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
