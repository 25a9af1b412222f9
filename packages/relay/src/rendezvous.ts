// Rendezvous cells: where two devices that share 16 random bytes meet for a minute. Pure: time comes in, messages go out.
// Rules: spec/relay-protocol.md §9 (RP90 to RP98).
import type { ErrorCode, RelayMessage } from '@sealwire/protocol';
import { copyOf, keyOf } from './keys.ts';

export interface CellLimits {
  readonly rendezvousBytes: number;
  readonly rendezvousOpenMs: number;
  readonly rendezvousTotalMs: number;
  readonly rendezvousPerConnection: number;
  readonly rendezvousPerAddress: number;
  readonly rendezvousCells: number;
}

/** A message to one of the parties. */
export interface Effect<Party> {
  readonly to: Party;
  readonly message: RelayMessage;
}

/** All cells of one relay. `Party` stands for a connection; parties are told apart by identity. */
export interface Cells<Party> {
  open(now: number, party: Party, request: number, id: Uint8Array, payload: Uint8Array): Effect<Party>[];
  join(now: number, party: Party, request: number, id: Uint8Array): Effect<Party>[];
  /** @returns undefined when nobody has joined yet: a fault of the sender. */
  send(now: number, party: Party, id: Uint8Array, payload: Uint8Array): Effect<Party>[] | undefined;
  close(now: number, party: Party, id: Uint8Array): Effect<Party>[];
  /** The party's connection is gone. */
  left(now: number, party: Party): Effect<Party>[];
  /** Ends every cell whose time is over. */
  expire(now: number): Effect<Party>[];
  /** Whether the id is that of a cell that is open, or ended not long ago. */
  knows(id: Uint8Array): boolean;
  /** When `expire` has something to do next; undefined when no cell is open. */
  nextDeadline(): number | undefined;
}

interface Cell<Party> {
  readonly id: Uint8Array;
  readonly key: string;
  readonly opener: Party;
  joiner: Party | undefined;
  readonly payload: Uint8Array;
  bytes: number;
  readonly openUntil: number;
  readonly until: number;
}

