// The messages inside the linking channel as bytes, one type byte each. Odd types come from the phone, even ones from
// the new device; either may abort. Rules: spec/link.md §5.
import { Reader, SealwireError } from '@sealwire/protocol';
import * as encoding from 'lib0/encoding';
import type { Platform } from '../api.ts';
import { SUITE_BYTES, type Suite, suiteOfPublicKey } from '../crypto/suites.ts';
import { isName, readName } from '../names.ts';
import { ABORT_REASONS, type AbortReason } from './reasons.ts';

/** Bytes of offer, acceptance and bundle together, so that all of a link fits into one rendezvous cell. */
export const LINK_PAYLOAD_BYTES = 60 * 1024;
/** Bytes of an acceptance: signatures and a few hashes. */
export const ACCEPTANCE_BYTES = 1024;

export interface HelloMessage {
  readonly type: 'hello';
  /** Set if the account is of suite 2: then the answer holds an HPKE key of that. */
  readonly accountSuite?: 2;
  /** 32 bytes: the id of the account that the phone belongs to. */
  readonly accountRoot: Uint8Array;
  /** Ed25519, 32 bytes. */
  readonly phoneKey: Uint8Array;
  /** 32 bytes: {@link commitDigits}. */
  readonly commitment: Uint8Array;
}

/** What a new device asks to be called, and its other keys. */
export interface Proposal {
  readonly deviceName: string;
  readonly platform: Platform;
  /** Ed25519, 32 bytes. */
  readonly relayKey: Uint8Array;
  /** Of the account's suite. */
  readonly hpkeKey: Uint8Array;
}

export interface AnswerMessage extends Proposal {
  readonly type: 'answer';
  /** Ed25519 by the new device's identity key over label ‖ statement; 64 bytes. */
  readonly possession: Uint8Array;
  /** 32 bytes: {@link macOfDigits}. */
  readonly mac: Uint8Array;
}

export interface OfferMessage {
  readonly type: 'offer';
  /** 32 bytes: opens the commitment. */
  readonly opening: Uint8Array;
  /** The account's device log and the entry that would add the new device. */
  readonly offer: Uint8Array;
  /** Ed25519 by the phone's identity key over label ‖ statement; 64 bytes. */
  readonly approval: Uint8Array;
}

export type LinkMessage =
  | HelloMessage
  | AnswerMessage
  | OfferMessage
  /** The new device's signature over the entry that adds it. */
  | { readonly type: 'acceptance'; readonly acceptance: Uint8Array }
  /** The secrets of the account. */
  | { readonly type: 'bundle'; readonly bundle: Uint8Array }
  /** Everything is durable on the new device. */
  | { readonly type: 'done' }
  | { readonly type: 'abort'; readonly reason: AbortReason };

/**
 * The bytes of a message.
 *
 * @throws RangeError naming the field, if the message is not one that {@link decodeLinkMessage} would accept.
 */
export const encodeLinkMessage = (message: LinkMessage): Uint8Array => {
  switch (message.type) {
    case 'hello':
      return write(message.accountSuite === 2 ? TYPE.hello2 : TYPE.hello, (to) => {
        writeFixed(to, message.accountRoot, 32, 'accountRoot');
        writeFixed(to, message.phoneKey, 32, 'phoneKey');
        writeFixed(to, message.commitment, 32, 'commitment');
      });
    case 'answer':
      return write(answerType(message), (to) => {
        writeProposal(to, message);
        writeFixed(to, message.possession, 64, 'possession');
        writeFixed(to, message.mac, 32, 'mac');
      });
    case 'offer':
      return write(TYPE.offer, (to) => {
        writeOffer(to, message);
        writeFixed(to, message.approval, 64, 'approval');
      });
    case 'acceptance':
      return write(TYPE.acceptance, (to) =>
        writeSized(to, message.acceptance, ACCEPTANCE_BYTES, 'acceptance'),
      );
    case 'bundle':
      return write(TYPE.bundle, (to) => writeSized(to, message.bundle, LINK_PAYLOAD_BYTES, 'bundle'));
    case 'done':
      return Uint8Array.of(TYPE.done);
    case 'abort':
      return Uint8Array.of(TYPE.abort, numberOf(message.reason));
  }
};

/** The front of an answer, which its signature and MAC speak of. @throws as {@link encodeLinkMessage}. */
export const answerFront = (proposal: Proposal): Uint8Array =>
  write(answerType(proposal), (to) => writeProposal(to, proposal));

/** The front of an offer, which its signature speaks of. @throws as {@link encodeLinkMessage}. */
export const offerFront = (offer: Pick<OfferMessage, 'opening' | 'offer'>): Uint8Array =>
  write(TYPE.offer, (to) => writeOffer(to, offer));

