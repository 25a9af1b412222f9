// One room as this device holds it: judges what comes, stores it, frames what leaves. One step at a time, in order.
// Rules: spec/frame.md §8–§9, spec/vault.md "Records of a room".
import { CONTROL_STREAM, type SealwireError, type StoredFrame, toHex } from '@sealwire/protocol';
import * as Y from 'yjs';
import type { Evidence } from '../api.ts';
import { type Body, KIND, SEEN_TAG_BYTES } from '../frame/body.ts';
import { deriveClientId } from '../frame/client-id.ts';
import type { LoggedDevice } from '../identity/device-log.ts';
import type { Directory } from '../identity/directory.ts';
import type { SignedEntry } from '../identity/log-entry.ts';
import { type AcceptedUpdate, combineUpdates } from '../logdoc/combine.ts';
import { parseUpdate } from '../logdoc/parser.ts';
import type { RecordId, Vault } from '../vault/vault.ts';
import { advance, type Chain, chainKey, openChain } from './chains.ts';
import { type Control, createControl, encodeEntries, type OwnAccount } from './control.ts';
import { createCounters } from './counters.ts';
import { type Framed, frameBatch } from './framing.ts';
import { createInbox, type Waiting } from './inbox.ts';
import { createKeyring } from './keyring.ts';
import { nextBatch, type OutboxItem } from './outbox.ts';
import { createPage, type Page } from './page.ts';
import { encodeRecord, type RoomRecord } from './records.ts';
import { replayRoom } from './replay.ts';

export interface RoomOptions {
  /** The account's own room, or a chat's. */
  readonly kind: 'account' | 'chat';
  /** 32 bytes; from the room secret. */
  readonly id: Uint8Array;
  readonly secret: Uint8Array;
  /** Account root or chat id, 32 bytes. */
  readonly logId: Uint8Array;
  readonly epochKeys: readonly Uint8Array[];
  readonly device: LoggedDevice;
  readonly account: OwnAccount;
  readonly directory: Directory;
  readonly sign: (statement: Uint8Array) => Uint8Array;
  readonly vault: Vault;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly now: () => number;
  /** Told of everything that was refused or noticed. */
  readonly report: (evidence: Evidence) => void;
  /** Sends one frame; the answer comes to `appended`. Called only while the room is live. */
  readonly send: (frame: { readonly stream: string; readonly frame: Uint8Array }) => void;
  /** A bug or a failed vault: the room stops until the device recovers. */
  readonly fault: (error: unknown) => void;
}

/** How far an own clientID's entries have come: clocks below are durable here, and at the relay. */
export interface OwnProgress {
  stored: number;
  sent: number;
}

/** What the parts of a room share. */
export interface RoomState {
  readonly options: RoomOptions;
  readonly control: Control;
  readonly chains: Map<string, Chain>;
  readonly counters: ReturnType<typeof createCounters>;
  readonly pages: Map<string, Page>;
  /** Entries deleted in each page, as `clientID:clock`. */
  readonly deleted: Map<string, Set<string>>;
  /** By clientID: own ones of this and of earlier runs. */
  readonly own: Map<number, OwnProgress>;
  readonly lastHeard: Map<string, number>;
  outbox: OutboxItem[];
  /** Own frames that are stored and not acknowledged, oldest first. */
  framed: (Framed & { readonly record: RecordId; sent: boolean })[];
  cursor: number;
  ownCounter: number;
}

