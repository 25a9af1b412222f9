// Why a link ended, in the words that each side shows. Rules: spec/link.md §7.
import { type ErrorCode, SealwireError } from '@sealwire/protocol';

/** The reasons that one side tells the other before it leaves, in the order of their numbers on the wire, from 1. */
export const ABORT_REASONS = [
  'LINK_WRONG_DIGITS',
  'LINK_REFUSED',
  'LINK_CANCELLED',
  'LINK_TAMPERED',
  'LINK_NOT_ALLOWED',
  'LINK_CODE_EXPIRED',
  'LINK_SECOND_JOINER',
  /** Any other fault: it stays on the side where it happened. */
  'LINK_PEER_LEFT',
] as const;

export type AbortReason = (typeof ABORT_REASONS)[number];

export type Side = 'phone' | 'new-device';

/** What the other side is told when a link ends here with `code`. */
export const reasonOf = (code: ErrorCode): AbortReason =>
  ABORT_REASONS.find((reason) => reason === code) ?? 'LINK_PEER_LEFT';

/** The error for a link that ended on this side. */
export const endedHere = (side: Side, code: AbortReason): SealwireError =>
  new SealwireError(code, TEXT[code][side].here);

/** The error for a link that the other side ended, and said so. */
export const endedThere = (side: Side, reason: AbortReason): SealwireError =>
  new SealwireError(reason, TEXT[reason][side].there);

/** The error for a link that the relay ended, or that ended with the connection to it. */
export const endedByRelay = (side: Side, code: ErrorCode): SealwireError => {
  const own = OF_RELAY.get(code);
  if (own !== undefined) return endedHere(side, own);
  return new SealwireError(code, 'The relay ended linking; check the connection, then start again.');
};

/** The same error, saying as well that the account's keys were already sent. */
export const afterRelease = (error: SealwireError): SealwireError =>
  new SealwireError(
    error.code,
    `${error.message} The keys were already sent: if the new device is not yours, remove it from your devices.`,
    { cause: error },
  );

const OF_RELAY: ReadonlyMap<ErrorCode, AbortReason> = new Map([
  ['RENDEZVOUS_SECOND_JOINER', 'LINK_SECOND_JOINER'],
  ['RENDEZVOUS_EXPIRED', 'LINK_CODE_EXPIRED'],
  ['RENDEZVOUS_UNKNOWN', 'LINK_CODE_EXPIRED'],
  ['RENDEZVOUS_PEER_LEFT', 'LINK_PEER_LEFT'],
]);

interface Sentences {
  /** It happened on this side, or here it was noticed. */
  readonly here: string;
  /** The other side said it. */
  readonly there: string;
}

const same = (sentence: string): Sentences => ({ here: sentence, there: sentence });

const EXPIRED = {
  phone: same('The code has expired; show a new one on the new device and scan that.'),
  'new-device': same('The code has expired; show a new one and scan it with the phone.'),
};

const SECOND_JOINER = {
  phone: same('Somebody else used the same code; show a new one where only you can see it, and scan that.'),
  'new-device': same('Somebody else used the same code; show a new one where only you can see it.'),
};

const TAMPERED = same(
  'What the other device sent was changed on its way; start again with a new code, on a network you trust.',
);

const TEXT: Readonly<Record<AbortReason, Readonly<Record<Side, Sentences>>>> = {
  LINK_WRONG_DIGITS: {
    phone: same('The digits typed on the new device were wrong; start again with a new code.'),
    'new-device': same('The digits were wrong; start again with a new code.'),
  },
  LINK_REFUSED: {
    phone: same('You refused the new device; nothing of your account was sent to it.'),
    'new-device': same('The phone refused this device; start again with a new code if that was a mistake.'),
  },
  LINK_CANCELLED: {
    phone: {
      here: 'You cancelled linking; scan a new code to start again.',
      there: 'Linking was cancelled on the new device; show a new code there to start again.',
    },
    'new-device': {
      here: 'You cancelled linking; show a new code to start again.',
      there: 'Linking was cancelled on the phone; show a new code to start again.',
    },
  },
  LINK_TAMPERED: { phone: TAMPERED, 'new-device': TAMPERED },
  LINK_NOT_ALLOWED: {
    phone: same('This device may not link others; use one that may.'),
    'new-device': same('The device that scanned the code may not link others; scan with one that may.'),
  },
  LINK_CODE_EXPIRED: EXPIRED,
  LINK_SECOND_JOINER: SECOND_JOINER,
  LINK_PEER_LEFT: {
    phone: {
      here: 'The connection to the new device ended; show a new code there and scan it.',
      there: 'The new device could not finish; see there why, then start again with a new code.',
    },
    'new-device': {
      here: 'The connection to the phone ended; show a new code and scan it.',
      there: 'The phone could not finish; see there why, then start again with a new code.',
    },
  },
};
