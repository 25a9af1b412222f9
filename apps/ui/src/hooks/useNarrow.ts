// Whether there is room for one pane only; the same width as in layout.css.
// No spec rules here.
import { useSyncExternalStore } from 'react';

const query = matchMedia('(max-width: 47.99rem)');

export function useNarrow(): boolean {
  return useSyncExternalStore(
    (listener) => {
      query.addEventListener('change', listener);
      return () => query.removeEventListener('change', listener);
    },
    () => query.matches,
  );
}
