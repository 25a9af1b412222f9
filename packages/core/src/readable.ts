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

/**
 * Waits for a readable to hold a value that `accept` takes.
 *
 * @param signal - ends the wait; the promise then rejects with its reason.
 * @returns the first such value, the present one included.
 */
export const when = <T, S extends T = T>(
  readable: Readable<T>,
  accept: ((value: T) => value is S) | ((value: T) => boolean),
  signal?: AbortSignal,
): Promise<S> =>
  new Promise((resolve, reject) => {
    let end = (): void => undefined;
    const stop = (): void => {
      end();
      reject(signal?.reason);
    };
    const look = (): void => {
      const value = readable.get();
      if (!accept(value)) return;
      end();
      signal?.removeEventListener('abort', stop);
      resolve(value as S);
    };
    if (signal?.aborted) return stop();
    signal?.addEventListener('abort', stop, { once: true });
    end = readable.subscribe(look);
    look();
  });
