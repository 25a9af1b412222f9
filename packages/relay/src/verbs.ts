// What each message of an authenticated device does. Rules: spec/relay-protocol.md §6, §7 and §9.
import {
  type ClientMessage,
  encodeRelayMessage,
  principalStatement,
  type RelayMessage,
} from '@sealwire/protocol';
import { durably, edit, refusal } from './answers.ts';
import { type Awaitable, isLater, whenRead } from './awaitable.ts';
import type { Shared } from './core.ts';
import { copyOf, keyOf } from './keys.ts';
import {
  countingFarewells,
  judgePrincipalEdit,
  judgeRoomEdit,
  refusalInRoom,
  type Verdict,
} from './rights.ts';
import { refusalByBudget } from './room-budget.ts';
import type { Session } from './session.ts';
import { isSigned, principalIdOf } from './signatures.ts';
import type { PrincipalEdit, ReadResult, RoomRecord } from './store.ts';
import { deleteRoom } from './verbs-delete.ts';
import { performInInbox } from './verbs-inbox.ts';
import { resume } from './verbs-resume.ts';

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
): Awaitable<RelayMessage | undefined> => {
  switch (message.type) {
    case 'put-principal':
      return putPrincipal(shared, session, message);
    case 'put-room':
      return putRoom(shared, session, message);
    case 'get-room':
      return getRoom(shared, session, message);
    case 'resume':
      return resume(shared, session, message);
    case 'delete-room':
      return deleteRoom(shared, session, message);
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
): Awaitable<RelayMessage | undefined> => {
  if (message.type === 'rendezvous-open' && shared.isStopping()) {
    return refusal(message.request, 'SHUTTING_DOWN');
  }
  return whenRead(shared.cells.handle(session, message), (isInOrder) => {
    if (!isInOrder) session.end('UNEXPECTED_MESSAGE');
    return undefined;
  });
};

const putPrincipal = (
  shared: Shared,
  session: Session,
  message: Message<'put-principal'>,
): Awaitable<RelayMessage | undefined> => {
  const { store } = shared;
  const { request, manageKey, version, relayKeys, farewells, signature } = message;
  const id = principalIdOf(manageKey);
  const statement = principalStatement({ principal: id, version, relayKeys, farewells });
  if (!isSigned({ publicKey: manageKey, statement, signature })) return refusal(request, 'AUTH_FAILED');
  // Copied before the store is asked, since the message is not ours for longer.
  const wanted = { id, manageKey: copyOf(manageKey), version, relayKeys: relayKeys.map(copyOf) };
  const notes = farewells.map(({ relayKey, note }) => ({ relayKey: copyOf(relayKey), note: copyOf(note) }));
  return whenRead(store.principal(id), (before) => {
    const after: PrincipalEdit = { ...wanted, farewells: countingFarewells(before, wanted.relayKeys, notes) };
    const isTooMany =
      before === undefined &&
      session.address !== undefined &&
      !shared.budgets.principals.of(session.address).take(shared.clock.now(), 1);
    if (isTooMany) return refusal(request, 'LIMIT_REACHED');
    return edit(shared, session, {
      request,
      version,
      verdict: judgePrincipalEdit(before, after),
      write: () => store.putPrincipal(after),
      written: () => shared.principalChanged(before, after),
    });
  });
};

const putRoom = (
  shared: Shared,
  session: Session,
  message: Message<'put-room'>,
): Awaitable<RelayMessage | undefined> => {
  const { store, rooms, limits } = shared;
  const record: RoomRecord = {
    room: copyOf(message.room),
    version: message.version,
    members: message.members.map(({ principal, admin }) => ({ principal: copyOf(principal), admin })),
  };
  const { request, version } = message;
  const { principal } = session;
  const write = (verdict: Verdict): RelayMessage | undefined =>
    edit(shared, session, {
      request,
      version,
      verdict,
      write: () => store.putRoom(record, principal),
      written: () => rooms.edited(record),
    });
  return whenRead(rooms.record(record.room), (current) => {
    const verdict = judgeRoomEdit(current, record, principal);
    if (verdict !== 'write' || version !== 1 || principal === undefined) return write(verdict);
    return whenRead(store.usage(principal), (usage) =>
      write(
        usage.rooms >= limits.roomsPerPrincipal || !mayMakeRoom(shared, session) ? 'LIMIT_REACHED' : 'write',
      ),
    );
  });
};

/** Takes one of the rooms that the address may make. */
const mayMakeRoom = ({ budgets, clock }: Shared, { address }: Session): boolean =>
  address === undefined || budgets.rooms.of(address).take(clock.now(), 1);

const getRoom = (
  shared: Shared,
  session: Session,
  { request, room }: Message<'get-room'>,
): Awaitable<RelayMessage> =>
  // Held open, so that an edit which becomes durable while the store reads is known before the answer.
  whenRead(shared.rooms.open(room), (held) => {
    const { record } = held;
    shared.rooms.release(held);
    const code = refusalInRoom(record, session.principal);
    if (record === undefined || code !== undefined) return refusal(request, code ?? 'ROOM_UNKNOWN');
    return { type: 'room-result', request, version: record.version, members: record.members };
  });

const append = (
  shared: Shared,
  session: Session,
  message: Message<'append'>,
): Awaitable<RelayMessage | undefined> => {
  const { store, rooms } = shared;
  const { request, room, stream, frame } = message;
  const placed = (position: number): void => {
    const follow = session.follows.get(keyOf(room));
    const comesWithDeliveries = rooms.committed(room, { position, stream, frame }, request, follow);
    if (!comesWithDeliveries) session.sendMessage({ type: 'appended', request, position });
  };
  return whenRead(rooms.record(room), (record) => {
    const code = shared.isStopping() ? 'SHUTTING_DOWN' : refusalInRoom(record, session.principal);
    if (code !== undefined) return refusal(request, code);
    const author = session.principal;
    return whenRead(refusalByBudget(shared, session, message), (refused) => {
      if (refused !== undefined) return refusal(request, refused);
      const write = (): Promise<number> => store.append({ room, stream, frame, author, placed });
      return durably(shared, session, { request, bytes: frame.length, write, written: () => {} });
    });
  });
};

const read = (
  shared: Shared,
  session: Session,
  message: Message<'read'>,
): Awaitable<RelayMessage | undefined> => {
  const { store, rooms } = shared;
  const { request, room, stream, after, maxBytes } = message;
  const mayRead = (use: () => Awaitable<RelayMessage>): Awaitable<RelayMessage> =>
    whenRead(rooms.record(room), (record) => {
      const code = refusalInRoom(record, session.principal);
      return code === undefined ? use() : refusal(request, code);
    });
  return mayRead(() =>
    whenRead(rooms.head(room), (head) => {
      const reading = store.read({ room, stream, after, maxBytes });
      const answer = (result: ReadResult): RelayMessage => {
        const frames = result.frames.filter(({ position }) => position <= head);
        const complete = result.complete || frames.length < result.frames.length;
        return { type: 'read-result', request, head, complete, frames };
      };
      if (!isLater(reading)) return answer(reading);
      // While the store read, the sender may have been taken off the list.
      return reading.then((result) => mayRead(() => answer(result)));
    }),
  );
};

const signal = (
  shared: Shared,
  session: Session,
  { room, payload }: Message<'signal'>,
): Awaitable<undefined> => {
  const { rooms, store } = shared;
  return whenRead(rooms.record(room), (record) => {
    // Nobody waits for an answer to a signal: one that may not be sent is dropped like one that found no reader.
    if (refusalInRoom(record, session.principal) !== undefined) return undefined;
    store.neighbours?.signal(room, payload);
    let bytes: Uint8Array | undefined;
    rooms.forEachFollower(room, (subscriber) => {
      if (subscriber === session || subscriber.isFull()) return;
      bytes ??= encodeRelayMessage({ type: 'signal', room, payload });
      subscriber.send(bytes);
    });
    return undefined;
  });
};
