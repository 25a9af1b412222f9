// What a room may take, and how fast: judged when an append is asked for. Rules: spec/relay-protocol.md §12 (RP182 to RP185).
import type { ErrorCode } from '@sealwire/protocol';
import { type Awaitable, whenRead } from './awaitable.ts';
import type { Shared } from './core.ts';
import { copyOf, keyOf } from './keys.ts';
import type { Session } from './session.ts';
import type { LogStore, RoomShare } from './store.ts';

export interface WantedAppend {
  readonly room: Uint8Array;
  readonly stream: string;
  readonly frame: Uint8Array;
}

/** Why the append is refused; undefined if the budgets allow it. Warns the session where the room is nearly full. */
export const refusalByBudget = (
  shared: Shared,
  session: Session,
  wanted: WantedAppend,
): Awaitable<ErrorCode | undefined> => {
  const { store, limits } = shared;
  const author = session.principal;
  return whenRead(author && store.usage(author), (usage): Awaitable<ErrorCode | undefined> => {
    if (usage && usage.bytes >= limits.bytesPerPrincipal) return 'STORE_FULL';
    return whenRead(store.share(wanted.room), (share): Awaitable<ErrorCode | undefined> => {
      if (share.bytes >= limits.bytesPerRoom) return 'ROOM_FULL';
      if (share.streams < limits.streamsPerRoom) return refusalByRate(shared, session, wanted, share);
      return whenRead(isKnown(store, wanted), (known) =>
        known ? refusalByRate(shared, session, wanted, share) : 'ROOM_FULL',
      );
    });
  });
};

const isKnown = (store: LogStore, { room, stream }: WantedAppend): Awaitable<boolean> =>
  store.hasStream
    ? store.hasStream(room, stream)
    : whenRead(store.read({ room, stream, after: 0, maxBytes: 1 }), ({ frames }) => frames.length > 0);

const refusalByRate = (
  { limits, budgets, clock }: Shared,
  session: Session,
  { room, frame }: WantedAppend,
  { bytes }: RoomShare,
): ErrorCode | undefined => {
  const key = keyOf(room);
  const now = clock.now();
  if (!budgets.roomAppends.of(key).take(now, 1) || !budgets.roomBytes.of(key).take(now, frame.length))
    return 'LIMIT_REACHED';
  if (bytes * 100 >= limits.bytesPerRoom * limits.roomWarnPercent && !session.warned.has(key)) {
    session.warned.add(key);
    session.sendMessage({
      type: 'room-nearly-full',
      room: copyOf(room),
      bytes,
      mostBytes: limits.bytesPerRoom,
    });
  }
  return undefined;
};
