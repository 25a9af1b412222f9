// The messages between device and relay, as values. Their bytes: codec.ts; their rules: spec/relay-protocol.md.
import type { ErrorCode } from './errors.ts';

/** A frame as the relay stores and hands it out: where it stands, its stream, and sealed bytes. */
export interface StoredFrame {
  /** Position in the room, rising, from 1. Gaps are allowed. */
  readonly position: number;
  readonly stream: string;
  readonly frame: Uint8Array;
}

export interface RoomMember {
  readonly principal: Uint8Array;
  readonly admin: boolean;
}

/** What an edit of a principal leaves for a relay key that it takes out; the relay cannot read it. */
export interface Farewell {
  readonly relayKey: Uint8Array;
  /** 1 to `LIMITS.farewellBytes` bytes. */
  readonly note: Uint8Array;
}

/** A message that waits in an inbox. */
export interface InboxMessage {
  /** Rising in its inbox, from 1, never used again. */
  readonly number: number;
  /** Hash of the token that was shown for it, 32 bytes: tells the owner which card is misused. */
  readonly token: Uint8Array;
  /** 1 to `LIMITS.inboxPayloadBytes` bytes. */
  readonly payload: Uint8Array;
}

/** What a device sends. `request` numbers are the device's own and come back in the answer. */
export type ClientMessage =
  | { readonly type: 'authenticate'; readonly relayKey: Uint8Array; readonly signature: Uint8Array }
  | {
      /** Creates (version 1) or edits (current version + 1) a principal; signed by its manage key. */
      readonly type: 'put-principal';
      readonly request: number;
      readonly manageKey: Uint8Array;
      readonly version: number;
      readonly relayKeys: readonly Uint8Array[];
      /** Notes for keys that the edit takes out, sorted by key and unique. */
      readonly farewells: readonly Farewell[];
      readonly signature: Uint8Array;
    }
  | {
      /** Creates (version 1) or edits (current version + 1) a room. */
      readonly type: 'put-room';
      readonly request: number;
      readonly room: Uint8Array;
      readonly version: number;
      readonly members: readonly RoomMember[];
    }
  /** The list and version of a room that the sender's principal is a member of. Answered by `room-result`. */
  | { readonly type: 'get-room'; readonly request: number; readonly room: Uint8Array }
  | {
      /** Sets (version 1) or edits (current version + 1) which tokens the inbox of the sender's principal accepts. */
      readonly type: 'put-inbox';
      readonly request: number;
      readonly version: number;
      /** Hashes of tokens, 32 bytes each, sorted and unique. */
      readonly tokens: readonly Uint8Array[];
    }
  | {
      /** Leaves a message in the inbox of any principal that accepts the token. Answered by `accepted`. */
      readonly type: 'inbox-append';
      readonly request: number;
      readonly principal: Uint8Array;
      /** The token itself, 16 bytes. */
      readonly token: Uint8Array;
      /** 1 to `LIMITS.inboxPayloadBytes` bytes. */
      readonly payload: Uint8Array;
    }
  /** What waits in the inbox of the sender's principal after number `after`. Answered by `inbox-result`. */
  | { readonly type: 'inbox-read'; readonly request: number; readonly after: number }
  | {
      /** Takes messages out of the inbox of the sender's principal. Answered by `accepted`. */
      readonly type: 'inbox-remove';
      readonly request: number;
      /** Rising; those that are not there count as removed. */
      readonly numbers: readonly number[];
    }
  | {
      /** Follow these rooms from these cursors on. Answered by `resumed`, then `frames` as there are any. */
      readonly type: 'resume';
      readonly request: number;
      readonly rooms: readonly { readonly room: Uint8Array; readonly cursor: number }[];
    }
  | {
      readonly type: 'append';
      readonly request: number;
      readonly room: Uint8Array;
      readonly stream: string;
      readonly frame: Uint8Array;
    }
  | {
      /** Frames after `after`, of one stream or ('' ) of all, at most about `maxBytes` of them. */
      readonly type: 'read';
      readonly request: number;
      readonly room: Uint8Array;
      readonly stream: string;
      readonly after: number;
      readonly maxBytes: number;
    }
  /** Deletes a room for good, by an admin of its current list, which `version` follows. Answered by `done`. */
  | {
      readonly type: 'delete-room';
      readonly request: number;
      readonly room: Uint8Array;
      readonly version: number;
    }
  | { readonly type: 'signal'; readonly room: Uint8Array; readonly payload: Uint8Array }
  | {
      readonly type: 'rendezvous-open';
      readonly request: number;
      readonly id: Uint8Array;
      readonly payload: Uint8Array;
    }
  | { readonly type: 'rendezvous-join'; readonly request: number; readonly id: Uint8Array }
  | { readonly type: 'rendezvous-send'; readonly id: Uint8Array; readonly payload: Uint8Array }
  | { readonly type: 'rendezvous-close'; readonly id: Uint8Array }
  | { readonly type: 'ping' };

