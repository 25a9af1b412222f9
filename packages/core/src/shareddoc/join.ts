// Own edits of a shared document on their way out: joined into as few updates as the limits allow, typed text into runs,
// and without the content of what was deleted meanwhile. Rules: spec/shared-document.md §3.
import { LIMITS } from '@sealwire/protocol';
import * as encoding from 'lib0/encoding';
import { utf8 } from '../bytes.ts';
import type { DeletedRange } from '../logdoc/parser.ts';
import { CONTENT } from './content.ts';
import { parseDocument, STRUCT, type StructRange } from './parser.ts';

/** What an update's frame around structs and deletions takes at most: four numbers and a clientID. */
const REST_BYTES = 64;
/** A text longer than that is cut into several structs. */
const PIECE_BYTES = 32 * 1024;
/** What a deleted range takes at most. */
const RANGE_BYTES = 32;

/** A struct on its way out. */
interface Segment {
  clock: number;
  length: number;
  info: number;
  /** Behind the info byte: origins, or parent and key. */
  readonly head: Uint8Array;
  /** From where in `head` its right origin stands; -1 if it has none. */
  readonly rightAt: number;
  /** As it is written; of a text its bytes alone, to which more may come. */
  readonly content: Uint8Array | number[];
}

/**
 * Joins updates of one clientID that continue each other. What they say is what they say one by one.
 *
 * @param updates - Yjs updates V1 that {@link parseDocument} takes, of any size.
 * @returns updates of at most `maxBytes` each, in order. One struct that is larger alone makes one larger update.
 */
export const joinDocuments = (
  updates: readonly Uint8Array[],
  clientId: number,
  maxBytes: number = LIMITS.documentBytes,
): Uint8Array[] =>
  joinEdits(
    updates.map((bytes) => readEdit(bytes, clientId, undefined)),
    clientId,
    maxBytes,
  );

/** An own update that was read, with its structs. */
export interface Edit {
  readonly bytes: Uint8Array;
  readonly structs: readonly StructRange[];
  readonly deletions: readonly DeletedRange[];
  readonly clocks: number;
}

/** Reads an own update of any size. @param clock - where it must begin. @throws SealwireError UPDATE_REFUSED */
export const readEdit = (bytes: Uint8Array, clientId: number, clock: number | undefined): Edit => {
  const structs: StructRange[] = [];
  const maxBytes = Number.POSITIVE_INFINITY;
  const { deletions, clocks } = parseDocument(bytes, clientId, clock, { maxBytes, structs });
  return { bytes, structs, deletions, clocks };
};

/** {@link joinDocuments} of what was read before. */
export const joinEdits = (
  read: readonly Edit[],
  clientId: number,
  maxBytes: number = LIMITS.documentBytes,
): Uint8Array[] => {
  const deletions = rangesByClient(read.flatMap((update) => update.deletions));
  const gone = deletions.get(clientId) ?? [];
  const segments: Segment[] = [];
  for (const { bytes, structs } of read)
    for (const struct of structs) addStruct(segments, bytes, struct, clientId, gone);
  return writeAll(segments, deletions, clientId, maxBytes);
};

/** One struct as it leaves: with the text before it, whole, without its content, or in pieces. */
const addStruct = (
  segments: Segment[],
  bytes: Uint8Array,
  struct: StructRange,
  clientId: number,
  gone: readonly DeletedRange[],
): void => {
  const { clock, length, info, contentAt, end } = struct;
  const kind = info & STRUCT.kind;
  const isText = kind === CONTENT.string;
  const isTouched = gone.length > 0 && isCut(gone, clock, length);
  if (isText && !isTouched && end - contentAt <= PIECE_BYTES) {
    if (continueText(segments.at(-1), bytes, struct)) return;
    const content: number[] = [];
    pushBytes(content, bytes, textAt(bytes, contentAt), end);
    segments.push({ ...headOf(bytes, struct), clock, length, info, content });
    return;
  }
  const whole = { ...headOf(bytes, struct), clock, length, info };
  const content = bytes.subarray(contentAt, end);
  const hasContent = kind !== CONTENT.gc && kind !== CONTENT.deleted;
  const cuts = isTouched ? cutsIn(clock, length, gone) : [{ length, isGone: false }];
  if (hasContent && cuts.length === 1 && cuts[0]!.isGone) segments.push(deletedSegment(whole));
  else if (!isText) segments.push({ ...whole, content });
  else segments.push(...piecesOf(whole, bytes.subarray(textAt(bytes, contentAt), end), cuts, clientId));
};

