// What two people compare to know that each has the other's true account. Rules: spec/safety-number.md.
import { sha512 } from '@noble/hashes/sha2.js';
import { compareBytes, SealwireError, sameBytes } from '@sealwire/protocol';
import type { SafetyNumber } from '../api.ts';
import { concat, utf8 } from '../bytes.ts';
import { decodeTextCode, encodeTextCode, plainTextCode } from '../text-code.ts';

/** Two account roots, 32 bytes each. */
export interface SafetyPair {
  readonly mine: Uint8Array;
  readonly theirs: Uint8Array;
}

/** What a scanned code says; only `match` verifies anything. */
export type SafetyVerdict = 'match' | 'mismatch' | 'other account';

/**
 * The safety number of two accounts; takes some tens of milliseconds, on purpose.
 *
 * @returns the same digits on both sides; each side's own code for the other to scan.
 * @throws RangeError if the roots are not 32 bytes, or the same.
 * @see libsignal, Fingerprint: the same construction over identity keys; spec/safety-number.md §1 says what differs.
 */
export const safetyNumber = (pair: SafetyPair): SafetyNumber => {
  requireRoots(pair);
  const { mine, theirs } = pair;
  const digits = [mine, theirs].sort(compareBytes).map(halfOf).join('');
  return { digits, qr: encodeTextCode(PREFIX, concat(Uint8Array.of(VERSION), mine, theirs)) };
};

/**
 * Compares a scanned code with what this device knows.
 *
 * @param scanned - anything.
 * @param others - roots of the other accounts that this device knows, to tell the wrong person's code from an attack.
 * @throws SealwireError MALFORMED if it is no such code, UNSUPPORTED_VERSION if it is one of a later version.
 * @throws RangeError as {@link safetyNumber}.
 */
export const compareSafetyCode = (
  scanned: string,
  pair: SafetyPair,
  others: readonly Uint8Array[] = [],
): SafetyVerdict => {
  requireRoots(pair);
  const { mine, theirs } = pair;
  const code = parseCode(scanned);
  if (sameBytes(code.shownTo, mine) && sameBytes(code.shownBy, theirs)) return 'match';
  const isOwn = sameBytes(code.shownBy, mine);
  const isKnown = sameBytes(code.shownTo, mine) && others.some((root) => sameBytes(root, code.shownBy));
  return isOwn || isKnown ? 'other account' : 'mismatch';
};

const VERSION = 1;
const PREFIX = 'SWS1-';
const ROUNDS = 5_200;
const DIGITS_EACH = 30;
/** A code of this version has 116 characters; more than this is no text that anybody copied. */
const TEXT_CHARS_MOST = 1_000;

/** 30 digits of one account. */
const halfOf = (root: Uint8Array): string => {
  let hash = sha512(concat(utf8('sealwire/v1/safety-number'), Uint8Array.of(VERSION), root));
  for (let i = 1; i < ROUNDS; i++) hash = sha512(concat(hash, root));
  let digits = '';
  for (let at = 0; digits.length < DIGITS_EACH; at += 5) {
    let group = 0;
    for (const byte of hash.subarray(at, at + 5)) group = group * 256 + byte;
    digits += String(group % 100_000).padStart(5, '0');
  }
  return digits;
};

const parseCode = (text: string): { shownBy: Uint8Array; shownTo: Uint8Array } => {
  const plain = text.length > TEXT_CHARS_MOST ? '' : plainTextCode(text);
  if (/^SWS[0-9]+-/.test(plain) && !plain.startsWith(PREFIX)) throw newer();
  const bytes = decodeTextCode(PREFIX, plain);
  if (!bytes || bytes.length < 1) throw malformed();
  if (bytes[0] !== VERSION) throw newer();
  if (bytes.length !== 65) throw malformed();
  return { shownBy: bytes.subarray(1, 33), shownTo: bytes.subarray(33) };
};

const requireRoots = ({ mine, theirs }: SafetyPair): void => {
  if (mine.length !== 32 || theirs.length !== 32) throw new RangeError('an account root has 32 bytes');
  if (sameBytes(mine, theirs)) throw new RangeError('mine and theirs are the same account');
};

const newer = (): SealwireError =>
  new SealwireError('UNSUPPORTED_VERSION', 'The code is of a newer version: update this app.');

const malformed = (): SealwireError =>
  new SealwireError(
    'MALFORMED',
    'This is no code of a safety number. Scan the one on the other person’s screen.',
  );