/**
 * What a peer sent. Total: any bytes give a message or a SealwireError, and only bytes that
 * {@link encodeLinkMessage} makes give a message.
 *
 * @param bytes - one plaintext. The result holds views into it.
 * @throws SealwireError MALFORMED or TOO_LARGE.
 */
export const decodeLinkMessage = (bytes: Uint8Array): LinkMessage => {
  const reader = new Reader(bytes);
  const message = read(reader, reader.byte());
  reader.end();
  return message;
};

/** True for a device's name to show. */
export const isDeviceName = isName;

const TYPE = {
  hello: 1,
  answer: 2,
  offer: 3,
  acceptance: 4,
  bundle: 5,
  done: 6,
  abort: 7,
  hello2: 9,
  answer2: 10,
} as const;
const PLATFORMS: readonly Platform[] = ['phone', 'web', 'desktop', 'headless'];

const numberOf = (reason: AbortReason): number => {
  const index = ABORT_REASONS.indexOf(reason);
  if (index < 0) throw new RangeError('reason: not one of the list');
  return index + 1;
};

const read = (from: Reader, type: number): LinkMessage => {
  switch (type) {
    case TYPE.hello:
    case TYPE.hello2:
      return {
        type: 'hello',
        ...(type === TYPE.hello2 && { accountSuite: 2 }),
        accountRoot: from.fixed(32),
        phoneKey: from.fixed(32),
        commitment: from.fixed(32),
      };
    case TYPE.answer:
    case TYPE.answer2: {
      const proposal = readProposal(from, type === TYPE.answer ? 1 : 2);
      return { type: 'answer', ...proposal, possession: from.fixed(64), mac: from.fixed(32) };
    }
    case TYPE.offer:
      return {
        type: 'offer',
        opening: from.fixed(32),
        offer: from.sized(LINK_PAYLOAD_BYTES),
        approval: from.fixed(64),
      };
    case TYPE.acceptance:
      return { type: 'acceptance', acceptance: from.sized(ACCEPTANCE_BYTES) };
    case TYPE.bundle:
      return { type: 'bundle', bundle: from.sized(LINK_PAYLOAD_BYTES) };
    case TYPE.done:
      return { type: 'done' };
    case TYPE.abort:
      return { type: 'abort', reason: known(ABORT_REASONS[from.byte() - 1], 'a reason') };
    default:
      throw malformed('no linking message has this type');
  }
};

const readProposal = (from: Reader, suite: Suite): Proposal => ({
  deviceName: readName(from, 'a device name'),
  platform: known(PLATFORMS[from.byte()], 'a platform'),
  relayKey: from.fixed(32),
  hpkeKey: from.fixed(SUITE_BYTES[suite].publicKey),
});

const known = <T>(value: T | undefined, what: string): T => {
  if (value === undefined) throw malformed(`${what} is not one of the list`);
  return value;
};

const write = (type: number, fields: (to: encoding.Encoder) => void): Uint8Array => {
  const encoder = encoding.createEncoder();
  encoding.writeUint8(encoder, type);
  fields(encoder);
  return encoding.toUint8Array(encoder);
};

/** Throws for a key of no suite when it is written. */
const answerType = ({ hpkeKey }: Proposal): number =>
  suiteOfPublicKey(hpkeKey) === 2 ? TYPE.answer2 : TYPE.answer;

const writeProposal = (to: encoding.Encoder, proposal: Proposal): void => {
  if (!isDeviceName(proposal.deviceName))
    throw new RangeError('deviceName: empty, too long, or not printable');
  encoding.writeVarString(to, proposal.deviceName);
  const platform = PLATFORMS.indexOf(proposal.platform);
  if (platform < 0) throw new RangeError('platform: not one of the list');
  encoding.writeUint8(to, platform);
  writeFixed(to, proposal.relayKey, 32, 'relayKey');
  writeFixed(to, proposal.hpkeKey, SUITE_BYTES[suiteOfPublicKey(proposal.hpkeKey) ?? 1].publicKey, 'hpkeKey');
};

const writeOffer = (
  to: encoding.Encoder,
  { opening, offer }: Pick<OfferMessage, 'opening' | 'offer'>,
): void => {
  writeFixed(to, opening, 32, 'opening');
  writeSized(to, offer, LINK_PAYLOAD_BYTES, 'offer');
};

const writeFixed = (to: encoding.Encoder, bytes: Uint8Array, length: number, name: string): void => {
  if (bytes.length !== length) throw new RangeError(`${name}: ${bytes.length} bytes instead of ${length}`);
  encoding.writeUint8Array(to, bytes);
};

const writeSized = (to: encoding.Encoder, bytes: Uint8Array, limit: number, name: string): void => {
  if (bytes.length > limit) throw new RangeError(`${name}: ${bytes.length} bytes are more than ${limit}`);
  encoding.writeVarUint8Array(to, bytes);
};

const malformed = (why: string): SealwireError =>
  new SealwireError('MALFORMED', `Malformed linking message: ${why}.`);
