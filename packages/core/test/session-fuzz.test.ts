// Random events against the session: whatever the order, its promises to rooms and to the relay hold. Rules:
// spec/relay-protocol.md, from the device's side.
import { type ErrorCode, type RelayMessage, toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createSession, type SessionEffect, type SessionEvent } from '../src/sync/session.ts';
import { FRAME, HELLO, idOf, PRINCIPAL, TIMES } from './session-kit.ts';
import { type Seeded, seeded } from './support.ts';

const test = suite('session fuzz');

const CODES: ErrorCode[] = [
  'ROOM_UNKNOWN',
  'NOT_A_MEMBER',
  'STORE_FULL',
  'NO_PRINCIPAL',
  'VERSION_CONFLICT',
  'MALFORMED',
];
const ROOMS = 6;

const anyMessage = (random: Seeded, requests: readonly number[]): RelayMessage => {
  const recent = requests.slice(-6);
  const request = random.below(8) === 0 ? random.below(2000) : (recent[random.below(recent.length)] ?? 1);
  const code = CODES[random.below(CODES.length)]!;
  const position = 1 + random.below(60);
  const kinds: (() => RelayMessage)[] = [
    () => HELLO,
    () => ({
      type: 'welcome',
      principal: random.below(4) === 0 ? undefined : PRINCIPAL,
      version: random.below(3),
      farewell: undefined,
    }),
    () => ({ type: 'done', request, version: 1 + random.below(5) }),
    () => ({
      type: 'resumed',
      request,
      news: [{ index: random.below(ROOMS), head: random.below(60) }],
      refused: random.below(3) === 0 ? [{ index: random.below(ROOMS), code }] : [],
    }),
    () => ({ type: 'appended', request, position }),
    () => ({
      type: 'frames',
      room: idOf(1 + random.below(ROOMS)),
      frames: [{ position, stream: 'page-0', frame: FRAME }],
    }),
    () => ({ type: 'refused', request, code }),
    () => ({ type: 'pong' }),
  ];
  return kinds[random.below(kinds.length)]!();
};

/** Mostly what would come next in a conversation, so that sessions get far; often enough what would not. */
const anyEvent = (
  random: Seeded,
  effects: readonly SessionEffect[],
  requests: readonly number[],
  live: number,
): SessionEvent => {
  const hear = (message: RelayMessage): SessionEvent => ({ type: 'message', message });
  if (random.below(3) > 0)
    for (const effect of effects) {
      if (effect.type === 'connect') return { type: 'opened' };
      if (effect.type === 'disconnect') return { type: 'closed', random: random.next() };
      if (effect.type === 'sign-in')
        return hear({ type: 'welcome', principal: PRINCIPAL, version: 1, farewell: undefined });
      if (effect.type === 'put-principal') return hear({ type: 'done', request: effect.request, version: 2 });
      if (effect.type !== 'send') continue;
      const { message } = effect;
      if (message.type === 'resume') {
        const news = message.rooms.flatMap((_, index) =>
          random.below(2) ? [{ index, head: random.below(60) }] : [],
        );
        return hear({ type: 'resumed', request: message.request, news, refused: [] });
      }
      if (message.type !== 'append') continue;
      const { request } = message;
      if (random.below(4) === 0) return hear({ type: 'refused', request, code: 'STORE_FULL' });
      return hear({ type: 'appended', request, position: 1 + random.below(60) });
    }
  const kinds: (() => SessionEvent)[] = [
    () => ({ type: 'network', on: random.below(4) > 0 }),
    () => ({ type: 'opened' }),
    () => ({ type: 'closed', random: random.next() }),
    () => ({ type: 'time' }),
    () => ({ type: 'room', room: idOf(1 + random.below(ROOMS)) }),
    () => ({ type: 'append', room: idOf(1 + random.below(ROOMS + 1)), stream: 'page-0', frame: FRAME }),
    () => ({ type: 'principal' }),
  ];
  if (live > 0 && random.below(4) === 0) return kinds[5]!();
  const kind = random.below(random.below(4) === 0 ? 3 : 20);
  if (kind < 2) return kinds[kind]!();
  return kind < 12 ? hear(anyMessage(random, requests)) : kinds[2 + (kind % 5)]!();
};

