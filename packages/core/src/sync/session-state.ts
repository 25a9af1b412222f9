// What a session remembers of rooms and open requests. Rules: spec/relay-protocol.md.
import { type ErrorCode, SealwireError, toHex } from '@sealwire/protocol';
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
  /** How often this connection has made it at the relay. */
  made: number;
  /** How often in a row it was refused: asked for again ever more rarely. */
  refusals: number;
  /** What was reported since it was last live: each refusal once. */
  reported: ErrorCode | undefined;
  /** Why its last append was refused for lack of space, until one is taken. */
  noSpace: ErrorCode | undefined;
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

/** How long to wait after a connection ended: at least what the relay asked for, and at most twice that. */
export const pauseMs = (
  times: SessionTimes,
  failures: number,
  { random, afterMs = 0 }: { readonly random: number; readonly afterMs?: number | undefined },
): number => Math.max(retryAfterMs(times, failures, random), afterMs * (1 + random));

/** What is told to people. */
export const problems = {
  refused: (code: ErrorCode) => new SealwireError(code, 'The relay refused a room.'),
  somebodyElse: () => new SealwireError('AUTH_FAILED', 'The relay knows this device as somebody else.'),
  unknown: () =>
    new SealwireError(
      'NO_PRINCIPAL',
      'The relay does not know this device: it was logged out, or never linked here.',
    ),
  noSpace: (code: ErrorCode) =>
    new SealwireError(
      code,
      'The relay has no room for this at the moment; it stays on this device and is sent again by itself.',
    ),
  nearlyFull: () => new SealwireError('ROOM_NEARLY_FULL', "Most of the room's space at the relay is used."),
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
  'ROOM_FULL',
  'LIMIT_REACHED',
  'TOO_SLOW',
  'SHUTTING_DOWN',
]);

/** True for a want of space that was not said of the room since it last took a frame; from then on it was. */
export const isNewly = (room: FollowedRoom, code: ErrorCode): boolean => {
  if (!NO_SPACE.has(code) || room.noSpace === code) return false;
  room.noSpace = code;
  return true;
};

/** Of these, those that last until somebody makes space, so that a person is told. */
const NO_SPACE: ReadonlySet<ErrorCode> = new Set(['STORE_FULL', 'ROOM_FULL']);

/** A room before its first resume. @param id - 32 bytes; kept. */
export const newRoom = (id: Uint8Array): FollowedRoom => ({
  id,
  state: 'idle',
  head: 0,
  delivered: 0,
  appendAgainAt: undefined,
  resumeAgainAt: undefined,
  made: 0,
  refusals: 0,
  reported: undefined,
  noSpace: undefined,
});

/** The rooms whose refused appends are due, by key: each once. */
export const takeAppendsDue = (rooms: Iterable<FollowedRoom>, now: number): string[] => {
  const due = [...rooms].filter(({ appendAgainAt }) => appendAgainAt !== undefined && now >= appendAgainAt);
  for (const room of due) room.appendAgainAt = undefined;
  return due.map(({ id }) => toHex(id));
};

/** The rooms that are to be asked for again. */
export const resumesDue = (rooms: Iterable<FollowedRoom>, now: number): FollowedRoom[] =>
  [...rooms].filter(({ resumeAgainAt }) => resumeAgainAt !== undefined && now >= resumeAgainAt);

/** When the first of the rooms is due, or `at` if that is sooner. */
export const firstDue = (rooms: Iterable<FollowedRoom>, at: number): number => {
  let first = at;
  for (const { appendAgainAt = first, resumeAgainAt = first } of rooms)
    first = Math.min(first, appendAgainAt, resumeAgainAt);
  return first;
};
