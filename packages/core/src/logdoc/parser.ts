// The strict parser: judges a local edit, a Yjs update (V1), before anything of it is stored. A log document has one legal
// shape; the rest is refused whole. Rules: spec/log-document.md §7.
import { LIMITS } from '@sealwire/protocol';
import { EntryView, refused, StrictReader } from './strict-reader.ts';

/** The one root type of a log document, a Y.Map. */
export const ROOT = 'e';

/** One entry, written once at its own clock. */
export interface ParsedEntry {
  readonly clock: number;
  /** The entry's bytes, a view of what it came in; undefined if it was deleted before it left its device. */
  readonly content: Uint8Array | undefined;
  /** How many bytes; 0 if it was deleted. */
  readonly length: number;
}

export interface DeletedRange {
  readonly clientId: number;
  readonly clock: number;
  readonly length: number;
}

/** What a payload or an own edit says. */
export interface ParsedUpdate {
  /** All by one clientID, clocks rising by one. */
  readonly clientId: number;
  readonly entries: readonly ParsedEntry[];
  readonly deletions: readonly DeletedRange[];
  /** What it says of a shared document; then there are no entries, and what it deletes stands in here. */
  readonly document?: DocumentUpdate;
}

/** An update of a shared document; see shareddoc/parser.ts. */
export interface DocumentUpdate {
  /** The author's. */
  readonly clientId: number;
  /** Of its first struct. */
  readonly clock: number;
  /** How many clocks its structs take; 0 if it only deletes. */
  readonly clocks: number;
  /** How many structs. */
  readonly count: number;
  /** The structs, a view. */
  readonly structs: Uint8Array;
  readonly deletions: readonly DeletedRange[];
  /** The highest clock of each other clientID that its structs refer to. */
  readonly references: ReadonlyMap<number, number>;
  /** The whole update, Yjs V1. */
  readonly bytes: Uint8Array;
}

/** How many clocks of its author an update takes. */
export const clocksOf = ({ entries, document }: ParsedUpdate): number => document?.clocks ?? entries.length;

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
  const parser = new StrictReader(update);
  const clients = parser.varUint();
  if (clients > 1) throw refused('structs of more than one author');
  const entries = clients === 1 ? readStructs(parser, clientId, clock) : [];
  const deletions = readDeletions(parser);
  if (parser.at !== update.length) throw refused('bytes after its end');
  return { clientId, entries, deletions };
};

const readStructs = (parser: StrictReader, clientId: number, clock: number | undefined): ParsedEntry[] => {
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
const readEntry = (parser: StrictReader, prefix: string, clock: number): ParsedEntry => {
  const info = parser.uint8();
  if (info !== BINARY_ENTRY && info !== DELETED_ENTRY) throw refused('a struct that is no entry');
  if (parser.uint8() !== 1) throw refused('an entry outside the root');
  parser.ascii(ROOT, '', 'an entry outside the root map');
  parser.ascii(prefix, String(clock), 'an entry under a key that is not its own');
  if (info === BINARY_ENTRY) {
    const length = parser.varUint();
    if (length < 1 || length > LIMITS.entryBytes) throw refused('an entry that is empty or too large');
    parser.skip(length);
    return new EntryView(clock, parser.bytes, parser.at, length);
  }
  if (parser.varUint() !== 1) throw refused('a deleted entry of another length than 1');
  return new EntryView(clock, parser.bytes, parser.at, 0);
};

const readDeletions = (parser: StrictReader): DeletedRange[] => {
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
