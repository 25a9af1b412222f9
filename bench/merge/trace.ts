// Editing traces in the public JSON format of josephg/editing-traces, sequential and concurrent, gzipped or not; and ones
// made from a seed. What is done with them: README.md, "Editing traces".
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { seededRandom } from '@sealwire/testkit/random';

/** At a position, so many characters go and this text comes. */
export type Patch = readonly [position: number, deleted: number, inserted: string];

export interface TraceStep {
  /** From 0. */
  readonly agent: number;
  /** Indexes of steps before it: what its agent had seen. Undefined: all before it. */
  readonly parents: readonly number[] | undefined;
  readonly patches: readonly Patch[];
}

export interface Trace {
  readonly name: string;
  readonly agents: number;
  readonly startContent: string;
  readonly endContent: string;
  readonly steps: readonly TraceStep[];
}

const GZIP = [0x1f, 0x8b];

/** @throws RangeError naming what is wrong with the file. */
export const readTrace = (path: string): Trace => {
  const bytes = readFileSync(path);
  const isZipped = GZIP.every((byte, i) => bytes[i] === byte);
  const text = (isZipped ? gunzipSync(bytes) : bytes).toString('utf8');
  return parseTrace(basename(path).replace(/\.json(\.gz)?$/, ''), JSON.parse(text));
};

/** @param value - what the JSON holds. @throws RangeError naming what is wrong with it. */
export const parseTrace = (name: string, value: unknown): Trace => {
  const { startContent = '', endContent, txns, kind, numAgents } = (value ?? {}) as Record<string, unknown>;
  if (typeof startContent !== 'string' || typeof endContent !== 'string' || !Array.isArray(txns))
    throw new RangeError(`${name}: no editing trace, which has endContent and txns`);
  const isConcurrent = kind === 'concurrent' || numAgents !== undefined;
  const steps = txns.map((txn: Record<string, unknown>, i): TraceStep => {
    const { patches, agent = 0, parents } = txn;
    if (!Array.isArray(patches) || !patches.every(isPatch))
      throw new RangeError(`${name}: txn ${i} has no patches`);
    if (!isConcurrent) return { agent: 0, parents: undefined, patches };
    const isParent = (index: unknown) =>
      Number.isInteger(index) && (index as number) >= 0 && (index as number) < i;
    if (!Number.isInteger(agent) || !Array.isArray(parents) || !parents.every(isParent))
      throw new RangeError(`${name}: txn ${i} has no agent, or parents that do not come before it`);
    return { agent: agent as number, parents: parents as number[], patches };
  });
  const agents = 1 + steps.reduce((most, { agent }) => Math.max(most, agent), 0);
  return { name, agents, startContent, endContent, steps };
};

const isPatch = (value: unknown): value is Patch =>
  Array.isArray(value) &&
  value.length === 3 &&
  Number.isInteger(value[0]) &&
  Number.isInteger(value[1]) &&
  typeof value[2] === 'string';

/** Edits of a trace: patches, each of which is at least one. */
export const editsIn = ({ steps }: Trace): number =>
  steps.reduce((sum, { patches }) => sum + patches.length, 0);

/** The edits of B4, the LaTeX source of a paper typed letter by letter: insertions and deletions of one character each. */
const B4 = { insertions: 182_315, deletions: 77_463 };

/**
 * A trace of the shape of B4, made from a seed: one writer, runs of typing and of backspace, jumps of the cursor.
 *
 * @param edits - how many; B4 has 259,778.
 */
export const makeTrace = (seed: number, edits = B4.insertions + B4.deletions): Trace => {
  const random = seededRandom(seed);
  const deletedPart = B4.deletions / (B4.insertions + B4.deletions);
  const text: string[] = [];
  const steps: TraceStep[] = [];
  let cursor = 0;
  let deleted = 0;
  while (steps.length < edits) {
    if (random.int(4) === 0) cursor = random.int(text.length + 1);
    const isDeleting = deleted < deletedPart * steps.length && cursor > 0;
    for (let run = random.between(1, isDeleting ? 20 : 60); run > 0 && steps.length < edits; run--) {
      if (isDeleting) {
        if (cursor === 0) break;
        cursor -= 1;
        deleted += 1;
        text.splice(cursor, 1);
        steps.push({ agent: 0, parents: undefined, patches: [[cursor, 1, '']] });
      } else {
        const letter = random.pick(LETTERS);
        text.splice(cursor, 0, letter);
        steps.push({ agent: 0, parents: undefined, patches: [[cursor, 0, letter]] });
        cursor += 1;
      }
    }
  }
  return { name: 'b4-shape', agents: 1, startContent: '', endContent: text.join(''), steps };
};

const LETTERS = [...'etaoin shrdlu cmfwyp vbgkjqxz\n'];

/** A trace as the file format has it. */
export const encodeTrace = ({ startContent, endContent, steps, agents }: Trace): string =>
  JSON.stringify(
    agents === 1
      ? { startContent, endContent, txns: steps.map(({ patches }) => ({ patches })) }
      : {
          kind: 'concurrent',
          endContent,
          numAgents: agents,
          txns: steps.map(({ agent, parents, patches }) => ({ parents, agent, patches })),
        },
  );
