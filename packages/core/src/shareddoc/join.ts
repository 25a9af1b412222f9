// Own edits of a shared document on their way out: joined into as few updates as the limits allow, typed text into runs,
// and without the content of what was deleted meanwhile. Rules: spec/shared-document.md §3.
import { LIMITS } from '@sealwire/protocol';
import * as encoding from 'lib0/encoding';
import { utf8 } from '../bytes.ts';
import type { DeletedRange } from '../logdoc/parser.ts';
import { StrictReader } from '../logdoc/strict-reader.ts';
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
  /** Of a text, joined when it is written. */
  content: Uint8Array | Uint8Array[];
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
): Uint8Array[] => {
  const read = updates.map((bytes) => {
    const structs: StructRange[] = [];
    const { deletions } = parseDocument(bytes, clientId, undefined, {
      maxBytes: Number.POSITIVE_INFINITY,
      structs,
    });
    return { bytes, structs, deletions };
  });
  const deletions = rangesByClient(read.flatMap((update) => update.deletions));
  const gone = deletions.get(clientId) ?? [];
  const segments: Segment[] = [];
  for (const { bytes, structs } of read)
    for (const struct of structs)
      for (const segment of segmentsOf(bytes, struct, clientId, gone))
        if (!continues(segments.at(-1), segment, clientId)) segments.push(segment);
  return writeAll(segments, deletions, clientId, maxBytes);
};

/** One struct as it leaves: whole, without its content, or in pieces. */
const segmentsOf = (
  bytes: Uint8Array,
  { clock, length, info, start, contentAt, end }: StructRange,
  clientId: number,
  gone: readonly DeletedRange[],
): Segment[] => {
  const head = bytes.subarray(start + 1, contentAt);
  const whole = { clock, length, info, head };
  const content = bytes.subarray(contentAt, end);
  const kind = info & STRUCT.kind;
  if (kind === CONTENT.gc || kind === CONTENT.deleted) return [{ ...whole, content }];
  const cuts = cutsIn(clock, length, gone);
  if (cuts.length === 1 && cuts[0]!.isGone) return [deletedSegment(whole)];
  if (kind !== CONTENT.string) return [{ ...whole, content }];
  const text = textOf(content);
  if (cuts.length === 1 && text.length <= PIECE_BYTES) return [{ ...whole, content: [text] }];
  return piecesOf(whole, text, cuts, clientId);
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
  const right = rightOriginOf(whole);
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
          : { clock, length, info: infoBehind(whole.info), head: headBehind(clientId, clock - 1, right) };
      pieces.push(
        cut.isGone ? deletedSegment(part) : { ...part, content: [utf8(text.slice(at, at + length))] },
      );
      at += length;
      left -= length;
    }
  return pieces;
};

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00;

const infoBehind = (info: number): number => (info & ~STRUCT.key) | STRUCT.origin;

const headBehind = (clientId: number, clock: number, right: Uint8Array | undefined): Uint8Array => {
  const out = encoding.createEncoder();
  encoding.writeVarUint(out, clientId);
  encoding.writeVarUint(out, clock);
  if (right) encoding.writeUint8Array(out, right);
  return encoding.toUint8Array(out);
};

/** Takes a text into the one before it if Yjs would keep them as one item. */
const continues = (last: Segment | undefined, next: Segment, clientId: number): boolean => {
  if (!last || !isPlainText(last) || !isPlainText(next) || !(next.info & STRUCT.origin)) return false;
  const [text] = next.content as Uint8Array[];
  if (sizeOf(last.content) + text!.length > PIECE_BYTES) return false;
  const reader = new StrictReader(next.head);
  if (reader.varUint() !== clientId || reader.varUint() !== next.clock - 1) return false;
  if (!isSame(rightOriginOf(last), rightOriginOf(next))) return false;
  (last.content as Uint8Array[]).push(text!);
  last.length += next.length;
  return true;
};

const isPlainText = ({ info, content }: Segment): boolean =>
  (info & (STRUCT.kind | STRUCT.key)) === CONTENT.string && Array.isArray(content);

const rightOriginOf = ({ info, head }: Pick<Segment, 'info' | 'head'>): Uint8Array | undefined => {
  if (!(info & STRUCT.rightOrigin)) return undefined;
  const reader = new StrictReader(head);
  if (info & STRUCT.origin) {
    reader.varUint();
    reader.varUint();
  }
  return head.subarray(reader.at);
};

const isSame = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean => {
  if (!a || !b) return a === b;
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
};

const textOf = (content: Uint8Array): Uint8Array => {
  const reader = new StrictReader(content);
  reader.varUint();
  return content.subarray(reader.at);
};

const sizeOf = (content: Segment['content']): number =>
  Array.isArray(content) ? content.reduce((sum, { length }) => sum + length, 0) : content.length;

const writeAll = (
  segments: readonly Segment[],
  deletions: ReadonlyMap<number, readonly DeletedRange[]>,
  clientId: number,
  maxBytes: number,
): Uint8Array[] => {
  const groups: Segment[][] = [[]];
  let bytes = REST_BYTES;
  for (const segment of segments) {
    const size = 8 + segment.head.length + sizeOf(segment.content);
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
    encoding.writeVarUint(out, sizeOf(content));
    for (const part of content) encoding.writeUint8Array(out, part);
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
