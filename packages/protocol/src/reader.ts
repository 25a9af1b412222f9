// A strict cursor over received bytes: every method gives a value or throws a SealwireError, nothing else.
// Rules: spec/relay-protocol.md §3 (RP10 to RP14).
import { SealwireError } from './errors.ts';

/**
 * Reads one message front to back. lib0's own decoders accept padded numbers, throw plain Errors and do not
 * check counts, so bytes from the network are read with this instead.
 *
 * @see spec/relay-protocol.md §3
 */
export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  /** @param bytes - borrowed; what {@link fixed} and {@link sized} return are views into it. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bytes not read yet. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** One byte, 0 to 255. @throws SealwireError MALFORMED at the end. */
  byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw malformed('the message ends early');
    this.#at++;
    return byte;
  }

  /** One byte that must be 0 or 1. @throws SealwireError MALFORMED otherwise. */
  flag(): boolean {
    const byte = this.byte();
    if (byte > 1) throw malformed('a flag is neither 0 nor 1');
    return byte === 1;
  }

  /**
   * A number in lib0's variable-length form: 7 bits a byte, low bits first, at most 2^53 - 1, shortest form only.
   *
   * @throws SealwireError MALFORMED if it is cut off, padded or too big.
   */
  uint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER) throw malformed('a number is above 2^53 - 1');
      if (byte < 0x80) {
        if (byte === 0 && scale > 1) throw malformed('a number is not in its shortest form');
        return value;
      }
      // The eighth byte carries bits 49 to 55; a ninth could only be padding or too much.
      if (scale > 2 ** 48) throw malformed('a number is above 2^53 - 1');
      scale *= 128;
    }
  }

  /** A number from 1 on. @throws SealwireError MALFORMED if it is 0 or no number. */
  positive(): number {
    const value = this.uint();
    if (value === 0) throw malformed('a number that starts at 1 is 0');
    return value;
  }

  /**
   * How many items follow, refused before anything is allocated for them.
   *
   * @param limit - the most items there may be.
   * @param bytesEach - the fewest bytes an item takes.
   * @throws SealwireError TOO_LARGE above the limit; MALFORMED if the bytes left cannot hold that many.
   */
  count(limit: number, bytesEach: number): number {
    const count = this.uint();
    if (count > limit) throw new SealwireError('TOO_LARGE', `a list of ${count} is longer than ${limit}`);
    if (count * bytesEach > this.left) throw malformed('a list is longer than its message');
    return count;
  }

  /** A view of the next `length` bytes. @throws SealwireError MALFORMED if there are fewer. */
  fixed(length: number): Uint8Array {
    if (length > this.left) throw malformed('the message ends early');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /**
   * A view of bytes that follow their own length.
   *
   * @throws SealwireError TOO_LARGE above `limit`; MALFORMED if the bytes are not there.
   */
  sized(limit: number): Uint8Array {
    const length = this.uint();
    if (length > limit) throw new SealwireError('TOO_LARGE', `${length} bytes are more than ${limit}`);
    return this.fixed(length);
  }

  /**
   * Printable ASCII (0x21 to 0x7e) that follows its own length; '' if that is 0.
   *
   * @throws SealwireError as {@link sized}; MALFORMED for any other byte.
   */
  ascii(limit: number): string {
    let text = '';
    for (const byte of this.sized(limit)) {
      if (byte < 0x21 || byte > 0x7e) throw malformed('a label holds a byte that is not printable ASCII');
      text += String.fromCharCode(byte);
    }
    return text;
  }

  /** Nothing may follow. @throws SealwireError MALFORMED if bytes are left. */
  end(): void {
    if (this.left > 0) throw malformed('bytes follow the message');
  }
}

/** The error for bytes that are no message. @param why - one sentence without anything of the bytes. */
export const malformed = (why: string): SealwireError =>
  new SealwireError('MALFORMED', `Malformed message: ${why}.`);
