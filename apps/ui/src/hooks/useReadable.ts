// Reads a Readable of the engine in a component.
// No spec rules here.
import type { Readable } from '@sealwire/core';
import { useSyncExternalStore } from 'react';

export function useReadable<T>(readable: Readable<T>): T {
  return useSyncExternalStore(
    (listener) => readable.subscribe(listener),
    () => readable.get(),
  );
}
