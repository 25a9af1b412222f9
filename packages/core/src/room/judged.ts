// What one judgement leaves behind: who was heard of, what is stored, what goes to which page. Rules: spec/frame.md §8,
// spec/vault.md §6.
import { toHex } from '@sealwire/protocol';
import type { Body } from '../frame/body.ts';
import type { RecordId } from '../vault/vault.ts';
import type { Chain } from './chains.ts';
import { placeOf } from './counters.ts';
import type { Judgement } from './inbox.ts';
import { listIn, type Waiting } from './opening.ts';
import { encodeRecord, type StoredBody } from './records.ts';
import { bodiesRecord, type Sender } from './sender.ts';
import type { HistoryItem, RoomState } from './state.ts';

/** Takes note of who wrote what, and of what they say to have seen. */
export const hear = (state: RoomState, body: Body, chain: Chain): void => {
  const id = chain.deviceHex;
  if (id === state.ownId) {
    state.ownCounter = Math.max(state.ownCounter, body.counter);
    // Own work that a copy of this device's past did not hold, on its way back from the relay.
    const progress = state.own.get(body.clientId);
    if (progress) {
      progress.stored = Math.max(progress.stored, chain.clock);
      progress.sent = Math.max(progress.sent, chain.clock);
    }
  } else {
    state.counters.take(chain.deviceTag, body.counter, placeOf(chain.address.stream, body));
    state.lastHeard.set(id, state.options.now());
  }
  for (const { deviceTag, counter } of body.seen) {
    const tag = toHex(deviceTag);
    if (!state.ownId.startsWith(tag)) state.counters.claimed(tag, counter);
  }
};

/**
 * What came of what this device sent or is to put back: it is at the relay.
 * @returns of what was missing in this room, what the vault is to know.
 */
export const settleDuplicates = (
  state: RoomState,
  { duplicates, refused }: Judgement,
  sender: Pick<Sender, 'settle' | 'found'>,
): StoredBody[] => {
  for (const { body, position } of duplicates) {
    const own = state.framed.find(
      (item) => item.body.counter === body?.counter && item.body.clientId === body.clientId,
    );
    if (own) sender.settle(own, position);
  }
  return [...duplicates, ...refused].flatMap(
    ({ body, position }) => (body && sender.found(body, position)) ?? [],
  );
};

/** What is stored together with a judgement. */
export interface Beside {
  /** What waits. */
  readonly parked: readonly Waiting[];
  /** Own edits that turned out to be at the relay. */
  readonly covered: readonly RecordId[];
  /** What turned out to be in this room too. */
  readonly found: readonly StoredBody[];
}

/** Stores one judgement in one step: what was accepted, what waits, what was refused, and the cursor after them. */
export const store = (
  state: RoomState,
  { accepted, duplicates, refused, shelved, contested, passed }: Judgement,
  { parked, covered, found }: Beside,
): void => {
  const { vault } = state.options;
  const { id: room } = state.address;
  const held = [...parked, ...contested.map(({ waiting }) => waiting)];
  const fresh = held.filter(({ record, isKept }) => record === undefined && !isKept);
  const done = [...accepted.map(({ waiting }) => waiting), ...duplicates, ...refused];
  const bodies = accepted.flatMap(({ waiting: { position, stream, encodedBody, epoch, isKept } }) =>
    isKept ? [] : [{ position, stream, epoch, body: encodedBody! }],
  );
  const counters = state.counters.passOver(passed.flatMap(({ body }) => body?.counter ?? []));
  const { ids, durable } = vault.commit({
    put: [
      ...fresh.map(({ position, stream, frame }) =>
        encodeRecord({ type: 'parked', room, position, stream, frame }),
      ),
      ...bodiesRecords(state, [...bodies, ...found]),
      ...shelved.map(({ waiting: { position, stream, epoch, encodedBody }, why }) =>
        encodeRecord({ type: 'refused', room, position, stream, why, epoch, body: encodedBody! }),
      ),
      ...(counters.length > 0 ? [encodeRecord({ type: 'passed', room, counters })] : []),
    ],
    remove: [...done.flatMap(({ record }) => record ?? []), ...covered],
  });
  durable.catch(() => undefined); // A failed vault reports itself; what is not stored is fetched again.
  fresh.forEach((item, i) => {
    item.record = ids[i];
  });
};

/** One record a stream, so that a page can be put aside whole; at least one, for the cursor. */
const bodiesRecords = (state: RoomState, bodies: readonly StoredBody[]): Uint8Array[] => {
  const streams = new Map<string, StoredBody[]>();
  for (const stored of bodies) listIn(streams, stored.stream).push(stored);
  if (streams.size === 0) return [bodiesRecord(state, [])];
  return [...streams.values()].map((list) => bodiesRecord(state, list));
};

/** What was accepted, by page. */
export const updatesByStream = ({ accepted }: Judgement): Map<string, HistoryItem[]> => {
  const streams = new Map<string, HistoryItem[]>();
  for (const { update, waiting, body } of accepted) {
    if (!update) continue;
    const item = { counter: body.counter, update };
    const list = streams.get(waiting.stream);
    if (list) list.push(item);
    else streams.set(waiting.stream, [item]);
  }
  return streams;
};
