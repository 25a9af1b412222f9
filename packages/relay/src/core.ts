// The relay without sockets: sessions, rooms and cells over a store, a clock and randomness that are given to it.
// Rules: spec/relay-protocol.md §6 to §9.
import { type ClosingCode, NONCE_BYTES } from '@sealwire/protocol';
import { addressGroup, createAddresses } from './addresses.ts';
import { type Buckets, createBuckets } from './bucket.ts';
import { type CellParty, type CellsAbroad, createCellsAbroad } from './cells-abroad.ts';
import { keyOf } from './keys.ts';
import type { RelayLimits } from './limits.ts';
import type { Clock, Link, LinkEvents } from './link.ts';
import { type Measures, NO_MEASURES } from './measures.ts';
import { createPaces, type Pace } from './pace.ts';
import { type Cells, createCells, type Effect } from './rendezvous.ts';
import { createRooms, type Rooms } from './rooms.ts';
import { createSession, type Session } from './session.ts';
import type { LogStore, PrincipalRecord } from './store.ts';

/**
 * What a relay reports about itself. Never holds payloads, keys, ids or addresses. `connection` and `request` are numbers that
 * this process gave, which mean something in its log alone.
 */
export type RelayEvent =
  | { readonly event: 'listening'; readonly port: number }
  | {
      readonly event: 'connected' | 'disconnected';
      readonly connection: number;
      readonly connections: number;
    }
  | { readonly event: 'authenticated'; readonly connection: number; readonly ms: number }
  | {
      readonly event: 'closing';
      readonly connection: number;
      readonly code: ClosingCode;
      /** Milliseconds since it connected. */
      readonly ms: number;
    }
  /** A request for a blob was answered. */
  | {
      readonly event: 'blob';
      readonly request: number;
      readonly method: string;
      readonly status: number;
      readonly ms: number;
    }
  /** A connection was not let in: with so many of them, of this address, or without the protocol. */
  | { readonly event: 'turned-away'; readonly status: number }
  /** With the number that the device gave its request, where it was one. */
  | {
      readonly event: 'store-failed';
      readonly code: string;
      readonly connection?: number;
      readonly request?: number;
    }
  | { readonly event: 'stopping' | 'stopped' };

export interface CoreOptions {
  readonly store: LogStore;
  readonly clock: Clock;
  readonly limits: RelayLimits;
  /** Unpredictable bytes, a new array each time. */
  readonly random: (length: number) => Uint8Array;
  readonly log: (event: RelayEvent) => void;
  /** Default: nothing is measured. */
  readonly measures?: Measures;
  /** Told when a room's deletion is durable, for what is kept of it elsewhere. */
  readonly roomDeleted?: ((room: Uint8Array) => void) | undefined;
}

export interface RelayCore {
  /**
   * Takes a new connection: greets it and waits for its authentication.
   *
   * @param address - where it comes from; without it nothing is counted by address.
   */
  connect(link: Link, address?: string): LinkEvents;
  /** Whether a connection may come from an address now; asked once for each that wants to. */
  admits(address: string): boolean;
  /**
   * Takes no more requests, waits for appends on their way to the disk (bounded), and ends all connections.
   *
   * @param successor - where the devices are told to go. Default: they come back here.
   */
  stop(successor?: string): Promise<void>;
  /** Ends the connections that follow nothing and have been silent for `idleMs`. To be called now and then. */
  endIdle(): void;
  /** Connections at present. */
  readonly connections: number;
  /** Rooms that somebody follows at present. */
  readonly activeRooms: number;
}

