// What principals have in rooms, in the LMDB store: held in memory and written some seconds later, since it is only asked for when
// a room ends and would cost each append a third more. Rules: spec/relay-protocol.md §12 (RP125).
import type { Author } from './authored.ts';
import { principalOfAuthor } from './authored.ts';
import { boundedMap } from './bounded-map.ts';
import { keyOf } from './keys.ts';
import { endOf, type OpenTables } from './lmdb-tables.ts';
import { decodeUsage, encodeUsage } from './records.ts';
import type { Usage } from './store.ts';

export interface SavedAuthors {
  get(key: string): Usage;
  of(room: Uint8Array): Iterable<Author>;
  /** Keys that must go in the same transaction as the batch. */
  gone(changed: ReadonlyMap<string, Usage | undefined>): string[];
  /** The batch is durable or, with `undefined`, failed. */
  ended(gone: readonly string[], changed: ReadonlyMap<string, Usage | undefined> | undefined): void;
  /** Writes what is not written yet. */
  close(): Promise<void>;
}

/** A relay that is killed forgets what was counted for so long: then a deleted room gives that much less back. */
const SAVE_AFTER_MS = 5_000;
/** So many wait at the most. */
const MOST_UNSAVED = 16_384;
const CACHED = 65_536;
const NOTHING: Usage = { rooms: 0, bytes: 0 };

/** @param failed - told of a write that did not succeed; it is tried again. */
export const createSavedAuthors = (
  { root, tables: { authored } }: OpenTables,
  failed: (error: unknown) => void,
  saveAfterMs = SAVE_AFTER_MS,
): SavedAuthors => {
  const saved = boundedMap<string, Usage>(CACHED);
  let unsaved = new Map<string, Usage>();
  /** On their way to the disk. */
  let saving = new Map<string, Usage>();
  /** Of rooms that are being deleted. */
  const going = new Set<string>();
  let running: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  const save = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    await running;
    if (unsaved.size === 0) return;
    [saving, unsaved] = [unsaved, new Map()];
    running = write().finally(() => {
      running = undefined;
    });
    await running;
  };
  const write = async (): Promise<void> => {
    try {
      const rows: [string, Usage][] = [];
      for (const [key, usage] of saving) {
        if (!going.has(key)) rows.push([key, usage]);
        // Written later, if the deletion fails.
        else if (!unsaved.has(key)) unsaved.set(key, usage);
      }
      await root.batch(() => {
        for (const [key, usage] of rows) void authored.put(bytesOf(key), Buffer.from(encodeUsage(usage)));
      });
      for (const [key, usage] of saving) if (!unsaved.has(key)) saved.set(key, usage);
    } catch (error) {
      for (const [key, usage] of saving) if (!unsaved.has(key)) unsaved.set(key, usage);
      failed(error);
    } finally {
      saving = new Map();
    }
  };
  const later = (): void => {
    if (unsaved.size >= MOST_UNSAVED) void save();
    else timer ??= setTimeout(() => void save(), saveAfterMs).unref();
  };
  const get = (key: string): Usage => {
    const known = unsaved.get(key) ?? saving.get(key) ?? saved.get(key);
    if (known !== undefined) return known;
    const stored = authored.get(bytesOf(key));
    const usage = stored ? decodeUsage(stored) : NOTHING;
    saved.set(key, usage);
    return usage;
  };

  return {
    get,
    *of(room) {
      const keys = new Set<string>();
      const start = Buffer.from(room);
      for (const key of authored.getKeys({ start, end: endOf(start, start.length) }) as Iterable<Buffer>)
        keys.add(key.toString('latin1'));
      const prefix = keyOf(room);
      for (const some of [saving, unsaved])
        for (const key of some.keys()) if (key.startsWith(prefix)) keys.add(key);
      for (const key of keys) yield { principal: principalOfAuthor(key), usage: get(key) };
    },
    gone(changed) {
      const keys = [...changed].flatMap(([key, usage]) => (usage ? [] : [key]));
      for (const key of keys) going.add(key);
      return keys;
    },
    ended(gone, changed) {
      for (const key of gone) going.delete(key);
      if (changed === undefined) return;
      for (const [key, usage] of changed) {
        if (usage) unsaved.set(key, usage);
        else {
          unsaved.delete(key);
          saving.delete(key);
          saved.set(key, NOTHING);
        }
      }
      if (unsaved.size > 0) later();
    },
    close: save,
  };
};

const bytesOf = (key: string): Buffer => Buffer.from(key, 'latin1');
