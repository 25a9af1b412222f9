// A rendezvous cell in memory and time that moves by hand, for the tests of linking. Contract: src/link/rendezvous.ts.
import { type ErrorCode, LIMITS, SealwireError, toHex } from '@sealwire/protocol';
import { parseLinkCode } from '../src/link/code.ts';
import type { Rendezvous, RendezvousEvents, Timers } from '../src/link/rendezvous.ts';

/** Sees every message in a cell; returns what the other side gets instead. `index` counts from 0, both directions. */
export type Tap = (payload: Uint8Array, index: number, deliver: (payload: Uint8Array) => void) => void;

export interface Cell {
  readonly payload: Uint8Array;
  readonly members: Member[];
  bytes: number;
  messages: number;
}

export interface Member {
  readonly connection: Map<string, RendezvousEvents>;
}

/** Time moves only by `advance`. */
export const createTimers = (): Timers & { advance(ms: number): void; readonly pending: number } => {
  let now = 0;
  const waiting = new Set<{ at: number; run: () => void }>();
  return {
    after: (ms, run) => {
      const timer = { at: now + ms, run };
      waiting.add(timer);
      return () => {
        waiting.delete(timer);
      };
    },
    advance: (ms) => {
      now += ms;
      for (const timer of [...waiting].sort((a, b) => a.at - b.at)) {
        if (timer.at > now || !waiting.delete(timer)) continue;
        timer.run();
      }
    },
    get pending() {
      return waiting.size;
    },
  };
};

/** A relay that has nothing but rendezvous cells. What it tells a device comes in order, later than the call. */
export const createFakeRelay = (timers: Timers, lives = { openMs: 60_000, totalMs: 180_000 }) => {
  const cells = new Map<string, Cell>();
  const ended = new Map<string, ErrorCode>();
  const relay = {
    tap: ((payload, _index, deliver) => deliver(payload)) as Tap,
    /** What a joiner finds instead of what was left there. */
    swap: (payload: Uint8Array): Uint8Array => payload,
    openRefusal: undefined as ErrorCode | undefined,
    joins: 0,
    /** Every message as it was sent. */
    wire: [] as Uint8Array[],
    get cells() {
      return cells.size;
    },
    /** Ends a cell for all. */
    end(name: string, code: ErrorCode, except?: Member): void {
      const cell = cells.get(name);
      if (cells.delete(name)) ended.set(name, code);
      for (const member of cell?.members ?? []) {
        if (member !== except) tell(member, name, (events) => events.closed(code));
      }
    },
    /** Bytes that nobody sent, for one side of the cell that a code names. */
    inject(code: string, side: 'phone' | 'new-device', payload: Uint8Array): void {
      const name = toHex(parseLinkCode(code).rendezvousId);
      const member = cells.get(name)?.members[side === 'phone' ? 1 : 0];
      if (member) tell(member, name, (events) => events.message(payload));
    },
    connect(): Rendezvous {
      const member: Member = { connection: new Map() };
      return {
        listen: (id, events) => {
          member.connection.set(toHex(id), events);
          return () => {
            member.connection.delete(toHex(id));
          };
        },
        open: async (id, payload) => {
          const name = toHex(id);
          if (relay.openRefusal) throw new SealwireError(relay.openRefusal, 'refused');
          if (cells.has(name)) throw new SealwireError('RENDEZVOUS_EXISTS', 'exists');
          const cell: Cell = {
            payload: payload.slice(),
            members: [member],
            bytes: payload.length,
            messages: 0,
          };
          cells.set(name, cell);
          const expire = () => cells.get(name) === cell && relay.end(name, 'RENDEZVOUS_EXPIRED');
          timers.after(lives.openMs, () => cell.members.length === 1 && expire());
          timers.after(lives.totalMs, expire);
          return lives;
        },
        join: async (id) => {
          relay.joins++;
          const name = toHex(id);
          const cell = cells.get(name);
          if (!cell) throw new SealwireError(ended.get(name) ?? 'RENDEZVOUS_UNKNOWN', 'no cell');
          if (cell.members.length > 1) {
            relay.end(name, 'RENDEZVOUS_SECOND_JOINER');
            throw new SealwireError('RENDEZVOUS_SECOND_JOINER', 'second joiner');
          }
          cell.members.push(member);
          tell(cell.members[0]!, name, (events) => events.joined());
          return relay.swap(cell.payload.slice());
        },
        send: (id, payload) => {
          const name = toHex(id);
          const cell = cells.get(name);
          if (!cell?.members.includes(member)) return;
          cell.bytes += payload.length;
          if (cell.bytes > LIMITS.rendezvousBytes) return relay.end(name, 'RENDEZVOUS_FULL');
          relay.wire.push(payload.slice());
          const other = cell.members.find((each) => each !== member);
          relay.tap(payload.slice(), cell.messages++, (changed) => {
            if (other && cells.get(name) === cell) tell(other, name, (events) => events.message(changed));
          });
        },
        close: (id) => {
          const name = toHex(id);
          if (cells.get(name)?.members.includes(member)) relay.end(name, 'RENDEZVOUS_PEER_LEFT', member);
        },
      };
    },
  };
  return relay;
};

const tell = (member: Member, name: string, run: (events: RendezvousEvents) => void): void => {
  queueMicrotask(() => {
    const events = member.connection.get(name);
    if (events) run(events);
  });
};
