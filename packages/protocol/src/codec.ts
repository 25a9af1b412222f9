// Messages between device and relay as bytes. The layouts stand in codec-client.ts and codec-relay.ts, one
// place a message for both directions. Rules: spec/relay-protocol.md §3 to §5.
import * as encoding from 'lib0/encoding';
import { CLIENT_CODECS } from './codec-client.ts';
import type { Codec } from './codec-parts.ts';
import { RELAY_CODECS } from './codec-relay.ts';
import { SealwireError } from './errors.ts';
import { LIMITS } from './limits.ts';
import type { ClientMessage, RelayMessage } from './messages.ts';
import { malformed, Reader } from './reader.ts';

/**
 * The bytes of what a device sends.
 *
 * @returns A new array, at most `LIMITS.messageBytes` long.
 * @throws TypeError or RangeError naming the field, if the message is not one that a peer would accept.
 * @see spec/relay-protocol.md §4
 */
export const encodeClientMessage = (message: ClientMessage): Uint8Array => encode(CLIENT_CODECS, message);

/**
 * What a device sent. Total: any bytes give a message or a SealwireError.
 *
 * @param bytes - one WebSocket message. Borrowed: every byte field of the result is a view into it, so copy what
 *   is kept, and leave `bytes` unchanged while the message is in use.
 * @throws SealwireError MALFORMED or TOO_LARGE.
 * @see spec/relay-protocol.md §4
 */
export const decodeClientMessage = (bytes: Uint8Array): ClientMessage => decode(CLIENT_BY_TAG, bytes);

/** The bytes of what a relay sends. As {@link encodeClientMessage}. @see spec/relay-protocol.md §5 */
export const encodeRelayMessage = (message: RelayMessage): Uint8Array => encode(RELAY_CODECS, message);

/**
 * What a relay sent. Total, and its views, as {@link decodeClientMessage}.
 *
 * @throws SealwireError MALFORMED or TOO_LARGE; UNSUPPORTED_VERSION for a `hello` of another version.
 * @see spec/relay-protocol.md §5
 */
export const decodeRelayMessage = (bytes: Uint8Array): RelayMessage => decode(RELAY_BY_TAG, bytes);

/** One for all messages, since most are shorter than what a new one allocates. */
let encoder = encoding.createEncoder();
const KEPT_BYTES = 64 * 1024;

const encode = <M extends { readonly type: string }>(
  codecs: { readonly [type: string]: Codec<M> },
  message: M,
) => {
  const codec = Object.hasOwn(codecs, message.type) ? codecs[message.type] : undefined;
  if (codec === undefined) throw new TypeError(`there is no message of type ${String(message.type)}`);
  // A message that could not be written may have left something behind.
  encoder.cpos = 0;
  encoder.bufs = [];
  if (encoder.cbuf.length > KEPT_BYTES) encoder = encoding.createEncoder();
  encoding.writeUint8(encoder, codec.tag);
  codec.write(encoder, message);
  const bytes = encoding.toUint8Array(encoder);
  if (bytes.length > LIMITS.messageBytes) {
    throw new RangeError(`a message of ${bytes.length} bytes is longer than ${LIMITS.messageBytes}`);
  }
  return bytes;
};

const decode = <M>(byTag: readonly (Codec<M> | undefined)[], bytes: Uint8Array): M => {
  if (!(bytes instanceof Uint8Array)) throw new TypeError('bytes: not a Uint8Array');
  if (bytes.length > LIMITS.messageBytes) {
    throw new SealwireError(
      'TOO_LARGE',
      `A message of ${bytes.length} bytes is longer than ${LIMITS.messageBytes}.`,
    );
  }
  const reader = new Reader(bytes);
  const codec = byTag[reader.byte()];
  if (codec === undefined) throw malformed('no message has this type');
  const message = codec.read(reader);
  reader.end();
  return message;
};

const byTag = <M>(codecs: { readonly [type: string]: Codec<M> }): readonly (Codec<M> | undefined)[] => {
  const table = new Array<Codec<M> | undefined>(256);
  for (const codec of Object.values(codecs)) table[codec.tag] = codec;
  return table;
};

const CLIENT_BY_TAG = byTag<ClientMessage>(CLIENT_CODECS);
const RELAY_BY_TAG = byTag<RelayMessage>(RELAY_CODECS);
