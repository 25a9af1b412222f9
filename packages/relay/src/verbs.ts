// What each message of an authenticated device does. Rules: spec/relay-protocol.md §6, §7 and §9.
import {
  type ClientMessage,
  type ErrorCode,
  encodeRelayMessage,
  principalStatement,
  type RelayMessage,
} from '@sealwire/protocol';
import { durably, edit, refusal } from './answers.ts';
import type { Shared } from './core.ts';
import type { Follow } from './follow.ts';
import { copyOf, keyOf } from './keys.ts';
import { countingFarewells, judgePrincipalEdit, judgeRoomEdit, refusalInRoom } from './rights.ts';
import type { Session } from './session.ts';
import { isSigned, principalIdOf } from './signatures.ts';
import type { PrincipalEdit, RoomRecord } from './store.ts';
import { performInInbox } from './verbs-inbox.ts';

type Message<T extends ClientMessage['type']> = Extract<ClientMessage, { readonly type: T }>;

/**
 * Does what the message asks for.
 *
 * @returns the answer, or undefined where none is due or it comes later: what is written is answered when durable.
 * @throws SealwireError STORE_FAILED if the store cannot be read.
 */
export const perform = (
  shared: Shared,
  session: Session,
  message: Exclude<ClientMessage, { readonly type: 'authenticate' }>,
): RelayMessage | undefined => {
  switch (message.type) {
    case 'put-principal':
      return putPrincipal(shared, session, message);
    case 'put-room':
      return putRoom(shared, session, message);
    case 'get-room':
      return getRoom(shared, session, message);
    case 'resume':
      return resume(shared, session, message);
    case 'append':
      return append(shared, session, message);
    case 'read':
      return read(shared, session, message);
    case 'signal':
      return signal(shared, session, message);
    case 'ping':
      return { type: 'pong' };
    case 'put-inbox':
    case 'inbox-append':
    case 'inbox-read':
    case 'inbox-remove':
      return performInInbox(shared, session, message);
    default:
      return rendezvous(shared, session, message);
  }
};

const rendezvous = (
  shared: Shared,
  session: Session,
  message: Message<'rendezvous-open' | 'rendezvous-join' | 'rendezvous-send' | 'rendezvous-close'>,
): RelayMessage | undefined => {
  const { cells } = shared;
  const now = shared.clock.now();
  switch (message.type) {
    case 'rendezvous-open':
      if (shared.isStopping()) return refusal(message.request, 'SHUTTING_DOWN');
      shared.rendezvous(cells.open(now, session, message.request, message.id, message.payload));
      break;
    case 'rendezvous-join':
      shared.rendezvous(cells.join(now, session, message.request, message.id));
      break;
    case 'rendezvous-send': {
      const effects = cells.send(now, session, message.id, message.payload);
      if (effects) shared.rendezvous(effects);
      else session.end('UNEXPECTED_MESSAGE');
      break;
    }
    case 'rendezvous-close':
      shared.rendezvous(cells.close(now, session, message.id));
  }
  return undefined;
};

const putPrincipal = (
  shared: Shared,
  session: Session,
  message: Message<'put-principal'>,
): RelayMessage | undefined => {
  const { store } = shared;
  const { request, manageKey, version, relayKeys, farewells, signature } = message;
  const id = principalIdOf(manageKey);
  const statement = principalStatement({ principal: id, version, relayKeys, farewells });
  if (!isSigned({ publicKey: manageKey, statement, signature })) return refusal(request, 'AUTH_FAILED');
  const before = store.principal(id);
  const isTooMany =
    before === undefined &&
    session.address !== undefined &&
    !shared.budgets.principals.of(session.address).take(shared.clock.now(), 1);
  if (isTooMany) return refusal(request, 'LIMIT_REACHED');
  const after: PrincipalEdit = {
    id,
    manageKey: copyOf(manageKey),
    version,
    relayKeys: relayKeys.map(copyOf),
    farewells: countingFarewells(before, relayKeys, farewells),
  };
  return edit(shared, session, {
    request,
    version,
    verdict: judgePrincipalEdit(before, after),
    write: () => store.putPrincipal(after),
    written: () => shared.principalChanged(before, after),
  });
};

