// What an inbox holds, and what becomes of it: tokens edited, messages added and removed. Pure.
// Rules: spec/relay-protocol.md §11.
import { compareBytes, type ErrorCode, LIMITS, SealwireError, sameBytes } from '@sealwire/protocol';
import { copyOf } from './keys.ts';

/** A message of an inbox, without its payload. */
export interface WaitingMessage {
  readonly number: number;
  /** Hash of the token that was shown for it. */
  readonly token: Uint8Array;
  /** Bytes of the payload. */
  readonly bytes: number;
}

/** The inbox of one principal. */
export interface InboxRecord {
  readonly principal: Uint8Array;
  /** Of the list of tokens, from 1 on. */
  readonly version: number;
  /** Hashes of the tokens that it accepts, 32 bytes each, sorted and unique. */
  readonly tokens: readonly Uint8Array[];
  /** The highest number that a message ever had; 0 before the first. */
  readonly last: number;
  /** In rising number. */
  readonly waiting: readonly WaitingMessage[];
}

/** An edit of an inbox's list of tokens. */
export interface InboxEdit {
  readonly principal: Uint8Array;
  readonly version: number;
  readonly tokens: readonly Uint8Array[];
}

export const acceptsToken = (record: InboxRecord | undefined, token: Uint8Array): boolean =>
  record?.tokens.some((known) => sameBytes(known, token)) ?? false;

/** Why a message with this token cannot be added; undefined if it can. One code for all that a stranger may not learn. */
export const refusalOfMessage = (
  record: InboxRecord | undefined,
  token: Uint8Array,
): Extract<ErrorCode, 'INBOX_REFUSED' | 'INBOX_FULL'> | undefined => {
  if (record === undefined || !acceptsToken(record, token)) return 'INBOX_REFUSED';
  const ofToken = record.waiting.filter((one) => sameBytes(one.token, token)).length;
  const isFull = record.waiting.length >= LIMITS.inboxMessages || ofToken >= LIMITS.inboxTokenMessages;
  return isFull ? 'INBOX_FULL' : undefined;
};

/** @throws SealwireError VERSION_CONFLICT unless the version follows the current one (1 if there is none). */
export const withTokens = (record: InboxRecord | undefined, edit: InboxEdit): InboxRecord => {
  if (edit.version !== (record?.version ?? 0) + 1) {
    throw new SealwireError('VERSION_CONFLICT', 'Somebody else edited the inbox first; read and edit again.');
  }
  return {
    principal: copyOf(edit.principal),
    version: edit.version,
    tokens: edit.tokens.map(copyOf).sort(compareBytes),
    last: record?.last ?? 0,
    waiting: record?.waiting ?? [],
  };
};

/**
 * The record with one message more; its number is `last`.
 *
 * @throws SealwireError INBOX_REFUSED or INBOX_FULL.
 */
export const withMessage = (
  record: InboxRecord | undefined,
  token: Uint8Array,
  bytes: number,
): InboxRecord => {
  const code = refusalOfMessage(record, token);
  if (record === undefined || code !== undefined) {
    throw new SealwireError(code ?? 'INBOX_REFUSED', 'The inbox did not take the message.');
  }
  const last = record.last + 1;
  return { ...record, last, waiting: [...record.waiting, { number: last, token: copyOf(token), bytes }] };
};

/** The record without these messages; those that are not there do not matter. */
export const withoutMessages = (record: InboxRecord, numbers: readonly number[]): InboxRecord => {
  const gone = new Set(numbers);
  return { ...record, waiting: record.waiting.filter(({ number }) => !gone.has(number)) };
};

/** Which messages after `after` a read of about `maxBytes` gives: at least one, if there is any. */
export const pageOf = (
  record: InboxRecord | undefined,
  after: number,
  maxBytes: number,
): { readonly page: readonly WaitingMessage[]; readonly complete: boolean } => {
  const wanted = record?.waiting.filter(({ number }) => number > after) ?? [];
  let bytes = 0;
  let end = 0;
  for (; end < wanted.length; end++) {
    bytes += wanted[end]!.bytes + MESSAGE_OVERHEAD;
    if (bytes > maxBytes && end > 0) break;
  }
  return { page: wanted.slice(0, end), complete: end === wanted.length };
};

/** What a message costs beside its payload in a read. */
const MESSAGE_OVERHEAD = 48;
