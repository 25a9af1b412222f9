// Records at NATS: one message a record, replaced by compare-and-set. Rules: spec/relay-protocol.md §13.
import { SealwireError } from '@sealwire/protocol';
import type { JetStream, Stored } from './jetstream.ts';
import type { Names, RecordKind } from './subjects.ts';

export interface Records {
  get(kind: RecordKind, id: Uint8Array): Promise<Stored | undefined>;
  /** @returns false if the record is no longer the one with the number `expected` (0 for none). */
  put(kind: RecordKind, id: Uint8Array, value: Uint8Array, expected: number): Promise<boolean>;
  /**
   * Replaces a record by what `change` makes of it, again and again until nobody else was faster.
   *
   * @param change - may throw, which leaves the record alone; undefined leaves it as well.
   */
  update(
    kind: RecordKind,
    id: Uint8Array,
    change: (current: Uint8Array | undefined) => Uint8Array | undefined | Promise<Uint8Array | undefined>,
  ): Promise<void>;
  /** One after the other, in the order of the calls, for calls with the same key. */
  inTurn<T>(key: string, run: () => Promise<T>): Promise<T>;
  /** Resolves when nothing that was called in turn is under way. */
  idle(): Promise<void>;
}

/** So many relays may be faster at one record before it is taken for a fault. */
const ATTEMPTS = 100;

export const createRecords = (jetStream: JetStream, names: Names): Records => {
  const turns = new Map<string, Promise<unknown>>();

  const get = (kind: RecordKind, id: Uint8Array): Promise<Stored | undefined> =>
    jetStream.last(names.record(kind, id));

  const put = async (
    kind: RecordKind,
    id: Uint8Array,
    value: Uint8Array,
    expected: number,
  ): Promise<boolean> => (await jetStream.publish(names.record(kind, id), value, { expected })) !== undefined;

  return {
    get,
    put,

    async update(kind, id, change) {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const current = await get(kind, id);
        const value = await change(current?.data);
        if (value === undefined || (await put(kind, id, value, current?.seq ?? 0))) return;
      }
      throw new SealwireError('STORE_FAILED', 'Too many relays edit one record at the same time.');
    },

    inTurn(key, run) {
      const before = turns.get(key) ?? Promise.resolve();
      const mine = before.then(run, run);
      const done = mine.then(
        () => {},
        () => {},
      );
      turns.set(key, done);
      void done.then(() => {
        if (turns.get(key) === done) turns.delete(key);
      });
      return mine;
    },

    async idle() {
      while (turns.size > 0) await Promise.all(turns.values());
    },
  };
};