/** Behind the info byte: origins, or parent and key. */
const headOf = (
  bytes: Uint8Array,
  { start, contentAt, rightAt }: StructRange,
): Pick<Segment, 'head' | 'rightAt'> => ({
  head: bytes.subarray(start + 1, contentAt),
  rightAt: rightAt < 0 ? -1 : rightAt - start - 1,
});

/** Where a text begins behind its length. */
const textAt = (bytes: Uint8Array, contentAt: number): number => {
  let at = contentAt;
  while (bytes[at]! >= 0x80) at++;
  return at + 1;
};

const pushBytes = (to: number[], bytes: Uint8Array, from: number, end: number): void => {
  for (let i = from; i < end; i++) to.push(bytes[i]!);
};

/** Takes a text into the one before it if Yjs would keep them as one item. */
const continueText = (
  last: Segment | undefined,
  bytes: Uint8Array,
  { clock, length, info, contentAt, end, ownOrigin, rightAt }: StructRange,
): boolean => {
  if (!last || !Array.isArray(last.content) || ownOrigin !== clock - 1 || (info | last.info) & STRUCT.key)
    return false;
  if (last.content.length + end - contentAt > PIECE_BYTES) return false;
  if (rightAt < 0 !== last.rightAt < 0) return false;
  if (rightAt >= 0) {
    const { head } = last;
    const size = contentAt - rightAt;
    if (head.length - last.rightAt !== size) return false;
    for (let i = 0; i < size; i++) if (head[last.rightAt + i] !== bytes[rightAt + i]) return false;
  }
  pushBytes(last.content, bytes, textAt(bytes, contentAt), end);
  last.length += length;
  return true;
};

const isCut = (gone: readonly DeletedRange[], clock: number, length: number): boolean => {
  const next = gone[firstEndingAfter(gone, clock)];
  return next !== undefined && next.clock < clock + length;
};

const deletedSegment = ({ info, length, ...rest }: Omit<Segment, 'content'>): Segment => ({
  ...rest,
  length,
  info: (info & ~STRUCT.kind) | CONTENT.deleted,
  content: varUint(length),
});

interface Cut {
  readonly length: number;
  readonly isGone: boolean;
}

/** A range, cut where what is deleted begins and ends. */
const cutsIn = (clock: number, length: number, gone: readonly DeletedRange[]): Cut[] => {
  const end = clock + length;
  const cuts: Cut[] = [];
  let at = clock;
  for (let i = firstEndingAfter(gone, clock); i < gone.length && gone[i]!.clock < end; i++) {
    const from = Math.max(gone[i]!.clock, at);
    const to = Math.min(gone[i]!.clock + gone[i]!.length, end);
    if (from > at) cuts.push({ length: from - at, isGone: false });
    cuts.push({ length: to - from, isGone: true });
    at = to;
  }
  if (at < end) cuts.push({ length: end - at, isGone: false });
  return cuts;
};

/** Ranges rise and do not touch. */
export const firstEndingAfter = (ranges: readonly DeletedRange[], clock: number): number => {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ranges[middle]!.clock + ranges[middle]!.length <= clock) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** A text in pieces, each of which stands behind the one before it and before what the whole stood before. */
const piecesOf = (
  whole: Omit<Segment, 'content'>,
  bytes: Uint8Array,
  cuts: readonly Cut[],
  clientId: number,
): Segment[] => {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const right = whole.rightAt < 0 ? undefined : whole.head.subarray(whole.rightAt);
  const pieces: Segment[] = [];
  let at = 0;
  for (const cut of cuts)
    for (let left = cut.length; left > 0; ) {
      // A third, since a UTF-16 unit takes at most three bytes; and never between the halves of a pair.
      let length = cut.isGone ? left : Math.min(left, Math.floor(PIECE_BYTES / 3));
      if (length < left && isHighSurrogate(text.charCodeAt(at + length - 1))) length -= 1;
      const clock = whole.clock + at;
      const part =
        at === 0
          ? { ...whole, length }
          : { clock, length, info: infoBehind(whole.info), ...headBehind(clientId, clock - 1, right) };
      pieces.push(
        cut.isGone ? deletedSegment(part) : { ...part, content: [...utf8(text.slice(at, at + length))] },
      );
      at += length;
      left -= length;
    }
  return pieces;
};

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00;

const infoBehind = (info: number): number => (info & ~STRUCT.key) | STRUCT.origin;

