// A map that forgets what was longest unused. Rules: none; it bounds the relay's memory.

/** @param most - entries kept. */
export const boundedMap = <K, V>(
  most: number,
): { get(key: K): V | undefined; set(key: K, value: V): void } => {
  // A Map gives its keys in the order of insertion: the first is the oldest.
  const entries = new Map<K, V>();
  return {
    get(key) {
      const value = entries.get(key);
      if (value === undefined) return undefined;
      entries.delete(key);
      entries.set(key, value);
      return value;
    },
    set(key, value) {
      entries.delete(key);
      entries.set(key, value);
      if (entries.size <= most) return;
      for (const oldest of entries.keys()) {
        entries.delete(oldest);
        return;
      }
    },
  };
};
