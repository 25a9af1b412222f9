// What each error code means to a person, and what to do next. Branches on `code`, never on text.
// Codes: spec/errors.md.
import { type ErrorCode, SealwireError } from '@sealwire/protocol';

export interface Explanation {
  readonly title: string;
  /** What happened and the next step, in full sentences. */
  readonly text: string;
}

const EXPLANATIONS: Partial<Record<ErrorCode, Explanation>> = {
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
  LINK_CODE_INVALID: {
    title: 'That is not a Sealwire code',
    text: 'Open Sealwire on the computer and use the code that it shows.',
  },
  LINK_CODE_EXPIRED: {
    title: 'The code has expired',
    text: 'Use the newest code that the other device shows, and try again.',
  },
  RENDEZVOUS_EXPIRED: {
    title: 'The code has expired',
    text: 'Use the newest code that the other device shows, and try again.',
  },
  RENDEZVOUS_UNKNOWN: {
    title: 'The code is no longer valid',
    text: 'Use the newest code that the other device shows, and try again.',
  },
  LINK_OTHER_RELAY: {
    title: 'That code belongs to another relay',
    text: 'Both devices must use the same Sealwire server. Nothing was shared.',
  },
  LINK_SECOND_JOINER: {
    title: 'Another phone scanned this code too',
    text: 'Linking was stopped to be safe; nothing was shared. Start again with a new code, out of others’ sight.',
  },
  RENDEZVOUS_SECOND_JOINER: {
    title: 'Another phone scanned this code too',
    text: 'Linking was stopped to be safe; nothing was shared. Start again with a new code, out of others’ sight.',
  },
  LINK_WRONG_DIGITS: {
    title: 'The digits did not match',
    text: 'Nothing was shared. Start again with a new code and type the digits that the phone shows.',
  },
  LINK_REFUSED: {
    title: 'Linking was refused on the phone',
    text: 'Nothing was shared. Start again if that was not meant.',
  },
  LINK_CANCELLED: {
    title: 'Linking was cancelled',
    text: 'Nothing was shared. Start again whenever you like.',
  },
  LINK_PEER_LEFT: {
    title: 'The other device went away',
    text: 'Keep both devices open and connected, and start again.',
  },
  RENDEZVOUS_PEER_LEFT: {
    title: 'The other device went away',
    text: 'Keep both devices open and connected, and start again.',
  },
  LINK_TAMPERED: {
    title: 'Somebody interfered with linking',
    text: 'It was stopped and nothing was shared. Do not trust this network; start again elsewhere.',
  },
  LINK_NOT_ALLOWED: {
    title: 'This device may not link others',
    text: 'Use the phone on which you created your account.',
  },
  IMPORT_NO_MESSAGES: {
    title: 'No messages found in this file',
    text: 'Choose the .txt file that WhatsApp makes with “Export chat”. If you have a .zip, unpack it first.',
  },
  CHAT_UNKNOWN: {
    title: 'This chat is not on this device',
    text: 'It may still be loading. Go back to your chats.',
  },
  CLOSED: { title: 'Sealwire was closed here', text: 'Reload this page to go on.' },
};

/** @returns title and next step for anything that was thrown; an unknown code shows the error's own sentence. */
export function explain(error: unknown): Explanation {
  if (error instanceof SealwireError) {
    return EXPLANATIONS[error.code] ?? { title: 'Something went wrong', text: error.message };
  }
  return { title: 'Something went wrong', text: 'Reload this page and try again.' };
}

/** @returns the error's code, or undefined for anything that is no SealwireError. */
export const codeOf = (error: unknown): ErrorCode | undefined =>
  error instanceof SealwireError ? error.code : undefined;