/** @param addressOf - where a party comes from; undefined where that does not count. */
export const createCells = <Party extends object>(
  limits: CellLimits,
  addressOf: (party: Party) => string | undefined = () => undefined,
): Cells<Party> => {
  // Both in the order of opening, which is that of their deadlines, since all cells last equally long.
  const cells = new Map<string, Cell<Party>>();
  const unjoined = new Map<string, Cell<Party>>();
  const ofParty = new Map<Party, Set<Cell<Party>>>();
  /** Open cells by the address of their opener. */
  const ofAddress = new Map<string, number>();
  /** Why cells ended, so that latecomers hear the reason and an id is not used twice. Oldest first. */
  const ended = new Map<string, { readonly code: ErrorCode; readonly until: number }>();

  const forget = (now: number): void => {
    for (const [key, { until }] of ended) {
      if (until > now && ended.size <= limits.rendezvousCells) return;
      ended.delete(key);
    }
  };

  const take = (party: Party, cell: Cell<Party>): void => {
    const own = ofParty.get(party) ?? new Set();
    ofParty.set(party, own.add(cell));
  };

  const count = (party: Party, more: number): void => {
    const address = addressOf(party);
    if (address === undefined) return;
    const left = (ofAddress.get(address) ?? 0) + more;
    if (left === 0) ofAddress.delete(address);
    else ofAddress.set(address, left);
  };

  const isFull = (party: Party): boolean => {
    const own = ofParty.get(party)?.size ?? 0;
    const nearby = ofAddress.get(addressOf(party) ?? '') ?? 0;
    return (
      own >= limits.rendezvousPerConnection ||
      nearby >= limits.rendezvousPerAddress ||
      cells.size >= limits.rendezvousCells
    );
  };

  /** Ends a cell; tells the parties except the one that asked for it. */
  const end = (now: number, cell: Cell<Party>, code: ErrorCode, except?: Party): Effect<Party>[] => {
    cells.delete(cell.key);
    count(cell.opener, -1);
    unjoined.delete(cell.key);
    ended.delete(cell.key);
    ended.set(cell.key, { code, until: now + limits.rendezvousTotalMs });
    forget(now);
    const parties = cell.joiner === undefined ? [cell.opener] : [cell.opener, cell.joiner];
    for (const party of parties) {
      const own = ofParty.get(party);
      own?.delete(cell);
      if (own?.size === 0) ofParty.delete(party);
    }
    return parties.filter((party) => party !== except).map((to) => ({ to, message: closed(cell.id, code) }));
  };

  /** The open cell of an id, after ending it if its time is over. */
  const find = (now: number, id: Uint8Array): { cell: Cell<Party> | undefined; effects: Effect<Party>[] } => {
    const cell = cells.get(keyOf(id));
    if (cell === undefined || deadlineOf(cell) > now) return { cell, effects: [] };
    return { cell: undefined, effects: end(now, cell, 'RENDEZVOUS_EXPIRED') };
  };

  /** The open cell whose time is over first. */
  const firstDue = (): Cell<Party> | undefined => {
    const [oldest] = cells.values();
    const [oldestUnjoined] = unjoined.values();
    if (oldest === undefined || oldestUnjoined === undefined) return oldest;
    return deadlineOf(oldestUnjoined) <= deadlineOf(oldest) ? oldestUnjoined : oldest;
  };

  const reason = (id: Uint8Array): ErrorCode => ended.get(keyOf(id))?.code ?? 'RENDEZVOUS_UNKNOWN';

  return {
    open(now, party, request, id, payload) {
      forget(now);
      const key = keyOf(id);
      if (cells.has(key) || ended.has(key)) return [refused(party, request, 'RENDEZVOUS_EXISTS')];
      if (isFull(party)) return [refused(party, request, 'LIMIT_REACHED')];
      if (payload.length > limits.rendezvousBytes) return [refused(party, request, 'RENDEZVOUS_FULL')];
      const { rendezvousOpenMs: openMs, rendezvousTotalMs: totalMs } = limits;
      const cell: Cell<Party> = {
        id: copyOf(id),
        key,
        opener: party,
        joiner: undefined,
        payload: copyOf(payload),
        bytes: payload.length,
        openUntil: now + openMs,
        until: now + totalMs,
      };
      cells.set(key, cell);
      unjoined.set(key, cell);
      take(party, cell);
      count(party, 1);
      return [{ to: party, message: { type: 'rendezvous-opened', request, openMs, totalMs } }];
    },

    join(now, party, request, id) {
      forget(now);
      const { cell, effects } = find(now, id);
      if (cell === undefined) return [...effects, refused(party, request, reason(id))];
      if (party === cell.opener || party === cell.joiner)
        return [refused(party, request, 'RENDEZVOUS_EXISTS')];
      if (cell.joiner !== undefined) {
        const code = 'RENDEZVOUS_SECOND_JOINER';
        return [...end(now, cell, code), refused(party, request, code)];
      }
      if ((ofParty.get(party)?.size ?? 0) >= limits.rendezvousPerConnection) {
        return [refused(party, request, 'LIMIT_REACHED')];
      }
      cell.joiner = party;
      unjoined.delete(cell.key);
      take(party, cell);
      return [
        { to: party, message: { type: 'rendezvous-found', request, payload: cell.payload } },
        { to: cell.opener, message: { type: 'rendezvous-joined', id: cell.id } },
      ];
    },

    send(now, party, id, payload) {
      const { cell, effects } = find(now, id);
      if (cell === undefined || (party !== cell.opener && party !== cell.joiner)) {
        // Whoever was a party has been told by `end` or is told now; anybody else learns nothing more.
        if (effects.some(({ to }) => to === party)) return effects;
        return [...effects, { to: party, message: closed(id, cell ? 'RENDEZVOUS_UNKNOWN' : reason(id)) }];
      }
      if (cell.joiner === undefined) return undefined;
      cell.bytes += payload.length;
      if (cell.bytes > limits.rendezvousBytes) return end(now, cell, 'RENDEZVOUS_FULL');
      const to = party === cell.opener ? cell.joiner : cell.opener;
      return [{ to, message: { type: 'rendezvous-message', id: cell.id, payload } }];
    },

    close(now, party, id) {
      const { cell, effects } = find(now, id);
      if (cell === undefined || (party !== cell.opener && party !== cell.joiner)) return effects;
      return end(now, cell, 'RENDEZVOUS_PEER_LEFT', party);
    },

    left(now, party) {
      return [...(ofParty.get(party) ?? [])].flatMap((cell) => end(now, cell, 'RENDEZVOUS_PEER_LEFT', party));
    },

    expire(now) {
      const effects: Effect<Party>[] = [];
      for (let cell = firstDue(); cell !== undefined && deadlineOf(cell) <= now; cell = firstDue()) {
        effects.push(...end(now, cell, 'RENDEZVOUS_EXPIRED'));
      }
      return effects;
    },

    knows: (id) => cells.has(keyOf(id)) || ended.has(keyOf(id)),

    nextDeadline() {
      const cell = firstDue();
      return cell && deadlineOf(cell);
    },
  };
};

const deadlineOf = (cell: Cell<object>): number =>
  cell.joiner === undefined ? Math.min(cell.openUntil, cell.until) : cell.until;

const refused = <Party>(to: Party, request: number, code: ErrorCode): Effect<Party> => ({
  to,
  message: { type: 'refused', request, code },
});

const closed = (id: Uint8Array, code: ErrorCode): RelayMessage => ({ type: 'rendezvous-closed', id, code });
