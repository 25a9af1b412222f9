// What the relay asks of a store of rooms, principals and frames. Rules: spec/relay-protocol.md §7.
// Every implementation passes testkit's `logStoreContract`.
import type { Farewell, InboxMessage, RoomMember, StoredFrame } from '@sealwire/protocol';
import type { Awaitable } from './awaitable.ts';
import type { InboxEdit, InboxRecord } from './inbox-record.ts';
import type { Neighbours } from './neighbours.ts';

/** A pseudonymous account: who holds the manage key lists the device keys that act for it. */
export interface PrincipalRecord {
  /** 32 bytes: SHA-256(label ‖ manage key). */
  readonly id: Uint8Array;
  readonly manageKey: Uint8Array;
  /** From 1 on. */
  readonly version: number;
  /** Ed25519 public keys, 32 bytes each, sorted and unique. */
  readonly relayKeys: readonly Uint8Array[];
}

/** A principal as an edit leaves it. */
export interface PrincipalEdit extends PrincipalRecord {
  /** Notes for relay keys that the edit takes out. Default: none. */
  readonly farewells?: readonly Farewell[];
}

export interface RoomRecord {
  /** 32 bytes. */
  readonly room: Uint8Array;
  /** From 1 on. */
  readonly version: number;
  readonly members: readonly RoomMember[];
}

/** What a principal has made and written, for budgets. */
export interface Usage {
  readonly rooms: number;
  /** Bytes of frames, each counted with {@link FRAME_OVERHEAD}. */
  readonly bytes: number;
}

/** What a room takes of the store. */
export interface RoomShare {
  /** Bytes of frames, each counted with {@link FRAME_OVERHEAD}, and of blobs. */
  readonly bytes: number;
  readonly streams: number;
}

/** Bytes outside the rooms' frames that count like them: those of blobs. */
export interface Charge {
  readonly room: Uint8Array;
  readonly principal: Uint8Array;
  /** Below 0 where they go again. */
  readonly bytes: number;
}

/** How much a store holds. */
export interface StoreTotals {
  readonly rooms: number;
  readonly principals: number;
  readonly frames: number;
}

export interface ReadRequest {
  readonly room: Uint8Array;
  /** A stream label, or '' for all streams. */
  readonly stream: string;
  /** Only frames after this position. */
  readonly after: number;
  /** Bytes of frames, each counted with {@link FRAME_OVERHEAD}; one frame is given whatever its size. */
  readonly maxBytes: number;
}

export interface ReadResult {
  /** In rising position. New arrays, owned by the caller. */
  readonly frames: readonly StoredFrame[];
  /** False when more such frames follow the last one here. */
  readonly complete: boolean;
}

/** A message for an inbox. The bytes are borrowed until it is settled. */
export interface InboxAppend {
  readonly principal: Uint8Array;
  /** Hash of the token that was shown, 32 bytes. */
  readonly token: Uint8Array;
  readonly payload: Uint8Array;
}

/** What a frame costs beside its bytes in a read: no less than its position, stream and lengths on the wire. */
export const FRAME_OVERHEAD = 48;

/** A frame to be stored. */
export interface FrameAppend {
  readonly room: Uint8Array;
  readonly stream: string;
  /** Borrowed until the promise settles. */
  readonly frame: Uint8Array;
  /** The principal that it is counted for. Default: nobody. */
  readonly author?: Uint8Array | undefined;
  /**
   * Told the position in the moment that the frame is durable: in rising position in each room, before the promise
   * resolves and before whoever watches the room is told of a later frame. Must not throw.
   */
  readonly placed?: (position: number) => void;
}

/** What a store is asked for; here with answers at once. Reads show only what is durable. */
export interface StoreReads {
  principal(id: Uint8Array): PrincipalRecord | undefined;
  /** The id of the principal that lists this relay key. */
  principalOf(relayKey: Uint8Array): Uint8Array | undefined;
  /** The note that was left when this relay key was taken out; undefined once a principal lists it again. */
  farewell(relayKey: Uint8Array): Uint8Array | undefined;
  room(room: Uint8Array): RoomRecord | undefined;
  /** The highest durable position of the room, 0 for none. Never goes down. */
  head(room: Uint8Array): number;
  read(request: ReadRequest): ReadResult;
  /** What was counted for a principal. */
  usage(principal: Uint8Array): Usage;
  /** What was counted for a room. */
  share(room: Uint8Array): RoomShare;
  /** The inbox of a principal, without payloads; undefined until its tokens were put for the first time. */
  inbox(principal: Uint8Array): InboxRecord | undefined;
  /** Messages of an inbox with numbers after `after`: about `maxBytes` of them, at least one if there is any. */
  readInbox(
    principal: Uint8Array,
    after: number,
    maxBytes: number,
  ): { readonly messages: readonly InboxMessage[]; readonly complete: boolean };
}

