// The form of a vector file, and how a generator collects and writes its vectors. Rules: CONTRIBUTING.md, "A vector".
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** One vector; the README.md beside its file says how to read `input` and `expect`. */
export interface Vector {
  readonly format: 1;
  /** The rule that decides it. */
  readonly rule: string;
  /** What is wrong with it; `none`, and what may follow, where nothing is. */
  readonly fault: string;
  /** Which part must accept or refuse it. */
  readonly layer: string;
  /** The error code, or null for what is accepted. */
  readonly refuse: string | null;
  readonly input: Readonly<Record<string, unknown>>;
  readonly expect: Readonly<Record<string, unknown>>;
}

/** Takes vectors for one layer: `good` ones with what they give, `bad` ones with the code that refuses them. */
export interface Layer {
  good(name: string, rule: string, input: Vector['input'], expect: Vector['expect'], note?: string): void;
  bad(name: string, rule: string, fault: string, refuse: string, input: Vector['input']): void;
}

export const collect = () => {
  const vectors = new Map<string, Vector>();
  const put = (name: string, vector: Vector): void => {
    if (vectors.has(name)) throw new Error(`two vectors are named ${name}`);
    vectors.set(name, vector);
  };
  return {
    vectors: vectors as ReadonlyMap<string, Vector>,
    layer: (layer: string): Layer => ({
      good: (name, rule, input, expect, note) =>
        put(`${layer}-${name}`, {
          format: 1,
          rule,
          fault: note === undefined ? 'none' : `none: ${note}`,
          layer,
          refuse: null,
          input,
          expect,
        }),
      bad: (name, rule, fault, refuse, input) =>
        put(`${layer}-${name}`, { format: 1, rule, fault, layer, refuse, input, expect: {} }),
    }),
  };
};

/** A vector as its file holds it. */
export const vectorText = (vector: Vector): string => `${JSON.stringify(vector, null, 2)}\n`;

/** Writes the vectors beside the generator at `url`, if that is the program that was started. */
export const writeIfMain = (url: string, vectors: ReadonlyMap<string, Vector>): void => {
  if (process.argv[1] !== fileURLToPath(url)) return;
  for (const [name, vector] of vectors) writeFileSync(new URL(`./${name}.json`, url), vectorText(vector));
};