/** What the sessions of one relay share. */
export interface Shared extends CoreOptions {
  readonly measures: Measures;
  readonly rooms: Rooms;
  readonly cells: CellsAbroad;
  /** True from the moment that the relay stops: nothing new is begun. */
  isStopping(): boolean;
  authenticated(session: Session, relayKey: Uint8Array): void;
  /** A session acts for another principal than before, or for none. */
  actsFor(session: Session, before: Uint8Array | undefined, after: Uint8Array | undefined): void;
  /** A principal's list is durable: its devices get their rights, those that left it are cut off. */
  principalChanged(before: PrincipalRecord | undefined, after: PrincipalRecord): void;
  /** Connections that act for a principal at present. */
  sessionsOf(principal: Uint8Array): Iterable<Session>;
  /** A room's deletion is durable. */
  roomDeleted(room: Uint8Array): void;
  readonly budgets: Budgets;
  /** The pace of a connection. */
  readonly newPace: () => Pace;
  /** Counts bytes of appends that wait for the disk. */
  readonly pressure: Pressure;
  ended(session: Session): void;
}

/** What may come from many connections together; of each, some at once and more with time. */
export interface Budgets {
  /** New principals, by address. */
  readonly principals: Buckets;
  /** New rooms, by address. */
  readonly rooms: Buckets;
  /** Appends, by room. */
  readonly roomAppends: Buckets;
  /** Bytes of appends, by room. */
  readonly roomBytes: Buckets;
  /** Messages into one principal's inbox, by principal. */
  readonly inbox: Buckets;
  /** Messages with one token, by principal and token. */
  readonly inboxToken: Buckets;
}

export interface Pressure {
  add(bytes: number, session: Session): void;
  remove(bytes: number): void;
}

/** A new core. It owns neither the store nor the clock. */
export const createRelayCore = (options: CoreOptions): RelayCore => {
  const { store, clock, limits, measures = NO_MEASURES } = options;
  const addresses = createAddresses(limits);
  const sessions = new Set<Session>();
  let connected = 0;
  /** Lists: nearly all hold one, and a set takes five times the memory. */
  const byKey = new Map<string, readonly Session[]>();
  const byPrincipal = new Map<string, readonly Session[]>();
  let stopping = false;
  const cells = createCells<CellParty>(limits, ({ address }) => address);
  const pressure = createPressure(limits.appendBytesWaiting);
  const timer = createCellTimer(clock, cells);

  const deliver = (effects: readonly Effect<CellParty>[]): void => {
    deliverEffects(effects);
    timer.set();
  };
  const abroad = createCellsAbroad({ cells, clock, limits, deliver, post: store.neighbours?.post });

  const shared: Shared = {
    ...options,
    measures,
    rooms: createRooms({ store, clock, readBytes: limits.readBytes, measures }),
    cells: abroad,
    pressure,
    isStopping: () => stopping,
    authenticated(session, relayKey) {
      const ms = Math.round(session.ageMs());
      options.log({ event: 'authenticated', connection: session.number, ms });
      addTo(byKey, keyOf(relayKey), session);
      if (session.address !== undefined) addresses.authenticated(session.address);
    },
    principalChanged(before, after) {
      const kept = new Set(after.relayKeys.map(keyOf));
      for (const relayKey of before?.relayKeys ?? []) {
        const key = keyOf(relayKey);
        if (kept.has(key)) continue;
        for (const session of byKey.get(key) ?? []) session.cutOff(after.id);
      }
      for (const key of kept) for (const session of byKey.get(key) ?? []) session.belongsTo(after.id);
    },
    actsFor(session, before, after) {
      if (before) removeFrom(byPrincipal, keyOf(before), session);
      if (after) addTo(byPrincipal, keyOf(after), session);
    },
    newPace: createPaces(limits),
    sessionsOf: (principal) => byPrincipal.get(keyOf(principal)) ?? [],
    roomDeleted: options.roomDeleted ?? (() => {}),
    budgets: {
      principals: createBuckets({ most: limits.principalsAtOnce, everyMs: limits.principalMs }),
      rooms: createBuckets({ most: limits.roomsAtOnce, everyMs: limits.roomMs }),
      roomAppends: createBuckets({
        most: limits.roomAppendsAtOnce,
        everyMs: 1_000 / limits.roomAppendsPerSecond,
      }),
      roomBytes: createBuckets({
        most: limits.roomBytesAtOnce,
        everyMs: 1_000 / limits.roomBytesPerSecond,
      }),
      inbox: createBuckets({ most: limits.inboxTakes, everyMs: limits.inboxTakeMs }),
      inboxToken: createBuckets({ most: limits.inboxTokenTakes, everyMs: limits.inboxTokenTakeMs }),
    },
    ended(session) {
      sessions.delete(session);
      if (session.address !== undefined) addresses.left(session.address, !session.authenticated);
      if (session.relayKey) removeFrom(byKey, keyOf(session.relayKey), session);
      abroad.left(session);
      deliver(cells.left(clock.now(), session));
    },
  };

  return {
    admits: (address) => addresses.admits(clock.now(), addressGroup(address)),
    connect(link, from) {
      const address = from === undefined ? undefined : addressGroup(from);
      if (address !== undefined) addresses.connected(address);
      const number = ++connected;
      const session = createSession(shared, link, { number, nonce: options.random(NONCE_BYTES), address });
      sessions.add(session);
      return session;
    },
    async stop(successor) {
      if (stopping) return;
      stopping = true;
      const settled = Promise.all([...sessions].map((session) => session.settled()));
      await new Promise<void>((resolve) => {
        const giveUp = clock.after(limits.drainMs, resolve);
        void settled.then(() => {
          giveUp();
          resolve();
        });
      });
      shared.rooms.pass();
      timer.stop();
      abroad.end();
      // All at once would be more than the next relay takes in: each draws its pause from one to two times this.
      const afterMs = Math.max(limits.comeBackMs, (sessions.size * 1_000) / limits.reconnectsPerSecond);
      for (const session of sessions) session.end('SHUTTING_DOWN', { afterMs, at: successor });
    },
    endIdle() {
      for (const session of sessions) session.endIfIdle(clock.now() - limits.idleMs);
    },
    get connections() {
      return sessions.size;
    },
    get activeRooms() {
      return shared.rooms.active;
    },
  };
};

