// What to send to the relay next: a deterministic state machine without sockets, clocks or randomness. Rules:
// spec/relay-protocol.md; drawn in ARCHITECTURE.md.
import {
  type ClientMessage,
  type ErrorCode,
  type RelayMessage,
  SealwireError,
  sameBytes,
  toHex,
} from '@sealwire/protocol';
import type { SessionEffect, SessionEvent, SessionTimes } from './session-events.ts';

export * from './session-events.ts';

interface FollowedRoom {
  readonly id: Uint8Array;
  state: 'idle' | 'resuming' | 'catching-up' | 'live' | 'refused';
  /** The newest position that must come before the room is live. */
  head: number;
  delivered: number;
  /** When a refused append may be sent again. */
  appendAgainAt: number | undefined;
  /** When a refused room is asked for again: its rights may be on their way. */
  resumeAgainAt: number | undefined;
}

type Pending =
  | { readonly type: 'resume'; readonly rooms: readonly FollowedRoom[] }
  | { readonly type: 'put-room'; readonly room: FollowedRoom }
  | { readonly type: 'put-principal' }
  | { readonly type: 'append'; readonly room: FollowedRoom };

export interface SessionOptions {
  readonly times: SessionTimes;
  /** Where this device stands in a room. */
  readonly cursor: (room: string) => number;
  /** The account's principal, once there is an account. */
  readonly principal: Uint8Array | undefined;
  /** True if this device holds the manage key. */
  readonly mayManage: boolean;
}

