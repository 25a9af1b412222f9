// What a frame of a page carries: entries and deletions, without what its chain tells anyway. Layout: spec/log-document.md
// §1. Yjs sees structs that combine.ts makes of it.
import { LIMITS } from '@sealwire/protocol';
import * as encoding from 'lib0/encoding';
import type { DeletedRange, ParsedEntry, ParsedUpdate } from './parser.ts';
import { EntryView, refused, StrictReader } from './strict-reader.ts';

/** Stands for the author's clientID, which is never 0. */
const OWN = 0;

/**
 * One payload for all that some updates hold. What they delete themselves goes without its content.
 *
 * @param updates - of one clientID, in clock order without gaps. Their deletions may come in any order, and overlap.
 * @returns the only payload that says this; a new array.
 */
export const encodePayload = (updates: readonly ParsedUpdate[]): Uint8Array => {
  const author = updates[0]?.clientId;
  const targets = rangesByTarget(updates, author);
  const gone = targets.get(OWN) ?? [];
  const out = encoding.createEncoder();
  encoding.writeVarUint(
    out,
    updates.reduce((count, { entries }) => count + entries.length, 0),
  );
  for (const { entries } of updates)
    for (const { clock, content } of entries)
      if (!content || gone.some((range) => clock >= range.clock && clock < endOf(range)))
        encoding.writeVarUint(out, 0);
      else encoding.writeVarUint8Array(out, content);
  for (const target of [...targets.keys()].sort((a, b) => a - b)) {
    const ranges = targets.get(target)!;
    encoding.writeVarUint(out, target);
    encoding.writeVarUint(out, ranges.length);
    let end = 0;
    for (const range of ranges) {
      encoding.writeVarUint(out, range.clock - end);
      encoding.writeVarUint(out, range.length);
      end = endOf(range);
    }
  }
  return encoding.toUint8Array(out);
};

/**
 * Reads one payload and refuses what {@link encodePayload} would not have written. Total: a result or a SealwireError, in
 * time and memory linear in its length.
 *
 * @param payload - borrowed; the result holds views of it.
 * @param clientId - its author's.
 * @param clock - where its author's chain stands: the clock of its first entry.
 * @throws SealwireError UPDATE_REFUSED
 */
export const decodePayload = (payload: Uint8Array, clientId: number, clock: number): ParsedUpdate => {
  const reader = new StrictReader(payload);
  const count = reader.varUint();
  if (count > reader.left) throw refused('an entry count that cannot be');
  if (!Number.isSafeInteger(clock + count)) throw refused('a clock out of range');
  const entries: ParsedEntry[] = [];
  for (let at = clock; at < clock + count; at++) {
    const length = reader.varUint();
    if (length > LIMITS.entryBytes) throw refused('an entry that is too large');
    reader.skip(length);
    entries.push(new EntryView(at, payload, reader.at, length));
  }
  return { clientId, entries, deletions: reader.left > 0 ? readDeletions(reader, clientId) : NO_DELETIONS };
};

const NO_DELETIONS: readonly DeletedRange[] = [];

const readDeletions = (reader: StrictReader, author: number): DeletedRange[] => {
  const deletions: DeletedRange[] = [];
  for (let before = -1; reader.left > 0; ) {
    const target = reader.varUint();
    if (target <= before || target === author) throw refused('deletions out of order');
    before = target;
    const ranges = reader.varUint();
    if (ranges < 1) throw refused('an empty list of deletions');
    let end = 0;
    for (let i = 0; i < ranges; i++) {
      const gap = reader.varUint();
      const length = reader.varUint();
      if (i > 0 && gap < 1) throw refused('two deletions that are one');
      const clock = end + gap;
      end = clock + length;
      if (length < 1 || !Number.isSafeInteger(end)) throw refused('a deletion out of range');
      deletions.push({ clientId: target === OWN ? author : target, clock, length });
    }
  }
  return deletions;
};

/** Ranges by what they delete, rising, those that touch joined. */
const rangesByTarget = (
  updates: readonly ParsedUpdate[],
  author: number | undefined,
): Map<number, DeletedRange[]> => {
  const targets = new Map<number, DeletedRange[]>();
  for (const { deletions } of updates)
    for (const range of deletions) {
      const target = range.clientId === author ? OWN : range.clientId;
      const list = targets.get(target);
      if (list) list.push(range);
      else targets.set(target, [range]);
    }
  for (const [target, ranges] of targets) targets.set(target, joined(ranges));
  return targets;
};

const joined = (ranges: DeletedRange[]): DeletedRange[] => {
  const result: DeletedRange[] = [];
  for (const range of ranges.sort((a, b) => a.clock - b.clock)) {
    const last = result.at(-1);
    if (!last || range.clock > endOf(last)) result.push(range);
    else if (endOf(range) > endOf(last))
      result[result.length - 1] = { ...last, length: endOf(range) - last.clock };
  }
  return result;
};

const endOf = ({ clock, length }: DeletedRange): number => clock + length;
