// Joins what many accepted updates hold into one Yjs update, so that Yjs applies it in one transaction without
// re-reading boundaries. Twin: applying them one by one, which tests compare with. Rules: spec/log-document.md §4.
import * as encoding from 'lib0/encoding';
import { DELETED_ENTRY, type DeletedRange, type ParsedEntry, type ParsedUpdate, ROOT } from './parser.ts';

/** An update with what the strict parser found in it. */
export interface AcceptedUpdate {
  readonly bytes: Uint8Array;
  readonly parsed: ParsedUpdate;
}

/**
 * One update that has the effect of all of them. Those of one clientID must come in clock order without gaps, as
 * their chain gives them; clientIDs may interleave as they like.
 *
 * @param options.dropDeleted - leave out the content of entries that the updates themselves delete. Their clocks stay.
 * @returns a new Yjs update, V1.
 */
export const combineUpdates = (
  updates: readonly AcceptedUpdate[],
  options: { readonly dropDeleted?: boolean } = {},
): Uint8Array => {
  const structs = new Map<number, AcceptedUpdate[]>();
  const deletions = new Map<number, DeletedRange[]>();
  for (const update of updates) {
    if (update.parsed.entries.length > 0) push(structs, update.parsed.clientId, update);
    for (const range of update.parsed.deletions) push(deletions, range.clientId, range);
  }
  const out = encoding.createEncoder();
  let size = 0;
  for (const { bytes } of updates) size += bytes.length;
  encoding.verifyLen(out, size); // Once, not by doubling.
  encoding.writeVarUint(out, structs.size);
  // Yjs writes higher clientIDs first; it reads any order.
  for (const [clientId, run] of [...structs].sort(([a], [b]) => b - a)) {
    let count = 0;
    for (const { parsed } of run) count += parsed.entries.length;
    encoding.writeVarUint(out, count);
    encoding.writeVarUint(out, clientId);
    encoding.writeVarUint(out, run[0]!.parsed.entries[0]!.clock);
    const gone = options.dropDeleted ? (deletions.get(clientId) ?? []) : [];
    for (const { bytes, parsed } of run)
      if (gone.length === 0)
        encoding.writeUint8Array(out, bytes.subarray(parsed.entries[0]!.start, parsed.entries.at(-1)!.end));
      else for (const entry of parsed.entries) writeEntry(out, clientId, bytes, entry, gone);
  }
  encoding.writeVarUint(out, deletions.size);
  for (const [clientId, ranges] of deletions) {
    encoding.writeVarUint(out, clientId);
    encoding.writeVarUint(out, ranges.length);
    for (const { clock, length } of ranges) {
      encoding.writeVarUint(out, clock);
      encoding.writeVarUint(out, length);
    }
  }
  return encoding.toUint8Array(out);
};

/** One entry as it came, or without its content if a range covers it. */
const writeEntry = (
  out: encoding.Encoder,
  clientId: number,
  bytes: Uint8Array,
  entry: ParsedEntry,
  gone: readonly DeletedRange[],
): void => {
  if (!gone.some(({ clock, length }) => entry.clock >= clock && entry.clock < clock + length)) {
    encoding.writeUint8Array(out, bytes.subarray(entry.start, entry.end));
    return;
  }
  encoding.writeUint8(out, DELETED_ENTRY);
  encoding.writeVarUint(out, 1); // The parent is a root type, named next.
  encoding.writeVarString(out, ROOT);
  encoding.writeVarString(out, `${clientId}:${entry.clock}`);
  encoding.writeVarUint(out, 1); // Its length in clocks.
};

const push = <K, V>(map: Map<K, V[]>, key: K, value: V): void => {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
};
