// What each message of an authenticated device does. Rules: spec/relay-protocol.md §6, §7 and §9.
import {
  type ClientMessage,
  type ErrorCode,
  encodeRelayMessage,
  principalStatement,
  type RelayMessage,
  SealwireError,
} from '@sealwire/protocol';
import type { Shared } from './core.ts';
import type { Follow } from './follow.ts';
import { copyOf, keyOf } from './keys.ts';
import { judgePrincipalEdit, judgeRoomEdit, refusalInRoom, type Verdict } from './rights.ts';
import type { Session } from './session.ts';
import { isSigned, principalIdOf } from './signatures.ts';
import type { PrincipalEdit, RoomRecord } from './store.ts';

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
  const after: PrincipalEdit = {
    id,
    manageKey: copyOf(manageKey),
    version,
    relayKeys: relayKeys.map(copyOf),
    farewells,
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
  const { store, rooms } = shared;
  const record: RoomRecord = {
    room: copyOf(message.room),
    version: message.version,
    members: message.members.map(({ principal, admin }) => ({ principal: copyOf(principal), admin })),
  };
  const { request, version } = message;
  return edit(shared, session, {
    request,
    version,
    verdict: judgeRoomEdit(rooms.record(record.room), record, session.principal),
    write: () => store.putRoom(record),
    written: () => rooms.edited(record),
  });
};

interface Edit {
  readonly request: number;
  readonly version: number;
  readonly verdict: Verdict;
  /** Resolves when the edit is durable. */
  readonly write: () => Promise<void>;
  /** Lets the durable edit take effect. */
  readonly written: () => void;
}

/** Answers an edit: refused, done already, or later, done. */
const edit = (
  shared: Shared,
  session: Session,
  { request, version, verdict, write, written }: Edit,
): RelayMessage | undefined => {
  if (shared.isStopping()) return refusal(request, 'SHUTTING_DOWN');
  if (verdict === 'already') return { type: 'done', request, version };
  if (verdict !== 'write') return refusal(request, verdict);
  session.writeBegan();
  const done = (): void => {
    session.sendMessage({ type: 'done', request, version });
    written();
  };
  void write()
    .then(done, (error: unknown) => session.sendMessage(refusal(request, storeCode(shared, error))))
    .finally(() => session.writeEnded());
  return undefined;
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
  const { store, rooms, limits, pressure } = shared;
  const { request, room, stream, frame } = message;
  const code = shared.isStopping() ? 'SHUTTING_DOWN' : refusalInRoom(rooms.record(room), session.principal);
  if (code !== undefined) return refusal(request, code);
  if (session.writing >= limits.appendsInFlight) return refusal(request, 'LIMIT_REACHED');
  session.writeBegan();
  pressure.add(frame.length, session);
  const appended = (position: number): void => {
    const follow = session.follows.get(keyOf(room));
    const isLater = rooms.committed(room, { position, stream, frame }, request, follow);
    if (!isLater) session.sendMessage({ type: 'appended', request, position });
  };
  void store
    .append({ room, stream, frame })
    .then(appended, (error: unknown) => session.sendMessage(refusal(request, storeCode(shared, error))))
    .finally(() => {
      pressure.remove(frame.length);
      session.writeEnded();
    });
  return undefined;
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

const refusal = (request: number, code: ErrorCode): RelayMessage => ({ type: 'refused', request, code });

/** The code of a failed write. @throws the error again if it is not the store's own. */
const storeCode = (shared: Shared, error: unknown): ErrorCode => {
  if (!(error instanceof SealwireError)) throw error;
  const { code } = error;
  if (code === 'STORE_FULL' || code === 'STORE_FAILED') shared.log({ event: 'store-failed', code });
  return code === 'CLOSED' ? 'SHUTTING_DOWN' : code;
};