const putRoom = (
  shared: Shared,
  session: Session,
  message: Message<'put-room'>,
): RelayMessage | undefined => {
  const { store, rooms, limits } = shared;
  const record: RoomRecord = {
    room: copyOf(message.room),
    version: message.version,
    members: message.members.map(({ principal, admin }) => ({ principal: copyOf(principal), admin })),
  };
  const { request, version } = message;
  const { principal } = session;
  const verdict = judgeRoomEdit(rooms.record(record.room), record, principal);
  const isTooMany =
    verdict === 'write' &&
    version === 1 &&
    principal !== undefined &&
    store.usage(principal).rooms >= limits.roomsPerPrincipal;
  return edit(shared, session, {
    request,
    version,
    verdict: isTooMany ? 'LIMIT_REACHED' : verdict,
    write: () => store.putRoom(record, principal),
    written: () => rooms.edited(record),
  });
};

const getRoom = (shared: Shared, session: Session, { request, room }: Message<'get-room'>): RelayMessage => {
  const record = shared.rooms.record(room);
  const code = refusalInRoom(record, session.principal);
  if (record === undefined || code !== undefined) return refusal(request, code ?? 'ROOM_UNKNOWN');
  return { type: 'room-result', request, version: record.version, members: record.members };
};

const resume = (
  shared: Shared,
  session: Session,
  { request, rooms: wanted }: Message<'resume'>,
): RelayMessage | undefined => {
  const { rooms } = shared;
  if (session.principal === undefined) return refusal(request, 'NO_PRINCIPAL');
  const news: { index: number; head: number }[] = [];
  const refused: { index: number; code: ErrorCode }[] = [];
  const followed: Follow[] = [];
  for (const [index, { room, cursor }] of wanted.entries()) {
    const record = rooms.record(room);
    const code = refusalInRoom(record, session.principal);
    if (record === undefined || code !== undefined) {
      refused.push({ index, code: code ?? 'ROOM_UNKNOWN' });
      continue;
    }
    // Followed before the head is read, so that no frame falls between the two.
    const follow = session.follow(record, cursor);
    followed.push(follow);
    const { head } = follow.room;
    if (head !== cursor) news.push({ index, head });
    if (cursor < head) session.backlog.add(follow);
  }
  session.sendMessage({ type: 'resumed', request, news, refused });
  // Own appends that a new cursor has passed by, once the device knows of the cursor.
  for (const follow of followed) session.acknowledge(follow, follow.cursor);
  return undefined;
};

const append = (shared: Shared, session: Session, message: Message<'append'>): RelayMessage | undefined => {
  const { store, rooms, limits } = shared;
  const { request, room, stream, frame } = message;
  const code = shared.isStopping() ? 'SHUTTING_DOWN' : refusalInRoom(rooms.record(room), session.principal);
  if (code !== undefined) return refusal(request, code);
  const author = session.principal;
  if (author && store.usage(author).bytes >= limits.bytesPerPrincipal) return refusal(request, 'STORE_FULL');
  const appended = (position: number): void => {
    const follow = session.follows.get(keyOf(room));
    const isLater = rooms.committed(room, { position, stream, frame }, request, follow);
    if (!isLater) session.sendMessage({ type: 'appended', request, position });
  };
  const write = (): Promise<number> => store.append({ room, stream, frame, author });
  return durably(shared, session, { request, bytes: frame.length, write, written: appended });
};

const read = (shared: Shared, session: Session, message: Message<'read'>): RelayMessage | undefined => {
  const { store, rooms } = shared;
  const { request, room, stream, after, maxBytes } = message;
  const code = refusalInRoom(rooms.record(room), session.principal);
  if (code !== undefined) return refusal(request, code);
  const head = rooms.head(room);
  const result = store.read({ room, stream, after, maxBytes });
  const frames = result.frames.filter(({ position }) => position <= head);
  const complete = result.complete || frames.length < result.frames.length;
  return { type: 'read-result', request, head, complete, frames };
};

const signal = (
  shared: Shared,
  session: Session,
  { room, payload }: Message<'signal'>,
): RelayMessage | undefined => {
  const { rooms } = shared;
  // Nobody waits for an answer to a signal: one that may not be sent is dropped like one that found no reader.
  if (refusalInRoom(rooms.record(room), session.principal) !== undefined) return undefined;
  let bytes: Uint8Array | undefined;
  rooms.forEachFollower(room, (subscriber) => {
    if (subscriber === session || subscriber.isFull()) return;
    bytes ??= encodeRelayMessage({ type: 'signal', room, payload });
    subscriber.send(bytes);
  });
  return undefined;
};
