// Inflates raw deflate where the platform has no synchronous zlib, as strictly as zlib does: what one device refuses, no
// other may show. Source: RFC 1951; twin: node:zlib, which tests compare with.

const MAX_BITS = 15;
const END_OF_BLOCK = 256;
const LITERALS = 286;
const DISTANCES = 30;

/** RFC 1951 §3.2.5: least length and distance of each code, and how many more bits it reads. */
const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
  227, 258,
];
const LENGTH_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_BASE = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
  6145, 8193, 12289, 16385, 24577,
];
const DISTANCE_BITS = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
];
/** RFC 1951 §3.2.7: in which order the lengths of the code length code are stored. */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/**
 * Inflates exactly `length` bytes from exactly all of `bytes`.
 *
 * @returns a new array of `length` bytes; undefined if the stream is corrupt, is of another length, or ends early. In
 *   every case nothing larger than that array is allocated.
 */
export const inflateExactly = (bytes: Uint8Array, length: number): Uint8Array | undefined => {
  const inflater = new Inflater(bytes, new Uint8Array(length));
  return inflater.run() ? inflater.out : undefined;
};

/** Codes by the bits that they begin with: symbol × 16 + bits of the code; 0 where no code begins so. */
interface Table {
  readonly codes: Uint16Array;
  readonly bits: number;
}

/** A cursor over bits, low ones first, and the output. Past the end it reads zeros, which the callers then notice. */
class Inflater {
  readonly out: Uint8Array;
  readonly #in: Uint8Array;
  #bit = 0;
  #at = 0;

  constructor(bytes: Uint8Array, out: Uint8Array) {
    this.#in = bytes;
    this.out = out;
  }

  /** True if all of the input made all of the output. */
  run(): boolean {
    for (let last = false; !last; ) {
      last = this.#take(1) === 1;
      const type = this.#take(2);
      const isWhole =
        type === 0 ? this.#stored() : type === 1 ? this.#coded(FIXED) : type === 2 && this.#dynamic();
      if (!isWhole || this.#isPastEnd()) return false;
    }
    return this.#at === this.out.length && Math.ceil(this.#bit / 8) === this.#in.length;
  }

  #isPastEnd(): boolean {
    return this.#bit > 8 * this.#in.length;
  }

  /** The next bits without taking them, at least 17. */
  #peek(): number {
    const at = this.#bit >> 3;
    return ((this.#in[at]! | (this.#in[at + 1]! << 8) | (this.#in[at + 2]! << 16)) >>> (this.#bit & 7)) >>> 0;
  }

  #take(bits: number): number {
    const value = this.#peek() & ((1 << bits) - 1);
    this.#bit += bits;
    return value;
  }

  /** The next symbol of a code, or -1. */
  #symbol({ codes, bits }: Table): number {
    const code = codes[this.#peek() & ((1 << bits) - 1)]!;
    if (code === 0) return -1;
    this.#bit += code & 15;
    return code >> 4;
  }

