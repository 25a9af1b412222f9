// Makes one Yjs update of what many accepted updates say, so that Yjs applies it in one transaction without re-reading
// boundaries. Twin: applying them one by one, which tests compare with. Rules: spec/log-document.md §4.
import * as encoding from 'lib0/encoding';
import { utf8 } from '../bytes.ts';
import {
  BINARY_ENTRY,
  DELETED_ENTRY,
  type DeletedRange,
  type ParsedEntry,
  type ParsedUpdate,
  ROOT,
} from './parser.ts';

/** A struct without its content, at most: 4 bytes to the root's name, length and text of a key, length of a content. */
const STRUCT_REST_BYTES = 4 + 1 + 33 + 3;

/**
 * One update that has the effect of all of them. Those of one clientID must come in clock order without gaps, as
 * their chain gives them; clientIDs may interleave as they like. What comes twice, an own edit and the frame that it
 * went into, is taken once.
 *
 * @returns a new Yjs update, V1.
 */
export const combineUpdates = (updates: readonly ParsedUpdate[]): Uint8Array => {
  const structs = new Map<number, ParsedEntry[][]>();
  const deletions = new Map<number, DeletedRange[]>();
  let size = 0;
  for (const update of updates) {
    const fresh = newEntries(update.entries, structs.get(update.clientId)?.at(-1)?.at(-1));
    if (fresh.length > 0) push(structs, update.clientId, fresh);
    for (const { length } of fresh) size += STRUCT_REST_BYTES + length;
    for (const range of update.deletions) push(deletions, range.clientId, range);
  }
  const out = encoding.createEncoder();
  encoding.verifyLen(out, size); // Once, not by doubling.
  encoding.writeVarUint(out, structs.size);
  // Yjs writes higher clientIDs first; it reads any order.
  for (const [clientId, run] of [...structs].sort(([a], [b]) => b - a)) {
    encoding.writeVarUint(
      out,
      run.reduce((count, entries) => count + entries.length, 0),
    );
    encoding.writeVarUint(out, clientId);
    encoding.writeVarUint(out, run[0]![0]!.clock);
    const prefix = utf8(`${clientId}:`);
    for (const entries of run) for (const entry of entries) writeStruct(out, prefix, entry);
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

/** Those behind the last one that was taken. */
const newEntries = (entries: readonly ParsedEntry[], last: ParsedEntry | undefined): ParsedEntry[] =>
  last === undefined || entries.length === 0 || entries[0]!.clock > last.clock
    ? (entries as ParsedEntry[])
    : entries.filter(({ clock }) => clock > last.clock);

const ROOT_BYTE = ROOT.charCodeAt(0);

/** An item of the root map under the key of its own id. */
const writeStruct = (out: encoding.Encoder, prefix: Uint8Array, { clock, content }: ParsedEntry): void => {
  encoding.writeUint8(out, content ? BINARY_ENTRY : DELETED_ENTRY);
  encoding.writeUint8(out, 1); // The parent is a root type, named next.
  encoding.writeUint8(out, 1);
  encoding.writeUint8(out, ROOT_BYTE);
  const digits = String(clock);
  encoding.writeUint8(out, prefix.length + digits.length);
  encoding.writeUint8Array(out, prefix);
  for (let i = 0; i < digits.length; i++) encoding.writeUint8(out, digits.charCodeAt(i));
  if (content) encoding.writeVarUint8Array(out, content);
  else encoding.writeVarUint(out, 1); // Its length in clocks.
};

const push = <K, V>(map: Map<K, V[]>, key: K, value: V): void => {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
};
