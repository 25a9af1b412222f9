// Sizes of ids and keys on the wire, stream labels, and the text form of bytes. Rules: spec/relay-protocol.md §2.

/** The protocol between device and relay that this package speaks. */
export const PROTOCOL_VERSION = 1;

/** WebSocket subprotocol (RFC 6455 §1.9) that both sides must name. */
export const SUBPROTOCOL = 'sealwire.v1';

export const KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;
export const ROOM_ID_BYTES = 32;
export const PRINCIPAL_ID_BYTES = 32;
export const RELAY_ID_BYTES = 16;
export const RENDEZVOUS_ID_BYTES = 16;
export const NONCE_BYTES = 32;
export const INBOX_TOKEN_BYTES = 16;
/** Bytes of the hash that an inbox keeps of a token: {@link inboxTokenStatement}, SHA-256. */
export const INBOX_TOKEN_HASH_BYTES = 32;

/** Label of what a device signs to authenticate: label ‖ relay id ‖ nonce ‖ relay key. */
export const AUTHENTICATE_LABEL = 'sealwire/v1/authenticate';
/** Label of what a manage key signs to write its principal. */
export const PRINCIPAL_LABEL = 'sealwire/v1/principal';
/** A principal's id is SHA-256(label ‖ manage key). */
export const PRINCIPAL_ID_LABEL = 'sealwire/v1/principal-id';

/** What an inbox keeps of a token is SHA-256(label ‖ token). */
export const INBOX_TOKEN_LABEL = 'sealwire/v1/inbox-token';

/** The stream of a room that holds log entries: devices, members, epochs. */
export const CONTROL_STREAM = 'control';

const STREAM = /^[a-z0-9][a-z0-9-]*$/;

/** True when `label` may name a stream: 1 to 32 of a–z, 0–9 and `-`, not starting with `-`. */
export const isStreamLabel = (label: string): boolean => label.length <= 32 && STREAM.test(label);

/**
 * The stream of page `index` of a log document. Derived, so that two devices that open it offline open the same one.
 *
 * @param index - a whole number from 0 on.
 */
export const pageStream = (index: number): string => {
  if (!Number.isSafeInteger(index) || index < 0)
    throw new RangeError(`page index ${index} is not a whole number`);
  return `page-${index}`;
};

const PAGE = /^page-(0|[1-9][0-9]{0,8})$/;

/** The page index that a stream label names, or undefined for other streams. */
export const pageIndex = (stream: string): number | undefined => {
  const match = PAGE.exec(stream);
  return match ? Number(match[1]) : undefined;
};

/** Lower-case hexadecimal of `bytes`; ids are shown and used as map keys in this form. */
export const toHex = (bytes: Uint8Array): string => {
  let text = '';
  for (const byte of bytes) text += HEX[byte];
  return text;
};

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** The bytes of a hexadecimal string. @throws TypeError if it is not one. */
export const fromHex = (text: string): Uint8Array => {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) throw new TypeError('not lower-case hexadecimal');
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
};

/** True when both hold the same bytes. Not constant time: for public values only. */
export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
};