/** What a session has promised so far, as seen from outside. Throws at the first broken promise. */
const createWitness = (seed: number) => {
  const seen = new Map<string, number>();
  const live = new Set<string>();
  const appends = new Map<number, string>();
  const requests: number[] = [];
  let connected = false;
  const promise = (kept: boolean, what: string) => {
    if (!kept) throw new Error(`broken promise: ${what}; seed ${seed}`);
  };
  const onSend = ({ message }: Extract<SessionEffect, { type: 'send' }>) => {
    promise(connected, 'nothing is sent without a connection');
    if ('request' in message) requests.push(message.request);
    if (message.type !== 'append') return;
    promise(live.has(toHex(message.room)), 'a frame leaves only from a live room');
    appends.set(message.request, toHex(message.room));
  };
  const onAppended = (event: SessionEvent, room: string) => {
    if (event.type !== 'message' || event.message.type !== 'appended')
      return promise(false, 'only an answer to an append acknowledges one');
    promise(appends.get(event.message.request) === room, 'an answer counts once, for its own room');
    appends.delete(event.message.request);
  };
  const onEffect = (event: SessionEvent, effect: SessionEffect) => {
    seen.set(effect.type, (seen.get(effect.type) ?? 0) + 1);
    switch (effect.type) {
      case 'connect':
        promise(!connected, 'one connection at a time');
        promise(live.size === 0, 'before a new connection every room has heard that the old one is gone');
        connected = true;
        break;
      case 'disconnect':
        promise(connected, 'only a connection is closed');
        if (event.type === 'network') connected = false;
        break;
      case 'live':
        promise(connected && !live.has(effect.room), 'a room goes live once');
        live.add(effect.room);
        break;
      case 'down':
        live.delete(effect.room);
        break;
      case 'send':
        onSend(effect);
        break;
      case 'appended':
        onAppended(event, effect.room);
        break;
      case 'append-again':
        promise(live.has(effect.room), 'an append is sent again only from a live room');
        break;
    }
  };
  return {
    seen,
    live,
    requests,
    watch(event: SessionEvent, effects: readonly SessionEffect[], wake: number | undefined): void {
      if (event.type === 'closed') connected = false;
      for (const effect of effects) onEffect(event, effect);
      promise(wake === undefined || Number.isFinite(wake), 'the next wake-up is a time');
      promise(!connected || wake !== undefined, 'a connection is watched');
    },
  };
};

/**
 * One session under random events. `spoil` stands for a broken session.
 *
 * @returns how often each effect came, or throws what promise was broken.
 */
const run = (
  seed: number,
  events: number,
  spoil: (effects: SessionEffect[]) => SessionEffect[] = (effects) => effects,
): Map<string, number> => {
  const random = seeded(seed);
  const session = createSession({
    times: TIMES,
    cursor: (room) => Number.parseInt(room.slice(0, 2), 16) * 3,
    principal: PRINCIPAL,
    mayManage: random.below(2) === 0,
  });
  const witness = createWitness(seed);
  let now = 0;
  let effects: SessionEffect[] = [];
  for (let i = 0; i < events; i++) {
    const isDue = (session.nextWake() ?? Number.POSITIVE_INFINITY) <= now;
    const event: SessionEvent =
      isDue && random.below(2) === 0
        ? { type: 'time' }
        : anyEvent(random, effects, witness.requests, witness.live.size);
    now += random.below(3) === 0 ? random.below(random.below(8) === 0 ? TIMES.retryLongestMs : 500) : 1;
    effects = spoil(session.handle(event, now));
    witness.watch(event, effects, session.nextWake());
  }
  return witness.seen;
};

test('20,000 random events break no promise', () => {
  const total = new Map<string, number>();
  const sessions = process.env.SEALWIRE_SLOW === '1' ? 400 : 40;
  for (let seed = 1; seed <= sessions; seed++)
    for (const [type, count] of run(seed, 500)) total.set(type, (total.get(type) ?? 0) + count);
  for (const type of [
    'connect',
    'live',
    'down',
    'deliver',
    'appended',
    'append-again',
    'problem',
    'disconnect',
  ])
    assert.ok(
      total.get(type)! > 20,
      `${type} came ${total.get(type) ?? 0} times: the fuzz did not get that far`,
    );
});

test('the same events find a session that is broken', () => {
  const never = (type: string) => (effects: SessionEffect[]) =>
    effects.filter((effect) => effect.type !== type);
  const twice = (type: string) => (effects: SessionEffect[]) =>
    effects.flatMap((effect): SessionEffect[] => (effect.type === type ? [effect, effect] : [effect]));
  const broken = [never('down'), never('live'), twice('live'), twice('appended'), twice('connect')];
  for (const [i, spoil] of broken.entries())
    assert.throws(
      () => {
        for (let seed = 1; seed <= 10; seed++) run(seed, 500, spoil);
      },
      /broken promise/,
      `broken session ${i} was not found`,
    );
});

test.run();
