// The present as a component sees it, renewed at an interval so that "2 minutes ago" stays true.
// No spec rules here.
import { useEffect, useState } from 'react';

/** @returns milliseconds since 1970, renewed every `everyMs`. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
