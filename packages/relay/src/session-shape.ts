// What the rest of the relay sees of a connection. Rules: spec/relay-protocol.md §6 to §8.
import type { ClosingCode, ComeBack, RelayMessage } from '@sealwire/protocol';
import type { Awaitable } from './awaitable.ts';
import type { Backlog } from './backlog.ts';
import type { Bucket } from './bucket.ts';
import type { Follow, Subscriber } from './follow.ts';
import type { LinkEvents } from './link.ts';
import type { ActiveRoom } from './rooms.ts';

/** Why a peer is not read: its own socket is full, the disk is behind, it sends too fast, or the store is being read. */
export type StopReason = 'full' | 'disk' | 'rate' | 'store';

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
  /** Rooms that it was told of being nearly full. */
  readonly warned: Set<string>;
  /** Messages that it may leave in inboxes. */
  readonly inboxSends: Bucket;
  /** Appends and edits that wait for the disk. */
  readonly writing: number;
  /** Nothing that is sent to it arrives any more. */
  readonly isOver: boolean;
  /** Follows a room that is held open from `cursor` on; again, if it is followed already. */
  follow(room: ActiveRoom, cursor: number): Follow;
  /** Brings a message of the inbox; to one that reads slowly, only that there is one. */
  tellOfMessage(message: Extract<RelayMessage, { readonly type: 'inbox' }>): void;
  sendMessage(message: RelayMessage): void;
  /** Messages of the peer wait until all reasons are gone; a few may still come. */
  stopReading(reason: StopReason): void;
  goOnReading(reason: StopReason): void;
  /** @param comeBack - default: a pause, for codes that say "not now". */
  end(code: ClosingCode, comeBack?: ComeBack): void;
  /** The principal no longer lists the key: ends the session if it acts for that principal. */
  cutOff(principal: Uint8Array): void;
  belongsTo(principal: Uint8Array): void;
  /** Ends the session if it follows nothing and has said nothing since then. */
  endIfIdle(since: number): void;
  /** Milliseconds since it connected. */
  ageMs(): number;
  /** Acknowledges own appends up to a position that no delivery will come to. */
  acknowledge(follow: Follow, upTo: number): void;
  /** Runs what reads the store; damaged or unreadable storage ends the session. */
  guarded(run: () => Awaitable<void>): Awaitable<void>;
  writeBegan(): void;
  /** A write is durable or refused. */
  writeEnded(): void;
  /** Resolves when no write of the session waits for the disk. */
  settled(): Promise<void>;
}

export interface SessionStart {
  /** Of this connection, among all that the relay ever had. */
  readonly number: number;
  readonly nonce: Uint8Array;
  readonly address: string | undefined;
}
