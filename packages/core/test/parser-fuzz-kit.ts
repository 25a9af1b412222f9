// Fuzzes the strict parser against a readable twin: one that decodes loosely, checks the shape, and accepts only what it
// would have written itself, byte for byte. Rules: spec/log-document.md §7.
import { LIMITS, SealwireError } from '@sealwire/protocol';
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { combineUpdates } from '../src/logdoc/combine.ts';
import { BINARY_ENTRY, DELETED_ENTRY, type ParsedUpdate, parseUpdate, ROOT } from '../src/logdoc/parser.ts';
import { type Seeded, seeded } from './support.ts';

interface Model {
  readonly clientId: number;
  readonly clock: number;
  /** Undefined: deleted before it left. */
  readonly entries: readonly (Uint8Array | undefined)[];
  readonly deletions: readonly { readonly clientId: number; readonly ranges: readonly [number, number][] }[];
}

/** The only spelling of an update. */
const write = ({ clientId, clock, entries, deletions }: Model): Uint8Array => {
  const out = encoding.createEncoder();
  encoding.writeVarUint(out, entries.length > 0 ? 1 : 0);
  if (entries.length > 0)
    for (const value of [entries.length, clientId, clock]) encoding.writeVarUint(out, value);
  entries.forEach((entry, i) => {
    encoding.writeUint8(out, entry ? BINARY_ENTRY : DELETED_ENTRY);
    encoding.writeVarUint(out, 1);
    encoding.writeVarString(out, ROOT);
    encoding.writeVarString(out, `${clientId}:${clock + i}`);
    if (entry) encoding.writeVarUint8Array(out, entry);
    else encoding.writeVarUint(out, 1);
  });
  encoding.writeVarUint(out, deletions.length);
  for (const { clientId: target, ranges } of deletions) {
    encoding.writeVarUint(out, target);
    encoding.writeVarUint(out, ranges.length);
    for (const range of ranges) for (const value of range) encoding.writeVarUint(out, value);
  }
  return encoding.toUint8Array(out);
};

/** What an update means, if it is legal. Slow and plain. */
const twin = (update: Uint8Array, clientId: number, clock: number): Model | undefined => {
  try {
    const from = decoding.createDecoder(update);
    const entries: (Uint8Array | undefined)[] = [];
    if (decoding.readVarUint(from) > 0) {
      const count = decoding.readVarUint(from);
      decoding.readVarUint(from);
      decoding.readVarUint(from);
      if (count === 0) return undefined;
      for (let i = 0; i < count; i++) {
        const info = decoding.readUint8(from);
        decoding.readVarUint(from);
        decoding.readVarString(from);
        decoding.readVarString(from);
        const entry = info === BINARY_ENTRY ? decoding.readVarUint8Array(from) : undefined;
        if (!entry) decoding.readVarUint(from);
        if (entry && (entry.length === 0 || entry.length > LIMITS.entryBytes)) return undefined;
        entries.push(entry);
      }
    }
    const deletions = Array.from({ length: Math.min(decoding.readVarUint(from), update.length) }, () => ({
      clientId: decoding.readVarUint(from),
      ranges: Array.from(
        { length: Math.min(decoding.readVarUint(from), update.length) },
        (): [number, number] => [decoding.readVarUint(from), decoding.readVarUint(from)],
      ),
    }));
    const isLegal = deletions.every(
      ({ clientId: target, ranges }) =>
        Number.isSafeInteger(target) &&
        ranges.length > 0 &&
        ranges.every(([at, length]) => length > 0 && Number.isSafeInteger(at + length)),
    );
    const model = { clientId, clock, entries, deletions };
    return isLegal && Buffer.compare(write(model), update) === 0 ? model : undefined;
  } catch {
    return undefined; // lib0 and TextDecoder throw whatever they like at what is cut short.
  }
};

export const NUMBERS = [
  0,
  1,
  2,
  127,
  128,
  16_383,
  16_384,
  2 ** 31,
  2 ** 32,
  2 ** 52,
  2 ** 53 - 2,
  2 ** 53 - 1,
];

