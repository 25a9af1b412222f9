// Reads payloads and Yjs updates in place, and refuses every second spelling. Rules: spec/log-document.md §1 and §7.
import { SealwireError } from '@sealwire/protocol';
import type { ParsedEntry } from './parser.ts';

/** As lib0 reads text, which throws where this does. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Each read takes at least one byte, so no count makes it run longer than its input. */
export class StrictReader {
  at = 0;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  uint8(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined) throw refused('cut short');
    return byte;
  }

  /** A safe integer in its shortest form: a second spelling of one update would be a second content of one clock. */
  varUint(): number {
    let byte = this.uint8();
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let factor = 0x80; ; factor *= 0x80) {
      byte = this.uint8();
      value += (byte & 0x7f) * factor;
      if (!Number.isSafeInteger(value)) throw refused('a number out of range');
      if (byte < 0x80) break;
    }
    if (byte === 0) throw refused('a number that is not in its shortest form');
    return value;
  }

  skip(length: number): void {
    if (length > this.left) throw refused('cut short');
    this.at += length;
  }

  /** Passes over a length-prefixed string of UTF-8. @returns its length in UTF-16 units, as Yjs counts. */
  text(): number {
    const length = this.varUint();
    const start = this.at;
    this.skip(length);
    for (let i = start; i < this.at; i++) if (this.bytes[i]! >= 0x80) return this.#decode(start).length;
    return length;
  }

  /** Reads a length-prefixed string of UTF-8. */
  string(): string {
    const length = this.varUint();
    const start = this.at;
    this.skip(length);
    return this.#decode(start);
  }

  #decode(start: number): string {
    try {
      return UTF8.decode(this.bytes.subarray(start, this.at));
    } catch {
      throw refused('text that is no UTF-8');
    }
  }

  /** Requires a length-prefixed string to be exactly `start` and `end`, ASCII and together shorter than 128. */
  ascii(start: string, end: string, otherwise: string): void {
    const length = start.length + end.length;
    if (this.uint8() !== length || length > this.left) throw refused(otherwise);
    this.#same(start, otherwise);
    this.#same(end, otherwise);
  }

  #same(text: string, otherwise: string): void {
    for (let i = 0; i < text.length; i++)
      if (this.bytes[this.at + i] !== text.charCodeAt(i)) throw refused(otherwise);
    this.at += text.length;
  }
}

/** An entry where it stands. Makes the view of its content when asked for: judging needs no more than its length. */
export class EntryView implements ParsedEntry {
  readonly clock: number;
  readonly length: number;
  readonly #bytes: Uint8Array;
  readonly #end: number;

  constructor(clock: number, bytes: Uint8Array, end: number, length: number) {
    this.clock = clock;
    this.length = length;
    this.#bytes = bytes;
    this.#end = end;
  }

  get content(): Uint8Array | undefined {
    return this.length > 0 ? this.#bytes.subarray(this.#end - this.length, this.#end) : undefined;
  }
}

export const refused = (why: string): SealwireError =>
  new SealwireError('UPDATE_REFUSED', `An update was refused whole: it has ${why}.`);
