// A contact card: where an account is reached, as text for a QR code, a link or paste. Rules: spec/contacts.md §1.
import { x25519 } from '@noble/curves/ed25519.js';
import { RELAY_ID_BYTES, Reader, SealwireError } from '@sealwire/protocol';
import * as encoding from 'lib0/encoding';
import { concat, utf8 } from '../bytes.ts';
import { SUITE } from '../crypto/kdf.ts';
import { isName, readName } from '../names.ts';
import { decodeTextCode, encodeTextCode, plainTextCode } from '../text-code.ts';

export const CARD_VERSION = 1;
/** Bytes of what a sender shows to a relay to write into an inbox. */
export const TOKEN_BYTES = 16;

/** Where somebody is answered, and who they say they are. */
export interface Address {
  /** 16 bytes: lets its holder write into the inbox, until it is revoked. */
  readonly token: Uint8Array;
  /** 16 bytes. */
  readonly relayId: Uint8Array;
  /** `ws://` or `wss://`, or empty; a hint for people. */
  readonly relay: string;
  /** The person's name. */
  readonly name: string;
}

/** What a card says. Who sees it can write to its owner; it opens nothing. Ids and keys are 32 bytes. */
export interface Card extends Address {
  /** The account's id. */
  readonly account: Uint8Array;
  /** The account as the relay knows it. */
  readonly principal: Uint8Array;
  /** X25519: what messages to the account are sealed to. */
  readonly accountKey: Uint8Array;
}

/**
 * The text of a card: `SWC1-` and base32. All of it stays in a QR code's alphanumeric mode.
 *
 * @throws RangeError naming the field that {@link parseCard} would not accept.
 */
export const encodeCard = (card: Card): string => {
  const out = encoding.createEncoder();
  writeFixed(out, card.account, 32, 'account');
  writeFixed(out, card.principal, 32, 'principal');
  writeFixed(out, card.accountKey, 32, 'accountKey');
  if (!isUsableKey(card.accountKey)) throw new RangeError('accountKey: of low order');
  writeAddress(out, card);
  return encodeTextCode(PREFIX, concat(Uint8Array.of(CARD_VERSION, SUITE), encoding.toUint8Array(out)));
};

/**
 * A link that carries a card where no server sees it.
 *
 * @param page - an http or https address without a fragment.
 * @throws RangeError if `page` is none.
 */
export const cardLink = (page: string, text: string): string => {
  if (!PAGE.test(page)) throw new RangeError('page: no http or https address, or one with a fragment');
  return `${page}#${text}`;
};

/**
 * Reads a scanned or pasted card, or a link that carries one.
 *
 * @param text - anything.
 * @throws SealwireError CARD_INVALID
 */
export const parseCard = (text: string): Card => {
  if (text.length > TEXT_CHARS_MOST) throw invalid();
  const plain = plainTextCode(codeIn(text));
  if (/^SWC[0-9]+-/.test(plain) && !plain.startsWith(PREFIX)) throw newer();
  const bytes = decodeTextCode(PREFIX, plain);
  if (!bytes) throw invalid();
  if (bytes[0] !== CARD_VERSION || bytes[1] !== SUITE) throw newer();
  try {
    const reader = new Reader(bytes.subarray(2));
    const [account, principal, accountKey] = [reader.fixed(32), reader.fixed(32), reader.fixed(32)];
    const card = { account, principal, accountKey, ...readAddress(reader) };
    reader.end();
    if (isUsableKey(accountKey)) return card;
  } catch (error) {
    if (!(error instanceof SealwireError)) throw error;
  }
  throw invalid();
};

/** Writes an address. @throws RangeError naming the field that {@link readAddress} would not accept. */
export const writeAddress = (out: encoding.Encoder, { token, relayId, relay, name }: Address): void => {
  writeFixed(out, token, TOKEN_BYTES, 'token');
  writeFixed(out, relayId, RELAY_ID_BYTES, 'relayId');
  if (!isRelayAddress(relay)) throw new RangeError('relay: no WebSocket address');
  encoding.writeVarString(out, relay);
  writeName(out, name, 'name');
};

/** @throws SealwireError MALFORMED, TOO_LARGE */
export const readAddress = (reader: Reader): Address => {
  const [token, relayId] = [reader.fixed(TOKEN_BYTES), reader.fixed(RELAY_ID_BYTES)];
  const relay = reader.ascii(RELAY_CHARS);
  if (!isRelayAddress(relay)) throw new SealwireError('MALFORMED', 'A relay address is none.');
  return { token, relayId, relay, name: readName(reader, 'a name') };
};

/** Writes a name behind its length. @throws RangeError if it is none to show. */
export const writeName = (out: encoding.Encoder, name: string, field: string): void => {
  if (!isName(name)) throw new RangeError(`${field}: empty, too long, or not printable`);
  encoding.writeVarUint8Array(out, utf8(name));
};

/** Writes bytes of a known length. @throws RangeError if they have another. */
export const writeFixed = (out: encoding.Encoder, bytes: Uint8Array, length: number, name: string): void => {
  if (bytes.length !== length) throw new RangeError(`${name}: ${bytes.length} bytes instead of ${length}`);
  encoding.writeUint8Array(out, bytes);
};

/** Whether a card can carry this address. Of a longer one, or one that is no WebSocket's, cards say nothing. */
export const isRelayAddress = (relay: string): boolean =>
  relay === '' || (relay.length <= RELAY_CHARS && RELAY.test(relay));

const PREFIX = `SWC${CARD_VERSION}-`;
/** Far above the 900 characters of the longest card, and of any sane link to one. */
const TEXT_CHARS_MOST = 4096;
const RELAY_CHARS = 200;
const RELAY = /^wss?:\/\/[\x21-\x7e]+$/;
const PAGE = /^https?:\/\/[^\s#]+$/i;

/** What stands in a link's fragment; the text itself if it is no link. */
const codeIn = (text: string): string => {
  const at = text.indexOf('#');
  return at >= 0 && PAGE.test(text.slice(0, at).trim()) ? text.slice(at + 1) : text;
};

/** A secret shared with a key of low order is zero (RFC 7748 §6.1): everybody would know it. */
const isUsableKey = (publicKey: Uint8Array): boolean => {
  try {
    x25519.getSharedSecret(ANY_SCALAR, publicKey);
    return true;
  } catch {
    return false;
  }
};

const ANY_SCALAR = new Uint8Array(32).fill(1);

const invalid = (): SealwireError =>
  new SealwireError(
    'CARD_INVALID',
    'This is no Sealwire contact card; scan or copy the whole card, or ask for a new one.',
  );

const newer = (): SealwireError =>
  new SealwireError(
    'CARD_INVALID',
    'This card comes from a newer version; update this app, then scan again.',
  );
