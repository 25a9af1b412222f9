// Loads a room from its vault records, at the start and whenever cuts or forks change what counts: bodies that were
// judged before, own frames and edits that wait. Rules: spec/frame.md §8, spec/vault.md §6.
import { CONTROL_STREAM, SealwireError, sameBytes, toHex } from '@sealwire/protocol';
import { type Body, decodeBody } from '../frame/body.ts';
import { clocksOf, type ParsedUpdate, parseUpdate } from '../logdoc/parser.ts';
import { isDocumentStream } from '../shareddoc/name.ts';
import { parseDocument } from '../shareddoc/parser.ts';
import type { RecordId } from '../vault/vault.ts';
import { renewWriters } from './audience.ts';
import { type Chain, chainKey, compareToChain } from './chains.ts';
import { decodeClosedPage, takeClosedPage } from './closed-page.ts';
import { lateIn, readClosed } from './closing.ts';
import { placeOf } from './counters.ts';
import { chainOf, type Inbox, type InboxOptions, move } from './inbox.ts';
import { countingLine } from './lines.ts';
import type { Waiting } from './opening.ts';
import type { OutboxItem } from './outbox.ts';
import { readUpdate } from './reading.ts';
import type { FramedRecord, OutboxRecord, RefusedWhy, RoomRecord } from './records.ts';
import type { LoadedRecord } from './room-vault.ts';
import { keptKey } from './sender.ts';
import {
  type FramedItem,
  forgetPages,
  type HistoryItem,
  type RoomState,
  remember,
  resetPage,
  writerOf,
} from './state.ts';

export interface ReplayOptions {
  readonly state: RoomState;
  readonly inboxOptions: InboxOptions;
  readonly records: readonly LoadedRecord[];
  /** The streams to be judged; undefined for all. */
  readonly streams?: ReadonlySet<string>;
  /** Told of frames whose device nobody has named yet: it was known from elsewhere when they were judged. */
  readonly unnamed: (frame: Waiting) => void;
}

/** A body on its way from the vault into the state. */
interface Stored {
  readonly stream: string;
  /** 0 if the relay is not known to have it in the room that the chat is in. */
  readonly position: number;
  readonly epoch: string;
  readonly body: Body;
  readonly encodedBody: Uint8Array;
  /** Milliseconds since 1970; undefined for an own frame that the relay has not acknowledged. */
  readonly receivedAt: number | undefined;
  /** False for one that was refused before it was known to count. */
  readonly trusted: boolean;
}

/** Fills an empty room; the vault's seal vouches for what lies in it, so no frame's signature is checked again. */
export const replayRoom = async (
  options: Omit<ReplayOptions, 'unnamed'> & { readonly inbox: Inbox },
): Promise<void> => {
  const { state, inbox } = options;
  const records = await withClosed(state, options.records);
  for (const { stream, body } of bodiesOf(state, records)) {
    if (stream !== CONTROL_STREAM) continue;
    const { payload } = decodeBody(body);
    await state.control.preview(payload);
    await state.control.accept(payload).catch(ignoreRefusal); // Said when it came.
  }
  for (const { id, record } of records) {
    if (record.type === 'parked')
      if (isHere(state, record))
        inbox.take([{ ...record, record: id, body: undefined, encodedBody: undefined, epoch: '' }]);
    if (record.type === 'passed') state.counters.passOver(record.counters);
    // The newest holds: a room goes back where older frames can be read by now.
    if (record.type === 'bodies' && isHere(state, record)) state.cursor = record.cursor;
  }
  for (const { id, record } of records)
    if (record.type === 'framed') state.framed.push(framedItem(id!, record));
  const pages = await replayFrames({ ...options, records, unnamed: (frame) => inbox.take([frame]) });
  state.shelf.allTold();
  for (const { id, record } of records)
    if (record.type === 'outbox') state.outbox.push(outboxItem(state, id!, record));
  showPages(state, pages);
};

/** What this device wrote into the log and has not sent is true all the same. */
export const learnOwn = async (state: RoomState): Promise<void> => {
  await state.control.learn(state.options.logEntries ?? []);
  for (const { stream, payload } of state.outbox)
    if (stream === CONTROL_STREAM) await state.control.accept(payload).catch(ignoreRefusal);
  await state.control.retry();
  renewWriters(state);
};