/** The same questions, where an answer may take time. What was durable when one was asked is in the answer. */
type Later<T> = {
  readonly [K in keyof T]: T[K] extends (...args: infer A) => infer R ? (...args: A) => Awaitable<R> : never;
};

/**
 * The durable state of a relay. Reads show only what is durable, and may fail with STORE_FAILED; writes of one tick are
 * committed together, and their promises resolve in the order of the calls, only after they are durable.
 * A write that fails changes nothing, takes no position, and rejects with STORE_FULL or STORE_FAILED.
 */
export interface LogStore extends Later<StoreReads>, StoreWrites {
  /** 16 random bytes, made with the store: the relay's name to its devices. */
  readonly relayId: Uint8Array;
  /** Where other relays write to the same store: what they do there. */
  readonly neighbours?: Neighbours;
  /**
   * Where a device that stands at `cursor` must go back to, if the store was restored from a copy that lacks what it saw
   * and has taken new frames since; undefined if the cursor is good. Absent where nothing is ever restored.
   */
  rolledBackTo?(room: Uint8Array, cursor: number): number | undefined;
  /** Whether the room has a frame of the stream. Absent where reading one is as cheap. */
  hasStream?(room: Uint8Array, stream: string): Awaitable<boolean>;
}

/** A store within the process: its reads answer at once. */
export interface LocalStore extends StoreReads, StoreWrites {
  readonly relayId: Uint8Array;
  rolledBackTo?(room: Uint8Array, cursor: number): number | undefined;
}

export interface StoreWrites {
  /**
   * Writes a principal, keeps its farewells and drops the notes of all keys that it lists, in one step.
   *
   * @throws SealwireError (rejects) VERSION_CONFLICT unless the version follows the current one (1 if there is none);
   *   LIMIT_REACHED if one of the keys belongs to another principal.
   */
  putPrincipal(edit: PrincipalEdit): Promise<void>;
  /**
   * @param maker - the principal that a new room is counted for. Default: nobody.
   * @throws SealwireError (rejects) VERSION_CONFLICT unless the version follows the current one (1 if none).
   */
  putRoom(record: RoomRecord, maker?: Uint8Array): Promise<void>;
  /** Stores one frame behind all others of its room. @returns its position. */
  append(frame: FrameAppend): Promise<number>;

  /**
   * Deletes a room for good: its frames are gone and its record stays with this version and no members, so that the
   * id is not used again. Appends that come after it are refused with ROOM_DELETED. The head stays.
   *
   * @throws SealwireError (rejects) ROOM_UNKNOWN; VERSION_CONFLICT unless the version follows the current one.
   */
  deleteRoom(room: Uint8Array, version: number): Promise<void>;
  /** Counts bytes for a room and a principal; no count falls below 0. */
  charge(charge: Charge): Promise<void>;

  /** @throws SealwireError (rejects) VERSION_CONFLICT unless the version follows the current one (1 if none). */
  putInbox(edit: InboxEdit): Promise<void>;
  /**
   * Adds a message behind all others of its inbox.
   *
   * @returns its number: 1 more than any before it in this inbox, removed ones included.
   * @throws SealwireError (rejects) INBOX_REFUSED if there is no such inbox or it does not accept the token; INBOX_FULL.
   */
  appendToInbox(message: InboxAppend): Promise<number>;
  /** Removes messages; numbers that are not there are no fault. */
  removeFromInbox(principal: Uint8Array, numbers: readonly number[]): Promise<void>;

  /** How much is held, for figures: in little time, however much it is. Absent where that cannot be told. */
  totals?(): StoreTotals;

  /** Finishes the writes that wait, then frees everything. Later writes reject with CLOSED. */
  close(): Promise<void>;
}
