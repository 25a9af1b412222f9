// A small observable value, the same shape as the engine's Readable.
// No spec rules here.
import type { Readable } from '@sealwire/core';

/** A {@link Readable} that its owner may set. */
export interface Value<T> extends Readable<T> {
  set(next: T): void;
}

export function value<T>(initial: T): Value<T> {
  let current = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => current,
    set(next) {
      if (Object.is(next, current)) return;
      current = next;
      for (const listener of [...listeners]) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}
