// What to send to the relay next: a deterministic state machine without sockets, clocks or randomness. Rules:
// spec/relay-protocol.md; drawn in ARCHITECTURE.md.
import { type ClientMessage, type ErrorCode, type RelayMessage, sameBytes, toHex } from '@sealwire/protocol';
import { createPrincipalEdits } from './principal-edits.ts';
import type { SessionEffect, SessionEvent } from './session-events.ts';
import {
  type FollowedRoom,
  firstDue,
  isNewly,
  newRoom,
  type Pending,
  pauseMs,
  problems,
  resumesDue,
  retryAfterMs,
  type SessionOptions,
  TRY_AGAIN,
  takeAppendsDue,
} from './session-state.ts';

export * from './session-events.ts';
export type { SessionOptions } from './session-state.ts';

/** How often a connection makes a room, if somebody else was about to and the relay then has none. */
const MAKES = 3;

export const createSession = (options: SessionOptions) => {
  const { times } = options;
  const rooms = new Map<string, FollowedRoom>();
  const pending = new Map<number, Pending>();
  let phase: 'off' | 'waiting' | 'connecting' | 'greeting' | 'signing' | 'registering' | 'online' = 'off';
  let failures = 0;
  let requests = 0;
  let wakeAt: number | undefined;
  let heardAt = 0;
  let pingedAt: number | undefined;
  let now = 0;
  let effects: SessionEffect[] = [];

  const emit = (effect: SessionEffect) => effects.push(effect);
  const send = (message: ClientMessage) => emit({ type: 'send', message });
  const request = (entry: Pending): number => {
    requests += 1;
    pending.set(requests, entry);
    return requests;
  };
  /** Takes what a request was about. An answer of another kind than it can have is not one to it. */
  const take = <T extends Pending['type']>(id: number, types: readonly T[]) => {
    const entry = pending.get(id);
    if (!entry || !(types as readonly string[]).includes(entry.type)) return undefined;
    pending.delete(id);
    return entry as Extract<Pending, { type: T }>;
  };

  const principal = createPrincipalEdits({
    emit,
    request: () => request({ type: 'put-principal' }),
    isWaiting: () => [...pending.values()].some(({ type }) => type === 'put-principal'),
    retryAt: () => now + times.appendRetryMs,
    tryAgain: TRY_AGAIN,
  });

  const connect = () => {
    phase = 'connecting';
    wakeAt = undefined;
    heardAt = now;
    emit({ type: 'connection', connection: 'connecting' });
    emit({ type: 'connect' });
  };

  /** All that belonged to the connection is over; what was in flight will be sent again after the next resume. */
  const dropConnection = () => {
    pending.clear();
    pingedAt = undefined;
    principal.dropped();
    for (const [key, room] of rooms) {
      room.made = 0;
      room.appendAgainAt = undefined;
      room.resumeAgainAt = undefined;
      if (room.state === 'idle') continue;
      room.state = 'idle';
      emit({ type: 'down', room: key });
    }
  };

  /** Nothing of the room leaves before it is live again. */
  const goDown = (room: FollowedRoom) => {
    if (room.state === 'live') emit({ type: 'down', room: toHex(room.id) });
    room.state = 'resuming';
    room.appendAgainAt = undefined;
  };

  /** An answer may come when its room is followed no more, or anew. */
  const isFollowed = (room: FollowedRoom): boolean => rooms.get(toHex(room.id)) === room;

  const resume = (asked: readonly FollowedRoom[]) => {
    const list = asked.filter(isFollowed);
    if (list.length === 0) return;
    for (const room of list) {
      goDown(room);
      room.resumeAgainAt = undefined;
      room.delivered = options.cursor(toHex(room.id));
    }
    send({
      type: 'resume',
      request: request({ type: 'resume', rooms: list }),
      rooms: list.map(({ id, delivered }) => ({ room: id, cursor: delivered })),
    });
  };

  const beOnline = () => {
    phase = 'online';
    failures = 0;
    emit({ type: 'connection', connection: 'online' });
    resume([...rooms.values()]);
    principal.flush();
  };

  const settle = (room: FollowedRoom) => {
    if (room.state !== 'catching-up' || room.delivered < room.head) return;
    room.state = 'live';
    room.reported = undefined;
    room.refusals = 0;
    emit({ type: 'live', room: toHex(room.id) });
  };

  const welcomed = (message: Extract<RelayMessage, { type: 'welcome' }>) => {
    const { principal: id, mayManage } = options;
    if (id && message.principal && !sameBytes(message.principal, id))
      emit({ type: 'problem', error: problems.somebodyElse() });
    const note = id && !message.principal ? message.farewell : undefined;
    if (note?.length) emit({ type: 'farewell', note });
    // Who was taken out does not put itself back: first it must know what the note says.
    if (id && mayManage && !note?.length) {
      phase = 'registering';
      principal.put(message.version);
      return;
    }
    if (id && !message.principal) emit({ type: 'problem', error: problems.unknown() });
    beOnline();
  };

  const resumed = (message: Extract<RelayMessage, { type: 'resumed' }>) => {
    const entry = take(message.request, ['resume']);
    if (!entry) return;
    const heads = new Map(message.news.map(({ index, head }) => [index, head]));
    const refusals = new Map(message.refused.map(({ index, code }) => [index, code]));
    for (const [index, room] of entry.rooms.entries()) {
      if (!isFollowed(room)) continue;
      const refusal = refusals.get(index);
      if (refusal) {
        refused(room, refusal);
        continue;
      }
      const head = heads.get(index) ?? room.delivered;
      if (head < room.delivered) {
        room.state = 'idle';
        rolledBack(toHex(room.id), head);
        continue;
      }
      room.head = head;
      room.state = 'catching-up';
      emit({ type: 'news', room: toHex(room.id), head });
      settle(room);
    }
  };

  const rolledBack = (room: string, head: number) => {
    emit({ type: 'problem', room, error: problems.rolledBack() });
    emit({ type: 'go-back', room, head });
  };

  const refused = (room: FollowedRoom, code: ErrorCode) => {
    if (!isFollowed(room)) return;
    goDown(room);
    const mayMake = options.mayMake?.(toHex(room.id)) ?? true;
    if (code === 'ROOM_UNKNOWN' && options.principal && room.made < MAKES && mayMake) {
      room.made += 1;
      send({
        type: 'put-room',
        request: request({ type: 'put-room', room }),
        room: room.id,
        version: 1,
        members: [{ principal: options.principal, admin: true }],
      });
      return;
    }
    room.state = 'refused';
    room.made = 0;
    room.resumeAgainAt = now + retryAfterMs(times, room.refusals++, 1);
    if (room.reported === code) return;
    room.reported = code;
    emit({ type: 'problem', room: toHex(room.id), error: problems.refused(code) });
  };

  const done = (entry: Extract<Pending, { type: 'put-room' | 'put-principal' }>, version: number) => {
    if (entry.type === 'put-room') {
      entry.room.made = MAKES;
      resume([entry.room]);
    } else {
      principal.written(version);
      principalAnswered();
    }
  };

  const principalAnswered = () => {
    if (phase === 'registering') beOnline();
    else principal.flush();
  };

  const requestRefused = (entry: Pending, code: ErrorCode) => {
    switch (entry.type) {
      case 'put-principal':
        if (principal.refused(code)) principalAnswered();
        break;
      case 'put-room':
        // Another own device may have made it a moment ago: then it is there all the same, unless the relay could not keep it.
        if (code === 'VERSION_CONFLICT') resume([entry.room]);
        else refused(entry.room, code);
        break;
      case 'append':
        if (!isFollowed(entry.room)) break;
        // What is refused for good waits until the room is let in again: it is neither sent on nor forgotten.
        if (!TRY_AGAIN.has(code)) return refused(entry.room, code);
        entry.room.appendAgainAt = now + times.appendRetryMs;
        if (isNewly(entry.room, code))
          emit({ type: 'problem', room: toHex(entry.room.id), error: problems.noSpace(code) });
        break;
      case 'resume':
        for (const room of entry.rooms) refused(room, code);
        break;
    }
  };

  const onMessage = (message: RelayMessage) => {
    heardAt = now;
    pingedAt = undefined;
    switch (message.type) {
      case 'hello':
        if (phase !== 'greeting') break;
        phase = 'signing';
        emit({ type: 'sign-in', relayId: message.relayId, nonce: message.nonce });
        break;
      case 'welcome':
        if (phase === 'signing') welcomed(message);
        break;
      case 'resumed':
        resumed(message);
        break;
      case 'frames': {
        const room = rooms.get(toHex(message.room));
        const last = message.frames.at(-1);
        if (!room || !last || (room.state !== 'catching-up' && room.state !== 'live')) break;
        emit({ type: 'deliver', room: toHex(room.id), frames: message.frames });
        room.delivered = Math.max(room.delivered, last.position);
        settle(room);
        break;
      }
      case 'room-nearly-full':
        if (rooms.has(toHex(message.room)))
          emit({ type: 'problem', room: toHex(message.room), error: problems.nearlyFull() });
        break;
      case 'unfollowed': {
        const room = rooms.get(toHex(message.room));
        if (room) refused(room, message.code);
        break;
      }
      case 'appended': {
        const entry = take(message.request, ['append']);
        if (!entry || !isFollowed(entry.room)) break;
        const { room, frame } = entry;
        room.noSpace = undefined;
        // While it is resumed, what is acknowledged belongs to the time before: frames below it are still to come.
        const isInOrder = room.state === 'catching-up' || room.state === 'live';
        emit({ type: 'appended', room: toHex(room.id), position: message.position, frame, isInOrder });
        if (!isInOrder) break;
        room.delivered = Math.max(room.delivered, message.position);
        settle(room);
        break;
      }
      case 'done': {
        const entry = take(message.request, ['put-room', 'put-principal']);
        if (entry) done(entry, message.version);
        break;
      }
      case 'refused': {
        const entry = take(message.request, ['resume', 'put-room', 'put-principal', 'append']);
        if (entry) requestRefused(entry, message.code);
        break;
      }
    }
  };

  const onTime = () => {
    if (phase === 'waiting') {
      if (wakeAt !== undefined && now >= wakeAt) connect();
      return;
    }
    if (phase === 'off') return;
    for (const room of takeAppendsDue(rooms.values(), now)) emit({ type: 'append-again', room });
    if (phase === 'online') resume(resumesDue(rooms.values(), now));
    principal.onTime(now);
    if (pingedAt !== undefined && now >= pingedAt + times.pongWithinMs) emit({ type: 'disconnect' });
    else if (pingedAt === undefined && now >= heardAt + times.pingAfterMs) {
      pingedAt = now;
      if (phase === 'online') send({ type: 'ping' });
    }
  };

  const onEvent = (event: SessionEvent) => {
    switch (event.type) {
      case 'network':
        if (event.on && (phase === 'off' || phase === 'waiting')) connect();
        else if (!event.on && phase !== 'off') {
          const connected = phase !== 'waiting';
          phase = 'off';
          failures = 0;
          dropConnection();
          if (connected) emit({ type: 'disconnect' });
          emit({ type: 'connection', connection: 'offline' });
        }
        break;
      case 'opened':
        if (phase !== 'connecting') break;
        phase = 'greeting';
        heardAt = now;
        pingedAt = undefined;
        break;
      case 'message':
        if (phase !== 'off' && phase !== 'waiting') onMessage(event.message);
        break;
      case 'closed':
        if (phase === 'off' || phase === 'waiting') break;
        dropConnection();
        phase = 'waiting';
        wakeAt = now + pauseMs(times, failures, event);
        failures += 1;
        emit({ type: 'connection', connection: 'offline' });
        break;
      case 'time':
        onTime();
        break;
      case 'room': {
        const key = toHex(event.room);
        if (rooms.has(key)) break;
        const room = newRoom(event.room);
        rooms.set(key, room);
        if (phase === 'online') resume([room]);
        break;
      }
      case 'room-left':
        rooms.delete(toHex(event.room));
        break;
      case 'append': {
        const room = rooms.get(toHex(event.room));
        if (room?.state !== 'live') break;
        const { stream, frame } = event;
        const asked = request({ type: 'append', room, frame });
        send({ type: 'append', request: asked, room: room.id, stream, frame });
        break;
      }
      case 'went-back': {
        const room = rooms.get(toHex(event.room));
        if (phase === 'online' && room) resume([room]);
        break;
      }
      case 'principal':
        if (!options.mayManage || (phase !== 'online' && phase !== 'registering')) break;
        principal.changed();
        break;
    }
  };

  /** When the next `time` event is due, in the same milliseconds as `handle`'s. */
  const nextWake = (): number | undefined => {
    if (phase === 'off') return undefined;
    if (phase === 'waiting') return wakeAt;
    const at = pingedAt === undefined ? heardAt + times.pingAfterMs : pingedAt + times.pongWithinMs;
    return firstDue(rooms.values(), Math.min(at, principal.againAt() ?? at));
  };

  return {
    /** @param at - milliseconds on any clock that only rises. */
    handle(event: SessionEvent, at: number): SessionEffect[] {
      now = at;
      effects = [];
      onEvent(event);
      return effects;
    },
    nextWake,
    /** A request number for messages that the session does not follow itself (linking). */
    nextRequest(): number {
      requests += 1;
      return requests;
    },
  };
};

export type Session = ReturnType<typeof createSession>;
