// Bytes as text that a person scans, copies and pastes: a prefix, then base32 with a checksum. Rules: spec/link.md §2
// (linking codes), spec/contacts.md §1 (contact cards).
import { sameBytes } from '@sealwire/protocol';
import { sha256 } from '#native';
import { concat } from './bytes.ts';

/**
 * `prefix` and base32 (RFC 4648 §6, capitals, no padding) over the bytes and the first 4 of their SHA-256. With a
 * prefix of capitals, digits and `-`, all of it stays in a QR code's alphanumeric mode.
 */
export const encodeTextCode = (prefix: string, bytes: Uint8Array): string =>
  prefix + toBase32(concat(bytes, checksum(bytes)));

/** The text without white space, in capitals: people copy with line breaks, and keyboards start sentences. */
export const plainTextCode = (text: string): string => text.replace(/\s+/g, '').toUpperCase();

/**
 * Reads what {@link encodeTextCode} made.
 *
 * @param plain - anything; as {@link plainTextCode} gives it.
 * @returns new bytes; undefined for another prefix, another character, an impossible length, left-over bits that are
 *   not 0, or a wrong checksum.
 */
export const decodeTextCode = (prefix: string, plain: string): Uint8Array | undefined => {
  const all = plain.startsWith(prefix) ? fromBase32(plain.slice(prefix.length)) : undefined;
  if (!all || all.length <= CHECKSUM_BYTES) return undefined;
  const bytes = all.slice(0, -CHECKSUM_BYTES);
  return sameBytes(checksum(bytes), all.subarray(bytes.length)) ? bytes : undefined;
};

const CHECKSUM_BYTES = 4;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

const checksum = (bytes: Uint8Array): Uint8Array => sha256(bytes).slice(0, CHECKSUM_BYTES);

const toBase32 = (bytes: Uint8Array): string => {
  let text = '';
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = ((buffer << 8) | byte) & 0xfff;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += ALPHABET[(buffer >> (bits - 5)) & 31];
  }
  return bits > 0 ? text + ALPHABET[(buffer << (5 - bits)) & 31] : text;
};

/** The bytes, or undefined for other characters, impossible lengths, or left-over bits that are not 0. */
const fromBase32 = (text: string): Uint8Array | undefined => {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8));
  let buffer = 0;
  let bits = 0;
  let at = 0;
  for (const char of text) {
    const value = ALPHABET.indexOf(char);
    if (value < 0) return undefined;
    buffer = ((buffer << 5) | value) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = buffer >> bits;
  }
  const leftOver = buffer & ((1 << bits) - 1);
  return bits < 5 && leftOver === 0 ? bytes : undefined;
};
