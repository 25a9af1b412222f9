// Cells whose parties are connected to different relays of one store. A cell lives where it was opened; whoever joins it
// elsewhere takes part through his relay. Rules: spec/relay-protocol.md §9 and §13 (RP167).
import {
  type ClientMessage,
  decodeClientMessage,
  decodeRelayMessage,
  encodeClientMessage,
  encodeRelayMessage,
  Reader,
  type RelayMessage,
} from '@sealwire/protocol';
import * as encoding from 'lib0/encoding';
import { type Awaitable, whenRead } from './awaitable.ts';
import { keyOf } from './keys.ts';
import type { Clock } from './link.ts';
import type { Post, Watch } from './neighbours.ts';
import type { CellLimits, Cells, Effect } from './rendezvous.ts';

type CellMessage = Extract<
  ClientMessage,
  { readonly type: 'rendezvous-open' | 'rendezvous-join' | 'rendezvous-send' | 'rendezvous-close' }
>;

/** Who takes part in cells: a connection here, or one at another relay. */
export interface CellParty {
  /** Where it comes from, if that counts. */
  readonly address: string | undefined;
  sendMessage(message: RelayMessage): void;
}

export interface CellsAbroad {
  /** Does what a connection here asks for. @returns false, also later, if it broke the rules (RP97). */
  handle(party: CellParty, message: CellMessage): Awaitable<boolean>;
  /** The connection is gone. */
  left(party: CellParty): void;
  end(): void;
}

export interface CellsAbroadOptions {
  readonly cells: Cells<CellParty>;
  readonly clock: Clock;
  readonly limits: CellLimits;
  readonly deliver: (effects: readonly Effect<CellParty>[]) => void;
  /** Undefined where there are no other relays. */
  readonly post: Post | undefined;
}

/** Other nodes hear of a new cell a moment after it was opened. */
const SPREAD_MS = 200;

export const createCellsAbroad = (options: CellsAbroadOptions): CellsAbroad => {
  const { cells, clock, deliver, post } = options;
  const local = (party: CellParty, message: CellMessage): boolean => {
    const effects = applyTo(cells, clock.now(), party, message);
    if (effects) deliver(effects);
    return effects !== undefined;
  };
  if (post === undefined) return { handle: local, left: () => {}, end: () => {} };
  const timers = createTimers(clock);
  const guests = createGuests(options, timers, post, local);
  const hosts = createHosts(options, timers, post);

  return {
    handle(party, message) {
      if (message.type === 'rendezvous-open') {
        return whenRead(guests.isTaken(message.id), (isTaken) => {
          if (!isTaken) return local(party, message);
          party.sendMessage({ type: 'refused', request: message.request, code: 'RENDEZVOUS_EXISTS' });
          return true;
        });
      }
      if (cells.knows(message.id)) return local(party, message);
      return whenRead(hosts.handle(party, message), (isElsewhere) => isElsewhere || local(party, message));
    },
    left: hosts.left,
    end() {
      timers.end();
      guests.end();
      hosts.end();
    },
  };
};

/** What is to happen later, unless everything ends before: nothing that waits keeps a process alive. */
const createTimers = (clock: Clock): { after(ms: number, run: () => void): void; end(): void } => {
  const waiting = new Set<() => void>();
  return {
    after(ms, run) {
      const callOff = clock.after(ms, () => {
        waiting.delete(callOff);
        run();
      });
      waiting.add(callOff);
    },
    end() {
      for (const callOff of waiting) callOff();
      waiting.clear();
    },
  };
};

type Timers = ReturnType<typeof createTimers>;

/** One message of a party to a cell. @returns undefined for a fault of the party. */
const applyTo = (
  cells: Cells<CellParty>,
  now: number,
  party: CellParty,
  message: CellMessage,
): Effect<CellParty>[] | undefined => {
  switch (message.type) {
    case 'rendezvous-open':
      return cells.open(now, party, message.request, message.id, message.payload);
    case 'rendezvous-join':
      return cells.join(now, party, message.request, message.id);
    case 'rendezvous-send':
      return cells.send(now, party, message.id, message.payload);
    default:
      return cells.close(now, party, message.id);
  }
};

/** Cells that live here, and those who take part in them from elsewhere. */
const createGuests = (
  { cells, clock, limits, deliver }: CellsAbroadOptions,
  timers: Timers,
  post: Post,
  local: (party: CellParty, message: CellMessage) => boolean,
) => {
  const parties = new Map<string, CellParty>();
  const watches = new Set<Watch>();

  const guest = (relay: string, number: number): CellParty => {
    const key = `${relay}/${number}`;
    const known = parties.get(key);
    if (known) return known;
    const party: CellParty = {
      address: undefined,
      sendMessage(message) {
        void post.bring(partyPlace(relay), encodeToParty(number, message)).then((arrived) => {
          if (!arrived) deliver(cells.left(clock.now(), party));
        });
      },
    };
    parties.set(key, party);
    // No cell lasts longer.
    timers.after(2 * limits.rendezvousTotalMs, () => parties.delete(key));
    return party;
  };

  const listen = (id: Uint8Array): Watch => {
    const watch = post.listen(cellPlace(id), (bytes) => {
      const { relay, number, message } = decodeToCell(bytes);
      if (message.type === 'rendezvous-join' || message.type === 'rendezvous-send')
        local(guest(relay, number), message);
      else if (message.type === 'rendezvous-close') local(guest(relay, number), message);
    });
    watches.add(watch);
    // For as long as a cell lasts, and then its id may not be used again.
    timers.after(2 * limits.rendezvousTotalMs, () => {
      watches.delete(watch);
      watch.end();
    });
    return watch;
  };

  return {
    /** Whether the cell is open at another relay; if not, others hear from now on that it is here. */
    async isTaken(id: Uint8Array): Promise<boolean> {
      if (cells.knows(id)) return false;
      const watch = listen(id);
      await watch.ready;
      const isTaken = await post.bring(cellPlace(id), encodeToCell(post.name, 0, { type: 'ping' }));
      if (isTaken) watch.end();
      return isTaken;
    },
    end() {
      for (const watch of watches) watch.end();
    },
  };
};

