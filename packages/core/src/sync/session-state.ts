// What a session remembers of rooms and open requests. Rules: spec/relay-protocol.md.
import { type ErrorCode, SealwireError } from '@sealwire/protocol';
import type { SessionTimes } from './session-events.ts';

/** A room that the session follows, as far as the relay is concerned. */
export interface FollowedRoom {
  readonly id: Uint8Array;
  state: 'idle' | 'resuming' | 'catching-up' | 'live' | 'refused';
  /** The newest position that must come before the room is live. */
  head: number;
  delivered: number;
  /** When a refused append may be sent again. */
  appendAgainAt: number | undefined;
  /** When a refused room is asked for again: its rights may be on their way. */
  resumeAgainAt: number | undefined;
  /** Whether this connection has made it at the relay. */
  made: boolean;
  /** How often in a row it was refused: asked for again ever more rarely. */
  refusals: number;
  /** What was reported since it was last live: each refusal once. */
  reported: ErrorCode | undefined;
}

/** What an answer is awaited for. */
export type Pending =
  | { readonly type: 'resume'; readonly rooms: readonly FollowedRoom[] }
  | { readonly type: 'put-room'; readonly room: FollowedRoom }
  | { readonly type: 'put-principal' }
  | { readonly type: 'append'; readonly room: FollowedRoom; readonly frame: Uint8Array };

export interface SessionOptions {
  readonly times: SessionTimes;
  /** Where this device stands in a room. */
  readonly cursor: (room: string) => number;
  /** The account's principal, once there is an account. */
  readonly principal: Uint8Array | undefined;
  /** Whether this device may make a room that the relay does not have. Default: any. */
  readonly mayMake?: (room: string) => boolean;
  /** True if this device holds the manage key. */
  readonly mayManage: boolean;
}

/** How long to wait after so many failures. @param random - 0 to 1: many devices do not come back at once. */
export const retryAfterMs = (times: SessionTimes, failures: number, random: number): number =>
  Math.min(times.retryFirstMs * 2 ** Math.min(failures, 20), times.retryLongestMs) * (0.5 + random / 2);

/** What is told to people. */
export const problems = {
  refused: (code: ErrorCode) => new SealwireError(code, 'The relay refused a room.'),
  somebodyElse: () => new SealwireError('AUTH_FAILED', 'The relay knows this device as somebody else.'),
  unknown: () =>
    new SealwireError(
      'NO_PRINCIPAL',
      'The relay does not know this device: it was logged out, or never linked here.',
    ),
  rolledBack: () =>
    new SealwireError(
      'RELAY_ROLLED_BACK',
      'The relay has lost frames that it had: it was restored from an old copy. This device puts back its own.',
    ),
};

/** Codes that say "not now": the same append, or list of devices, is sent again later. */
export const TRY_AGAIN: ReadonlySet<ErrorCode> = new Set([
  'STORE_FULL',
  'STORE_FAILED',
  'LIMIT_REACHED',
  'TOO_SLOW',
  'SHUTTING_DOWN',
]);

/** A room before its first resume. @param id - 32 bytes; kept. */
export const newRoom = (id: Uint8Array): FollowedRoom => ({
  id,
  state: 'idle',
  head: 0,
  delivered: 0,
  appendAgainAt: undefined,
  resumeAgainAt: undefined,
  made: false,
  refusals: 0,
  reported: undefined,
});