export const createRoom = (
  options: RoomOptions,
  records: readonly { id: RecordId; record: RoomRecord }[],
) => {
  const { vault, device } = options;
  const roomId = toHex(options.id);
  const ownId = toHex(device.id);
  const keyring = createKeyring(options.id, options.secret);
  const control = createControl({ ...options, keyring });
  const state: RoomState = {
    options,
    control,
    chains: new Map(),
    counters: createCounters(),
    pages: new Map(),
    deleted: new Map(),
    own: new Map(),
    lastHeard: new Map(),
    outbox: [],
    framed: [],
    cursor: 0,
    ownCounter: 0,
  };
  const listeners = new Set<() => void>();
  const reported = new Set<string>();
  /** Where each stream's live page gets accepted updates: a provider's socket, or the document itself. */
  const sinks = new Map<string, (update: Uint8Array) => void>();
  /** This run's clientID and local clock by stream. */
  const writers = new Map<string, { readonly clientId: number; readonly nonce: Uint8Array; clock: number }>();
  let live = false;
  let lastDurable: Promise<void> = Promise.resolve();

  const changed = () => {
    for (const listener of listeners) listener();
  };
  const report = (evidence: Omit<Evidence, 'room'>) => options.report({ ...evidence, room: roomId });
  const inboxOptions = {
    logId: options.logId,
    keyring,
    directory: options.directory,
    chains: state.chains,
    deletions: options.kind === 'chat',
    control,
    report,
  };
  const inbox = createInbox(inboxOptions);

  let queue: Promise<void> = Promise.resolve();
  /** Runs steps one after another; a failed one is reported and does not stop those behind it. */
  const step = (run: () => Promise<void>): Promise<void> => {
    queue = queue.then(run).catch(options.fault);
    return queue;
  };

  const writer = (stream: string) => {
    let found = writers.get(stream);
    if (!found) {
      const nonce = options.randomBytes(16);
      const clientId = deriveClientId(device.keys.identity, options.logId, stream, nonce);
      found = { clientId, nonce, clock: 0 };
      writers.set(stream, found);
    }
    return found;
  };

  const page = (stream: string): Page => {
    let found = state.pages.get(stream);
    if (!found) {
      found = createPage(stream, writer(stream).clientId);
      state.pages.set(stream, found);
    }
    return found;
  };

  const ownChain = (stream: string, clientId: number, nonce: Uint8Array): Chain => {
    const known = state.chains.get(chainKey(stream, clientId));
    if (known) return known;
    const chain = openChain(device, options.logId, stream, clientId, { deviceId: device.id, nonce });
    if (!chain) throw new Error('own clientID does not follow from its nonce');
    return chain;
  };

  const putOutbox = (
    stream: string,
    clientId: number,
    nonce: Uint8Array,
    payload: Uint8Array,
    clockAfter: number,
  ) => {
    const record = encodeRecord({ type: 'outbox', room: options.id, stream, clientId, nonce, payload });
    const { ids, durable } = vault.commit({ put: [record] });
    state.outbox.push({ record: ids[0]!, stream, clientId, nonce, payload, clockAfter });
    lastDurable = durable;
    durable.then(
      () => {
        const progress = state.own.get(clientId);
        if (progress) progress.stored = Math.max(progress.stored, clockAfter);
        changed();
        kick();
      },
      () => changed(), // The vault itself reports why; what waits stays visible as not stored.
    );
    return durable;
  };

  const putControl = (entries: readonly SignedEntry[]): Promise<void> => {
    const { clientId, nonce } = writer(CONTROL_STREAM);
    return putOutbox(CONTROL_STREAM, clientId, nonce, encodeEntries(entries), 0);
  };

  /** Before its first words in a chat, a device shows there the log that makes it one of its account's. */
  const introduce = (): void => {
    if (options.kind !== 'chat' || state.outbox.some(({ stream }) => stream === CONTROL_STREAM)) return;
    const log = options.directory.log(toHex(options.account.id));
    const missing = log?.entries.filter(({ hash }) => !control.holds(hash)) ?? [];
    if (missing.length > 0) void putControl(missing).catch(() => undefined);
  };

  const kick = (): void => {
    if (live && state.framed.length === 0 && state.outbox.length > 0) void step(frameNext);
  };

  const send = (framed: RoomState['framed'][number]): void => {
    framed.sent = true;
    options.send(framed);
  };

  /** Frames the next batch: stored in one step with the chain it continues, and only then sent. */
  const frameNext = async (): Promise<void> => {
    if (!live || state.framed.length > 0 || vault.problem) return;
    if (state.outbox[0]?.stream !== CONTROL_STREAM) introduce();
    const batch = nextBatch(state.outbox, (stream, id) => state.chains.get(chainKey(stream, id))?.clock ?? 0);
    if (!batch) return;
    const { stream, clientId, nonce } = batch.items[0]!;
    const key = keyring.sealing(stream);
    if (!key) return;
    const chain = ownChain(stream, clientId, nonce);
    const isControl = stream === CONTROL_STREAM;
    const framed = frameBatch({
      chain,
      payload: batch.payload,
      kind: isControl ? KIND.control : KIND.updates,
      counter: state.ownCounter + 1,
      counters: state.counters,
      key,
      heads: chain.last === 0 ? (options.directory.log(toHex(options.account.id))?.heads ?? []) : [],
      mayDeflate: options.kind === 'chat' && !isControl,
      sign: options.sign,
      randomBytes: options.randomBytes,
    });
    const { ids, durable } = vault.commit({
      put: [
        encodeRecord({
          type: 'framed',
          room: options.id,
          stream,
          frame: framed.frame,
          body: framed.encodedBody,
        }),
      ],
      remove: batch.items.map(({ record }) => record),
    });
    state.chains.set(chainKey(stream, clientId), chain);
    advance(chain, framed.body);
    chain.clock = Math.max(chain.clock, batch.items.at(-1)!.clockAfter);
    state.ownCounter = framed.body.counter;
    const gone = new Set(batch.items);
    state.outbox = state.outbox.filter((item) => !gone.has(item));
    const entry = { ...framed, record: ids[0]!, sent: false };
    state.framed.push(entry);
    if (isControl) await control.accept(batch.payload);
    await durable;
    if (live) send(entry);
  };

  /** The relay has an own frame durably at this position. */
  const settle = (entry: RoomState['framed'][number], position: number): void => {
    const { stream, encodedBody, body } = entry;
    state.framed = state.framed.filter((other) => other !== entry);
    state.cursor = Math.max(state.cursor, position);
    void vault
      .commit({
        put: [bodiesRecord([{ position, stream, body: encodedBody }])],
        remove: [entry.record],
      })
      .durable.catch(() => undefined); // A failed vault reports itself; the frame is at the relay.
    const progress = state.own.get(body.clientId);
    const chain = state.chains.get(chainKey(stream, body.clientId));
    if (progress && chain) progress.sent = Math.max(progress.sent, chain.clock);
  };

  const bodiesRecord = (bodies: { position: number; stream: string; body: Uint8Array }[]): Uint8Array =>
    encodeRecord({
      type: 'bodies',
      room: options.id,
      cursor: state.cursor,
      receivedAt: options.now(),
      bodies,
    });

  /** Removes from the outbox what the relay turned out to hold already: this device was restored from a copy. */
  const dropCovered = (): RecordId[] => {
    const covered = state.outbox.filter(
      ({ stream, clientId, clockAfter }) =>
        clockAfter > 0 && (state.chains.get(chainKey(stream, clientId))?.clock ?? 0) >= clockAfter,
    );
    state.outbox = state.outbox.filter((item) => !covered.includes(item));
    return covered.map(({ record }) => record);
  };

  const hear = (body: Body, chain: Chain): void => {
    const id = toHex(chain.device.id);
    if (id === ownId) state.ownCounter = Math.max(state.ownCounter, body.counter);
    else {
      state.counters.take(id.slice(0, 2 * SEEN_TAG_BYTES), body.counter);
      state.lastHeard.set(id, options.now());
    }
    for (const { deviceTag, counter } of body.seen) {
      const tag = toHex(deviceTag);
      if (!ownId.startsWith(tag)) state.counters.claimed(tag, counter);
    }
  };

  const judge = async (): Promise<void> => {
    const before = new Set(inbox.parked());
    const { accepted, duplicates, refused } = await inbox.judge();
    const updates = new Map<string, AcceptedUpdate[]>();
    for (const { body, chain, update, waiting } of accepted) {
      hear(body, chain);
      if (!update) continue;
      const list = updates.get(waiting.stream);
      if (list) list.push(update);
      else updates.set(waiting.stream, [update]);
    }
    for (const item of duplicates) {
      const mine = state.framed.find(
        ({ frame, body }) =>
          frame.length === item.frame.length &&
          body.counter === item.body?.counter &&
          body.clientId === item.body.clientId,
      );
      if (mine) settle(mine, item.position);
    }
    const parked = inbox.parked().filter(({ record }) => record === undefined);
    const remove = [...accepted.map(({ waiting }) => waiting), ...duplicates, ...refused].flatMap(
      ({ record }) => record ?? [],
    );
    remove.push(...dropCovered());
    for (const item of before) state.cursor = Math.max(state.cursor, item.position);
    const put = parked.map(({ position, stream, frame }) =>
      encodeRecord({ type: 'parked', room: options.id, position, stream, frame }),
    );
    put.push(
      bodiesRecord(
        accepted.map(({ waiting }) => ({
          position: waiting.position,
          stream: waiting.stream,
          body: waiting.encodedBody!,
        })),
      ),
    );
    const { ids, durable } = vault.commit({ put, remove });
    durable.catch(() => undefined); // A failed vault reports itself; what is not stored is fetched again.
    parked.forEach((item, i) => {
      item.record = ids[i];
    });
    for (const [stream, list] of updates) deliver(stream, list);
    changed();
    kick();
  };

  const deliver = (stream: string, updates: readonly AcceptedUpdate[]): void => {
    noteDeletions(stream, updates);
    const sink = sinks.get(stream);
    if (sink) sink(combineUpdates(updates));
    else page(stream).applyAll(updates);
  };

  const noteDeletions = (stream: string, updates: readonly AcceptedUpdate[]): void => {
    let deleted = state.deleted.get(stream);
    if (!deleted) {
      deleted = new Set();
      state.deleted.set(stream, deleted);
    }
    for (const { parsed } of updates)
      for (const { clientId, clock, length } of parsed.deletions)
        for (let i = clock; i < clock + length; i++) deleted.add(`${clientId}:${i}`);
  };

  /** Says what is missing once nothing that could fill the gap is on its way. */
  const reportGaps = (): void => {
    if (inbox.parked().length > 0) return;
    for (const { device: tag, counter } of state.counters.gaps()) {
      const key = `${tag}/${counter}`;
      if (reported.has(key)) continue;
      reported.add(key);
      report({
        code: 'FRAME_GAP',
        message: 'A frame that a device sent never came: the relay withheld or lost it.',
        deviceId: tag,
      });
    }
  };

  const ready = replayRoom({ state, inbox, inboxOptions, page, noteDeletions, ownId, records });

  return {
    id: options.id,
    key: roomId,
    options,
    /** Settles when what the vault holds is loaded. */
    ready,
    state,
    page,
    putControl,
    cursor: () => state.cursor,
    isLive: () => live,
    pending: () => state.outbox.length + state.framed.length,
    /** Resolves when everything written so far is durable on this device. */
    stored: () => lastDurable,
    onChange(listener: () => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    /** Accepted updates of a stream go to `sink` instead of straight to its document. @returns the way back. */
    attach(stream: string, sink: (update: Uint8Array) => void): () => void {
      sinks.set(stream, sink);
      return () => sinks.delete(stream);
    },
    /** Takes a local edit: exactly this device's own, continuing its clock; anything else in it is dropped. */
    submit(stream: string, update: Uint8Array): void {
      const own = writer(stream);
      const parsed = parseUpdate(update, own.clientId, own.clock);
      const known = state.deleted.get(stream);
      const deletions = parsed.deletions
        .flatMap(({ clientId, clock, length }) =>
          Array.from({ length }, (_, i) => ({ clientId, clock: clock + i, length: 1 })),
        )
        .filter(({ clientId, clock }) => !known?.has(`${clientId}:${clock}`));
      if (parsed.entries.length === 0 && deletions.length === 0) return;
      own.clock += parsed.entries.length;
      if (!state.own.has(own.clientId)) state.own.set(own.clientId, { stored: 0, sent: 0 });
      const accepted = { bytes: update, parsed: { ...parsed, deletions } };
      noteDeletions(stream, [accepted]);
      void putOutbox(stream, own.clientId, own.nonce, combineUpdates([accepted]), own.clock).catch(
        () => undefined,
      );
    },
    /** A Yjs state vector of all that is held of a page: accepted entries, and own ones that are stored. */
    stateVector(stream: string): Uint8Array {
      const clocks = new Map<number, number>();
      for (const { address, clock } of state.chains.values())
        if (address.stream === stream && clock > 0) clocks.set(address.clientId, clock);
      for (const item of state.outbox) if (item.stream === stream) clocks.set(item.clientId, item.clockAfter);
      return Y.encodeStateVector(clocks);
    },
    /** Something reached the page's document that is not this device's own and did not come through here. */
    dropped: (stream: string, { code, message }: SealwireError) => report({ code, message, stream }),
    /** Frames as the relay delivers them, in rising position. */
    receive: (frames: readonly StoredFrame[]): Promise<void> =>
      step(async () => {
        const fresh: Waiting[] = frames
          .filter(({ position }) => position > state.cursor)
          .map((frame) => ({ ...frame, record: undefined, body: undefined, encodedBody: undefined }));
        if (fresh.length === 0) return;
        inbox.take(fresh);
        await judge();
        if (live) reportGaps();
      }),
    /** Judges again what waits: a key or a device has become known. */
    retry: (): Promise<void> =>
      step(async () => {
        if (inbox.parked().length > 0) await judge();
      }),
    appended: (position: number): Promise<void> =>
      step(async () => {
        const entry = state.framed.find(({ sent }) => sent);
        if (entry) settle(entry, position);
        changed();
        kick();
      }),
    /** Everything up to the head has come: own frames may leave. */
    goLive: (): Promise<void> =>
      step(async () => {
        live = true;
        for (const entry of state.framed) send(entry);
        reportGaps();
        changed();
        kick();
      }),
    goDown(): void {
      live = false;
      for (const entry of state.framed) entry.sent = false;
      changed();
    },
    /** Sends again what the relay refused for the moment, or what a full disk held back. */
    resend: (): Promise<void> =>
      step(async () => {
        if (!live || vault.problem) return;
        for (const entry of state.framed) send(entry);
        kick();
      }),
    /** The vault is whole again: all that waited is stored now, and may leave. */
    recovered: (): Promise<void> =>
      step(async () => {
        for (const { clientId, clockAfter } of state.outbox) {
          const progress = state.own.get(clientId);
          if (progress) progress.stored = Math.max(progress.stored, clockAfter);
        }
        if (live) for (const entry of state.framed) if (!entry.sent) send(entry);
        changed();
        kick();
      }),
    idle: (): Promise<void> => step(async () => undefined),
  };
};

export type Room = ReturnType<typeof createRoom>;
