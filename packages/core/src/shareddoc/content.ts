// Walks over what one struct of a shared document holds, and refuses what Yjs would trip over. Rules:
// spec/shared-document.md §2. Layouts: yjs src/structs/Content*.js, lib0 encoding.js (writeAny).
import { LIMITS } from '@sealwire/protocol';
import { refused, type StrictReader } from '../logdoc/strict-reader.ts';

/** Kinds of content, as Yjs numbers them. */
export const CONTENT = {
  gc: 0,
  deleted: 1,
  json: 2,
  binary: 3,
  string: 4,
  embed: 5,
  format: 6,
  type: 7,
  any: 8,
} as const;

/** Types that a struct may open: array, map, text, XML element, fragment, hook, text. Two of them have a name. */
const TYPES = 7;
const NAMED_TYPES: ReadonlySet<number> = new Set([3, 5]);

/** @param kind - 0 to `CONTENT.any`. @returns its length in clocks. @throws SealwireError UPDATE_REFUSED */
export const skipContent = (reader: StrictReader, kind: number): number => {
  switch (kind) {
    case CONTENT.string:
      return reader.text();
    case CONTENT.gc:
    case CONTENT.deleted:
      return reader.varUint();
    case CONTENT.binary:
      reader.skip(reader.varUint());
      return 1;
    case CONTENT.json:
      return skipMany(reader, () => {
        const text = reader.string();
        if (text !== 'undefined') requireJson(text);
      });
    case CONTENT.embed:
      requireJson(reader.string());
      return 1;
    case CONTENT.format:
      reader.text();
      requireJson(reader.string());
      return 1;
    case CONTENT.type: {
      const type = reader.varUint();
      if (type >= TYPES) throw refused('a type that is not known');
      if (NAMED_TYPES.has(type)) reader.text();
      return 1;
    }
    default:
      return skipMany(reader, () => skipAny(reader, 0));
  }
};

/** Every value takes at least a byte, so no count makes this run longer than its input. */
const skipMany = (reader: StrictReader, skip: () => void): number => {
  const count = reader.varUint();
  if (count > reader.left) throw refused('a count that cannot be');
  for (let i = 0; i < count; i++) skip();
  return count;
};

const requireJson = (text: string): void => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refused('a value that is no JSON');
  }
  requireShallow(value, 0);
};

/** What is nested too deeply can be read, but not written again: writers go down by recursion. */
const requireShallow = (value: unknown, depth: number): void => {
  if (typeof value !== 'object' || value === null) return;
  if (depth >= LIMITS.documentDepth) throw tooDeep();
  for (const inner of Object.values(value)) requireShallow(inner, depth + 1);
};

const tooDeep = () => refused('values nested too deeply');

const ANY = {
  bytes: 116,
  array: 117,
  object: 118,
  string: 119,
  bigint: 122,
  float64: 123,
  float32: 124,
  integer: 125,
} as const;

const skipAny = (reader: StrictReader, depth: number): void => {
  const type = reader.uint8();
  switch (type) {
    case 127: // undefined
    case 126: // null
    case 121: // false
    case 120: // true
      return;
    case ANY.integer:
      skipInteger(reader);
      return;
    case ANY.float32:
      reader.skip(4);
      return;
    case ANY.float64:
    case ANY.bigint:
      reader.skip(8);
      return;
    case ANY.string:
      reader.text();
      return;
    case ANY.bytes:
      reader.skip(reader.varUint());
      return;
    case ANY.array:
    case ANY.object: {
      if (depth >= LIMITS.documentDepth) throw tooDeep();
      skipMany(reader, () => {
        // Reading such a key would not add a field but change what the object is.
        if (type === ANY.object && reader.string() === '__proto__') throw refused('a key that is no key');
        skipAny(reader, depth + 1);
      });
      return;
    }
    default:
      throw refused('a value of an unknown kind');
  }
};

/** lib0's signed number: six bits and a sign first, then seven a byte. */
const skipInteger = (reader: StrictReader): void => {
  let byte = reader.uint8();
  let value = byte & 0x3f;
  for (let factor = 0x40; byte >= 0x80; factor *= 0x80) {
    byte = reader.uint8();
    value += (byte & 0x7f) * factor;
    if (!Number.isSafeInteger(value)) throw refused('a number out of range');
  }
};
