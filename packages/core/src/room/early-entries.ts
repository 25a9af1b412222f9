// Log entries that came before what they are judged by: kept, bounded, and given again when anything is learned. Rules:
// spec/epochs.md §1.
import { toHex } from '@sealwire/protocol';
import type { SignedEntry } from '../identity/log-entry.ts';

/** An entry that waits. */
export interface EarlyEntry {
  readonly signed: SignedEntry;
  /** False while the frame around it is not accepted: then only what proves itself may be taken from it. */
  readonly accepted: boolean;
}

/** @param limit - entries that may wait at once; of more, those of frames not accepted go first, then the oldest. */
export const createEarlyEntries = (limit: number) => {
  /** By hash, in the order of arrival. */
  const entries = new Map<string, EarlyEntry>();
  return {
    put(signed: SignedEntry, accepted: boolean): void {
      const name = toHex(signed.hash);
      if (entries.get(name)?.accepted) return;
      entries.set(name, { signed, accepted });
      if (entries.size <= limit) return;
      const [oldest] = entries.keys();
      const loose = [...entries].find(([, entry]) => !entry.accepted);
      entries.delete(loose?.[0] ?? oldest!);
    },
    list: (): readonly EarlyEntry[] => [...entries.values()],
    remove: (signed: SignedEntry): void => void entries.delete(toHex(signed.hash)),
    get size(): number {
      return entries.size;
    },
  };
};