/** The records with those of closed pages for which something newer has come. */
const withClosed = async (
  state: RoomState,
  records: readonly LoadedRecord[],
): Promise<readonly LoadedRecord[]> => {
  for (const { id, record } of records)
    if (record.type === 'closed') takeClosedPage(state, { id: id!, page: decodeClosedPage(record) });
  if (state.closed.size === 0) return records;
  const lost = await readClosed(state, lateIn(records, state));
  return lost.length > 0 || state.awake.size > 0 ? state.options.vault.records() : records;
};

/**
 * Makes pages of a room from frames that count and from own edits that are in none yet. At once, so that no edit comes in
 * between.
 *
 * @param streams - which; undefined for all.
 */
export const showPages = (
  state: RoomState,
  pages: Map<string, HistoryItem[]>,
  streams?: ReadonlySet<string>,
): void => {
  forgetPages(state, streams);
  for (const { stream, item } of ownEdits(state, streams)) push(pages, stream, item);
  for (const [stream, items] of pages) remember(state, stream, items);
  for (const stream of new Set([...state.pages.keys(), ...pages.keys(), ...state.documents.openStreams()]))
    if (!streams || streams.has(stream)) resetPage(state, stream);
};

/**
 * Fills chains and what belongs to them, by the cuts and forks that are known, and says what each page is made of. Says
 * nothing of what was refused before.
 */
export const replayFrames = async (options: ReplayOptions): Promise<Map<string, HistoryItem[]>> => {
  const { state, records } = options;
  const pages = new Map<string, HistoryItem[]>();
  const add = (stream: string, item: HistoryItem | undefined): void => {
    if (item) push(pages, stream, item);
  };
  const refused = shelveRefused(options);
  const contested = new Map<string, Stored[]>();
  const unnamed = new Set<string>();
  await state.deletions.quietly(async () => {
    for (const record of framesOf(state, records, options.streams)) {
      const stored = readStored(record);
      const { stream, body } = stored;
      const key = chainKey(stream, body.clientId);
      const chain = state.chains.get(key) ?? reopen(options, stream, body, unnamed.has(key));
      if (!chain) {
        unnamed.add(key);
        options.unnamed(toKept(stored));
        continue;
      }
      state.chains.set(key, chain);
      // What was put back at the relay is in the vault twice.
      if (contested.has(key) || chain.limitHash || refused.get(key)?.some(mayCount(chain)))
        push(contested, key, stored);
      else if (compareToChain(chain, body) === 'new') add(stream, replayOne(options, chain, stored));
      else if (compareToChain(chain, body) === 'duplicate') keep(state, chain, stored);
      else if (body.counter > chain.limit) state.shelf.add(key, 'void', body);
    }
    for (const key of new Set([...contested.keys(), ...refused.keys()])) {
      const chain = state.chains.get(key);
      const rivals = chain && (refused.get(key) ?? []).filter(mayCount(chain));
      if (!chain || chain.last > 0 || !rivals) continue;
      const held = contested.get(key) ?? [];
      const line = await countingLine(chain, [...held, ...rivals]);
      for (const frame of line) add(frame.stream, replayOne(options, chain, frame));
      for (const { body } of held)
        if (compareToChain(chain, body) !== 'duplicate') state.shelf.add(key, 'void', body);
    }
  });
  return pages;
};

/** A frame that was refused. */
interface Refused extends Stored {
  readonly why: RefusedWhy;
}

/** Remembers what was refused, and opens the chains that it names. @returns it, by chain. */
const shelveRefused = ({ state, inboxOptions, records, streams }: ReplayOptions): Map<string, Refused[]> => {
  const byChain = new Map<string, Refused[]>();
  for (const { record } of records) {
    if (record.type !== 'refused' || streams?.has(record.stream) === false) continue;
    const { stream, epoch, why, body: encodedBody } = record;
    const position = isHere(state, record) ? record.position : 0;
    const body = decodeBody(encodedBody);
    const key = chainKey(stream, body.clientId);
    state.shelf.add(key, why, body);
    push(byChain, key, { stream, position, epoch, why, body, encodedBody, receivedAt: 0, trusted: false });
  }
  // All forks are known now: they limit the chains that are opened.
  for (const [key, items] of byChain)
    for (const { stream, body } of items) {
      const chain = state.chains.get(key) ?? chainOf(inboxOptions, stream, body);
      if (chain) state.chains.set(key, chain);
    }
  return byChain;
};

