// The one error that leaves Sealwire for a fault of the world, with its closed list of codes.
// Rules: spec/errors.md. A caller's mistake is a TypeError or RangeError instead.

/** Every code that a {@link SealwireError} may carry. Branch on these, never on text. */
export const ERROR_CODES = [
  // What a peer sent
  'MALFORMED',
  'TOO_LARGE',
  'UNSUPPORTED_VERSION',
  'UNEXPECTED_MESSAGE',
  // Rights at the relay
  'AUTH_REQUIRED',
  'AUTH_FAILED',
  'NO_PRINCIPAL',
  'NOT_A_MEMBER',
  'NOT_AN_ADMIN',
  'ROOM_UNKNOWN',
  'VERSION_CONFLICT',
  'LIMIT_REACHED',
  'TOO_SLOW',
  'TIMED_OUT',
  'SHUTTING_DOWN',
  // The relay's store
  'STORE_FULL',
  'STORE_FAILED',
  'ROOM_FULL',
  'ROOM_NEARLY_FULL',
  'ROOM_DELETED',
  'BLOB_UNKNOWN',
  // Inboxes
  'INBOX_REFUSED',
  'INBOX_FULL',
  // Snapshots
  'SNAPSHOT_UNKNOWN',
  // Rendezvous cells
  'RENDEZVOUS_UNKNOWN',
  'RENDEZVOUS_EXISTS',
  'RENDEZVOUS_SECOND_JOINER',
  'RENDEZVOUS_EXPIRED',
  'RENDEZVOUS_FULL',
  'RENDEZVOUS_PEER_LEFT',
  // The device's own storage
  'STORAGE_FULL',
  'STORAGE_LOST',
  'STORAGE_UNAVAILABLE',
  'STORAGE_CORRUPT',
  'STORAGE_IN_USE',
  'STORAGE_NEWER',
  'NO_DEVICE',
  'DEVICE_EXISTS',
  'LOGGED_OUT',
  // Frames and documents
  'FRAME_UNREADABLE',
  'FRAME_FORGED',
  'FRAME_CHAIN_BROKEN',
  'FRAME_GAP',
  'FRAME_EQUIVOCATION',
  'FRAME_VOID',
  'FRAME_KEY_MISSING',
  'UPDATE_REFUSED',
  'FOREIGN_EDIT_DROPPED',
  'LOG_ENTRY_REFUSED',
  'LOG_FORKED',
  'PARKING_FULL',
  'RELAY_ROLLED_BACK',
  'CHAT_UNKNOWN',
  'CLOCK_AHEAD',
  // Linking
  'LINK_CODE_INVALID',
  'LINK_CODE_EXPIRED',
  'LINK_OTHER_RELAY',
  'LINK_SECOND_JOINER',
  'LINK_WRONG_DIGITS',
  'LINK_REFUSED',
  'LINK_CANCELLED',
  'LINK_PEER_LEFT',
  'LINK_TAMPERED',
  'LINK_NOT_ALLOWED',
  // Contacts
  'CARD_INVALID',
  'CARD_OTHER_RELAY',
  'CONTACT_UNKNOWN',
  'INBOX_MESSAGE_REFUSED',
  // The rest
  'RELAY_UNREACHABLE',
  'IMPORT_NO_MESSAGES',
  'CLOSED',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

const KNOWN: ReadonlySet<string> = new Set(ERROR_CODES);

/** True when `code` is in the closed list; a code from a newer peer is not. */
export const isErrorCode = (code: string): code is ErrorCode => KNOWN.has(code);

/**
 * The world's fault: bad bytes, a full disk, a refused right. The message never holds key bytes or plaintext.
 *
 * @param code - one of {@link ERROR_CODES}; the only thing to branch on.
 * @param message - one sentence for a person, with a next step where there is one.
 */
export class SealwireError extends Error {
  readonly code: ErrorCode;
  override readonly name = 'SealwireError';

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
