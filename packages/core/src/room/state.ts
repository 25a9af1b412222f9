// What the parts of a room share: chains, pages, what waits, and how far things have come.
import { pageStream, toHex } from '@sealwire/protocol';
import * as Y from 'yjs';
import type { Evidence } from '../api.ts';
import { deriveClientId } from '../frame/client-id.ts';
import type { LoggedDevice } from '../identity/device-log.ts';
import type { Directory } from '../identity/directory.ts';
import type { SignedEntry } from '../identity/log-entry.ts';
import { EMPTY_PAGE, type PageLimits, type PageSize } from '../logdoc/page-choice.ts';
import type { DocumentUpdate, ParsedUpdate } from '../logdoc/parser.ts';
import { createDocuments, type Documents } from '../shareddoc/documents.ts';
import { isDocumentStream } from '../shareddoc/name.ts';
import type { RecordId, Vault } from '../vault/vault.ts';
import type { Chain } from './chains.ts';
import type { StoredClosedPage } from './closed-page.ts';
import { type Control, createControl, type OwnAccount } from './control.ts';
import { type Counters, createCounters } from './counters.ts';
import { type Cuts, createCuts } from './cuts.ts';
import { createDeletions, type Deletions } from './deletions.ts';
import type { Framed } from './framing.ts';
import type { EpochLimits, EpochStart } from './group-keys.ts';
import { createKeyring, type Keyring, type RoomAddress } from './keyring.ts';
import type { OutboxItem } from './outbox.ts';
import { createPage, type Page } from './page.ts';
import { encodeRecord, type StoredBody } from './records.ts';
import { createRoomVault, type RoomVault } from './room-vault.ts';
import { createShelf, type Shelf } from './shelf.ts';

export interface RoomOptions {
  /** The account's own room, or a chat's. */
  readonly kind: 'account' | 'chat';
  /** 32 bytes; from the room secret. */
  readonly id: Uint8Array;
  readonly secret: Uint8Array;
  /** Account root or chat id, 32 bytes. */
  readonly logId: Uint8Array;
  readonly epochKeys: readonly Uint8Array[];
  /** Entries of the room's log that came with its keys: the room itself may not have them yet. */
  readonly logEntries?: readonly SignedEntry[];
  /** When each epoch came, by commitment in hexadecimal; of those that the vault holds. */
  readonly epochStarts?: ReadonlyMap<string, EpochStart>;
  /** Default: `LIMITS.epochMs` and `LIMITS.epochFrames`. */
  readonly epochLimits?: EpochLimits;
  /** When a page is full. Default: `LIMITS.pageEntries` and `LIMITS.pageBytes`. */
  readonly pageLimits?: PageLimits;
  /** Default: as in LIMITS. */
  readonly aheadFrames?: number;
  /** False while keys may be on their way through another room: then nothing is said to be missing. Default: true. */
  readonly isCaughtUp?: () => boolean;
  /** What this device has to say waits for keys of these accounts, its own among them perhaps. */
  /** Cuts that are known from elsewhere than the control stream. Default: none. */
  readonly cuts?: Cuts;
  readonly keysOwed?: (accounts: readonly Uint8Array[]) => void;
  readonly device: LoggedDevice;
  readonly account: OwnAccount;
  readonly directory: Directory;
  readonly sign: (statement: Uint8Array) => Uint8Array;
  readonly vault: Vault;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly now: () => number;
  /** Told of everything that was refused or noticed. */
  readonly report: (evidence: Evidence) => void;
  /** The room's cursor has gone back: frames are to be delivered from there again. */
  readonly refetch?: (room: Uint8Array) => void;
  /** Sends one frame to a room; the answer comes to `appended`. Called only while the room is live. */
  readonly send: (frame: {
    readonly room: Uint8Array;
    readonly stream: string;
    readonly frame: Uint8Array;
  }) => void;
  /** A bug or a failed vault: the room stops until the device recovers. */
  readonly fault: (error: unknown) => void;
}

/** How far an own clientID's entries have come: clocks below are durable here, and at the relay. */
export interface OwnProgress {
  stored: number;
  sent: number;
}

/** An own frame that is stored and not acknowledged. */
export type FramedItem = Framed & {
  readonly record: RecordId;
  /** The room that it is sealed for. */
  readonly room: Uint8Array;
  /** The epoch that it keeps, since a relay had it under that; empty for what leaves under the current one. */
  readonly epoch: string;
  /** The clock of its clientID after its last entry; 0 if it has none, or is void. Others behind it may be in flight as well. */
  clockAfter: number;
  sent: boolean;
};

/** This run's clientID on a stream, and where its local clock stands. */
export interface Writer {
  readonly clientId: number;
  readonly nonce: Uint8Array;
  clock: number;
  /** Accounts, hexadecimal, that have been members all along since it was drawn; undefined before that is known. */
  audience?: ReadonlySet<string>;
}