const modelFrom = (random: Seeded, clientId: number, clock: number): Model => ({
  clientId,
  clock,
  entries: Array.from({ length: random.below(5) }, () =>
    random.below(5) === 0 ? undefined : random.bytes(random.below(9) === 0 ? 0 : 1 + random.below(300)),
  ),
  deletions: Array.from({ length: random.below(3) }, () => ({
    clientId: random.below(2) === 0 ? clientId : NUMBERS[random.below(NUMBERS.length)]!,
    ranges: Array.from({ length: random.below(9) === 0 ? 0 : 1 + random.below(3) }, (): [number, number] => [
      random.below(3) === 0 ? NUMBERS[random.below(NUMBERS.length)]! : random.below(9),
      random.below(9) === 0 ? NUMBERS[random.below(NUMBERS.length)]! : 1 + random.below(9),
    ]),
  })),
});

/** One small fault, or none. */
export const spoil = (random: Seeded, update: Uint8Array): Uint8Array => {
  const at = random.below(update.length);
  const bytes = [...update];
  switch (random.below(8)) {
    case 0:
      bytes[at] = random.below(256);
      break;
    case 1:
      bytes[at]! ^= 1 << random.below(8);
      break;
    case 2:
      bytes.splice(at, 1 + random.below(4));
      break;
    case 3:
      bytes.splice(at, 0, ...random.bytes(1 + random.below(4)));
      break;
    case 4: // The same number in a longer form.
      if (bytes[at]! < 0x80) bytes.splice(at, 1, bytes[at]! | 0x80, 0);
      break;
    case 5:
      bytes.splice(at, 0, ...bytes.slice(random.below(bytes.length)));
      break;
    case 6:
      bytes.length = at;
      break;
    default: // As it was.
  }
  return Uint8Array.from(bytes);
};

/** @returns how many were accepted and refused: a run that did only one of the two showed nothing. */
export const fuzzParser = (seed: number, rounds: number): { accepted: number; refused: number } => {
  const random = seeded(seed);
  const seen = { accepted: 0, refused: 0 };
  for (let round = 0; round < rounds; round++) {
    const clientId = random.below(2) === 0 ? 1 + random.below(2 ** 31) : 2 ** 53 - 1 - random.below(1000);
    const clock = random.below(4) === 0 ? NUMBERS[random.below(9)]! : random.below(4);
    const update = spoil(random, write(modelFrom(random, clientId, clock)));
    const where = `seed ${seed}, round ${round}: ${Buffer.from(update).toString('hex')}`;
    const expected = twin(update, clientId, clock);
    let parsed: ReturnType<typeof parseUpdate>;
    try {
      parsed = parseUpdate(update, clientId, clock);
    } catch (error) {
      assert.ok(error instanceof SealwireError && error.code === 'UPDATE_REFUSED', `${where}: ${error}`);
      assert.is(expected, undefined, `${where}: refused, and legal`);
      seen.refused += 1;
      continue;
    }
    assert.ok(expected, `${where}: accepted, and illegal`);
    assert.equal(
      parsed.entries.map(({ content }) => content && [...content]),
      expected.entries.map((entry) => entry && [...entry]),
      where,
    );
    assert.equal(
      parsed.deletions.map((range) => [range.clientId, range.clock, range.length]),
      expected.deletions.flatMap(({ clientId: of, ranges }) => ranges.map((range) => [of, ...range])),
      where,
    );
    if (clock < 4) applied(clientId, clock, parsed, where);
    seen.accepted += 1;
  }
  return seen;
};

/** Yjs takes what is accepted whole, with deletions of what is held. */
export const applied = (clientId: number, clock: number, parsed: ParsedUpdate, where: string): void => {
  const doc = new Y.Doc();
  const before = Array.from({ length: clock }, () => Uint8Array.of(1));
  if (clock > 0) Y.applyUpdate(doc, write({ clientId, clock: 0, entries: before, deletions: [] }));
  const held = clock + parsed.entries.length;
  const deletions = parsed.deletions
    .filter((range) => range.clientId === clientId && range.clock < held)
    .map((range) => ({ ...range, length: Math.min(range.length, held - range.clock) }));
  Y.applyUpdate(doc, combineUpdates([{ ...parsed, deletions }]));
  assert.is(doc.store.pendingStructs, null, where);
  assert.is(doc.store.pendingDs, null, where);
  const gone = (at: number) =>
    deletions.some((range) => at >= range.clock && at < range.clock + range.length);
  const shown = [...before, ...parsed.entries.map(({ content }) => content)].flatMap((content, i) =>
    content && !gone(i) ? [`${clientId}:${i}`] : [],
  );
  assert.equal([...doc.getMap(ROOT).keys()].sort(), shown.sort(), where);
};