  #stored(): boolean {
    let at = Math.ceil(this.#bit / 8);
    if (at + 4 > this.#in.length) return false;
    const length = this.#in[at]! | (this.#in[at + 1]! << 8);
    const check = this.#in[at + 2]! | (this.#in[at + 3]! << 8);
    at += 4;
    if (length !== (check ^ 0xffff) || at + length > this.#in.length) return false;
    if (this.#at + length > this.out.length) return false;
    this.out.set(this.#in.subarray(at, at + length), this.#at);
    this.#at += length;
    this.#bit = 8 * (at + length);
    return true;
  }

  #coded({ literals, distances }: { readonly literals: Table; readonly distances: Table }): boolean {
    const { out } = this;
    for (;;) {
      const symbol = this.#symbol(literals);
      if (symbol < 0 || this.#isPastEnd()) return false;
      if (symbol === END_OF_BLOCK) return true;
      if (symbol < END_OF_BLOCK) {
        if (this.#at === out.length) return false;
        out[this.#at++] = symbol;
      } else if (!this.#copy(symbol - END_OF_BLOCK - 1, distances)) return false;
    }
  }

  #copy(lengthCode: number, distances: Table): boolean {
    if (lengthCode >= LENGTH_BASE.length) return false;
    const length = LENGTH_BASE[lengthCode]! + this.#take(LENGTH_BITS[lengthCode]!);
    const distanceCode = this.#symbol(distances);
    if (distanceCode < 0 || distanceCode >= DISTANCES) return false;
    const distance = DISTANCE_BASE[distanceCode]! + this.#take(DISTANCE_BITS[distanceCode]!);
    const { out } = this;
    if (distance > this.#at || this.#at + length > out.length || this.#isPastEnd()) return false;
    for (let i = 0; i < length; i++, this.#at++) out[this.#at] = out[this.#at - distance]!;
    return true;
  }

  /** A block whose codes come with it (RFC 1951 §3.2.7). */
  #dynamic(): boolean {
    const literalCount = this.#take(5) + 257;
    const distanceCount = this.#take(5) + 1;
    const codeCount = this.#take(4) + 4;
    if (literalCount > LITERALS || distanceCount > DISTANCES) return false;
    const codeLengths = new Uint8Array(ORDER.length);
    for (let i = 0; i < codeCount; i++) codeLengths[ORDER[i]!] = this.#take(3);
    const codes = tableOf(codeLengths, false);
    const lengths = codes && this.#lengths(codes, literalCount + distanceCount);
    if (!lengths || lengths[END_OF_BLOCK] === 0) return false;
    const literals = tableOf(lengths.subarray(0, literalCount), true);
    const distances = tableOf(lengths.subarray(literalCount), true);
    return literals !== undefined && distances !== undefined && this.#coded({ literals, distances });
  }

  /** Code lengths, run-length coded: 16 repeats the one before, 17 and 18 are runs of none. */
  #lengths(codes: Table, count: number): Uint8Array | undefined {
    const lengths = new Uint8Array(count);
    for (let at = 0; at < count; ) {
      const symbol = this.#symbol(codes);
      if (symbol < 0 || this.#isPastEnd() || (symbol === 16 && at === 0)) return undefined;
      if (symbol < 16) {
        lengths[at++] = symbol;
        continue;
      }
      const value = symbol === 16 ? lengths[at - 1]! : 0;
      const repeat =
        symbol === 16 ? 3 + this.#take(2) : symbol === 17 ? 3 + this.#take(3) : 11 + this.#take(7);
      if (at + repeat > count) return undefined;
      lengths.fill(value, at, at + repeat);
      at += repeat;
    }
    return lengths;
  }
}

/**
 * The table of a canonical code (RFC 1951 §3.2.2), or undefined if the lengths are of no code.
 *
 * @param mayBeSingle - a code may leave bits unused if it has one symbol of one bit, or none at all; as zlib has it.
 */
const tableOf = (lengths: Uint8Array, mayBeSingle: boolean): Table | undefined => {
  const counts = new Uint16Array(MAX_BITS + 1);
  for (const length of lengths) counts[length]! += 1;
  counts[0] = 0;
  let bits = MAX_BITS;
  while (bits > 0 && counts[bits] === 0) bits--;
  if (bits === 0) return mayBeSingle ? { codes: new Uint16Array(1), bits: 0 } : undefined;
  let left = 1;
  const next = new Uint16Array(MAX_BITS + 1);
  for (let length = 1, code = 0; length <= MAX_BITS; length++) {
    code = (code + counts[length - 1]!) << 1;
    next[length] = code;
    left = 2 * left - counts[length]!;
    if (left < 0) return undefined;
  }
  if (left > 0 && !(mayBeSingle && bits === 1)) return undefined;
  const codes = new Uint16Array(1 << bits);
  for (const [symbol, length] of lengths.entries()) {
    if (length === 0) continue;
    const first = reversed(next[length]!++, length);
    for (let at = first; at < codes.length; at += 1 << length) codes[at] = (symbol << 4) | length;
  }
  return { codes, bits };
};

const reversed = (code: number, bits: number): number => {
  let out = 0;
  for (let i = 0; i < bits; i++) out |= ((code >> i) & 1) << (bits - 1 - i);
  return out;
};

/** RFC 1951 §3.2.6. The codes of 286, 287 and of distances 30, 31 take part in it and may not occur. */
const FIXED = {
  literals: tableOf(
    Uint8Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8)),
    false,
  )!,
  distances: tableOf(new Uint8Array(32).fill(5), false)!,
};
