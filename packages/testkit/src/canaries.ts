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
  // Most attempts fail, and the stack of each failure would cost more than the attempt.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    yield* inflatedEverywhere(bytes);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function* inflatedEverywhere(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at + 8 < bytes.length; at++) {
    if (!mayBeBlock(bytes, at)) continue;
    try {
      const inflated = inflateRawSync(bytes.subarray(at, at + INFLATE_WINDOW), {
        finishFlush: constants.Z_SYNC_FLUSH,
        maxOutputLength: INFLATED_MOST,
      });
      if (inflated.length >= OUTPUT_LEAST) yield inflated;
    } catch {
      // No stream begins here.
    }
  }
}

/** Output bytes without which nothing can be found in a stream. */
const OUTPUT_LEAST = 16;

/** True unless a look at the block's first bits shows that it is none: most bytes are no beginning of a stream. */
const mayBeBlock = (bytes: Uint8Array, at: number): boolean => {
  const type = (bytes[at]! >> 1) & 3;
  if (type === 0)
    return (bytes[at + 1]! ^ bytes[at + 3]!) === 0xff && (bytes[at + 2]! ^ bytes[at + 4]!) === 0xff;
  if (type === 1) return mayBeFixed(bytes, at);
  return type === 2 && mayBeDynamic(bytes, at);
};

/** Reads bits as deflate does: low bits of each byte first. */
const bitReader = (bytes: Uint8Array, at: number) => {
  let index = at * 8 + 3;
  const bit = (): number => {
    const value = ((bytes[index >> 3] ?? 0) >> (index & 7)) & 1;
    index += 1;
    return value;
  };
  return {
    number(width: number): number {
      let value = 0;
      for (let i = 0; i < width; i++) value |= bit() << i;
      return value;
    },
    /** Continues a Huffman code, whose first bit is its highest. */
    code(value: number, width: number): number {
      let code = value;
      for (let i = 0; i < width; i++) code = (code << 1) | bit();
      return code;
    },
  };
};

/** A dynamic block (RFC 1951 §3.2.7): its counts are in range, and the code of its code lengths is complete. */
const mayBeDynamic = (bytes: Uint8Array, at: number): boolean => {
  const bits = bitReader(bytes, at);
  if (bits.number(5) > 29 || bits.number(5) > 29) return false;
  let space = 0;
  for (let left = bits.number(4) + 4; left > 0; left--) {
    const width = bits.number(3);
    if (width > 0) space += 2 ** -width;
  }
  return space === 1;
};

/** A fixed block (RFC 1951 §3.2.6): it decodes to the least output without pointing before its beginning. */
const mayBeFixed = (bytes: Uint8Array, at: number): boolean => {
  const bits = bitReader(bytes, at);
  for (let output = 0; output < OUTPUT_LEAST; ) {
    let code = bits.code(0, 7);
    let symbol = 256 + code;
    if (code > 0x17) {
      code = bits.code(code, 1);
      if (code < 0xc0) {
        output += 1;
        continue;
      }
      if (code > 0xc7) {
        bits.code(code, 1);
        output += 1;
        continue;
      }
      symbol = 280 + code - 0xc0;
    }
    // Another block may follow one that is not the last.
    if (symbol === 256) return (bytes[at]! & 1) === 0;
    if (symbol > 285) return false;
    const extra = symbol < 265 || symbol === 285 ? 0 : (symbol - 261) >> 2;
    const least =
      symbol < 265 ? symbol - 254 : symbol === 285 ? 258 : 3 + ((4 + ((symbol - 265) & 3)) << extra);
    const length = least + bits.number(extra);
    const distance = bits.code(0, 5);
    if (distance > 29) return false;
    const more = distance < 4 ? 0 : (distance - 2) >> 1;
    const back = distance < 4 ? distance + 1 : 1 + ((2 + (distance & 1)) << more);
    if (back + bits.number(more) > output) return false;
    output += length;
  }
  return true;
};
