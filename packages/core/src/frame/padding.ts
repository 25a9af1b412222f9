// PADMÉ padding: a frame's size tells at most O(log log n) bits of its content's. Rules: spec/frame.md §3.

/**
 * The padded length of `length` bytes; at most 12 % longer.
 *
 * @see Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs", §4, 2019.
 */
export const padme = (length: number): number => {
  if (length < 2) return length;
  const exponent = Math.floor(Math.log2(length));
  const bitsOfExponent = Math.floor(Math.log2(exponent)) + 1;
  const zeroBits = exponent - bitsOfExponent;
  if (zeroBits <= 0) return length;
  const step = 2 ** zeroBits;
  return Math.ceil(length / step) * step;
};

/** `body`, then 0x80, then zeros up to the padded length (ISO/IEC 7816-4 marks where the body ends). */
export const padded = (body: Uint8Array): Uint8Array => {
  const out = new Uint8Array(padme(body.length + 1));
  out.set(body);
  out[body.length] = 0x80;
  return out;
};

/** The body without its padding, as a view; undefined if the padding is not the one that {@link padded} makes. */
export const unpadded = (bytes: Uint8Array): Uint8Array | undefined => {
  let end = bytes.length - 1;
  while (end >= 0 && bytes[end] === 0) end--;
  if (end < 0 || bytes[end] !== 0x80 || padme(end + 1) !== bytes.length) return undefined;
  return bytes.subarray(0, end);
};
