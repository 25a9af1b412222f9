// What the machines of both sides have in common: pure steps (state, event) → (state, effects) over the plaintexts of
// one channel. Rules: spec/link.md §4, §5 and §7.
import { type ErrorCode, type SealwireError, sameBytes } from '@sealwire/protocol';
import { concat, utf8 } from '../bytes.ts';
import { decodeLinkMessage, encodeLinkMessage, type LinkMessage } from './messages.ts';
import { reasonOf } from './reasons.ts';
import { afterMessage } from './transcript.ts';

/** Ed25519 (RFC 8032), synchronous. `sign` is by this device's identity key. */
export interface LinkTools {
  sign(message: Uint8Array): Uint8Array;
  /** False for wrong lengths and bad points as well; never throws for bytes of a peer. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}

/** One side's place in a channel that is open. */
export interface Talk {
  /** 32 bytes: the key of the MAC over the digits. */
  readonly macKey: Uint8Array;
  /** The running hash after the last message of either side. */
  readonly transcript: Uint8Array;
  /** The hash before our own last message, as long as the other side has not answered it. */
  readonly before: Uint8Array | undefined;
}

/** What can happen on either side. */
export type LinkEvent =
  /** The channel is open. */
  | { readonly type: 'channel'; readonly macKey: Uint8Array }
  /** A message was opened under the transcript `aad`, one of {@link transcriptsOf}. */
  | { readonly type: 'message'; readonly plaintext: Uint8Array; readonly aad: Uint8Array }
  /** What came could not be opened. */
  | { readonly type: 'unreadable' }
  | { readonly type: 'cancelled' }
  /** The cell is gone, could not be had, or the connection to the relay ended. */
  | { readonly type: 'closed'; readonly code: ErrorCode }
  /** Something on this side went wrong, in a callback for example. */
  | { readonly type: 'failed'; readonly error: SealwireError };

/** What either side may have to do. */
export type LinkEffect =
  /** Seal and send. `aad` is the transcript before this message. */
  | { readonly type: 'send'; readonly plaintext: Uint8Array; readonly aad: Uint8Array }
  /** Leave the cell, after everything before this was sent. */
  | { readonly type: 'close' };

export interface Next<State, Effect> {
  readonly state: State;
  readonly effects: readonly Effect[];
}

/** The transcripts under which the other side's next message may have been sealed. */
export const transcriptsOf = (state: object): Uint8Array[] => {
  if (!isTalk(state)) return [];
  return state.before ? [state.transcript, state.before] : [state.transcript];
};

/** Our own message: what to send, and the place in the channel afterwards. */
export const say = (talk: Talk, message: LinkMessage): { talk: Talk; effect: LinkEffect } => {
  const plaintext = encodeLinkMessage(message);
  return {
    talk: {
      macKey: talk.macKey,
      transcript: afterMessage(talk.transcript, plaintext),
      before: talk.transcript,
    },
    effect: { type: 'send', plaintext, aad: talk.transcript },
  };
};

/** The place in the channel after a message of the other side. */
export const heard = (talk: Talk, plaintext: Uint8Array): Talk => ({
  macKey: talk.macKey,
  transcript: afterMessage(talk.transcript, plaintext),
  before: undefined,
});

/**
 * The message that the other side sent in its turn.
 *
 * Both sides speak in turns, so only a farewell may have crossed a message of ours: anything else that was sealed
 * under the transcript before it is out of order.
 *
 * @returns undefined for bytes that are no message, or one that is out of order.
 */
export const understand = (
  talk: Talk,
  event: Extract<LinkEvent, { readonly type: 'message' }>,
): LinkMessage | undefined => {
  let message: LinkMessage;
  try {
    message = decodeLinkMessage(event.plaintext);
  } catch {
    return undefined; // SealwireError is all it throws; the caller ends the link as tampered with.
  }
  return message.type === 'abort' || sameBytes(event.aad, talk.transcript) ? message : undefined;
};

/** The effects of leaving: tell the other side why, where there is a channel, then leave the cell. */
export const farewell = (state: object, code: ErrorCode): LinkEffect[] => {
  if (!isTalk(state)) return [{ type: 'close' }];
  const plaintext = encodeLinkMessage({ type: 'abort', reason: reasonOf(code) });
  return [{ type: 'send', plaintext, aad: state.transcript }, { type: 'close' }];
};

/** What a possession signature is over. @param statement - of the answer's front. */
export const possessionOf = (statement: Uint8Array): Uint8Array =>
  concat(utf8('sealwire/v1/link-possession'), statement);

/** What an approval signature is over. @param statement - of the offer's front. */
export const approvalOf = (statement: Uint8Array): Uint8Array =>
  concat(utf8('sealwire/v1/link-approval'), statement);

const isTalk = (state: object): state is Talk => 'transcript' in state;
