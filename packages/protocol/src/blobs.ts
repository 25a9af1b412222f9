// Who asks a relay for a blob, as one HTTP header. Hashing and signing stay with the callers. Rules: spec/blobs.md §2.
import { concat, sized } from './bytes.ts';
import { KEY_BYTES, RELAY_ID_BYTES, ROOM_ID_BYTES, SIGNATURE_BYTES } from './ids.ts';
import { malformed, Reader } from './reader.ts';

/** SHA-256 of a blob's sealed bytes. */
export const BLOB_NAME_BYTES = 32;

const BLOB_LABEL = 'sealwire/v1/blob';
const SCHEME = 'Sealwire ';
const METHODS = { get: 1, put: 2, delete: 3 } as const;

export type BlobMethod = keyof typeof METHODS;

/** What is asked for, when, and by whom. */
export interface BlobRequest {
  /** Ed25519 public key that a principal lists, 32 bytes. */
  readonly relayKey: Uint8Array;
  /** Milliseconds since 1970. */
  readonly timeMs: number;
  /** 32 bytes. */
  readonly room: Uint8Array;
  /** {@link BLOB_NAME_BYTES} bytes. */
  readonly name: Uint8Array;
}

/**
 * What a device signs with its relay key: label ‖ relay id ‖ relay key ‖ time (8, big-endian) ‖ method (1) ‖ room ‖ name.
 *
 * @param relayId - 16 bytes, from the relay's `hello` or its /healthz.
 * @returns A new array.
 * @throws RangeError if a length or the time is out of bounds.
 */
export const blobStatement = (
  relayId: Uint8Array,
  method: BlobMethod,
  { relayKey, timeMs, room, name }: BlobRequest,
): Uint8Array =>
  concat([
    new TextEncoder().encode(BLOB_LABEL),
    sized(relayId, RELAY_ID_BYTES, 'relayId'),
    sized(relayKey, KEY_BYTES, 'relayKey'),
    time(timeMs),
    Uint8Array.of(METHODS[method]),
    sized(room, ROOM_ID_BYTES, 'room'),
    sized(name, BLOB_NAME_BYTES, 'name'),
  ]);

/** The value of the header `authorization`. @throws RangeError if a length or the time is out of bounds. */
export const encodeBlobRequest = (request: BlobRequest, signature: Uint8Array): string => {
  const { relayKey, timeMs, room, name } = request;
  const bytes = concat([
    sized(relayKey, KEY_BYTES, 'relayKey'),
    time(timeMs),
    sized(room, ROOM_ID_BYTES, 'room'),
    sized(name, BLOB_NAME_BYTES, 'name'),
    sized(signature, SIGNATURE_BYTES, 'signature'),
  ]);
  const text = btoa(String.fromCharCode(...bytes));
  return SCHEME + text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
};

/**
 * The header of a request. Total: nothing in it is verified.
 *
 * @throws SealwireError MALFORMED.
 */
export const decodeBlobRequest = (header: string): BlobRequest & { readonly signature: Uint8Array } => {
  const text = header.startsWith(SCHEME) ? header.slice(SCHEME.length) : '';
  // 168 bytes, whose last character holds no bits to spare.
  if (!/^[A-Za-z0-9_-]{224}$/.test(text)) throw malformed('not an authority over a blob');
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  const from = new Reader(Uint8Array.from(binary, (char) => char.charCodeAt(0)));
  const relayKey = from.fixed(KEY_BYTES);
  const stamp = from.fixed(8);
  const timeMs = Number(new DataView(stamp.buffer, stamp.byteOffset).getBigUint64(0));
  return {
    relayKey,
    timeMs,
    room: from.fixed(ROOM_ID_BYTES),
    name: from.fixed(BLOB_NAME_BYTES),
    signature: from.fixed(SIGNATURE_BYTES),
  };
};

const time = (timeMs: number): Uint8Array => {
  if (!Number.isSafeInteger(timeMs) || timeMs < 0) throw new RangeError('timeMs: no time');
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(timeMs));
  return bytes;
};