/** Connections here that take part in cells elsewhere. */
const createHosts = ({ limits }: CellsAbroadOptions, timers: Timers, post: Post) => {
  const numbers = new Map<CellParty, number>();
  const parties = new Map<number, CellParty>();
  /** Cells elsewhere, of each party, with the id. */
  const taking = new Map<CellParty, Map<string, Uint8Array>>();
  let last = 0;

  const heard = (bytes: Uint8Array): void => {
    const { number, message } = decodeToParty(bytes);
    const party = parties.get(number);
    if (party === undefined) return;
    if (message.type === 'rendezvous-closed') taking.get(party)?.delete(keyOf(message.id));
    party.sendMessage(message);
  };
  const listening = post.listen(partyPlace(post.name), heard);

  const bring = (party: CellParty, message: CellMessage): Promise<boolean> =>
    post.bring(cellPlace(message.id), encodeToCell(post.name, numbers.get(party)!, message));

  const numberOf = (party: CellParty): void => {
    if (numbers.has(party)) return;
    numbers.set(party, ++last);
    parties.set(last, party);
  };

  const join = async (
    party: CellParty,
    message: Extract<CellMessage, { type: 'rendezvous-join' }>,
  ): Promise<boolean> => {
    const own = taking.get(party) ?? new Map<string, Uint8Array>();
    if (own.size >= limits.rendezvousPerConnection) {
      party.sendMessage({ type: 'refused', request: message.request, code: 'LIMIT_REACHED' });
      return true;
    }
    numberOf(party);
    taking.set(party, own.set(keyOf(message.id), message.id.slice()));
    if ((await bring(party, message)) || (await bringLater(party, message))) {
      timers.after(limits.rendezvousTotalMs, () => own.delete(keyOf(message.id)));
      return true;
    }
    own.delete(keyOf(message.id));
    return false;
  };

  const bringLater = async (party: CellParty, message: CellMessage): Promise<boolean> => {
    await new Promise<void>((resolve) => timers.after(SPREAD_MS, resolve));
    return bring(party, message);
  };

  return {
    /** @returns false if there is no such cell elsewhere, as far as the party may know. */
    async handle(
      party: CellParty,
      message: Exclude<CellMessage, { type: 'rendezvous-open' }>,
    ): Promise<boolean> {
      await listening.ready;
      if (message.type === 'rendezvous-join') return join(party, message);
      if (!taking.get(party)?.has(keyOf(message.id))) return false;
      if (await bring(party, message)) return true;
      // The relay that the cell was at is gone, and its other party with it.
      taking.get(party)?.delete(keyOf(message.id));
      party.sendMessage({ type: 'rendezvous-closed', id: message.id, code: 'RENDEZVOUS_PEER_LEFT' });
      return true;
    },
    left(party: CellParty): void {
      for (const id of taking.get(party)?.values() ?? []) void bring(party, { type: 'rendezvous-close', id });
      taking.delete(party);
      const number = numbers.get(party);
      numbers.delete(party);
      if (number !== undefined) parties.delete(number);
    },
    end: () => listening.end(),
  };
};

const cellPlace = (id: Uint8Array): string =>
  `cell.${Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('base64url')}`;

const partyPlace = (relay: string): string => `party.${relay}`;

const encodeToCell = (relay: string, number: number, message: ClientMessage): Uint8Array =>
  encoding.encode((to) => {
    encoding.writeVarString(to, relay);
    encoding.writeVarUint(to, number);
    encoding.writeVarUint8Array(to, encodeClientMessage(message));
  });

const decodeToCell = (
  bytes: Uint8Array,
): { readonly relay: string; readonly number: number; readonly message: ClientMessage } => {
  const from = new Reader(bytes);
  return {
    relay: from.ascii(64),
    number: from.uint(),
    message: decodeClientMessage(from.sized(bytes.length).slice()),
  };
};

const encodeToParty = (number: number, message: RelayMessage): Uint8Array =>
  encoding.encode((to) => {
    encoding.writeVarUint(to, number);
    encoding.writeVarUint8Array(to, encodeRelayMessage(message));
  });

const decodeToParty = (bytes: Uint8Array): { readonly number: number; readonly message: RelayMessage } => {
  const from = new Reader(bytes);
  return { number: from.uint(), message: decodeRelayMessage(from.sized(bytes.length).slice()) };
};
