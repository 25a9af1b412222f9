// What principals have made and written, counted in memory and added to a record at NATS from time to time.
// Rules: spec/relay-protocol.md §13 (RP165).
import type { Awaitable } from '../awaitable.ts';
import { boundedMap } from '../bounded-map.ts';
import { copyOf, keyOf } from '../keys.ts';
import { decodeUsage, encodeUsage } from '../records.ts';
import type { Usage } from '../store.ts';
import type { Records } from './records.ts';

export interface Usages {
  usage(principal: Uint8Array): Awaitable<Usage>;
  count(principal: Uint8Array, more: Usage): void;
  /** Adds what was counted to the records. */
  flush(): Promise<void>;
}

/** What a record said is believed for this long. */
const FRESH_MS = 5_000;
const CACHED = 65_536;

export const createUsages = (records: Records, now: () => number): Usages => {
  const stored = boundedMap<string, { readonly usage: Usage; readonly at: number }>(CACHED);
  const pending = new Map<string, { readonly principal: Uint8Array; readonly usage: Usage }>();
  /** On their way to the records. */
  const flushing = new Map<string, Usage>();

  const together = (key: string, usage: Usage): Usage =>
    atLeastNone(add(add(usage, flushing.get(key) ?? NONE), pending.get(key)?.usage ?? NONE));

  return {
    usage(principal) {
      const key = keyOf(principal);
      const known = stored.get(key);
      if (known && now() - known.at < FRESH_MS) return together(key, known.usage);
      return records.get('usage', principal).then((found) => {
        const usage = found ? decodeUsage(found.data) : NONE;
        stored.set(key, { usage, at: now() });
        return together(key, usage);
      });
    },

    count(principal, more) {
      const key = keyOf(principal);
      const known = pending.get(key);
      if (known) pending.set(key, { principal: known.principal, usage: add(known.usage, more) });
      else pending.set(key, { principal: copyOf(principal), usage: more });
    },

    async flush() {
      for (const [key, { principal, usage }] of pending) {
        if (flushing.has(key)) continue;
        pending.delete(key);
        flushing.set(key, usage);
        try {
          let sum = NONE;
          await records.update('usage', principal, (current) => {
            sum = atLeastNone(add(current ? decodeUsage(current) : NONE, usage));
            return encodeUsage(sum);
          });
          stored.set(key, { usage: sum, at: now() });
        } catch (error) {
          pending.set(key, { principal, usage: add(pending.get(key)?.usage ?? NONE, usage) });
          throw error;
        } finally {
          flushing.delete(key);
        }
      }
    },
  };
};

const NONE: Usage = { rooms: 0, bytes: 0 };

/** What waits to be added may be below 0; a sum is shown and stored from 0 on. */
const add = (a: Usage, b: Usage): Usage => ({ rooms: a.rooms + b.rooms, bytes: a.bytes + b.bytes });

const atLeastNone = ({ rooms, bytes }: Usage): Usage => ({
  rooms: Math.max(0, rooms),
  bytes: Math.max(0, bytes),
});