const headBehind = (
  clientId: number,
  clock: number,
  right: Uint8Array | undefined,
): Pick<Segment, 'head' | 'rightAt'> => {
  const out = encoding.createEncoder();
  encoding.writeVarUint(out, clientId);
  encoding.writeVarUint(out, clock);
  const rightAt = right ? encoding.length(out) : -1;
  if (right) encoding.writeUint8Array(out, right);
  return { head: encoding.toUint8Array(out), rightAt };
};

const sizeOf = ({ head, content }: Segment): number => 8 + head.length + content.length;

const writeAll = (
  segments: readonly Segment[],
  deletions: ReadonlyMap<number, readonly DeletedRange[]>,
  clientId: number,
  maxBytes: number,
): Uint8Array[] => {
  const groups: Segment[][] = [[]];
  let bytes = REST_BYTES;
  for (const segment of segments) {
    const size = sizeOf(segment);
    if (groups.at(-1)!.length > 0 && bytes + size > maxBytes) {
      groups.push([]);
      bytes = REST_BYTES;
    }
    groups.at(-1)!.push(segment);
    bytes += size;
  }
  // Deletions go last: an update deletes nothing that its author has not written.
  const ranges = [...deletions].sort(([a], [b]) => b - a).flatMap(([, list]) => list);
  const fits = Math.max(0, Math.floor((maxBytes - bytes) / RANGE_BYTES));
  const most = Math.floor((maxBytes - REST_BYTES) / RANGE_BYTES);
  const updates = groups.map((group, i) =>
    writeOne(group, i === groups.length - 1 ? ranges.slice(0, fits) : [], clientId),
  );
  if (segments.length === 0 && fits === 0) updates.pop();
  for (let at = fits; at < ranges.length; at += most)
    updates.push(writeOne([], ranges.slice(at, at + most), clientId));
  return updates;
};

const writeOne = (
  segments: readonly Segment[],
  ranges: readonly DeletedRange[],
  clientId: number,
): Uint8Array => {
  const out = encoding.createEncoder();
  encoding.writeVarUint(out, segments.length > 0 ? 1 : 0);
  if (segments.length > 0) {
    encoding.writeVarUint(out, segments.length);
    encoding.writeVarUint(out, clientId);
    encoding.writeVarUint(out, segments[0]!.clock);
  }
  for (const { info, head, content } of segments) {
    encoding.writeUint8(out, info);
    encoding.writeUint8Array(out, head);
    if (!Array.isArray(content)) {
      encoding.writeUint8Array(out, content);
      continue;
    }
    encoding.writeVarUint(out, content.length);
    for (const byte of content) encoding.writeUint8(out, byte);
  }
  writeRanges(out, ranges);
  return encoding.toUint8Array(out);
};

/** @param ranges - those of one client together. */
export const writeRanges = (out: encoding.Encoder, ranges: readonly DeletedRange[]): void => {
  const byClient = new Map<number, DeletedRange[]>();
  for (const range of ranges) {
    const list = byClient.get(range.clientId);
    if (list) list.push(range);
    else byClient.set(range.clientId, [range]);
  }
  encoding.writeVarUint(out, byClient.size);
  for (const [client, list] of byClient) {
    encoding.writeVarUint(out, client);
    encoding.writeVarUint(out, list.length);
    for (const { clock, length } of list) {
      encoding.writeVarUint(out, clock);
      encoding.writeVarUint(out, length);
    }
  }
};

/** Ranges by what they delete, rising, those that touch joined. */
export const rangesByClient = (ranges: readonly DeletedRange[]): Map<number, DeletedRange[]> => {
  const byClient = new Map<number, DeletedRange[]>();
  for (const range of ranges) {
    const list = byClient.get(range.clientId);
    if (list) list.push(range);
    else byClient.set(range.clientId, [range]);
  }
  for (const [client, list] of byClient) {
    const joined: DeletedRange[] = [];
    for (const range of list.sort((a, b) => a.clock - b.clock)) {
      const last = joined.at(-1);
      const end = range.clock + range.length;
      if (!last || range.clock > last.clock + last.length) joined.push(range);
      else if (end > last.clock + last.length)
        joined[joined.length - 1] = { ...last, length: end - last.clock };
    }
    byClient.set(client, joined);
  }
  return byClient;
};

const varUint = (value: number): Uint8Array => {
  const out = encoding.createEncoder();
  encoding.writeVarUint(out, value);
  return encoding.toUint8Array(out);
};
