// One connection: greeting, authentication, then one verb a message. Decides, but touches no socket and no clock.
// Rules: spec/relay-protocol.md §6 to §8.
import {
  authenticateStatement,
  type ClientMessage,
  type ClosingCode,
  type ComeBack,
  decodeClientMessage,
  encodeRelayMessage,
  PROTOCOL_VERSION,
  type RelayMessage,
  SealwireError,
} from '@sealwire/protocol';
import { type Acting, createActing } from './acting.ts';
import { type Awaitable, isLater, whenRead } from './awaitable.ts';
import { type Backlog, createBacklog } from './backlog.ts';
import { type Bucket, createBucket } from './bucket.ts';
import type { Shared } from './core.ts';
import type { Follow } from './follow.ts';
import { copyOf } from './keys.ts';
import type { Link } from './link.ts';
import type { Pace } from './pace.ts';
import { isDeleted } from './rights.ts';
import type { ActiveRoom } from './rooms.ts';
import type { Session, SessionStart, StopReason } from './session-shape.ts';
import { isSigned } from './signatures.ts';
import { perform } from './verbs.ts';

export type { Session, SessionStart, StopReason } from './session-shape.ts';

/** Ends that a pause may mend. */
const NOT_NOW: ReadonlySet<ClosingCode> = new Set([
  'LIMIT_REACHED',
  'TOO_SLOW',
  'STORE_FAILED',
  'SHUTTING_DOWN',
]);

/** A session on a new link: sends the greeting, with `nonce` in it, and starts the time to authenticate. */
export const createSession = (shared: Shared, link: Link, start: SessionStart): Session =>
  new OpenSession(shared, link, start);

const STOP_BITS: Readonly<Record<StopReason, number>> = { full: 1, disk: 2, rate: 4, store: 8 };

const NOTHING = (): void => {};

class OpenSession implements Session {
  readonly #link: Link;
  readonly follows = new Map<string, Follow>();
  relayKey: Uint8Array | undefined;
  writing = 0;
  readonly #shared: Shared;
  /** Until it is authenticated. */
  #nonce: Uint8Array | undefined;
  readonly address: string | undefined;
  // Made when first needed: most connections are idle, and there are many of them.
  #backlog: Backlog | undefined;
  #inboxSends: Bucket | undefined;
  #warned: Set<string> | undefined;
  #pace: Pace | undefined;
  #callOffRate = NOTHING;
  #callOff: () => void;
  #isOver = false;
  #acting: Acting | undefined;
  /** A message is at work while the store is read for it; those behind it wait. */
  #isAtWork = false;
  readonly #queue: { readonly message: ClientMessage; readonly bytes: number }[] = [];
  #heardAt: number;
  readonly #startedAt: number;
  readonly number: number;
  #whenSettled: (() => void)[] = [];
  /** Reasons not to read, one bit each. */
  #stops = 0;

  constructor(shared: Shared, link: Link, { number, nonce, address }: SessionStart) {
    this.#shared = shared;
    this.#link = link;
    this.number = number;
    this.#startedAt = shared.clock.now();
    this.#nonce = nonce;
    this.address = address;
    this.#heardAt = this.#startedAt;
    const { store, limits, clock } = shared;
    this.#callOff = clock.after(limits.authenticateMs, () => this.end('TIMED_OUT'));
    this.sendMessage({ type: 'hello', version: PROTOCOL_VERSION, relayId: store.relayId, nonce });
  }