/** Of a cut chain everything may count; else what was void under a cut that was taken back. */
const mayCount =
  (chain: Chain) =>
  ({ why, body }: Refused): boolean =>
    body.counter <= chain.limit && (why === 'void' || chain.limitHash !== undefined);

/** Moves a chain over a body that counts. @returns what it adds to its page. */
const replayOne = (
  { state, inboxOptions }: ReplayOptions,
  chain: Chain,
  stored: Stored,
): HistoryItem | undefined => {
  const { body, stream, receivedAt } = stored;
  // What was refused when it came is refused again, silently: its chain moves over it all the same.
  const read = stream === CONTROL_STREAM ? undefined : readUpdate(chain, body);
  const update = move(inboxOptions, chain, stored, read instanceof SealwireError ? undefined : read);
  const id = chain.deviceHex;
  if (id !== state.ownId) {
    state.counters.take(chain.deviceTag, body.counter, placeOf(stream, body));
    if (receivedAt) state.lastHeard.set(id, Math.max(receivedAt, state.lastHeard.get(id) ?? 0));
  } else {
    state.ownCounter = Math.max(state.ownCounter, body.counter);
    const known = state.own.get(body.clientId) ?? { stored: 0, sent: 0 };
    known.stored = Math.max(known.stored, chain.clock);
    if (receivedAt !== undefined) known.sent = Math.max(known.sent, chain.clock);
    state.own.set(body.clientId, known);
    const waiting =
      receivedAt === undefined && state.framed.find((item) => keptKey(item.body) === keptKey(body));
    if (waiting) waiting.clockAfter = chain.clock;
    keep(state, chain, stored);
  }
  return update && { counter: id === state.ownId ? undefined : body.counter, update };
};

/** Remembers where the relay has an own body, in the room that the chat is in. */
const keep = (
  state: RoomState,
  { deviceHex }: Chain,
  { body, stream, position, epoch, encodedBody }: Stored,
): void => {
  if (deviceHex === state.ownId && position > 0)
    state.kept.set(keptKey(body), { position, stream, epoch, body: encodedBody });
};

/** @returns undefined if its device is not known here, or the frame follows such a one. @throws SealwireError STORAGE_CORRUPT */
const reopen = (
  { inboxOptions }: ReplayOptions,
  stream: string,
  body: Body,
  followsUnnamed: boolean,
): Chain | undefined => {
  const chain = chainOf(inboxOptions, stream, body);
  const { opening } = body;
  const isUnnamed = opening && !inboxOptions.directory.device(toHex(opening.deviceId));
  if (chain || isUnnamed || followsUnnamed) return chain;
  throw new SealwireError(
    'STORAGE_CORRUPT',
    'The vault holds a frame without what came before it. Link this device anew.',
  );
};

const toKept = ({ position, stream, epoch, body, encodedBody }: Stored): Waiting => ({
  position,
  stream,
  epoch,
  frame: encodedBody,
  record: undefined,
  body,
  encodedBody,
  isKept: true,
});

interface StoredRecord {
  readonly position: number;
  readonly stream: string;
  readonly epoch: string;
  readonly body: Uint8Array;
  readonly receivedAt: number | undefined;
}

/** Whether a record is of the room that the chat is in. */
const isHere = ({ address }: RoomState, { room }: RoomRecord): boolean => sameBytes(room, address.id);

