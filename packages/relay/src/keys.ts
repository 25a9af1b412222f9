// Bytes as map keys. Latin-1 text holds one byte a character: half of hexadecimal's memory and time.
// Rules: none; an inner matter of the relay.

/** A string that stands for `bytes`, equal for equal bytes. Not for people. */
export const keyOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');

/** A copy of `bytes`, so that a small value does not keep the message alive that it came in. */
export const copyOf = (bytes: Uint8Array): Uint8Array => Uint8Array.prototype.slice.call(bytes);
