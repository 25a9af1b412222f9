// Byte strings of fixed parts, as they are signed. No spec rules here.

/** @throws RangeError naming the field unless it has this length. */
export const sized = (bytes: Uint8Array, length: number, name: string): Uint8Array => {
  if (bytes.length !== length) throw new RangeError(`${name}: ${bytes.length} bytes instead of ${length}`);
  return bytes;
};

/** One new array of all parts. */
export const concat = (parts: readonly Uint8Array[]): Uint8Array => {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};
