// One connection: greeting, authentication, then one verb a message. Decides, but touches no socket and no clock.
// Rules: spec/relay-protocol.md §6 to §8.
import {
  authenticateStatement,
  type ClientMessage,
  type ClosingCode,
  decodeClientMessage,
  encodeRelayMessage,
  PROTOCOL_VERSION,
  type RelayMessage,
  SealwireError,
  sameBytes,
} from '@sealwire/protocol';
import { type Backlog, createBacklog } from './backlog.ts';
import { type Bucket, createBucket } from './bucket.ts';
import type { Shared } from './core.ts';
import type { Follow, Subscriber } from './follow.ts';
import { copyOf, keyOf } from './keys.ts';
import type { Link, LinkEvents } from './link.ts';
import type { Pace } from './pace.ts';
import { isSigned } from './signatures.ts';
import type { RoomRecord } from './store.ts';
import { perform } from './verbs.ts';
import { inboxNews } from './verbs-inbox.ts';

/** Why a peer is not read: its own socket is full, the disk is behind, or it sends too fast. */
export type StopReason = 'full' | 'disk' | 'rate';

export interface Session extends LinkEvents, Subscriber {
  /** Where it comes from, if that counts. */
  readonly address: string | undefined;
  /** The proven key, from authentication on. */
  readonly relayKey: Uint8Array | undefined;
  /** The principal that lists the key at present. */
  readonly principal: Uint8Array | undefined;
  /** Follows by room key. */
  readonly follows: Map<string, Follow>;
  readonly backlog: Backlog;
  /** Messages that it may leave in inboxes. */
  readonly inboxSends: Bucket;
  /** Appends and edits that wait for the disk. */
  readonly writing: number;
  /** Follows a room from `cursor` on; again, if it is followed already. */
  follow(record: RoomRecord, cursor: number): Follow;
  sendMessage(message: RelayMessage): void;
  /** Messages of the peer wait until all reasons are gone; a few may still come. */
  stopReading(reason: StopReason): void;
  goOnReading(reason: StopReason): void;
  end(code: ClosingCode): void;
  /** The principal no longer lists the key: ends the session if it acts for that principal. */
  cutOff(principal: Uint8Array): void;
  belongsTo(principal: Uint8Array): void;
  /** Acknowledges own appends up to a position that no delivery will come to. */
  acknowledge(follow: Follow, upTo: number): void;
  /** Runs what reads the store; damaged or unreadable storage ends the session. */
  guarded(run: () => void): void;
  writeBegan(): void;
  /** A write is durable or refused. */
  writeEnded(): void;
  /** Resolves when no write of the session waits for the disk. */
  settled(): Promise<void>;
}

/** A session on a new link: sends the greeting, with `nonce` in it, and starts the time to authenticate. */
export const createSession = (
  shared: Shared,
  link: Link,
  nonce: Uint8Array,
  address: string | undefined,
): Session => new OpenSession(shared, link, nonce, address);

const STOP_BITS: Readonly<Record<StopReason, number>> = { full: 1, disk: 2, rate: 4 };

const NOTHING = (): void => {};

class OpenSession implements Session {
  readonly #link: Link;
  readonly follows = new Map<string, Follow>();
  relayKey: Uint8Array | undefined;
  principal: Uint8Array | undefined;
  writing = 0;
  readonly #shared: Shared;
  /** Until it is authenticated. */
  #nonce: Uint8Array | undefined;
  readonly address: string | undefined;
  // Made when first needed: most connections are idle, and there are many of them.
  #backlog: Backlog | undefined;
  #inboxSends: Bucket | undefined;
  #pace: Pace | undefined;
  #callOffRate = NOTHING;
  #callOff: () => void;
  #isOver = false;
  #whenSettled: (() => void)[] = [];
  /** Reasons not to read, one bit each. */
  #stops = 0;

  constructor(shared: Shared, link: Link, nonce: Uint8Array, address: string | undefined) {
    this.#shared = shared;
    this.#link = link;
    this.#nonce = nonce;
    this.address = address;
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

  get authenticated(): boolean {
    return this.relayKey !== undefined;
  }

  received(bytes: Uint8Array): void {
    if (this.#isOver) return;
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
    if (message.type === 'authenticate') this.#authenticate(message);
    else if (!this.authenticated) this.end('AUTH_REQUIRED');
    else {
      this.#perform(message);
      this.#keepPace(message, bytes.length);
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

  follow(record: RoomRecord, cursor: number): Follow {
    const known = this.follows.get(keyOf(record.room));
    if (known === undefined) {
      const follow = this.#shared.rooms.follow(record, this, cursor);
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
    this.sendMessage({ type: 'unfollowed', room: follow.room.id, code: 'NOT_A_MEMBER' });
  }

  end(code: ClosingCode): void {
    if (this.#isOver) return;
    this.#shared.log({ event: 'closing', code });
    this.#forget();
    this.#link.close(code);
  }

  cutOff(principal: Uint8Array): void {
    if (this.principal !== undefined && sameBytes(this.principal, principal)) this.end('AUTH_FAILED');
  }

  belongsTo(principal: Uint8Array): void {
    const isNew = this.principal === undefined || !sameBytes(this.principal, principal);
    this.principal = principal;
    if (isNew) this.guarded(() => this.#tellInboxNews());
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

  #authenticate({ relayKey, signature }: Extract<ClientMessage, { type: 'authenticate' }>): void {
    const nonce = this.#nonce;
    if (nonce === undefined) {
      this.end('UNEXPECTED_MESSAGE');
      return;
    }
    const { store } = this.#shared;
    const statement = authenticateStatement({ relayId: store.relayId, nonce, relayKey });
    if (!isSigned({ publicKey: relayKey, statement, signature })) {
      this.end('AUTH_FAILED');
      return;
    }
    this.#callOff();
    this.#callOff = NOTHING;
    this.#nonce = undefined;
    this.guarded(() => {
      this.principal = store.principalOf(relayKey);
      this.relayKey = copyOf(relayKey);
      this.#shared.authenticated(this, relayKey);
      const version = this.principal ? (store.principal(this.principal)?.version ?? 0) : 0;
      const farewell = this.principal ? undefined : store.farewell(relayKey);
      this.sendMessage({ type: 'welcome', principal: this.principal, version, farewell });
      this.#tellInboxNews();
    });
  }

  #perform(message: Exclude<ClientMessage, { type: 'authenticate' }>): void {
    this.guarded(() => {
      const answer = perform(this.#shared, this, message);
      if (answer) this.sendMessage(answer);
    });
    // A peer that asks faster than it reads is answered at the pace of its reading.
    if (!this.#isOver && this.isFull()) this.stopReading('full');
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

  #tellInboxNews(): void {
    const news = this.principal && inboxNews(this.#shared, this.principal);
    if (news) this.sendMessage(news);
  }

  guarded(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#storeFailed(error);
    }
  }

  #storeFailed(error: unknown): void {
    if (!(error instanceof SealwireError)) throw error;
    this.#shared.log({ event: 'store-failed', code: error.code });
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
  }
}