/** Control frames first, since they tell whose the others are; own frames that wait last, as they were made. */
const framesOf = function* (
  state: RoomState,
  records: readonly LoadedRecord[],
  streams?: ReadonlySet<string>,
): Generator<StoredRecord> {
  const isAsked = (stream: string): boolean => streams?.has(stream) !== false;
  for (const control of [true, false])
    for (const { record } of records) {
      if (record.type !== 'bodies') continue;
      const isFromHere = isHere(state, record);
      for (const stored of record.bodies)
        if ((stored.stream === CONTROL_STREAM) === control && isAsked(stored.stream))
          yield {
            ...stored,
            position: isFromHere ? stored.position : 0,
            receivedAt: record.receivedAt,
          };
    }
  for (const { record } of records)
    if (record.type === 'framed' && isAsked(record.stream))
      yield { ...record, position: 0, receivedAt: undefined };
};

/** All bodies, those of refused frames among them: log entries prove themselves. */
const bodiesOf = function* (state: RoomState, records: readonly LoadedRecord[]): Generator<StoredRecord> {
  yield* framesOf(state, records);
  for (const { record } of records) if (record.type === 'refused') yield { ...record, receivedAt: undefined };
};

const readStored = ({ body, ...record }: StoredRecord): Stored => ({
  ...record,
  body: decodeBody(body),
  encodedBody: body,
  trusted: true,
});

/**
 * Where its clock ends is known when it is replayed: not while it is void. One that was put back is a duplicate, and its
 * entries were sent before.
 */
const framedItem = (
  id: RecordId,
  { room, stream, frame, epoch, body: encodedBody }: FramedRecord,
): FramedItem => {
  const body = decodeBody(encodedBody);
  return { room, stream, frame, epoch, encodedBody, body, record: id, clockAfter: 0, sent: false };
};

const outboxItem = (state: RoomState, record: RecordId, { room: _, ...stored }: OutboxRecord): OutboxItem => {
  const { stream, clientId, nonce, payload } = stored;
  if (stream === CONTROL_STREAM) return { record, stream, clientId, nonce, payload, clockAfter: 0 };
  const clockAfter = clockBehind(parseOwn(stream, payload, clientId));
  if (clockAfter === 0) {
    // Deletions belong to no clientID: they leave under this run's, whatever became of the one that made them.
    const own = writerOf(state, stream);
    return { record, stream, clientId: own.clientId, nonce: own.nonce, payload, clockAfter: 0 };
  }
  state.own.set(clientId, { stored: clockAfter, sent: state.own.get(clientId)?.sent ?? 0 });
  return { record, stream, clientId, nonce, payload, clockAfter };
};

/** Own edits that are in no frame, but for those that continue what turned out to be void. */
const ownEdits = function* (
  state: RoomState,
  streams?: ReadonlySet<string>,
): Generator<{ readonly stream: string; readonly item: HistoryItem }> {
  const clocks = new Map<string, number>();
  const { account } = state.options.device;
  for (const { stream, clientId, payload } of state.outbox) {
    if (stream === CONTROL_STREAM || streams?.has(stream) === false) continue;
    const key = chainKey(stream, clientId);
    const clock = clocks.get(key) ?? state.chains.get(key)?.clock ?? 0;
    const parsed = parseOwn(stream, payload, clientId);
    const length = clocksOf(parsed);
    if (length > 0 && clockBehind(parsed) !== clock + length) continue;
    clocks.set(key, clock + length);
    const by = { deviceHex: state.ownId, account, stream };
    const update = state.deletions.admitOwn(by, parsed);
    yield { stream, item: { counter: undefined, update } };
  }
};

const parseOwn = (stream: string, payload: Uint8Array, clientId: number): ParsedUpdate =>
  isDocumentStream(stream)
    ? { clientId, entries: [], deletions: [], document: parseDocument(payload, clientId, undefined) }
    : parseUpdate(payload, clientId, undefined);

/** The clock behind an own edit; 0 if it only deletes. */
const clockBehind = ({ document, entries }: ParsedUpdate): number => {
  if (document) return document.clocks > 0 ? document.clock + document.clocks : 0;
  const last = entries.at(-1);
  return last ? last.clock + 1 : 0;
};

const push = <K, V>(lists: Map<K, V[]>, key: K, value: V): void => {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
};

const ignoreRefusal = (error: unknown): void => {
  if (!(error instanceof SealwireError)) throw error;
};
