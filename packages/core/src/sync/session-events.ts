// What goes into the session machine and what comes out of it. Rules: spec/relay-protocol.md; the machine: session.ts.
import type { ClientMessage, RelayMessage, SealwireError, StoredFrame } from '@sealwire/protocol';
import type { Connection } from '../api.ts';

export interface SessionTimes {
  /** Silence after which the session asks whether the relay is still there. */
  readonly pingAfterMs: number;
  /** Silence after the question that means it is gone. */
  readonly pongWithinMs: number;
  /** First and longest pause before connecting again; each is multiplied by a random number from 0.5 to 1. */
  readonly retryFirstMs: number;
  readonly retryLongestMs: number;
  /** Pause before an append that was refused for the moment is sent again. */
  readonly appendRetryMs: number;
}

export const SESSION_TIMES: SessionTimes = {
  pingAfterMs: 25_000,
  pongWithinMs: 10_000,
  retryFirstMs: 500,
  retryLongestMs: 30_000,
  appendRetryMs: 5_000,
};

export type SessionEvent =
  | { readonly type: 'network'; readonly on: boolean }
  | { readonly type: 'opened' }
  | { readonly type: 'message'; readonly message: RelayMessage }
  /** `random` from 0 to 1 spreads the reconnects of many devices; `afterMs` is the pause that the relay asked for. */
  | { readonly type: 'closed'; readonly random: number; readonly afterMs?: number | undefined }
  | { readonly type: 'time' }
  /** A room to follow from now on. */
  | { readonly type: 'room'; readonly room: Uint8Array }
  /** A room to follow no more. */
  | { readonly type: 'room-left'; readonly room: Uint8Array }
  | {
      readonly type: 'append';
      readonly room: Uint8Array;
      readonly stream: string;
      readonly frame: Uint8Array;
    }
  /** The device has gone back in a room: to where the relay is that rolled back, or to read older frames. */
  | { readonly type: 'went-back'; readonly room: Uint8Array }
  /** The principal has changed hands of keys: write it (again). */
  | { readonly type: 'principal' };

export type SessionEffect =
  | { readonly type: 'connect' }
  | { readonly type: 'disconnect' }
  | { readonly type: 'send'; readonly message: ClientMessage }
  | { readonly type: 'connection'; readonly connection: Connection }
  /** Sign in: answer with an `authenticate` message. */
  | { readonly type: 'sign-in'; readonly relayId: Uint8Array; readonly nonce: Uint8Array }
  /** Write the principal, if this device may: its version at the relay, 0 if there is none. */
  | {
      readonly type: 'put-principal';
      readonly request: number;
      readonly version: number;
      /** The relay has one version more than the last edit has shown. */
      readonly isBehind: boolean;
    }
  /** The relay lists this device no more, and holds a note for it that says why. */
  | { readonly type: 'farewell'; readonly note: Uint8Array }
  | { readonly type: 'principal-written'; readonly version: number }
  | { readonly type: 'deliver'; readonly room: string; readonly frames: readonly StoredFrame[] }
  | { readonly type: 'news'; readonly room: string; readonly head: number }
  /** The relay lost what came after `head`: go back there, put back what is one's own, then say `went-back`. */
  | { readonly type: 'go-back'; readonly room: string; readonly head: number }
  | { readonly type: 'live'; readonly room: string }
  | { readonly type: 'down'; readonly room: string }
  /** The relay has this very frame, as it was given to `append`, durably at this position. */
  | {
      readonly type: 'appended';
      readonly room: string;
      readonly position: number;
      readonly frame: Uint8Array;
      /** True if all frames below have come: the cursor may move there. */
      readonly isInOrder: boolean;
    }
  | { readonly type: 'append-again'; readonly room: string }
  | { readonly type: 'problem'; readonly error: SealwireError; readonly room?: string };
