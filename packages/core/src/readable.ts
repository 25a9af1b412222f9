// Values that change and say so; see Readable in api.ts.
import type { Readable } from './api.ts';

/** A readable whose value is computed when asked for, and again after `invalidate`. */
export const createReadable = <T>(compute: () => T): Readable<T> & { invalidate(): void } => {
  const listeners = new Set<() => void>();
  let value: { readonly of: T } | undefined;
  return {
    get() {
      value ??= { of: compute() };
      return value.of;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    invalidate() {
      value = undefined;
      for (const listener of [...listeners]) listener();
    },
  };
};
