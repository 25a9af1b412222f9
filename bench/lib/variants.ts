// Loads modules a second time with functions of theirs replaced, for figures that no option of the product could give:
// what a check costs, or how often it is made. Only here; the product's own instances stay as they are.
import { register } from 'node:module';

/** What is replaced in one module. */
export interface Replacement {
  /** How the URL of the module ends. */
  readonly module: string;
  readonly names: readonly string[];
  /** URL of the module that exports the others. */
  readonly by: string;
}

export interface Variant {
  readonly name: string;
  /** Modules whose URL begins so are loaded anew; all others are shared with the rest of the program. */
  readonly scope: readonly string[];
  readonly replacements: readonly Replacement[];
}

/** @returns what `import(url)` gives, when it and all that it imports in the variant's scope are loaded anew. */
export const importVariant = async (variant: Variant, url: string): Promise<unknown> => {
  register('./variant-hooks.ts', import.meta.url, { data: variant });
  return import(`${url}?variant=${variant.name}`);
};