/** An update that a page is made of; `counter` is undefined for own edits. */
export interface HistoryItem {
  readonly counter: number | undefined;
  readonly update: ParsedUpdate;
}

export interface RoomState {
  readonly options: Omit<RoomOptions, 'vault'> & { readonly vault: RoomVault };
  readonly ownId: string;
  /** Where the relay has it: the one that the options name, until the chat moves. */
  address: RoomAddress;
  readonly keyring: Keyring;
  readonly control: Control;
  /** Which frames of devices that were ended count. */
  readonly cuts: Cuts;
  /** What was refused and may yet count. */
  readonly shelf: Shelf;
  readonly deletions: Deletions;
  readonly chains: Map<string, Chain>;
  readonly counters: Counters;
  readonly pages: Map<string, Page>;
  /** Pages that were put aside, and of those the ones whose bodies are here all the same. */
  readonly closed: Map<string, StoredClosedPage>;
  readonly awake: Set<string>;
  /** Pages as they were of use, the last one last. */
  readonly used: Set<string>;
  /** Streams that are shared documents instead. */
  readonly documents: Documents;
  /** Told of each page that is opened. */
  readonly pageListeners: Set<(page: Page) => void>;
  readonly writers: Map<string, Writer>;
  /** Entries deleted in each page, as `clientID:clock`. */
  readonly deleted: Map<string, Set<string>>;
  /** All that each page is made of, in the order in which it was applied: a page is rebuilt from it. */
  readonly history: Map<string, HistoryItem[]>;
  /** What each page holds. */
  readonly sizes: Map<string, PageSize>;
  /** By clientID: own ones of this and of earlier runs. */
  readonly own: Map<number, OwnProgress>;
  /** When something of a device last came, by device id. Milliseconds since 1970. */
  readonly lastHeard: Map<string, number>;
  outbox: OutboxItem[];
  /** Oldest first. */
  framed: FramedItem[];
  /** Own bodies that the relay acknowledged in this room, by clientID and counter: to be put back if it loses them. */
  readonly kept: Map<string, StoredBody>;
  /** Bodies from another room that this one is not known to have, and that this device is to put there. */
  readonly missing: Map<string, StoredBody>;
  /** Pages whose bodies the archive lost: they come again if the relay has them. */
  readonly lost: Set<string>;
  /** Everything up to this position at the relay was taken in. */
  cursor: number;
  /** The cursor goes no further while frames beyond it had to be dropped; undone when the connection ends. */
  cursorLimit: number;
  /** The newest own frame's number in this room. */
  ownCounter: number;
  live: boolean;
}

/** @param records - the room's records that the vault holds. */
export const createRoomState = (
  roomOptions: RoomOptions,
  records: Iterable<RecordId>,
  events: {
    readonly shared: () => void;
    readonly putDocument?: (stream: string, update: DocumentUpdate) => void;
  } = { shared: () => undefined },
): RoomState => {
  const options = { ...roomOptions, vault: createRoomVault(roomOptions.vault, records) };
  const chains = new Map<string, Chain>();
  const address: RoomAddress = { id: options.id, secret: options.secret };
  const keyring = createKeyring(address, options.logId);
  const roomName = (): string => toHex(state.address.id);
  const { cuts = createCuts() } = options;
  const control = createControl({
    ...options,
    keyring,
    cuts,
    position: () => state.cursor,
    report: (evidence) => options.report({ ...evidence, room: roomName() }),
    shared: () => events.shared(),
    keepEpoch(commitment, key, start) {
      const record = encodeRecord({ type: 'epoch', room: state.address.id, commitment, key, ...start });
      // A failed vault reports itself; what is not stored is unwrapped again.
      options.vault.commit({ put: [record] }).durable.catch(() => undefined);
    },
  });
  const state: RoomState = {
    options,
    ownId: toHex(options.device.id),
    address,
    keyring,
    cuts,
    control,
    shelf: createShelf(),
    deletions: createDeletions({
      chains,
      allowed: options.kind === 'chat',
      ownClock: (stream, clientId) => outboxClock(state, stream, clientId),
      report: (evidence) => options.report({ ...evidence, room: roomName() }),
    }),
    chains,
    counters: createCounters(() => keyring.isLate()),
    pages: new Map(),
    closed: new Map(),
    awake: new Set(),
    used: new Set(),
    documents: createDocuments({
      put: (stream, update) => events.putDocument?.(stream, update),
      writer: (stream) => writerOf(state, stream),
      report: (evidence) => options.report({ ...evidence, room: roomName() }),
    }),
    pageListeners: new Set(),
    writers: new Map(),
    deleted: new Map(),
    history: new Map(),
    sizes: new Map(),
    own: new Map(),
    lastHeard: new Map(),
    outbox: [],
    framed: [],
    kept: new Map(),
    missing: new Map(),
    lost: new Set(),
    cursor: 0,
    cursorLimit: Number.POSITIVE_INFINITY,
    ownCounter: 0,
    live: false,
  };
  return state;
};

