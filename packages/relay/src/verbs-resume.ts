// Resuming rooms: all of them are opened, then followed in one step. Rules: spec/relay-protocol.md §7 (RP73 to RP76).
import type { ClientMessage, ErrorCode, RelayMessage } from '@sealwire/protocol';
import { refusal } from './answers.ts';
import { type Awaitable, allRead, isLater, whenRead } from './awaitable.ts';
import type { Shared } from './core.ts';
import type { Follow } from './follow.ts';
import { refusalInRoom } from './rights.ts';
import type { ActiveRoom } from './rooms.ts';
import type { Session } from './session.ts';

type Resume = Extract<ClientMessage, { readonly type: 'resume' }>;

export const resume = (
  shared: Shared,
  session: Session,
  message: Resume,
): Awaitable<RelayMessage | undefined> => {
  if (session.principal === undefined) return refusal(message.request, 'NO_PRINCIPAL');
  return whenRead(openAll(shared, message), (opened) => {
    if (!session.isOver) followAll(shared, session, message, opened);
    for (const room of opened) shared.rooms.release(room);
    return undefined;
  });
};

/** Holds all rooms open, or none if one cannot be read. */
const openAll = ({ rooms }: Shared, { rooms: wanted }: Resume): Awaitable<ActiveRoom[]> => {
  const opening: Awaitable<ActiveRoom>[] = [];
  const giveUp = async (error: unknown): Promise<never> => {
    for (const one of await Promise.allSettled(opening)) {
      if (one.status === 'fulfilled') rooms.release(one.value);
    }
    throw error;
  };
  try {
    for (const { room, cursor } of wanted) opening.push(rooms.open(room, cursor));
  } catch (error) {
    return giveUp(error);
  }
  const opened = allRead(opening);
  return isLater(opened) ? opened.catch(giveUp) : opened;
};

/** In one step, so that nothing can happen to a room between the look at its record and the follow. */
const followAll = (
  { store }: Shared,
  session: Session,
  { request, rooms: wanted }: Resume,
  opened: readonly ActiveRoom[],
): void => {
  const news: { index: number; head: number }[] = [];
  const refused: { index: number; code: ErrorCode }[] = [];
  const followed: Follow[] = [];
  for (const [index, { room: id, cursor }] of wanted.entries()) {
    const room = opened[index]!;
    const code = refusalInRoom(room.record, session.principal);
    if (code !== undefined) {
      refused.push({ index, code });
      continue;
    }
    const end = store.rolledBackTo?.(id, cursor);
    if (end !== undefined) {
      // Frames came after the restoring: the head alone would not show that those up to the cursor are gone.
      session.follow(room, room.head);
      news.push({ index, head: end });
      continue;
    }
    const follow = session.follow(room, cursor);
    followed.push(follow);
    const { head } = room;
    if (head !== cursor) news.push({ index, head });
    if (cursor < head) session.backlog.add(follow);
  }
  session.sendMessage({ type: 'resumed', request, news, refused });
  // Own appends that a new cursor has passed by, once the device knows of the cursor.
  for (const follow of followed) session.acknowledge(follow, follow.cursor);
};
