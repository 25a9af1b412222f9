// Inflates raw deflate where the platform has no synchronous zlib, as strictly as zlib does: what one device refuses, no
// other may show. Source: RFC 1951; twin: node:zlib, which tests compare with and which is no faster on small frames.

const MAX_BITS = 15;
const END_OF_BLOCK = 256;
const LITERALS = 286;
const DISTANCES = 30;

/** RFC 1951 §3.2.5: least length and distance of each code, and how many more bits it reads. */
const LENGTH_BASE = Uint16Array.of(
  ...[3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163],
  ...[195, 227, 258],
);
const LENGTH_BITS = Uint8Array.of(
  ...[0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0],
);
const DISTANCE_BASE = Uint16Array.of(
  ...[1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073],
  ...[4097, 6145, 8193, 12289, 16385, 24577],
);
const DISTANCE_BITS = Uint8Array.of(
  ...[0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13],
);
/** RFC 1951 §3.2.7: in which order the lengths of the code length code are stored. */
const ORDER = Uint8Array.of(16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15);

/**
 * Inflates exactly `length` bytes from exactly all of `bytes`.
 *
 * @returns a new array of `length` bytes; undefined if the stream is corrupt, is of another length, or ends early. In
 *   every case nothing larger than that array and a copy of the input is allocated.
 */
export const inflateExactly = (bytes: Uint8Array, length: number): Uint8Array | undefined => {
  const inflater = new Inflater(bytes, new Uint8Array(length));
  return inflater.run() ? inflater.out : undefined;
};

/** Codes of at most so many bits are found in one step. */
const FAST_BITS = 8;
const FAST_MASK = (1 << FAST_BITS) - 1;

/** The bits of each number below 2^FAST_BITS in the opposite order. */
const REVERSED = Uint16Array.from({ length: 1 << FAST_BITS }, (_, value) => {
  let out = 0;
  for (let i = 0; i < FAST_BITS; i++) out |= ((value >> i) & 1) << (FAST_BITS - 1 - i);
  return out;
});

/** A canonical code (RFC 1951 §3.2.2), filled anew for each block. */
class Code {
  /** By the next bits: symbol × 16 + bits of its code; 0 where the code is longer, or none begins so. */
  readonly fast = new Uint16Array(1 << FAST_BITS);
  /** How many codes there are of each length, and all symbols in the order of their codes. */
  readonly #counts = new Uint16Array(MAX_BITS + 1);
  readonly #symbols = new Uint16Array(LITERALS + 2);
  readonly #next = new Uint16Array(MAX_BITS + 1);
  readonly #places = new Uint16Array(MAX_BITS + 1);

  /**
   * Takes the lengths from `from` up to `to`.
   *
   * @param mayBeSingle - a code may leave bits unused if it has one symbol of one bit, or none at all; as zlib has it.
   * @returns false if they are of no code.
   */
  set(lengths: Uint8Array, from: number, to: number, mayBeSingle: boolean): boolean {
    const counts = this.#counts.fill(0);
    for (let i = from; i < to; i++) counts[lengths[i]!]!++;
    const used = to - from - counts[0]!;
    counts[0] = 0;
    let left = 1;
    for (let bits = 1, code = 0, place = 0; bits <= MAX_BITS; bits++) {
      code = (code + counts[bits - 1]!) << 1;
      this.#next[bits] = code;
      this.#places[bits] = place;
      place += counts[bits]!;
      left = 2 * left - counts[bits]!;
      if (left < 0) return false;
    }
    if (left > 0 && !(mayBeSingle && used === counts[1] && used <= 1)) return false;
    this.fast.fill(0);
    for (let i = from; i < to; i++) if (lengths[i] !== 0) this.#add(i - from, lengths[i]!);
    return true;
  }