/** The clock after the own entries of a clientID that are in no frame yet; 0 if there are none. */
const outboxClock = ({ outbox }: RoomState, stream: string, clientId: number): number =>
  outbox.reduce(
    (clock, item) =>
      item.stream === stream && item.clientId === clientId ? Math.max(clock, item.clockAfter) : clock,
    0,
  );

/** This run's clientID on a stream: drawn when it is first asked for, never used by an earlier run. */
export const writerOf = ({ options, writers, control }: RoomState, stream: string): Writer => {
  let found = writers.get(stream);
  if (!found) {
    const nonce = options.randomBytes(16);
    const clientId = deriveClientId(options.device.keys.identity, options.logId, stream, nonce);
    const audience = new Set(control.members.accounts().map(toHex));
    found = { clientId, nonce, clock: 0, ...(audience.size > 0 && { audience }) };
    writers.set(stream, found);
  }
  return found;
};

/** Everything up to this position was taken in. */
export const moveCursor = (state: RoomState, position: number): void => {
  state.cursor = Math.max(state.cursor, Math.min(position, state.cursorLimit));
};

/** The page of a stream, opened empty if it was not open. */
export const pageOf = (state: RoomState, stream: string = pageStream(0)): Page => {
  let found = state.pages.get(stream);
  if (!found) {
    found = createPage(stream, writerOf(state, stream).clientId);
    state.pages.set(stream, found);
    touch(state, stream);
    for (const listener of state.pageListeners) listener(found);
  }
  return found;
};

/** A page is of use now. */
export const touch = ({ used }: RoomState, stream: string): void => {
  used.delete(stream);
  used.add(stream);
};

/** What a page holds. */
export const sizeOf = ({ sizes }: RoomState, stream: string): PageSize => sizes.get(stream) ?? EMPTY_PAGE;

/**
 * Remembers what a page is made of, how much that is, and what is deleted in it: a document's whole delete set, sent
 * again, then holds nothing new.
 */
export const remember = (state: RoomState, stream: string, items: readonly HistoryItem[]): void => {
  if (isDocumentStream(stream)) {
    state.documents.remember(stream, documentsOf(items));
    return;
  }
  const history = state.history.get(stream);
  if (history) for (const item of items) history.push(item);
  else state.history.set(stream, [...items]);
  let deleted = state.deleted.get(stream);
  if (!deleted) {
    deleted = new Set();
    state.deleted.set(stream, deleted);
  }
  let { entries, bytes } = sizeOf(state, stream);
  for (const { update } of items) {
    entries += update.entries.length;
    for (const { length } of update.entries) bytes += length;
    for (const { clientId, clock, length } of update.deletions)
      for (let i = clock; i < clock + length; i++) deleted.add(`${clientId}:${i}`);
  }
  state.sizes.set(stream, { entries, bytes });
};

/** What some items say of a shared document. */
export const documentsOf = (items: readonly HistoryItem[]): readonly DocumentUpdate[] =>
  items.flatMap(({ update }) => update.document ?? []);

/** Forgets what some pages are made of. @param streams - undefined for all. */
export const forgetPages = (
  { history, deleted, sizes, documents }: RoomState,
  streams?: ReadonlySet<string>,
): void => {
  documents.forget(streams);
  for (const stream of streams ?? [...history.keys()]) {
    history.delete(stream);
    deleted.delete(stream);
    sizes.delete(stream);
  }
};

/**
 * Makes a page anew from all of its history: what is not in it goes.
 * @param ownClientId - what this device writes under there from now on, if that changes.
 */
export const resetPage = (state: RoomState, stream: string, ownClientId?: number): void => {
  if (isDocumentStream(stream)) {
    state.documents.reset(stream);
    return;
  }
  pageOf(state, stream).reset(
    (state.history.get(stream) ?? []).map(({ update }) => update),
    ownClientId,
  );
};

/** A Yjs state vector of all that is held of a page: accepted entries, and own ones that are stored. */
export const stateVector = ({ chains, outbox }: RoomState, stream: string): Uint8Array => {
  const clocks = new Map<number, number>();
  for (const { address, clock } of chains.values())
    if (address.stream === stream && clock > 0) clocks.set(address.clientId, clock);
  for (const { clientId, clockAfter, ...item } of outbox)
    if (item.stream === stream && clockAfter > (clocks.get(clientId) ?? 0)) clocks.set(clientId, clockAfter);
  return Y.encodeStateVector(clocks);
};
