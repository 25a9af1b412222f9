// The plain twin of the hot path: live delivery as one would first write it, each message encoded for each connection, each
// frame made by `ws` itself. The twin test holds rooms.ts, follow.ts, socket-link.ts and ws-frames.ts against it.
// Rules: spec/relay-protocol.md §7 (RP70 to RP72, RP82).
import { encodeRelayMessage, type StoredFrame } from '@sealwire/protocol';
import * as ws from 'ws';
import type { Follow, Subscriber } from '../src/follow.ts';
import { keyOf } from '../src/keys.ts';
import type { ActiveRoom, Rooms } from '../src/rooms.ts';
import { FRAME_OVERHEAD, type LocalStore } from '../src/store.ts';

export type Delivery = Pick<Rooms, 'open' | 'release' | 'follow' | 'unfollow' | 'committed' | 'pass'>;

export const plainDelivery = (store: Pick<LocalStore, 'head'>, readBytes: number): Delivery => {
  const rooms = new Map<string, ActiveRoom>();
  /** In the order in which they got something. */
  let waiting: ActiveRoom[] = [];
  return {
    open(id) {
      const key = keyOf(id);
      const head = store.head(id);
      const room = rooms.get(key) ?? {
        id,
        key,
        record: undefined,
        head,
        fresh: [],
        freshSince: 0,
        passed: head,
        followers: new Set<Follow>(),
      };
      rooms.set(key, room);
      return room;
    },
    release() {},
    follow(room: ActiveRoom, subscriber: Subscriber, cursor: number) {
      const follow: Follow = { room, subscriber, cursor, own: undefined };
      room.followers.add(follow);
      return follow;
    },
    unfollow(follow) {
      follow.room.followers.delete(follow);
      if (follow.room.followers.size === 0) rooms.delete(follow.room.key);
    },
    committed(id, frame, request, follow) {
      const room = rooms.get(keyOf(id));
      if (room === undefined) return false;
      if (frame.position > room.head) {
        room.head = frame.position;
        if (room.fresh.length === 0) waiting.push(room);
        room.fresh.push(frame);
      }
      if (follow === undefined || follow.cursor >= frame.position) return false;
      follow.own ??= new Map();
      follow.own.set(frame.position, request);
      return true;
    },
    pass() {
      const due = waiting;
      waiting = [];
      for (const room of due) {
        if (rooms.get(room.key) !== room) continue;
        const { fresh, passed } = room;
        room.fresh = [];
        room.passed = room.head;
        for (const follow of room.followers) {
          if (follow.cursor < passed) continue;
          if (follow.subscriber.isFull()) follow.subscriber.fallBehind(follow);
          else deliverPlainly(follow, fresh, readBytes);
        }
      }
    },
  };
};

const deliverPlainly = (follow: Follow, frames: readonly StoredFrame[], readBytes: number): void => {
  const { subscriber, room } = follow;
  let run: StoredFrame[] = [];
  const sendRun = (): void => {
    if (run.length > 0) subscriber.send(encodeRelayMessage({ type: 'frames', room: room.id, frames: run }));
    run = [];
  };
  for (const frame of frames) {
    if (frame.position <= follow.cursor) continue;
    const request = follow.own?.get(frame.position);
    if (request !== undefined) {
      sendRun();
      follow.own!.delete(frame.position);
      subscriber.send(encodeRelayMessage({ type: 'appended', request, position: frame.position }));
      continue;
    }
    const bytes = [...run, frame].reduce((sum, each) => sum + each.frame.length + FRAME_OVERHEAD, 0);
    if (bytes > readBytes) sendRun();
    run.push(frame);
  }
  sendRun();
  if (follow.own?.size === 0) follow.own = undefined;
  follow.cursor = Math.max(follow.cursor, room.head);
};

/** Not in the published types. */
const { Sender } = ws as unknown as { Sender: { frame(data: Buffer, options: object): Buffer[] } };

/** One message as `ws` frames it. */
export const framePlainly = (message: Uint8Array): Buffer => {
  const options = { fin: true, rsv1: false, opcode: 2, mask: false, readOnly: true };
  return Buffer.concat(Sender.frame(Buffer.from(message), options));
};
