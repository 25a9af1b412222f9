// WebSocket frames as the relay writes them: binary, whole, unmasked. One message to many sockets is framed once, several
// to one socket are joined. Its plain twin is the sender of `ws`; tests compare the two. Rules: RFC 6455 §5.2.

/** First byte of a binary message in one frame. */
const WHOLE_BINARY = 0x82;
/** Up to here a length stands in the second byte itself. */
const SHORT = 125;
const TWO_BYTES = 65_535;

const headerBytes = (length: number): number => (length <= SHORT ? 2 : length <= TWO_BYTES ? 4 : 10);

/** Bytes that a message takes with its header. */
export const framedBytes = (message: Uint8Array): number => headerBytes(message.length) + message.length;

/** Writes the header of a message of `length` bytes at `at`. @returns where it ends. */
const writeHeader = (to: Buffer, at: number, length: number): number => {
  to[at] = WHOLE_BINARY;
  if (length <= SHORT) to[at + 1] = length;
  else if (length <= TWO_BYTES) {
    to[at + 1] = 126;
    to.writeUInt16BE(length, at + 2);
  } else {
    to[at + 1] = 127;
    to.writeUInt32BE(Math.floor(length / 2 ** 32), at + 2);
    to.writeUInt32BE(length % 2 ** 32, at + 6);
  }
  return at + headerBytes(length);
};

/** Writes header and message at `at`. @returns where they end. */
const write = (to: Buffer, at: number, message: Uint8Array): number => {
  const start = writeHeader(to, at, message.length);
  to.set(message, start);
  return start + message.length;
};

/** What goes before a message; the message itself is then written as it is. */
export const headerOf = (message: Uint8Array): Buffer => {
  const header = Buffer.allocUnsafe(headerBytes(message.length));
  writeHeader(header, 0, message.length);
  return header;
};

let last: { readonly message: Uint8Array; readonly framed: Buffer } | undefined;

/** The frame of one message. For the message that was framed last it is the same bytes, not a copy: do not change them. */
export const framed = (message: Uint8Array): Buffer => {
  if (last?.message === message) return last.framed;
  const bytes = Buffer.allocUnsafe(framedBytes(message));
  write(bytes, 0, message);
  last = { message, framed: bytes };
  return bytes;
};

/** The frames of several messages, one behind the other. */
export const framedAll = (messages: readonly Uint8Array[]): Buffer => {
  let length = 0;
  for (const message of messages) length += framedBytes(message);
  const bytes = Buffer.allocUnsafe(length);
  let at = 0;
  for (const message of messages) at = write(bytes, at, message);
  return bytes;
};
