// Fuzzes the reader of payloads against a readable twin: one that decodes loosely, looks what it says, and accepts only what
// it would have written itself, byte for byte. Rules: spec/log-document.md §1.
import { LIMITS, SealwireError } from '@sealwire/protocol';
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import * as assert from 'uvu/assert';
import type { ParsedUpdate } from '../src/logdoc/parser.ts';
import { decodePayload, encodePayload } from '../src/logdoc/payload.ts';
import { applied, NUMBERS, spoil } from './parser-fuzz-kit.ts';
import { type Seeded, seeded } from './support.ts';

interface Model {
  /** Of no bytes: deleted before it left. */
  readonly entries: readonly Uint8Array[];
  readonly targets: readonly { readonly target: number; readonly ranges: readonly [number, number][] }[];
}

const write = ({ entries, targets }: Model): Uint8Array => {
  const out = encoding.createEncoder();
  encoding.writeVarUint(out, entries.length);
  for (const entry of entries) encoding.writeVarUint8Array(out, entry);
  for (const { target, ranges } of targets) {
    encoding.writeVarUint(out, target);
    encoding.writeVarUint(out, ranges.length);
    for (const [gap, length] of ranges) {
      encoding.writeVarUint(out, gap);
      encoding.writeVarUint(out, length);
    }
  }
  return encoding.toUint8Array(out);
};

/** The clocks that a target's ranges name, as [from, to) each. */
const spans = (ranges: readonly [number, number][]): [number, number][] => {
  let end = 0;
  return ranges.map(([gap, length]) => {
    const from = end + gap;
    end = from + length;
    return [from, end];
  });
};

/** What a payload means, if it is legal. Slow and plain. */
const twin = (payload: Uint8Array, author: number): Model | undefined => {
  try {
    const from = decoding.createDecoder(payload);
    const count = decoding.readVarUint(from);
    if (count > payload.length) return undefined;
    const entries = Array.from({ length: count }, () => decoding.readVarUint8Array(from));
    const targets: Model['targets'][number][] = [];
    while (decoding.hasContent(from)) {
      const target = decoding.readVarUint(from);
      const length = Math.min(decoding.readVarUint(from), payload.length);
      const ranges = Array.from({ length }, (): [number, number] => [
        decoding.readVarUint(from),
        decoding.readVarUint(from),
      ]);
      targets.push({ target, ranges });
    }
    const names = targets.map(({ target }) => target);
    const isLegal =
      entries.every(({ length }) => length <= LIMITS.entryBytes) &&
      names.every(
        (name, i) => Number.isSafeInteger(name) && name !== author && (i === 0 || name > names[i - 1]!),
      ) &&
      targets.every(({ ranges }) => {
        const all = spans(ranges);
        return (
          ranges.length > 0 &&
          all.every(([start, end]) => end > start && Number.isSafeInteger(end)) &&
          all.every(([start], i) => i === 0 || start > all[i - 1]![1])
        );
      });
    const model = { entries, targets };
    return isLegal && Buffer.compare(write(model), payload) === 0 ? model : undefined;
  } catch {
    return undefined; // lib0 throws whatever it likes at what is cut short.
  }
};

const modelFrom = (random: Seeded, author: number): Model => ({
  entries: Array.from({ length: random.below(5) }, () =>
    random.bytes(random.below(5) === 0 ? 0 : 1 + random.below(300)),
  ),
  targets: Array.from({ length: random.below(4) }, () =>
    random.below(3) === 0 ? (random.below(9) === 0 ? author : 0) : NUMBERS[random.below(NUMBERS.length)]!,
  )
    .sort((a, b) => a - b)
    .map((target) => ({
      target,
      ranges: Array.from(
        { length: random.below(9) === 0 ? 0 : 1 + random.below(3) },
        (_, i): [number, number] => [
          random.below(9) === 0 ? NUMBERS[random.below(NUMBERS.length)]! : random.below(9) + Math.min(i, 1),
          random.below(9) === 0 ? NUMBERS[random.below(NUMBERS.length)]! : 1 + random.below(9),
        ],
      ),
    })),
});

/** @returns how many were accepted and refused: a run that did only one of the two showed nothing. */
export const fuzzPayloads = (seed: number, rounds: number): { accepted: number; refused: number } => {
  const random = seeded(seed);
  const seen = { accepted: 0, refused: 0 };
  for (let round = 0; round < rounds; round++) {
    const author = random.below(2) === 0 ? 1 + random.below(2 ** 31) : 2 ** 53 - 1 - random.below(1000);
    const clock = random.below(4) === 0 ? NUMBERS[random.below(9)]! : random.below(4);
    const payload = spoil(random, write(modelFrom(random, author)));
    const where = `seed ${seed}, round ${round}: ${Buffer.from(payload).toString('hex')}`;
    const expected = twin(payload, author);
    let read: ParsedUpdate;
    try {
      read = decodePayload(payload, author, clock);
    } catch (error) {
      assert.ok(error instanceof SealwireError && error.code === 'UPDATE_REFUSED', `${where}: ${error}`);
      assert.is(expected, undefined, `${where}: refused, and legal`);
      seen.refused += 1;
      continue;
    }
    assert.ok(expected, `${where}: accepted, and illegal`);
    assert.equal(
      read.entries.map(({ clock: at, content, length }) => [at, length, content ? [...content] : []]),
      expected.entries.map((entry, i) => [clock + i, entry.length, [...entry]]),
      where,
    );
    assert.equal(
      read.deletions.map((range) => [range.clientId, range.clock, range.clock + range.length]),
      expected.targets.flatMap(({ target, ranges }) =>
        spans(ranges).map((span) => [target === 0 ? author : target, ...span]),
      ),
      where,
    );
    writtenAgain(random, read, payload, where);
    if (clock < 4) applied(author, clock, read, where);
    seen.accepted += 1;
  }
  return seen;
};

/** Whatever way a payload's deletions come in, and in however many updates, they are written as that payload. */
const writtenAgain = (random: Seeded, read: ParsedUpdate, payload: Uint8Array, where: string): void => {
  const { clientId, entries, deletions } = read;
  const isSelfDeleting = deletions.some(
    (range) =>
      range.clientId === clientId &&
      entries.some(
        ({ clock, length }) => length > 0 && clock >= range.clock && clock < range.clock + range.length,
      ),
  );
  if (isSelfDeleting) return; // It is written without what it deletes.
  const pieces = deletions.flatMap((range) => {
    const { clock, length } = range;
    const first = 1 + random.below(Math.min(length, 2 ** 31));
    return first === length
      ? [range, range]
      : [range, { ...range, length: first }, { ...range, clock: clock + first, length: length - first }];
  });
  const cut = random.below(entries.length + 1);
  const updates = [
    { clientId, entries: entries.slice(0, cut), deletions: random.shuffled(pieces) },
    { clientId, entries: entries.slice(cut), deletions: [] },
  ];
  assert.equal([...encodePayload(updates)], [...payload], where);
};