  #add(symbol: number, bits: number): void {
    const code = this.#next[bits]!++;
    this.#symbols[this.#places[bits]!++] = symbol;
    if (bits > FAST_BITS) return;
    const entry = (symbol << 4) | bits;
    const first = REVERSED[code]! >> (FAST_BITS - bits);
    for (let at = first; at <= FAST_MASK; at += 1 << bits) this.fast[at] = entry;
  }

  /** The entry, as in `fast`, of the code that begins the word, whatever its length; 0 if none does. */
  find(word: number): number {
    let code = 0;
    let first = 0;
    let place = 0;
    for (let bits = 1; bits <= MAX_BITS; bits++) {
      code |= (word >> (bits - 1)) & 1;
      const count = this.#counts[bits]!;
      if (code - first < count) return (this.#symbols[place + code - first]! << 4) | bits;
      place += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    return 0;
  }
}

/** Bytes of zeros behind the input, so that words can be read there. */
const PADDING = 4;
const SCRATCH_BYTES = 4096;

// Used by one call at a time: nothing here waits for anything.
const scratch = new Uint8Array(SCRATCH_BYTES);
const lengths = new Uint8Array(LITERALS + DISTANCES);
const lengthCode = new Code();
const blockLiterals = new Code();
const blockDistances = new Code();

/** A cursor over bits, low ones first, and the output. Past the end it reads zeros, which `run` then notices. */
class Inflater {
  readonly out: Uint8Array;
  /** The input, with zeros behind it. */
  readonly #in: Uint8Array;
  readonly #bits: number;
  #bit = 0;
  #at = 0;

  constructor(bytes: Uint8Array, out: Uint8Array) {
    const { length } = bytes;
    this.out = out;
    this.#bits = 8 * length;
    this.#in = length + PADDING <= SCRATCH_BYTES ? scratch : new Uint8Array(length + PADDING);
    this.#in.set(bytes);
    this.#in.fill(0, length, length + PADDING);
  }

  /** True if all of the input made all of the output. */
  run(): boolean {
    for (let last = false; !last; ) {
      last = this.#take(1) === 1;
      const type = this.#take(2);
      const isWhole =
        type === 0
          ? this.#stored()
          : type === 1
            ? this.#coded(FIXED_LITERALS, FIXED_DISTANCES)
            : type === 2 && this.#dynamic();
      if (!isWhole || this.#bit > this.#bits) return false;
    }
    return this.#at === this.out.length && (this.#bit + 7) >> 3 === this.#bits >> 3;
  }

  /** The next bits without taking them, at least 25. */
  #peek(): number {
    if (this.#bit > this.#bits) return 0;
    return wordAt(this.#in, this.#bit);
  }

  #take(bits: number): number {
    const value = this.#peek() & ((1 << bits) - 1);
    this.#bit += bits;
    return value;
  }

  #stored(): boolean {
    let at = (this.#bit + 7) >> 3;
    const end = this.#bits >> 3;
    if (at + 4 > end) return false;
    const length = this.#in[at]! | (this.#in[at + 1]! << 8);
    const check = this.#in[at + 2]! | (this.#in[at + 3]! << 8);
    at += 4;
    if (length !== (check ^ 0xffff) || at + length > end) return false;
    if (this.#at + length > this.out.length) return false;
    this.out.set(this.#in.subarray(at, at + length), this.#at);
    this.#at += length;
    this.#bit = 8 * (at + length);
    return true;
  }

  /** The symbols of one block. One loop over local variables: here the time goes. */
  #coded(literals: Code, distances: Code): boolean {
    const { out } = this;
    const bytes = this.#in;
    const end = this.#bits;
    let bit = this.#bit;
    let at = this.#at;
    for (;;) {
      if (bit > end) return false;
      const word = wordAt(bytes, bit);
      const entry = literals.fast[word & FAST_MASK]! || literals.find(word);
      const symbol = entry >> 4;
      bit += entry & 15;
      if (symbol < END_OF_BLOCK) {
        if (entry === 0 || at === out.length) return false;
        out[at++] = symbol;
        continue;
      }
      if (symbol === END_OF_BLOCK) break;
      const index = symbol - END_OF_BLOCK - 1;
      if (index >= LENGTH_BASE.length || bit > end) return false;
      const lengthBits = LENGTH_BITS[index]!;
      const length = LENGTH_BASE[index]! + ((word >>> (entry & 15)) & ((1 << lengthBits) - 1));
      bit += lengthBits;
      if (bit > end) return false;
      const second = wordAt(bytes, bit);
      const farEntry = distances.fast[second & FAST_MASK]! || distances.find(second);
      const far = farEntry >> 4;
      if (farEntry === 0 || far >= DISTANCES) return false;
      bit += farEntry & 15;
      if (bit > end) return false;
      const distanceBits = DISTANCE_BITS[far]!;
      const distance = DISTANCE_BASE[far]! + (wordAt(bytes, bit) & ((1 << distanceBits) - 1));
      bit += distanceBits;
      if (distance > at || at + length > out.length) return false;
      for (const stop = at + length; at < stop; at++) out[at] = out[at - distance]!;
    }
    this.#bit = bit;
    this.#at = at;
    return true;
  }

  /** A block whose codes come with it (RFC 1951 §3.2.7). */
  #dynamic(): boolean {
    const literalCount = this.#take(5) + 257;
    const distanceCount = this.#take(5) + 1;
    const codeCount = this.#take(4) + 4;
    if (literalCount > LITERALS || distanceCount > DISTANCES) return false;
    lengths.fill(0, 0, ORDER.length);
    for (let i = 0; i < codeCount; i++) lengths[ORDER[i]!] = this.#take(3);
    if (!lengthCode.set(lengths, 0, ORDER.length, false)) return false;
    const count = literalCount + distanceCount;
    if (!this.#lengths(count) || lengths[END_OF_BLOCK] === 0) return false;
    return (
      blockLiterals.set(lengths, 0, literalCount, true) &&
      blockDistances.set(lengths, literalCount, count, true) &&
      this.#coded(blockLiterals, blockDistances)
    );
  }

  /** Code lengths, run-length coded: 16 repeats the one before, 17 and 18 are runs of none. */
  #lengths(count: number): boolean {
    for (let at = 0; at < count; ) {
      const entry = lengthCode.fast[this.#peek() & FAST_MASK]!;
      const symbol = entry >> 4;
      this.#bit += entry & 15;
      if (entry === 0 || this.#bit > this.#bits || (symbol === 16 && at === 0)) return false;
      if (symbol < 16) {
        lengths[at++] = symbol;
        continue;
      }
      const value = symbol === 16 ? lengths[at - 1]! : 0;
      const repeat =
        symbol === 16 ? 3 + this.#take(2) : symbol === 17 ? 3 + this.#take(3) : 11 + this.#take(7);
      if (at + repeat > count) return false;
      for (const stop = at + repeat; at < stop; at++) lengths[at] = value;
    }
    return true;
  }
}

/** The bits from `bit` on, at least 25 of them. */
const wordAt = (bytes: Uint8Array, bit: number): number => {
  const at = bit >> 3;
  const low = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  return low >>> (bit & 7);
};

/** RFC 1951 §3.2.6. The codes of 286, 287 and of distances 30, 31 take part in it and may not occur. */
const fixedCode = (bits: Uint8Array): Code => {
  const code = new Code();
  code.set(bits, 0, bits.length, false);
  return code;
};
const FIXED_LITERALS = fixedCode(
  Uint8Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8)),
);
const FIXED_DISTANCES = fixedCode(new Uint8Array(32).fill(5));
