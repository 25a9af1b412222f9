// Judges an update of a shared document before Yjs sees it: a Yjs update (V1) by one author, which continues that author's
// clock and holds nothing that could make Yjs throw, wait, or work without bound. Rules: spec/shared-document.md §2.
import { LIMITS, SealwireError } from '@sealwire/protocol';
import type { DeletedRange, DocumentUpdate } from '../logdoc/parser.ts';
import { refused, StrictReader } from '../logdoc/strict-reader.ts';
import { CONTENT, skipContent } from './content.ts';

/** Where a struct lies in its update; only whoever joins or splits updates needs to know. */
export interface StructRange {
  readonly clock: number;
  /** In clocks. */
  readonly length: number;
  readonly info: number;
  /** Offsets in the update: of the info byte, of the content, and behind it. */
  readonly start: number;
  readonly contentAt: number;
  readonly end: number;
  /** The clock of its origin if that is its author's own, else -1. */
  readonly ownOrigin: number;
  /** Offset of its right origin, -1 if it has none. */
  readonly rightAt: number;
}

/** Bits of a struct's first byte. See yjs src/structs/Item.js, write. */
export const STRUCT = { kind: 0x1f, key: 0x20, rightOrigin: 0x40, origin: 0x80 } as const;

export interface DocumentReading {
  /** Bytes that the update may have. Default: `LIMITS.documentBytes`. */
  readonly maxBytes?: number;
  /** Gets each struct. */
  readonly structs?: StructRange[];
}

/**
 * Reads one update. Total: a result or a SealwireError, in time and memory linear in its length.
 *
 * @param update - Yjs update V1; borrowed, the result holds views of it.
 * @param clientId - the author's: the only one that may have written its structs.
 * @param clock - where the author's chain stands; undefined for an own update, which may begin anywhere.
 * @throws SealwireError UPDATE_REFUSED
 */
export const parseDocument = (
  update: Uint8Array,
  clientId: number,
  clock: number | undefined,
  { maxBytes = LIMITS.documentBytes, structs }: DocumentReading = {},
): DocumentUpdate => {
  if (update.length > maxBytes) throw refused('more bytes than an update of a shared document may have');
  const reader = new StrictReader(update);
  const clients = reader.varUint();
  if (clients > 1) throw refused('structs of more than one author');
  const references = new Map<number, number>();
  let count = 0;
  let first = clock ?? 0;
  let next = first;
  let structsAt = reader.at;
  if (clients === 1) {
    count = reader.varUint();
    if (reader.varUint() !== clientId) throw refused("structs that are not their author's");
    first = reader.varUint();
    if (clock !== undefined && first !== clock) throw refused('a clock that does not continue');
    if (count < 1 || count > reader.left) throw refused('a struct count that cannot be');
    structsAt = reader.at;
    next = first;
    for (let i = 0; i < count; i++) next = readStruct(reader, clientId, next, references, structs);
  }
  const structsEnd = reader.at;
  const deletions = readDeletions(reader, clientId, clock === undefined ? undefined : next);
  if (reader.left > 0) throw refused('bytes after its end');
  if (count === 0 && deletions.length === 0) throw refused('nothing to say');
  return {
    clientId,
    clock: first,
    clocks: next - first,
    count,
    structs: update.subarray(structsAt, structsEnd),
    deletions,
    references,
    bytes: update,
  };
};

/** @returns the clock after it. */
const readStruct = (
  reader: StrictReader,
  clientId: number,
  clock: number,
  references: Map<number, number>,
  structs: StructRange[] | undefined,
): number => {
  const start = reader.at;
  const info = reader.uint8();
  const kind = info & STRUCT.kind;
  if (kind > CONTENT.any) throw refused('a struct of an unknown kind, a subdocument or a gap');
  let ownOrigin = -1;
  let rightAt = -1;
  if (kind === CONTENT.gc) {
    if (info !== 0) throw refused('a struct of an unknown kind');
  } else {
    if (info & STRUCT.origin) ownOrigin = readReference(reader, clientId, clock, references);
    if (info & STRUCT.rightOrigin) {
      rightAt = reader.at;
      readReference(reader, clientId, clock, references);
    }
    if ((info & (STRUCT.origin | STRUCT.rightOrigin)) === 0) {
      const isRoot = reader.varUint();
      if (isRoot > 1) throw refused('a parent that cannot be');
      if (isRoot === 1) reader.text();
      else readReference(reader, clientId, clock, references);
      if (info & STRUCT.key) reader.text();
    }
  }
  const contentAt = reader.at;
  const length = skipContent(reader, kind);
  if (length < 1) throw refused('a struct of no length');
  const next = clock + length;
  if (!Number.isSafeInteger(next)) throw refused('a clock out of range');
  structs?.push({ clock, length, info, start, contentAt, end: reader.at, ownOrigin, rightAt });
  return next;
};

/**
 * Origin, right origin or parent: an own one must come before; which others are needed is noted.
 *
 * @returns its clock if it is an own one, else -1.
 */
const readReference = (
  reader: StrictReader,
  clientId: number,
  before: number,
  references: Map<number, number>,
): number => {
  const client = reader.varUint();
  const clock = reader.varUint();
  if (client === clientId) {
    if (clock >= before) throw refused('a struct that refers to itself or a later one');
    return clock;
  }
  if (clock > (references.get(client) ?? -1)) references.set(client, clock);
  return -1;
};

/** @param end - the author's clock behind this update; undefined if it is not known. */
const readDeletions = (
  reader: StrictReader,
  clientId: number,
  end: number | undefined,
): readonly DeletedRange[] => {
  const clients = reader.varUint();
  if (clients === 0) return NONE;
  const deletions: DeletedRange[] = [];
  let before = Number.POSITIVE_INFINITY;
  for (let i = 0; i < clients; i++) {
    const client = reader.varUint();
    if (client >= before) throw refused('deletions out of order');
    before = client;
    const ranges = reader.varUint();
    if (ranges < 1) throw refused('an empty list of deletions');
    let from = 0;
    for (let j = 0; j < ranges; j++) {
      const clock = reader.varUint();
      const length = reader.varUint();
      // Ranges that overlap would make Yjs walk over the same structs again and again.
      if (clock < from) throw refused('deletions that overlap');
      from = clock + length;
      if (length < 1 || !Number.isSafeInteger(from)) throw refused('a deletion out of range');
      if (client === clientId && end !== undefined && from > end)
        throw refused('a deletion of what its author has not written yet');
      deletions.push({ clientId: client, clock, length });
    }
  }
  return deletions;
};

const NONE: readonly DeletedRange[] = [];

/** A frame's payload as a room takes it. @throws SealwireError UPDATE_REFUSED */
export const readDocument = (payload: Uint8Array, clientId: number, clock: number): DocumentUpdate => {
  try {
    return parseDocument(payload, clientId, clock);
  } catch (error) {
    if (error instanceof SealwireError) throw error;
    throw new Error('the parser of shared documents is not total', { cause: error });
  }
};
