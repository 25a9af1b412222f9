// Runs the vectors of one folder through the layers that must accept or refuse them. For tests of vectors alone.
import { readdirSync, readFileSync } from 'node:fs';
import { fromHex, SealwireError } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

/** The input of a vector: texts, most of them hexadecimal bytes. */
export interface VectorInput {
  /** The bytes of a field. */
  bytes(name: string): Uint8Array;
  text(name: string): string;
  number(name: string): number;
  /** The bytes of each item of a field. */
  list(name: string): Uint8Array[];
}

/** What a layer makes of an input, in the words of `expect`. @throws SealwireError with the code of `refuse`. */
export type VectorLayer = (input: VectorInput) => unknown;

interface Vector {
  readonly format: number;
  readonly rule: string;
  readonly fault: string;
  readonly layer: string;
  readonly refuse: string | null;
  readonly input: Readonly<Record<string, unknown>>;
  readonly expect: unknown;
}

const inputOf = (fields: Vector['input']): VectorInput => {
  const text = (name: string): string => {
    const value = fields[name];
    if (typeof value !== 'string') throw new Error(`a vector without ${name}`);
    return value;
  };
  return {
    text,
    bytes: (name) => fromHex(text(name)),
    number: (name) => Number(fields[name]),
    list: (name) => (fields[name] as string[]).map(fromHex),
  };
};

/** What two results share if they are the same: no difference between absent and undefined. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/**
 * Registers and runs one test a vector.
 *
 * @param atLeast - how many vectors there must be.
 */
export const runVectors = (
  folder: string,
  layers: Readonly<Record<string, VectorLayer>>,
  atLeast: number,
): void => {
  const url = new URL(`../../../spec/vectors/${folder}/`, import.meta.url);
  const test = suite(`${folder} vectors`);
  const names = readdirSync(url).filter((name) => name.endsWith('.json'));
  const seen = new Map<string, { good: number; bad: number }>();
  for (const name of names) {
    const vector = JSON.parse(readFileSync(new URL(name, url), 'utf8')) as Vector;
    const count = seen.get(vector.layer) ?? { good: 0, bad: 0 };
    count[vector.refuse === null ? 'good' : 'bad'] += 1;
    seen.set(vector.layer, count);
    test(`[${vector.rule}] ${name}: ${vector.fault}`, async () => {
      assert.is(vector.format, 1);
      let result: unknown;
      try {
        result = await layers[vector.layer]!(inputOf(vector.input));
      } catch (error) {
        if (!(error instanceof SealwireError)) throw error;
        assert.is(error.code, vector.refuse);
        return;
      }
      assert.is(vector.refuse, null, 'it was accepted');
      assert.equal(plain(result), vector.expect);
    });
  }
  test('there are vectors for every layer, and enough of them', () => {
    assert.ok(names.length >= atLeast, `${names.length} vectors`);
    assert.equal([...seen.keys()].sort(), Object.keys(layers).sort());
    for (const [layer, { good }] of seen) assert.ok(good > 0, `${layer} accepts nothing`);
  });
  test.run();
};