/** What a relay sends. */
export type RelayMessage =
  | {
      readonly type: 'hello';
      readonly version: number;
      readonly relayId: Uint8Array;
      readonly nonce: Uint8Array;
    }
  | {
      /** Authenticated. `principal` is the one that lists this relay key, if there is one; `version` its version, else 0. */
      readonly type: 'welcome';
      readonly principal: Uint8Array | undefined;
      readonly version: number;
      /** The note left for this relay key when it was taken out; undefined with a principal. Not the relay's word. */
      readonly farewell: Uint8Array | undefined;
    }
  /** A `put-principal` or `put-room` is durable at this version. */
  | { readonly type: 'done'; readonly request: number; readonly version: number }
  /** An `inbox-append` or `inbox-remove` is durable. */
  | { readonly type: 'accepted'; readonly request: number }
  | {
      readonly type: 'room-result';
      readonly request: number;
      readonly version: number;
      readonly members: readonly RoomMember[];
    }
  /** The room is not followed any more: its list has changed. Nothing more of it comes. */
  | { readonly type: 'unfollowed'; readonly room: Uint8Array; readonly code: ErrorCode }
  /** Most of what a room may take of the store is taken. To who appends; once a connection and room. */
  | {
      readonly type: 'room-nearly-full';
      readonly room: Uint8Array;
      readonly bytes: number;
      readonly mostBytes: number;
    }
  | {
      readonly type: 'inbox-result';
      readonly request: number;
      /** Of the list of tokens; 0 if none was ever put. */
      readonly version: number;
      readonly tokens: readonly Uint8Array[];
      /** False when messages are left after the last one here. */
      readonly complete: boolean;
      readonly messages: readonly InboxMessage[];
    }
  /** A message has just come into the inbox of this device's principal. */
  | ({ readonly type: 'inbox' } & InboxMessage)
  /** Messages wait in the inbox of this device's principal; the newest has this number. */
  | { readonly type: 'inbox-news'; readonly last: number }
  | {
      readonly type: 'resumed';
      readonly request: number;
      /** Rooms whose head is not the given cursor, by index into the request. A head below the cursor: rolled back. */
      readonly news: readonly { readonly index: number; readonly head: number }[];
      readonly refused: readonly { readonly index: number; readonly code: ErrorCode }[];
    }
  /** The frame is durable. Every frame of the room before it, by others, was delivered on this connection first. */
  | { readonly type: 'appended'; readonly request: number; readonly position: number }
  | { readonly type: 'frames'; readonly room: Uint8Array; readonly frames: readonly StoredFrame[] }
  | {
      readonly type: 'read-result';
      readonly request: number;
      readonly head: number;
      /** False when frames are left after the last one here. */
      readonly complete: boolean;
      readonly frames: readonly StoredFrame[];
    }
  | { readonly type: 'signal'; readonly room: Uint8Array; readonly payload: Uint8Array }
  | {
      readonly type: 'rendezvous-opened';
      readonly request: number;
      readonly openMs: number;
      readonly totalMs: number;
    }
  /** To the joiner, with what the opener left in the cell. */
  | { readonly type: 'rendezvous-found'; readonly request: number; readonly payload: Uint8Array }
  /** To the opener. */
  | { readonly type: 'rendezvous-joined'; readonly id: Uint8Array }
  | { readonly type: 'rendezvous-message'; readonly id: Uint8Array; readonly payload: Uint8Array }
  | { readonly type: 'rendezvous-closed'; readonly id: Uint8Array; readonly code: ErrorCode }
  | { readonly type: 'refused'; readonly request: number; readonly code: ErrorCode }
  | { readonly type: 'pong' };
