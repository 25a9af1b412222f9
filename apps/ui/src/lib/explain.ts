// What each error code means to a person, and what to do next. Branches on `code`, never on text.
// Codes: spec/errors.md.
import { type ErrorCode, SealwireError } from '@sealwire/protocol';

export interface Explanation {
  readonly title: string;
  /** What happened and the next step, in full sentences. */
  readonly text: string;
}

/** Without a text of its own an entry shows the error's. */
const EXPLANATIONS: Partial<Record<ErrorCode, { readonly title: string; readonly text?: string }>> = {
  STORAGE_FULL: {
    title: 'This device’s storage is full',
    text: 'New messages cannot be stored. Free some space on this device, then try again.',
  },
  STORAGE_LOST: {
    title: 'This device’s stored data was deleted',
    text: 'What you see is still in memory. Put it back before you close this page.',
  },
  STORAGE_UNAVAILABLE: {
    title: 'This browser does not let Sealwire store anything',
    text: 'Leave private browsing or allow site data for this page, then try again.',
  },
  STORAGE_CORRUPT: {
    title: 'The stored data cannot be read',
    text: 'It is damaged. Link this device anew from another one of yours.',
  },
  STORAGE_NEWER: {
    title: 'A newer Sealwire wrote this data',
    text: 'Reload this page to get the newest version.',
  },
  STORAGE_IN_USE: {
    title: 'Sealwire is open in another tab',
    text: 'Go on there, or use it here.',
  },
  AUTH_FAILED: {
    title: 'The relay refused this device',
    text: 'It may have been removed from your account. Your messages here stay readable.',
  },
  NO_PRINCIPAL: {
    title: 'The relay does not know your account',
    text: 'It may have lost its data. Your messages on this device are safe.',
  },
  STORE_FULL: {
    title: 'The relay is full',
    text: 'What you write stays on this device and is sent as soon as the relay has room.',
  },
  STORE_FAILED: {
    title: 'The relay cannot store at the moment',
    text: 'What you write stays on this device and is sent later.',
  },
  ROOM_FULL: {
    title: 'This chat’s space at the relay is used up',
    text: 'What you write stays on this device and is sent as soon as there is space. Ask who runs the relay for more.',
  },
  ROOM_NEARLY_FULL: {
    title: 'This chat’s space at the relay is nearly used up',
    text: 'Ask who runs the relay for more, or go on in a new chat.',
  },
  ROOM_DELETED: {
    title: 'This chat was deleted at the relay',
    text: 'What is on this device stays here. Nothing new can be sent.',
  },
  RELAY_UNREACHABLE: {
    title: 'The relay cannot be reached',
    text: 'Check your connection, then try again.',
  },
  RELAY_ROLLED_BACK: {
    title: 'The relay lost messages it had confirmed',
    text: 'This device still has them and sends its own again.',
  },
  LIMIT_REACHED: {
    title: 'A limit of the relay is reached',
    text: 'Try again later, or ask who runs the relay.',
  },
  // Linking: the engine's own sentence says what happened on which side, and whether keys had been sent.
  LINK_CODE_INVALID: { title: 'That is not a Sealwire code' },
  LINK_CODE_EXPIRED: { title: 'The code has expired' },
  LINK_OTHER_RELAY: { title: 'That code belongs to another relay' },
  LINK_SECOND_JOINER: { title: 'Somebody else scanned this code too' },
  LINK_WRONG_DIGITS: { title: 'The digits did not match' },
  LINK_REFUSED: { title: 'The new device was refused' },
  LINK_CANCELLED: { title: 'Linking was cancelled' },
  LINK_PEER_LEFT: { title: 'The other device went away' },
  LINK_TAMPERED: { title: 'Somebody interfered with linking' },
  LINK_NOT_ALLOWED: { title: 'This device may not link others' },
  IMPORT_NO_MESSAGES: { title: 'No messages found in this file' },
  CHAT_UNKNOWN: {
    title: 'This chat is not on this device',
    text: 'It may still be loading. Go back to your chats.',
  },
  CARD_INVALID: {
    title: 'That is not a Sealwire card',
    text: 'Ask them to show it again: in their Sealwire, under People, “Show my card”.',
  },
  CARD_OTHER_RELAY: { title: 'That card belongs to another relay' },
  CONTACT_UNKNOWN: {
    title: 'This is not there any more',
    text: 'It may have been answered on another device of yours.',
  },
  NOT_AN_ADMIN: {
    title: 'Only an admin of this chat may do that',
    text: 'Ask one of its admins.',
  },
  LOGGED_OUT: { title: 'This device was logged out' },
  CLOSED: { title: 'Sealwire was closed here', text: 'Reload this page to go on.' },
};

/** @returns title and next step for anything that was thrown; an unknown code shows the error's own sentence. */
export function explain(error: unknown): Explanation {
  if (error instanceof SealwireError) {
    const { title, text } = EXPLANATIONS[error.code] ?? { title: 'Something went wrong' };
    return { title, text: text ?? error.message };
  }
  return { title: 'Something went wrong', text: 'Reload this page and try again.' };
}

/** @returns the error's code, or undefined for anything that is no SealwireError. */
export const codeOf = (error: unknown): ErrorCode | undefined =>
  error instanceof SealwireError ? error.code : undefined;