const addTo = (index: Map<string, readonly Session[]>, key: string, session: Session): void => {
  const known = index.get(key) ?? [];
  if (!known.includes(session)) index.set(key, [...known, session]);
};

const removeFrom = (index: Map<string, readonly Session[]>, key: string, session: Session): void => {
  const others = (index.get(key) ?? []).filter((each) => each !== session);
  if (others.length > 0) index.set(key, others);
  else index.delete(key);
};

const deliverEffects = (effects: readonly Effect<CellParty>[]): void => {
  for (const { to, message } of effects) to.sendMessage(message);
};

/** Stops reading from those who append while too many bytes wait for the disk. */
const createPressure = (mostBytes: number): Pressure => {
  const paused = new Set<Session>();
  let waiting = 0;
  return {
    add(bytes, session) {
      waiting += bytes;
      if (waiting <= mostBytes) return;
      paused.add(session);
      session.stopReading('disk');
    },
    remove(bytes) {
      waiting -= bytes;
      if (waiting > mostBytes / 2) return;
      for (const session of paused) session.goOnReading('disk');
      paused.clear();
    },
  };
};

/** One timer for all cells, set to the first deadline. */
const createCellTimer = (clock: Clock, cells: Cells<CellParty>): { set(): void; stop(): void } => {
  let setTo: number | undefined;
  let cancel = (): void => {};
  const set = (): void => {
    const deadline = cells.nextDeadline();
    if (deadline === setTo) return;
    cancel();
    cancel = () => {};
    setTo = deadline;
    if (deadline === undefined) return;
    cancel = clock.after(Math.max(0, Math.ceil(deadline - clock.now())), () => {
      setTo = undefined;
      deliverEffects(cells.expire(clock.now()));
      set();
    });
  };
  return { set, stop: () => cancel() };
};