/** Codes that say "not now": the same append is sent again later. */
const TRY_AGAIN: ReadonlySet<ErrorCode> = new Set([
  'STORE_FULL',
  'STORE_FAILED',
  'LIMIT_REACHED',
  'TOO_SLOW',
]);

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

  const connect = () => {
    phase = 'connecting';
    wakeAt = undefined;
    emit({ type: 'connection', connection: 'connecting' });
    emit({ type: 'connect' });
  };

  /** All that belonged to the connection is over; what was in flight will be sent again after the next resume. */
  const dropConnection = () => {
    pending.clear();
    pingedAt = undefined;
    for (const [key, room] of rooms) {
      room.appendAgainAt = undefined;
      room.resumeAgainAt = undefined;
      if (room.state === 'idle') continue;
      room.state = 'idle';
      emit({ type: 'down', room: key });
    }
  };

  const resume = (list: readonly FollowedRoom[]) => {
    if (list.length === 0) return;
    for (const room of list) {
      room.state = 'resuming';
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
  };

  const settle = (room: FollowedRoom) => {
    if (room.state !== 'catching-up' || room.delivered < room.head) return;
    room.state = 'live';
    emit({ type: 'live', room: toHex(room.id) });
  };

  const welcomed = (message: Extract<RelayMessage, { type: 'welcome' }>) => {
    const { principal, mayManage } = options;
    if (principal && message.principal && !sameBytes(message.principal, principal))
      emit({
        type: 'problem',
        error: new SealwireError('AUTH_FAILED', 'The relay knows this device as somebody else.'),
      });
    if (principal && mayManage) {
      phase = 'registering';
      emit({ type: 'put-principal', request: request({ type: 'put-principal' }), version: message.version });
      return;
    }
    if (principal && !message.principal)
      emit({
        type: 'problem',
        error: new SealwireError(
          'NO_PRINCIPAL',
          'The relay does not know this device: it was logged out, or never linked here.',
        ),
      });
    beOnline();
  };

  const resumed = (message: Extract<RelayMessage, { type: 'resumed' }>) => {
    const entry = pending.get(message.request);
    pending.delete(message.request);
    if (entry?.type !== 'resume') return;
    const heads = new Map(message.news.map(({ index, head }) => [index, head]));
    const refusals = new Map(message.refused.map(({ index, code }) => [index, code]));
    for (const [index, room] of entry.rooms.entries()) {
      const refusal = refusals.get(index);
      if (refusal) {
        refused(room, refusal);
        continue;
      }
      const head = heads.get(index) ?? room.delivered;
      if (head < room.delivered)
        emit({
          type: 'problem',
          room: toHex(room.id),
          error: new SealwireError(
            'RELAY_ROLLED_BACK',
            'The relay has lost frames that it had: it was restored from an old copy.',
          ),
        });
      room.head = head;
      room.state = 'catching-up';
      emit({ type: 'news', room: toHex(room.id), head });
      settle(room);
    }
  };

  const refused = (room: FollowedRoom, code: ErrorCode) => {
    if (code === 'ROOM_UNKNOWN' && options.principal) {
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
    room.resumeAgainAt = now + times.retryLongestMs;
    emit({
      type: 'problem',
      room: toHex(room.id),
      error: new SealwireError(code, 'The relay refused a room.'),
    });
  };

  const answered = (id: number, code: ErrorCode | undefined, value: number) => {
    const entry = pending.get(id);
    pending.delete(id);
    switch (entry?.type) {
      case 'put-principal':
        if (code === undefined) emit({ type: 'principal-written', version: value });
        else
          emit({
            type: 'problem',
            error: new SealwireError(code, 'The relay did not take the list of devices.'),
          });
        if (phase === 'registering') beOnline();
        break;
      case 'put-room':
        // Another own device may have made it a moment ago: then it is there all the same.
        if (code === undefined || code === 'VERSION_CONFLICT') resume([entry.room]);
        else refused(entry.room, code);
        break;
      case 'append':
        if (code === undefined) emit({ type: 'appended', room: toHex(entry.room.id), position: value });
        else if (TRY_AGAIN.has(code)) entry.room.appendAgainAt = now + times.appendRetryMs;
        else
          emit({
            type: 'problem',
            room: toHex(entry.room.id),
            error: new SealwireError(code, 'The relay refused a frame.'),
          });
        if (code === undefined) entry.room.delivered = Math.max(entry.room.delivered, value);
        break;
      case 'resume':
        for (const room of entry.rooms) refused(room, code ?? 'MALFORMED');
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
        const key = toHex(message.room);
        const room = rooms.get(key);
        const last = message.frames.at(-1);
        if (!room || !last || room.state === 'idle' || room.state === 'resuming') break;
        emit({ type: 'deliver', room: key, frames: message.frames });
        room.delivered = Math.max(room.delivered, last.position);
        settle(room);
        break;
      }
      case 'appended':
        answered(message.request, undefined, message.position);
        break;
      case 'done':
        answered(message.request, undefined, message.version);
        break;
      case 'refused':
        answered(message.request, message.code, 0);
        break;
    }
  };

  const onTime = () => {
    if (phase === 'waiting') {
      if (wakeAt !== undefined && now >= wakeAt) connect();
      return;
    }
    if (phase === 'off') return;
    for (const [key, room] of rooms)
      if (room.appendAgainAt !== undefined && now >= room.appendAgainAt) {
        room.appendAgainAt = undefined;
        emit({ type: 'append-again', room: key });
      }
    const again = [...rooms.values()].filter(
      ({ resumeAgainAt }) => resumeAgainAt !== undefined && now >= resumeAgainAt,
    );
    for (const room of again) room.resumeAgainAt = undefined;
    if (phase === 'online') resume(again);
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
        if (phase === 'connecting') phase = 'greeting';
        heardAt = now;
        break;
      case 'message':
        if (phase !== 'off' && phase !== 'waiting') onMessage(event.message);
        break;
      case 'closed':
        if (phase === 'off' || phase === 'waiting') break;
        dropConnection();
        phase = 'waiting';
        wakeAt =
          now +
          Math.min(times.retryFirstMs * 2 ** Math.min(failures, 20), times.retryLongestMs) *
            (0.5 + event.random / 2);
        failures += 1;
        emit({ type: 'connection', connection: 'offline' });
        break;
      case 'time':
        onTime();
        break;
      case 'room': {
        const key = toHex(event.room);
        if (rooms.has(key)) break;
        const room: FollowedRoom = {
          id: event.room,
          state: 'idle',
          head: 0,
          delivered: 0,
          appendAgainAt: undefined,
          resumeAgainAt: undefined,
        };
        rooms.set(key, room);
        if (phase === 'online') resume([room]);
        break;
      }
      case 'append': {
        const room = rooms.get(toHex(event.room));
        if (room?.state !== 'live') break;
        const { stream, frame } = event;
        send({ type: 'append', request: request({ type: 'append', room }), room: room.id, stream, frame });
        break;
      }
      case 'principal':
        if (phase === 'online' && options.mayManage)
          emit({ type: 'put-principal', request: request({ type: 'put-principal' }), version: -1 });
        break;
    }
  };

  /** When the next `time` event is due, in the same milliseconds as `handle`'s. */
  const nextWake = (): number | undefined => {
    if (phase === 'off') return undefined;
    if (phase === 'waiting') return wakeAt;
    let at = pingedAt === undefined ? heardAt + times.pingAfterMs : pingedAt + times.pongWithinMs;
    for (const { appendAgainAt = at, resumeAgainAt = at } of rooms.values())
      at = Math.min(at, appendAgainAt, resumeAgainAt);
    return at;
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
