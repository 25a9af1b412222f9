// What each principal made and wrote in each room, so that the end of a room gives it back.
// Rules: spec/relay-protocol.md §12 (RP125).
import { keyOf } from './keys.ts';
import type { Usage } from './store.ts';

/** The durable state that it counts from. */
export interface CountedAuthors {
  authored(room: Uint8Array, principal: Uint8Array, key: string): Usage;
  /** Everybody with something in the room, in any order. */
  authorsOf(room: Uint8Array): Iterable<Author>;
}

export interface Author {
  readonly principal: Uint8Array;
  readonly usage: Usage;
}

type OpenUsage = { -readonly [K in keyof Usage]: Usage[K] };

export interface AuthorCounts {
  /** What the batch leaves, by room and principal; undefined where the room is deleted. */
  readonly changed: ReadonlyMap<string, Usage | undefined>;
  count(room: Uint8Array, roomKey: string, principal: Uint8Array, more: Usage): void;
  /** Forgets a room. @returns who had what there. */
  deleteRoom(room: Uint8Array): Author[];
}

const ID_BYTES = 32;

/** The principal of a key of both ids. */
export const principalOfAuthor = (key: string): Uint8Array =>
  new Uint8Array(Buffer.from(key.slice(ID_BYTES), 'latin1'));

export const createAuthorCounts = (durable: CountedAuthors): AuthorCounts => {
  const changed = new Map<string, OpenUsage | undefined>();
  /** Who wrote last in each room: mostly the next one too, whose key need not be made again. */
  const last = new Map<string, { readonly principal: Uint8Array; readonly usage: OpenUsage }>();
  const open = (room: Uint8Array, roomKey: string, principal: Uint8Array): OpenUsage => {
    const before = last.get(roomKey);
    if (before?.principal === principal) return before.usage;
    const key = roomKey + keyOf(principal);
    let usage = changed.get(key);
    if (usage === undefined) {
      // Nothing is left of a room that this batch deletes.
      usage = changed.has(key) ? { rooms: 0, bytes: 0 } : { ...durable.authored(room, principal, key) };
      changed.set(key, usage);
    }
    last.set(roomKey, { principal, usage });
    return usage;
  };
  return {
    changed,
    count(room, roomKey, principal, { rooms, bytes }) {
      const usage = open(room, roomKey, principal);
      usage.rooms += rooms;
      usage.bytes = Math.max(0, usage.bytes + bytes);
    },
    deleteRoom(room) {
      const prefix = keyOf(room);
      last.delete(prefix);
      const left = new Map<string, Usage | undefined>();
      for (const { principal, usage } of durable.authorsOf(room)) left.set(prefix + keyOf(principal), usage);
      for (const [key, usage] of changed) if (key.startsWith(prefix)) left.set(key, usage);
      for (const key of left.keys()) changed.set(key, undefined);
      return [...left].flatMap(([key, usage]) =>
        usage ? [{ principal: principalOfAuthor(key), usage }] : [],
      );
    },
  };
};
