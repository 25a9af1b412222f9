// Runs one action of a person at a time and keeps its failure for display.
// No spec rules here.
import { useCallback, useEffect, useRef, useState } from 'react';

export interface Task<A extends readonly unknown[]> {
  readonly run: (...args: A) => void;
  readonly busy: boolean;
  /** What the last run threw; undefined while it runs and when it went well. */
  readonly error: unknown;
}

export function useTask<A extends readonly unknown[]>(action: (...args: A) => Promise<unknown>): Task<A> {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(undefined);
  const latest = useRef(action);
  const running = useRef(false);
  useEffect(() => {
    latest.current = action;
  });
  const run = useCallback((...args: A) => {
    if (running.current) return;
    running.current = true;
    setBusy(true);
    setError(undefined);
    latest
      .current(...args)
      .catch(setError)
      .finally(() => {
        running.current = false;
        setBusy(false);
      });
  }, []);
  return { run, busy, error };
}
