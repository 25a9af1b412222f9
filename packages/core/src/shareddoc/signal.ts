// One signal of presence: sealed like a frame, signed by its device, never stored. Layout and checks:
// spec/shared-document.md §5.
import { LIMITS, Reader, SealwireError } from '@sealwire/protocol';
import * as encoding from 'lib0/encoding';
import { concat, utf8 } from '../bytes.ts';
import { CLIENT_NONCE_BYTES, DEVICE_ID_BYTES } from '../frame/body.ts';

/** What a signal's key is derived for: no label of a stream, so no frame is ever sealed with it. */
export const SIGNAL_STREAM = 'signal/presence';

const SIGNATURE_BYTES = 64;

export interface Presence {
  readonly deviceId: Uint8Array;
  /** The shared document's. */
  readonly stream: string;
  /** Binds the clientID to the device: 16 bytes. */
  readonly nonce: Uint8Array;
  readonly clientId: number;
  /** Rises with each signal of this clientID. */
  readonly counter: number;
  /** Milliseconds since 1970, by the signer's clock. */
  readonly sentAt: number;
  /** A y-protocols awareness update of this clientID alone. */
  readonly update: Uint8Array;
}

export interface SignedPresence extends Presence {
  /** All before the signature; a view. */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

/** What is signed. @param logId - chat id, 32 bytes. */
export const presenceStatement = (logId: Uint8Array, signed: Uint8Array): Uint8Array =>
  concat(utf8('sealwire/v1/presence'), logId, signed);

export const encodePresence = (
  { deviceId, stream, nonce, clientId, counter, sentAt, update }: Presence,
  logId: Uint8Array,
  sign: (statement: Uint8Array) => Uint8Array,
): Uint8Array => {
  const out = encoding.createEncoder();
  encoding.writeUint8Array(out, deviceId);
  encoding.writeVarString(out, stream);
  encoding.writeUint8Array(out, nonce);
  encoding.writeVarUint(out, clientId);
  encoding.writeVarUint(out, counter);
  encoding.writeVarUint(out, sentAt);
  encoding.writeUint8Array(out, update);
  const signed = encoding.toUint8Array(out);
  return concat(signed, sign(presenceStatement(logId, signed)));
};

/** Total: a result or a SealwireError. @throws SealwireError MALFORMED, TOO_LARGE */
export const decodePresence = (bytes: Uint8Array): SignedPresence => {
  if (bytes.length < SIGNATURE_BYTES) throw malformed('shorter than its signature');
  const signed = bytes.subarray(0, bytes.length - SIGNATURE_BYTES);
  const reader = new Reader(signed);
  const presence = {
    deviceId: reader.fixed(DEVICE_ID_BYTES),
    stream: reader.ascii(LIMITS.streamChars),
    nonce: reader.fixed(CLIENT_NONCE_BYTES),
    clientId: reader.uint(),
    counter: reader.uint(),
    sentAt: reader.uint(),
    update: reader.fixed(reader.left),
  };
  requireOwnState(presence.update, presence.clientId);
  return { ...presence, signed, signature: bytes.subarray(signed.length) };
};

/** An awareness update is: how many, and for each clientID, clock, state as JSON. See y-protocols awareness.js. */
const requireOwnState = (update: Uint8Array, clientId: number): void => {
  if (update.length > LIMITS.presenceBytes)
    throw new SealwireError('TOO_LARGE', 'A signal of presence is larger than one may be.');
  const reader = new Reader(update);
  if (reader.uint() !== 1 || reader.uint() !== clientId) throw malformed("not its signer's state alone");
  reader.uint();
  const json = reader.sized(LIMITS.presenceBytes);
  reader.end();
  let state: unknown;
  try {
    state = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json));
  } catch {
    throw malformed('a state that is no JSON');
  }
  if (typeof state !== 'object' || Array.isArray(state)) throw malformed('a state that is no object');
};

const malformed = (why: string): SealwireError =>
  new SealwireError('MALFORMED', `A signal of presence is malformed: ${why}.`);
