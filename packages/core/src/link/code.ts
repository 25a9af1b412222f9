// The code that a new device shows, as bytes and as text for QR or paste, and the keys that wait in the rendezvous
// cell. Rules: spec/link.md §2.
import { RELAY_ID_BYTES, RENDEZVOUS_ID_BYTES, Reader, SealwireError, sameBytes } from '@sealwire/protocol';
import { sha256 } from '#native';
import { concat, utf8 } from '../bytes.ts';
import { isSuite, SUITE_BYTES, type Suite } from '../crypto/suites.ts';
import { decodeTextCode, encodeTextCode, plainTextCode } from '../text-code.ts';

export const LINK_VERSION = 1;
export const LINK_CODE_BYTES = 65;

/** What the QR code says. Anyone who sees it knows it. */
export interface LinkCode {
  /** 16 bytes: the rendezvous cell where the keys wait. */
  readonly rendezvousId: Uint8Array;
  /** 16 bytes: the relay that holds the cell. */
  readonly relayId: Uint8Array;
  /** 32 bytes: {@link hashOfCell} of what is in the cell. */
  readonly hash: Uint8Array;
}

/** What waits in the cell: public keys of the new device, and the suite of the channel that it wants. */
export interface LinkCell {
  readonly suite: Suite;
  /** Of the suite, made for this link alone. */
  readonly oneTimeKey: Uint8Array;
  /** Ed25519, 32 bytes. */
  readonly identityKey: Uint8Array;
}

/** The 65 bytes of a code: version ‖ rendezvous id ‖ relay id ‖ hash. @throws RangeError if a length is wrong. */
export const linkCodeBytes = ({ rendezvousId, relayId, hash }: LinkCode): Uint8Array => {
  if (rendezvousId.length !== RENDEZVOUS_ID_BYTES) throw new RangeError('rendezvousId: not 16 bytes');
  if (relayId.length !== RELAY_ID_BYTES) throw new RangeError('relayId: not 16 bytes');
  if (hash.length !== 32) throw new RangeError('hash: not 32 bytes');
  return concat(Uint8Array.of(LINK_VERSION), rendezvousId, relayId, hash);
};

/**
 * The text of a code: `SW1-` and 111 characters of base32 (RFC 4648 §6, without padding) over the bytes and a
 * checksum of 4 bytes. It stays in a QR code's alphanumeric mode and is no URL, so no camera app opens it.
 *
 * @throws RangeError if a length is wrong.
 */
export const encodeLinkCode = (code: LinkCode): string => encodeTextCode(PREFIX, linkCodeBytes(code));

/**
 * Reads a scanned or pasted code. Lower case, spaces and line breaks do no harm.
 *
 * @param text - anything.
 * @throws SealwireError LINK_CODE_INVALID
 */
export const parseLinkCode = (text: string): LinkCode => {
  if (text.length > TEXT_CHARS_MOST) throw invalid();
  const plain = plainTextCode(text);
  if (/^SW[0-9]+-/.test(plain) && !plain.startsWith(PREFIX)) throw newer();
  const bytes = decodeTextCode(PREFIX, plain);
  if (bytes?.length !== LINK_CODE_BYTES) throw invalid();
  const reader = new Reader(bytes);
  if (reader.byte() !== LINK_VERSION) throw newer();
  return { rendezvousId: reader.fixed(16), relayId: reader.fixed(16), hash: reader.fixed(32) };
};

/** The bytes of a cell: suite ‖ one-time key ‖ identity key. @throws RangeError if a length is wrong. */
export const encodeLinkCell = ({ suite, oneTimeKey, identityKey }: LinkCell): Uint8Array => {
  const { publicKey } = SUITE_BYTES[suite];
  if (oneTimeKey.length !== publicKey) throw new RangeError(`oneTimeKey: not ${publicKey} bytes`);
  if (identityKey.length !== IDENTITY_BYTES) throw new RangeError('identityKey: not 32 bytes');
  return concat(Uint8Array.of(suite), oneTimeKey, identityKey);
};

/** SHA-256(label ‖ cell), whatever the suite. @returns 32 new bytes. */
export const hashOfCell = (cell: Uint8Array): Uint8Array => sha256(utf8('sealwire/v1/link-code'), cell);

/**
 * What a cell holds, if it is what the code promised.
 *
 * @param cell - any bytes, as the relay handed them out. The result holds copies.
 * @throws SealwireError LINK_TAMPERED if the bytes are not those that the code promised; UNSUPPORTED_VERSION if
 *   they are, but of a suite that this version does not have.
 */
export const openLinkCell = (code: LinkCode, cell: Uint8Array): LinkCell => {
  if (!sameBytes(hashOfCell(cell), code.hash)) {
    throw new SealwireError(
      'LINK_TAMPERED',
      'The keys at the relay are not those of the code, so nothing was sent; show a new code and scan that.',
    );
  }
  const suite = cell[0];
  if (!isSuite(suite) || cell.length !== 1 + SUITE_BYTES[suite].publicKey + IDENTITY_BYTES) {
    throw new SealwireError(
      'UNSUPPORTED_VERSION',
      'The new device runs a newer version; update this device, then scan again.',
    );
  }
  return { suite, oneTimeKey: cell.slice(1, -IDENTITY_BYTES), identityKey: cell.slice(-IDENTITY_BYTES) };
};

const IDENTITY_BYTES = 32;

const PREFIX = `SW${LINK_VERSION}-`;
/** Far above the 115 characters of a code with any sane spacing, so that pasted novels cost nothing. */
const TEXT_CHARS_MOST = 1024;

const invalid = (): SealwireError =>
  new SealwireError(
    'LINK_CODE_INVALID',
    'This is no Sealwire linking code; scan or copy the whole code that the new device shows.',
  );

const newer = (): SealwireError =>
  new SealwireError(
    'LINK_CODE_INVALID',
    'This code comes from a newer version; update the app on this device, then scan again.',
  );
