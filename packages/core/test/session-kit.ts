// Drives a session by events, as the engine would, and keeps what it asked for. For tests of the state machine alone.
import { type ClientMessage, type RelayMessage, toHex } from '@sealwire/protocol';
import * as assert from 'uvu/assert';
import {
  createSession,
  type SessionEffect,
  type SessionEvent,
  type SessionTimes,
} from '../src/sync/session.ts';

export const TIMES: SessionTimes = {
  pingAfterMs: 1000,
  pongWithinMs: 400,
  retryFirstMs: 100,
  retryLongestMs: 5000,
  appendRetryMs: 300,
};

export const idOf = (n: number): Uint8Array => new Uint8Array(32).fill(n);
export const PRINCIPAL = idOf(200);
export const RELAY_ID = new Uint8Array(16).fill(9);
export const HELLO: RelayMessage = { type: 'hello', version: 1, relayId: RELAY_ID, nonce: idOf(8) };
export const FRAME = Uint8Array.of(1, 2, 3);

export type Effect<T extends SessionEffect['type']> = Extract<SessionEffect, { type: T }>;
export type Sent<T extends ClientMessage['type']> = Extract<ClientMessage, { type: T }>;

/** @param options.cursors - where the device stands, by the number of the room's id. */
export const drive = (
  options: {
    readonly principal?: Uint8Array | undefined;
    readonly mayManage?: boolean;
    readonly cursors?: Map<number, number>;
    readonly times?: SessionTimes;
  } = {},
) => {
  const cursors = options.cursors ?? new Map<number, number>();
  const session = createSession({
    times: options.times ?? TIMES,
    cursor: (room) => cursors.get(Number.parseInt(room.slice(0, 2), 16)) ?? 0,
    principal: 'principal' in options ? options.principal : PRINCIPAL,
    mayManage: options.mayManage ?? false,
  });
  let now = 0;
  let effects: SessionEffect[] = [];
  const say = (event: SessionEvent): SessionEffect[] => {
    effects = session.handle(event, now);
    return effects;
  };
  const hear = (message: RelayMessage) => say({ type: 'message', message });
  const all = <T extends SessionEffect['type']>(type: T): Effect<T>[] =>
    effects.filter((effect): effect is Effect<T> => effect.type === type);
  const sent = <T extends ClientMessage['type']>(type: T): Sent<T>[] =>
    all('send')
      .map(({ message }) => message)
      .filter((message): message is Sent<T> => message.type === type);
  const only = <T>(list: readonly T[]): T => {
    assert.is(list.length, 1, `${list.length} in place of one among ${effects.map(({ type }) => type)}`);
    return list[0]!;
  };

  const self = {
    session,
    cursors,
    say,
    hear,
    all,
    sent,
    only,
    now: () => now,
    /** The types of the last effects, a message's own type in place of `send`. */
    types: () => effects.map((effect) => (effect.type === 'send' ? effect.message.type : effect.type)),
    problems: () => all('problem').map(({ error, room }) => [error.code, room?.slice(0, 2)]),
    follow: (room: number) => say({ type: 'room', room: idOf(room) }),
    append: (room: number) => say({ type: 'append', room: idOf(room), stream: 'page-0', frame: FRAME }),
    frames: (room: number, ...positions: number[]) =>
      hear({
        type: 'frames',
        room: idOf(room),
        frames: positions.map((position) => ({ position, stream: 'page-0', frame: FRAME })),
      }),
    /** Time passes and the timer fires, if it is due. */
    pass(ms: number): SessionEffect[] {
      now += ms;
      const at = session.nextWake();
      effects = [];
      return at !== undefined && at <= now ? say({ type: 'time' }) : effects;
    },
    closed: (random = 1) => say({ type: 'closed', random }),
    /** To the point where the relay has let the device in. */
    signIn(principal: Uint8Array | undefined = PRINCIPAL, version = 1): SessionEffect[] {
      say({ type: 'opened' });
      hear(HELLO);
      return hear({ type: 'welcome', principal, version: principal ? version : 0, farewell: undefined });
    },
    /** Answers the last resume: heads by place in it, and refusals. */
    resumed(
      heads: Readonly<Record<number, number>> = {},
      refused: readonly { readonly index: number; readonly code: 'ROOM_UNKNOWN' | 'NOT_A_MEMBER' }[] = [],
    ): SessionEffect[] {
      const { request } = only(sent('resume'));
      const news = Object.entries(heads).map(([index, head]) => ({ index: Number(index), head }));
      return hear({ type: 'resumed', request, news, refused });
    },
    /** Online, with these rooms live. */
    live(...rooms: number[]): void {
      for (const room of rooms) self.follow(room);
      say({ type: 'network', on: true });
      self.signIn();
      if (rooms.length > 0) self.resumed();
      assert.equal(
        all('live').map(({ room }) => room),
        rooms.map((room) => toHex(idOf(room))),
      );
    },
  };
  return self;
};

export type Driven = ReturnType<typeof drive>;
