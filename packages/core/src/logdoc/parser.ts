// The strict parser: judges a Yjs update (V1) before Yjs sees it. A log document has one legal shape; the rest is
// refused whole. Rules: spec/log-document.md.
import { LIMITS, SealwireError } from '@sealwire/protocol';

/** The one root type of a log document, a Y.Map. One character: its name travels with each entry. */
export const ROOT = 'e';

/** One entry, written once at its own clock. */
export interface ParsedEntry {
  readonly clock: number;
  /** The entry's bytes, a view of the update; undefined if it was deleted before it left its device. */
  readonly content: Uint8Array | undefined;
  /** Where its struct stands in the update: from `start` to `end`. */
  readonly start: number;
  readonly end: number;
}

export interface DeletedRange {
  readonly clientId: number;
  readonly clock: number;
  readonly length: number;
}

export interface ParsedUpdate {
  /** All by one clientID, clocks rising by one. */
  readonly clientId: number;
  readonly entries: readonly ParsedEntry[];
  readonly deletions: readonly DeletedRange[];
}

// Yjs update V1: struct references, and the bit that says that a key follows. See yjs src/structs/Item.js.
const WITH_KEY = 0x20;
/** First byte of an entry's struct: a keyed item of binary content. */
export const BINARY_ENTRY = WITH_KEY | 3;
/** First byte of a struct that held an entry: a keyed item whose content is gone. */
export const DELETED_ENTRY = WITH_KEY | 1;

/**
 * Parses one update and refuses what is not of the legal shape. Total: a result or a SealwireError, in time and
 * memory linear in the update's length.
 *
 * @param update - Yjs update V1; borrowed, the result holds views of it.
 * @param clientId - the only one that may have written its structs.
 * @param clock - the clock at which its structs must begin; undefined for own ones, which may begin anywhere.
 * @throws SealwireError UPDATE_REFUSED
 */
export const parseUpdate = (
  update: Uint8Array,
  clientId: number,
  clock: number | undefined,
): ParsedUpdate => {
  const parser = new UpdateReader(update);
  const clients = parser.varUint();
  if (clients > 1) throw refused('structs of more than one author');
  const entries = clients === 1 ? readStructs(parser, clientId, clock) : [];
  const deletions = readDeletions(parser);
  if (parser.at !== update.length) throw refused('bytes after its end');
  return { clientId, entries, deletions };
};

const readStructs = (parser: UpdateReader, clientId: number, clock: number | undefined): ParsedEntry[] => {
  const count = parser.varUint();
  if (parser.varUint() !== clientId) throw refused("structs that are not their author's");
  const first = parser.varUint();
  if (clock !== undefined && first !== clock) throw refused('a clock that does not continue');
  if (count < 1 || count > parser.left) throw refused('a struct count that cannot be');
  const entries: ParsedEntry[] = [];
  const prefix = prefixOf(clientId);
  for (let next = first; entries.length < count; next++) {
    if (!Number.isSafeInteger(next + 1)) throw refused('a clock out of range');
    entries.push(readEntry(parser, prefix, next));
  }
  return entries;
};

let lastPrefix = { clientId: -1, text: '' };

/** `clientID:`. The last one is kept: a chain's updates come together, and 53 bits are slow to write as decimals. */
const prefixOf = (clientId: number): string => {
  if (lastPrefix.clientId !== clientId) lastPrefix = { clientId, text: `${clientId}:` };
  return lastPrefix.text;
};

/** info, parent is a root type, its name, the key, then the content: nothing else is legal. */
const readEntry = (parser: UpdateReader, prefix: string, clock: number): ParsedEntry => {
  const start = parser.at;
  const info = parser.uint8();
  if (info !== BINARY_ENTRY && info !== DELETED_ENTRY) throw refused('a struct that is no entry');
  if (parser.uint8() !== 1) throw refused('an entry outside the root');
  parser.ascii(ROOT, '', 'an entry outside the root map');
  parser.ascii(prefix, String(clock), 'an entry under a key that is not its own');
  if (info === BINARY_ENTRY) {
    const length = parser.varUint();
    if (length < 1 || length > LIMITS.entryBytes) throw refused('an entry that is empty or too large');
    parser.skip(length);
    return new KeyedEntry(parser.update, clock, start, parser.at, length);
  }
  if (parser.varUint() !== 1) throw refused('a deleted entry of another length than 1');
  return new KeyedEntry(parser.update, clock, start, parser.at, 0);
};

const readDeletions = (parser: UpdateReader): DeletedRange[] => {
  const deletions: DeletedRange[] = [];
  const clients = parser.varUint();
  for (let i = 0; i < clients; i++) {
    const clientId = parser.varUint();
    const ranges = parser.varUint();
    if (ranges < 1) throw refused('an empty list of deletions');
    for (let j = 0; j < ranges; j++) {
      const clock = parser.varUint();
      const length = parser.varUint();
      if (length < 1 || !Number.isSafeInteger(clock + length)) throw refused('a deletion out of range');
      deletions.push({ clientId, clock, length });
    }
  }
  return deletions;
};

/** Makes the view of its content when asked for: judging and joining need no more than where it stands. */
class KeyedEntry implements ParsedEntry {
  readonly clock: number;
  readonly start: number;
  readonly end: number;
  readonly #update: Uint8Array;
  readonly #length: number;

  constructor(update: Uint8Array, clock: number, start: number, end: number, length: number) {
    this.#update = update;
    this.clock = clock;
    this.start = start;
    this.end = end;
    this.#length = length;
  }

  get content(): Uint8Array | undefined {
    return this.#length > 0 ? this.#update.subarray(this.end - this.#length, this.end) : undefined;
  }
}

/** Reads an update in place. Each read takes at least one byte, so no count makes it run longer than its input. */
class UpdateReader {
  at = 0;
  readonly update: Uint8Array;

  constructor(update: Uint8Array) {
    this.update = update;
  }

  get left(): number {
    return this.update.length - this.at;
  }

  uint8(): number {
    const byte = this.update[this.at++];
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

  /** Requires a length-prefixed string to be exactly `start` and `end`, ASCII and together shorter than 128. */
  ascii(start: string, end: string, otherwise: string): void {
    const length = start.length + end.length;
    if (this.uint8() !== length || length > this.left) throw refused(otherwise);
    this.#same(start, otherwise);
    this.#same(end, otherwise);
  }

  #same(text: string, otherwise: string): void {
    for (let i = 0; i < text.length; i++)
      if (this.update[this.at + i] !== text.charCodeAt(i)) throw refused(otherwise);
    this.at += text.length;
  }
}

const refused = (why: string): SealwireError =>
  new SealwireError('UPDATE_REFUSED', `An update was refused whole: it has ${why}.`);
