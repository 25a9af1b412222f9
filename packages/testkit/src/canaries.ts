// Searches bytes for text that must not be in them: as UTF-8, UTF-16, hexadecimal, base64 at every offset, and again in
// every deflate stream that can be found.
import { constants, inflateRawSync } from 'node:zlib';

/** A secret to look for; at least 16 bytes, or chance finds it. */
export interface Canary {
  /** What it is, for the report; never its bytes. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface Found {
  readonly name: string;
  readonly encoding: string;
  /** Where it was searched. */
  readonly place: string;
}

/** Bytes that a deflated canary may take to come out of a stream. */
const INFLATE_WINDOW = 4096;
const INFLATED_MOST = 64 * 1024;

/** @returns every canary that is in `bytes`, under the name of the `place`. */
export const searchCanaries = (place: string, bytes: Uint8Array, canaries: readonly Canary[]): Found[] => {
  const patterns = canaries.flatMap(patternsOf);
  const found = searchPlain(place, bytes, patterns);
  for (const inflated of deflateStreams(bytes))
    found.push(
      ...searchPlain(place, inflated, patterns).map((item) => ({
        ...item,
        encoding: `${item.encoding}, deflated`,
      })),
    );
  return found;
};

interface Pattern {
  readonly name: string;
  readonly encoding: string;
  readonly needle: Buffer;
}

const patternsOf = ({ name, bytes }: Canary): Pattern[] => {
  if (bytes.length < 16) throw new RangeError(`canary ${name} is shorter than 16 bytes`);
  const buffer = Buffer.from(bytes);
  const text = buffer.toString('utf8');
  const hex = buffer.toString('hex');
  const patterns = [
    ['UTF-8', buffer],
    ['UTF-16LE', Buffer.from(text, 'utf16le')],
    ['UTF-16BE', Buffer.from(text, 'utf16le').swap16()],
    ['hexadecimal', Buffer.from(hex)],
    ['HEXADECIMAL', Buffer.from(hex.toUpperCase())],
    ...[0, 1, 2].flatMap((offset) => base64At(buffer, offset)),
  ] as const;
  return patterns.map(([encoding, needle]) => ({ name, encoding, needle: needle as Buffer }));
};

/** The characters that depend on the canary alone when it stands `offset` bytes into a base64 group. */
const base64At = (buffer: Buffer, offset: number): [string, Buffer][] => {
  const padded = Buffer.concat([Buffer.alloc(offset), buffer]);
  const from = Math.ceil((offset * 8) / 6);
  const to = Math.floor((padded.length * 8) / 6);
  return (['base64', 'base64url'] as const).map((encoding) => [
    `${encoding} at ${offset}`,
    Buffer.from(padded.toString(encoding).slice(from, to)),
  ]);
};

const searchPlain = (place: string, bytes: Uint8Array, patterns: readonly Pattern[]): Found[] => {
  const hay = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return patterns
    .filter(({ needle }) => hay.includes(needle))
    .map(({ name, encoding }) => ({ name, encoding, place }));
};

/** What comes out wherever a raw deflate stream may begin; zlib's and gzip's begin a few bytes into theirs. */
function* deflateStreams(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at + 8 < bytes.length; at++) {
    if (!mayBeBlock(bytes, at)) continue;
    try {
      const inflated = inflateRawSync(bytes.subarray(at, at + INFLATE_WINDOW), {
        finishFlush: constants.Z_SYNC_FLUSH,
        maxOutputLength: INFLATED_MOST,
      });
      if (inflated.length >= 16) yield inflated;
    } catch {
      // No stream begins here.
    }
  }
}

/** True for a stored block whose lengths agree, a fixed one, or a dynamic one whose first code is complete. */
const mayBeBlock = (bytes: Uint8Array, at: number): boolean => {
  const type = (bytes[at]! >> 1) & 3;
  if (type === 1) return true;
  if (type === 0)
    return (bytes[at + 1]! ^ bytes[at + 3]!) === 0xff && (bytes[at + 2]! ^ bytes[at + 4]!) === 0xff;
  if (type === 3) return false;
  const bit = (index: number): number => ((bytes[at + (index >> 3)] ?? 0) >> (index & 7)) & 1;
  const number = (index: number, width: number): number =>
    Array.from({ length: width }, (_, i) => bit(index + i) << i).reduce((sum, value) => sum + value, 0);
  if (number(3, 5) > 29 || number(8, 5) > 29) return false;
  const lengths = number(13, 4) + 4;
  let space = 0;
  for (let i = 0; i < lengths; i++) {
    const width = number(17 + 3 * i, 3);
    if (width > 0) space += 2 ** -width;
  }
  return space === 1;
};