  get backlog(): Backlog {
    const { store, limits, clock } = this.#shared;
    this.#backlog ??= createBacklog({
      store,
      readBytes: limits.readBytes,
      isFull: () => this.isFull(),
      soon: clock.soon,
      failed: (error) => this.#storeFailed(error),
    });
    return this.#backlog;
  }

  get inboxSends(): Bucket {
    const { limits } = this.#shared;
    this.#inboxSends ??= createBucket({ most: limits.inboxSends, everyMs: limits.inboxSendMs });
    return this.#inboxSends;
  }

  get warned(): Set<string> {
    this.#warned ??= new Set();
    return this.#warned;
  }

  get principal(): Uint8Array | undefined {
    return this.#acting?.principal;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get authenticated(): boolean {
    return this.relayKey !== undefined;
  }

  received(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#heardAt = this.#shared.clock.now();
    let message: ClientMessage;
    try {
      message = decodeClientMessage(bytes);
    } catch (error) {
      if (!(error instanceof SealwireError)) throw error;
      this.#shared.measures.received('malformed', bytes.length);
      this.end(error.code === 'TOO_LARGE' ? 'TOO_LARGE' : 'MALFORMED');
      return;
    }
    this.#shared.measures.received(message.type, bytes.length);
    if (!this.#isAtWork) this.#take(message, bytes.length);
    else {
      this.#queue.push({ message, bytes: bytes.length });
      this.stopReading('store');
    }
  }

  faulted(code: ClosingCode): void {
    this.end(code);
  }

  flushed(): void {
    if (this.#isOver || this.isFull()) return;
    this.goOnReading('full');
    this.#backlog?.pump();
  }

  ended(): void {
    this.#forget();
    this.#shared.ended(this);
  }

  send(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#link.send(bytes);
    this.#shared.measures.sent(bytes.length);
    if (this.#link.buffered() > this.#shared.limits.socketDropBytes) this.end('TOO_SLOW');
  }

  stopReading(reason: StopReason): void {
    if (this.#stops === 0) this.#link.pause();
    this.#stops |= STOP_BITS[reason];
  }

  goOnReading(reason: StopReason): void {
    if ((this.#stops & STOP_BITS[reason]) === 0) return;
    this.#stops &= ~STOP_BITS[reason];
    if (this.#stops === 0) this.#link.resume();
  }

  sendMessage(message: RelayMessage): void {
    if (this.#isOver) return;
    if (message.type === 'refused') this.#shared.measures.refused(message.code);
    this.send(encodeRelayMessage(message));
  }

  isFull(): boolean {
    return this.#link.buffered() > this.#shared.limits.socketPauseBytes;
  }

  follow(room: ActiveRoom, cursor: number): Follow {
    const known = this.follows.get(room.key);
    if (known === undefined) {
      const follow = this.#shared.rooms.follow(room, this, cursor);
      this.follows.set(follow.room.key, follow);
      return follow;
    }
    this.#backlog?.remove(known);
    known.cursor = cursor;
    return known;
  }

  acknowledge(follow: Follow, upTo: number): void {
    for (const [position, request] of follow.own ?? []) {
      if (position > upTo) continue;
      follow.own?.delete(position);
      this.sendMessage({ type: 'appended', request, position });
    }
    if (follow.own?.size === 0) follow.own = undefined;
  }

  fallBehind(follow: Follow): void {
    this.backlog.add(follow);
  }

  /** No longer a member: nothing more of the room is delivered. */
  expelled(follow: Follow): void {
    this.#backlog?.remove(follow);
    this.#shared.rooms.unfollow(follow);
    this.follows.delete(follow.room.key);
    this.acknowledge(follow, Number.POSITIVE_INFINITY);
    const code = follow.room.record && isDeleted(follow.room.record) ? 'ROOM_DELETED' : 'NOT_A_MEMBER';
    this.sendMessage({ type: 'unfollowed', room: follow.room.id, code });
  }

  end(code: ClosingCode, comeBack?: ComeBack): void {
    if (this.#isOver) return;
    const ms = Math.round(this.ageMs());
    this.#shared.log({ event: 'closing', connection: this.number, code, ms });
    this.#forget();
    const pause = NOT_NOW.has(code) ? { afterMs: this.#shared.limits.comeBackMs } : undefined;
    this.#link.close(code, comeBack ?? pause);
  }

  cutOff(principal: Uint8Array): void {
    this.#acting?.cutOff(principal);
  }

  belongsTo(principal: Uint8Array): void {
    this.#acting?.belongsTo(principal);
  }

  tellOfMessage(message: Extract<RelayMessage, { readonly type: 'inbox' }>): void {
    this.#acting?.tell(message);
  }

  ageMs(): number {
    return this.#shared.clock.now() - this.#startedAt;
  }

  endIfIdle(since: number): void {
    if (this.follows.size === 0 && this.writing === 0 && this.#heardAt <= since) this.end('TIMED_OUT');
  }

  writeBegan(): void {
    this.writing++;
  }

  writeEnded(): void {
    this.writing--;
    if (this.writing > 0) return;
    for (const resolve of this.#whenSettled.splice(0)) resolve();
  }

  settled(): Promise<void> {
    return new Promise((resolve) => {
      if (this.writing === 0) resolve();
      else this.#whenSettled.push(resolve);
    });
  }

  /** Messages are worked off one after the other, so that answers come in their order. */
  #take(message: ClientMessage, bytes: number): void {
    const work = this.#handle(message);
    if (message.type !== 'authenticate') this.#keepPace(message, bytes);
    const goOn = (): void => {
      this.#isAtWork = false;
      this.#takeNext();
    };
    if (isLater(work)) {
      this.#isAtWork = true;
      void work.then(goOn);
    } else if (message.type === 'read') {
      // A few bytes ask for a thousand times as many: one a turn, so that others have theirs in between.
      this.#isAtWork = true;
      this.#shared.clock.soon(goOn);
    }
  }

  #takeNext(): void {
    while (!this.#isAtWork && !this.#isOver) {
      const next = this.#queue.shift();
      if (next === undefined) {
        this.goOnReading('store');
        return;
      }
      this.#take(next.message, next.bytes);
    }
  }

  #handle(message: ClientMessage): Awaitable<void> {
    if (message.type === 'authenticate') return this.#authenticate(message);
    if (!this.authenticated) {
      this.end('AUTH_REQUIRED');
      return;
    }
    const done = (answer: RelayMessage | undefined): void => {
      if (answer) this.sendMessage(answer);
      // A peer that asks faster than it reads is answered at the pace of its reading.
      if (!this.#isOver && this.isFull()) this.stopReading('full');
    };
    return this.guarded(() => whenRead(perform(this.#shared, this, message), done));
  }

  #authenticate(message: Extract<ClientMessage, { type: 'authenticate' }>): Awaitable<void> {
    const { relayKey, signature } = message;
    const nonce = this.#nonce;
    if (nonce === undefined) {
      this.end('UNEXPECTED_MESSAGE');
      return;
    }
    const { relayId } = this.#shared.store;
    const statement = authenticateStatement({ relayId, nonce, relayKey });
    if (!isSigned({ publicKey: relayKey, statement, signature })) {
      this.end('AUTH_FAILED');
      return;
    }
    this.#callOff();
    this.#callOff = NOTHING;
    this.#nonce = undefined;
    this.relayKey = copyOf(relayKey);
    // Registered before the store is read, so that no edit falls between the two.
    this.#shared.authenticated(this, relayKey);
    const acting = this.#act();
    return this.guarded(() => acting.begin(relayKey));
  }

  /** For whom the device acts is asked once it is known who it is. */
  #act(): Acting {
    const { store, limits, actsFor } = this.#shared;
    this.#acting = createActing({
      store,
      readBytes: limits.readBytes,
      send: (message) => this.sendMessage(message),
      isFull: () => this.isFull(),
      close: (code) => this.end(code),
      guarded: (run) => void this.guarded(run),
      changed: (before, after) => actsFor(this, before, after),
    });
    return this.#acting;
  }

  /** Who sends faster than it may is not read for as long as that takes to even out. */
  #keepPace(message: ClientMessage, bytes: number): void {
    const { clock, newPace } = this.#shared;
    this.#pace ??= newPace();
    const waitMs = this.#pace.charge(clock.now(), message, bytes);
    if (waitMs === 0 || this.#isOver) return;
    this.stopReading('rate');
    this.#callOffRate();
    this.#callOffRate = clock.after(waitMs, () => this.goOnReading('rate'));
  }

  guarded(run: () => Awaitable<void>): Awaitable<void> {
    try {
      const running = run();
      return isLater(running) ? running.catch((error: unknown) => this.#storeFailed(error)) : undefined;
    } catch (error) {
      this.#storeFailed(error);
    }
  }

  #storeFailed(error: unknown): void {
    if (!(error instanceof SealwireError)) throw error;
    this.#shared.log({ event: 'store-failed', code: error.code, connection: this.number });
    this.end('STORE_FAILED');
  }

  /** Nothing is delivered to this session any more. */
  #forget(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#callOff();
    this.#callOffRate();
    for (const follow of this.follows.values()) {
      this.#backlog?.remove(follow);
      this.#shared.rooms.unfollow(follow);
    }
    this.follows.clear();
    this.#queue.length = 0;
    this.#acting?.end();
  }
}
