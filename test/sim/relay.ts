// The relay of a run: the real core over a store whose disk has its moments, restarts, and copies to go back to.

import { fromHex, SealwireError, toHex } from '@sealwire/protocol';
import {
  createRelayCore,
  type Link,
  type LinkEvents,
  type LocalStore,
  memoryStore,
  relayLimits,
} from '@sealwire/relay';
import type { Wiretap } from './wiretap.ts';
import type { World } from './world.ts';

/** One durable change of the store, in order. */
type Change =
  | {
      readonly type: 'append';
      readonly room: Uint8Array;
      readonly stream: string;
      readonly frame: Uint8Array;
    }
  | { readonly type: 'principal'; readonly record: Parameters<LocalStore['putPrincipal']>[0] }
  | { readonly type: 'room'; readonly record: Parameters<LocalStore['putRoom']>[0] };

export const createRelayHost = (world: World, wiretap: Wiretap) => {
  const dice = world.dice('relay');
  const relayId = dice.bytes(16);
  const changes: Change[] = [];
  let full = false;
  let up = true;
  let keepsGhosts = false;
  let epoch = 0;
  let store: LocalStore;
  let core: ReturnType<typeof createRelayCore> | undefined;

  /** The store of one life of the relay's disk: what its process had not committed when it died is not in it. */
  const newStore = (): { readonly inner: LocalStore; ready(): void } => {
    let isReady = false;
    const inner = memoryStore({
      relayId,
      flush: () => (isReady ? flush() : Promise.resolve()),
      soon: (run) => (isReady ? void world.after(dice.between(0, 2), run) : queueMicrotask(run)),
    });
    return {
      inner,
      ready: () => {
        isReady = true;
      },
    };
  };

  const flush = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const mine = epoch;
      world.after(dice.chance(0.03) ? dice.between(50, 2_000) : dice.between(0, 10), () => {
        if (mine !== epoch)
          reject(new SealwireError('STORE_FAILED', 'The process died before this was on disk.'));
        else if (full) reject(new SealwireError('STORE_FULL', 'The disk of the relay is full.'));
        else resolve();
      });
    });

  /** Counts disks: what a lost one was still writing is on none. */
  let disks = 0;
  /** The store, and a record of what became durable in it. */
  const recording = (inner: LocalStore, mine = ++disks): LocalStore => ({
    ...inner,
    async putPrincipal(edit) {
      const before = keepsGhosts ? (inner.principal(edit.id)?.relayKeys ?? []) : [];
      const record = before.length === 0 ? edit : { ...edit, relayKeys: union(before, edit.relayKeys) };
      await inner.putPrincipal(record);
      if (mine === disks) changes.push({ type: 'principal', record });
    },
    async putRoom(record) {
      await inner.putRoom(record);
      if (mine === disks) changes.push({ type: 'room', record });
    },
    append({ room, stream, frame, placed }) {
      const kept = { type: 'append', room: room.slice(), stream, frame: frame.slice() } as const;
      return inner.append({
        room,
        stream,
        frame,
        placed(position) {
          if (mine === disks) {
            changes.push(kept);
            wiretap.durable(kept.frame);
          }
          placed?.(position);
        },
      });
    },
  });

  const start = (): void => {
    if (core && up) return;
    const mine = ++epoch;
    const guarded = (run: () => void) => () => {
      if (mine === epoch) run();
    };
    core = createRelayCore({
      store,
      clock: {
        now: world.now,
        after: (ms, run) => world.after(ms, guarded(run)),
        soon: (run) => void world.after(0, guarded(run)),
      },
      limits: relayLimits({ readBytes: 4_000, socketPauseBytes: 24_000 }),
      random: (length) => dice.bytes(length),
      log: (event) => {
        if (event.event === 'closing') world.note('relay', `closes: ${event.code}`);
      },
    });
    up = true;
  };

  const first = newStore();
  first.ready();
  store = recording(first.inner);
  start();

  return {
    isUp: () => up,
    connect: (link: Link): LinkEvents => core!.connect(link),
    /** The process dies; what was not on disk is gone. Connections are the caller's to cut. */
    stop(): void {
      epoch += 1;
      up = false;
    },
    start,
    /** From now on it goes on serving devices that their account took out. */
    keepGhosts(): void {
      keepsGhosts = true;
    },
    /** Whoever has the relay gives a room to somebody else. @returns false if there is no such room. */
    seize(room: string): boolean {
      const record = store.room(fromHex(room));
      if (!record) return false;
      const members = [{ principal: dice.bytes(32), admin: true }];
      void store.putRoom({ ...record, version: record.version + 1, members }).catch(() => undefined);
      up = false;
      start();
      return true;
    },
    fill: (isFull: boolean): void => {
      full = isFull;
    },
    /** How many changes are durable. */
    length: (): number => changes.length,
    /** All frames that are durable, oldest first. */
    frames: (): Uint8Array[] => changes.flatMap((change) => (change.type === 'append' ? [change.frame] : [])),
    head: (room: Uint8Array): number => store.head(room),
    /** Ids of the rooms that hold something, hexadecimal, oldest first. */
    rooms: (): string[] => [
      ...new Set(changes.flatMap((change) => (change.type === 'append' ? [toHex(change.room)] : []))),
    ],
    /** Makes the disk anew while the relay is stopped: of its changes, oldest first, only those that it `holds`. */
    async restore(
      holds: (change: { readonly room: string | undefined }, index: number) => boolean,
    ): Promise<void> {
      disks += 1;
      for (const [i, change] of changes.splice(0).entries()) {
        if (holds({ room: roomOf(change) }, i)) changes.push(change);
        else if (change.type === 'append') wiretap.lost(change.frame);
      }
      const { inner, ready } = newStore();
      for (const change of changes) {
        if (change.type === 'append') await inner.append(change);
        else if (change.type === 'principal') await inner.putPrincipal(change.record);
        else await inner.putRoom(change.record);
      }
      ready();
      store = recording(inner);
    },
  };
};

const union = (a: readonly Uint8Array[], b: readonly Uint8Array[]): Uint8Array[] =>
  [...new Map([...a, ...b].map((key) => [toHex(key), key]))]
    .sort(([x], [y]) => (x < y ? -1 : 1))
    .map(([, key]) => key);

const roomOf = (change: Change): string | undefined => {
  if (change.type === 'principal') return undefined;
  return toHex(change.type === 'room' ? change.record.room : change.room);
};

export type RelayHost = ReturnType<typeof createRelayHost>;
