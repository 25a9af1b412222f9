// One room as this device holds it: judges what comes, stores it, frames what leaves. One step at a time, in order.
// Rules: spec/frame.md §8–§9, spec/vault.md §6.
import { type SealwireError, type StoredFrame, sameBytes, toHex } from '@sealwire/protocol';
import type { Evidence } from '../api.ts';
import type { SignedEntry } from '../identity/log-entry.ts';
import { combineUpdates } from '../logdoc/combine.ts';
import { isDocumentStream } from '../shareddoc/name.ts';
import type { RecordId } from '../vault/vault.ts';
import { createAhead, type ReadStream } from './ahead.ts';
import { renewWriters } from './audience.ts';
import { encodeEntries } from './control.ts';
import { judgeContested } from './forks.ts';
import { gapRepair, gapReporter } from './gaps.ts';
import { createInbox } from './inbox.ts';
import { hear, settleDuplicates, store, updatesByStream } from './judged.ts';
import type { RoomAddress } from './keyring.ts';
import { findMissing, hasMoved, moveState } from './moving.ts';
import { toWaiting, type Waiting } from './opening.ts';
import type { Page } from './page.ts';
import { createPaging } from './paging.ts';
import { rebuildRoom } from './rebuild.ts';
import type { RoomRecord } from './records.ts';
import { learnOwn, replayRoom } from './replay.ts';
import { bodiesRecord, createSender } from './sender.ts';
import {
  createRoomState,
  documentsOf,
  forgetPages,
  type HistoryItem,
  moveCursor,
  pageOf,
  type RoomOptions,
  remember,
  resetPage,
  sizeOf,
  stateVector,
  touch,
} from './state.ts';

export type { RoomOptions, RoomState } from './state.ts';

/** @param records - what the vault holds of the room; loaded by itself, see `ready`. */
export const createRoom = (
  options: RoomOptions,
  records: readonly { readonly id: RecordId; readonly record: RoomRecord }[],
) => {
  const state = createRoomState(
    options,
    records.flatMap(({ id, record }) => (record.type === 'closed' ? [] : id)),
    {
      shared() {
        reading = 'must start over';
        void ready.then(() => step(startOver));
      },
      putDocument: (stream, update) => sender.putDocument(stream, update),
    },
  );
  let key = toHex(options.id);
  const listeners = new Set<() => void>();
  const signalListeners = new Set<(payload: Uint8Array) => void>();
  /** Where a stream's accepted updates go while a provider is attached: its socket instead of the document itself. */
  const sinks = new Map<string, (update: Uint8Array) => void>();

  /** How often the relay was asked for everything again: what came before that leaves the cursor alone. */
  let fetches = 0;
  /** While old frames have to come again, nobody can say what is missing. */
  let reading: 'on' | 'must start over' | 'anew' = 'on';
  let queue: Promise<void> = Promise.resolve();
  /** Runs steps one after another; a failed one is reported and does not stop those behind it. */
  const step = (run: () => Promise<void> | void): Promise<void> => {
    queue = queue.then(run).catch(options.fault);
    return queue;
  };
  const changed = (): void => {
    for (const listener of listeners) listener();
  };
  const kick = (): void => {
    if (sender.mayMove()) void step(sender.frameNext);
  };
  const report = (evidence: Omit<Evidence, 'room'>): void => options.report({ ...evidence, room: key });

  const sender = createSender(state, {
    changed,
    ready: kick,
    keysOwed: options.keysOwed ?? (() => undefined),
  });
  const { logId, directory } = options;
  const { keyring, chains, cuts, shelf, deletions, control } = state;
  const inboxOptions = {
    ...{ logId, directory, keyring, chains, cuts, shelf, deletions, control, report },
    hasAll: () => state.live,
  };
  const inbox = createInbox(inboxOptions);
  const sayGaps = gapReporter(state, inbox.parked, report);
  const repairGaps = gapRepair(options.now, () => startOver());
  const reportGaps = (): void => {
    if (state.live && reading === 'on' && (options.isCaughtUp?.() ?? true))
      repairGaps(sayGaps() || inbox.isOwed());
  };

  const deliver = (stream: string, items: readonly HistoryItem[]): void => {
    if (isDocumentStream(stream)) {
      state.documents.deliver(stream, documentsOf(items));
      return;
    }
    remember(state, stream, items);
    touch(state, stream);
    const updates = items.map(({ update }) => update);
    const sink = sinks.get(stream);
    if (sink) sink(combineUpdates(updates));
    else pageOf(state, stream).applyAll(updates);
  };

  /** The relay is asked for everything again: what was passed over can be read by now, or something never came. */
  const startOver = (): void => {
    fetches += 1;
    if (reading === 'must start over') reading = 'anew';
    state.cursor = 0;
    inbox.startedOver();
    // A failed vault reports itself.
    options.vault.commit({ put: [bodiesRecord(state, [])] }).durable.catch(() => undefined);
    options.refetch?.(state.address.id);
  };

  let isRefused = false;
  /** Devices of which less may count than before, or more, and streams in which that is so. */
  const cutDevices = new Set<string>();
  const stale = new Set<string>();
  state.cuts.onChange((deviceHex) => {
    cutDevices.add(deviceHex);
    void ready.then(() => step(applyCuts));
  });
  const applyCuts = async (): Promise<void> => {
    if (cutDevices.size > 0) await paging.wakeCut(cutDevices);
    if (cutDevices.size > 0)
      for (const { deviceHex, address } of state.chains.values())
        if (cutDevices.has(deviceHex)) stale.add(address.stream);
    const isChanged = cutDevices.size + stale.size > 0;
    const streams = new Set(stale);
    cutDevices.clear();
    stale.clear();
    if (streams.size > 0) await rebuildRoom(state, inboxOptions, report, streams);
    // What waits may be of a device that was cut.
    if (isChanged) await judge();
  };

  const paging = createPaging({
    ...{ state, inbox, inboxOptions, report, step, startOver, changed },
    isAttached: (stream) => sinks.has(stream) || ahead.holds(stream),
  });

  /** @param fresh - what has just come, which the cursor moves over. */
  const judge = async (fresh: readonly Waiting[] = []): Promise<void> => {
    const judgement = await inbox.judge();
    for (const { body, chain } of judgement.accepted) hear(state, body, chain);
    const found = settleDuplicates(state, judgement, sender);
    for (const { position } of judgement.dropped)
      state.cursorLimit = Math.min(state.cursorLimit, position - 1);
    for (const { position } of fresh) moveCursor(state, position);
    store(state, judgement, { parked: inbox.parked(), covered: sender.dropCovered(), found });
    for (const [stream, items] of updatesByStream(judgement)) deliver(stream, items);
    for (const stream of await judgeContested(state, judgement.contested, report)) stale.add(stream);
    for (const stream of judgement.reopened) stale.add(stream);
    await applyCuts();
    renewWriters(state);
    changed();
    kick();
  };

  /** @param isInOrder - false for what comes ahead of what lies before it. */
  const takeIn = async (of: number, frames: readonly StoredFrame[], isInOrder: boolean): Promise<void> => {
    if (of !== fetches) return; // They come again, behind those that they do not wait for.
    const fresh: Waiting[] = frames.filter(({ position }) => position > state.cursor).map(toWaiting);
    if (fresh.length === 0) return;
    await paging.wake(fresh.map(({ stream }) => stream));
    if (of !== fetches) return;
    inbox.take(fresh);
    await judge(isInOrder ? fresh : []);
    reportGaps();
    await paging.putAside();
  };
  const ahead = createAhead({ state, take: (frames) => takeIn(fetches, frames, false) });

  const ready = replayRoom({ state, inbox, inboxOptions, records })
    .then(() => learnOwn(state))
    .then(async () => {
      if (!hasMoved(state, records)) return;
      await paging.wakeMoved(state.address.id);
      findMissing(state, state.options.vault.records());
    });

  return {
    /** Of the room that the chat is in. */
    get id(): Uint8Array {
      return state.address.id;
    },
    /** The id in hexadecimal. */
    get key(): string {
      return key;
    },
    options,
    state,
    /** Settles when what the vault holds is loaded. */
    ready,
    page: (stream: string) => pageOf(state, stream),
    ...{ closedPages: paging.closed, holdPage: paging.hold },
    /** All pages that are open. */
    pages: (): readonly Page[] => [...state.pages.values()],
    /** Told of each page that is opened. @returns the function that ends the subscription. */
    onPage(listener: (page: Page) => void): () => void {
      state.pageListeners.add(listener);
      return () => state.pageListeners.delete(listener);
    },
    /** What a page holds: accepted entries, and own ones. */
    size: (stream: string) => sizeOf(state, stream),
    putControl: sender.putControl,
    /**
     * Writes entries of the room's log, behind what they are judged by, and takes them at once: true here before anybody
     * else knows.
     */
    putLog(changes: readonly SignedEntry[]): Promise<void> {
      const entries = [...sender.duty.introduction(changes), ...changes];
      const durable = sender.putControl(entries);
      const taken = step(async () => {
        await state.control.accept(encodeEntries(entries));
        renewWriters(state);
        changed();
        kick();
      });
      return taken.then(() => durable);
    },
    submit: sender.submit,
    stored(): Promise<void> {
      state.documents.flush();
      return sender.stored();
    },
    cursor: () => state.cursor,
    isLive: () => state.live,
    /** True while the relay says that this account is none of the room's, or that it is gone: its word alone, which may change. */
    isRefused: () => isRefused,
    /** The relay does not let this device in. */
    refused(): void {
      isRefused = true;
      changed();
    },
    /** Own edits and frames that the relay has not acknowledged. */
    pending: () => state.documents.waiting() + state.outbox.length + state.framed.length,
    /** Resolves when the relay has acknowledged all that was written so far. */
    sent: (): Promise<void> =>
      new Promise((resolve) => {
        const look = (): void => {
          if (state.outbox.length + state.framed.length > 0) return;
          listeners.delete(look);
          resolve();
        };
        listeners.add(look);
        look();
      }),
    onChange(listener: () => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    /** Accepted updates of a stream go to `sink` instead of straight to its document. @returns the way back. */
    attach(stream: string, sink: (update: Uint8Array) => void): () => void {
      sinks.set(stream, sink);
      return () => {
        // Another provider may have taken its place by now.
        if (sinks.get(stream) === sink) sinks.delete(stream);
      };
    },
    stateVector: (stream: string) => stateVector(state, stream),
    /**
     * Something reached the page's document that is not this device's own and did not come through here. It is
     * reported and leaves the document again: a page holds what the vault holds.
     */
    dropped(stream: string, { code, message }: SealwireError): void {
      report({ code, message, stream });
      void step(() => resetPage(state, stream));
    },
    /** Told of each signal in the room; nothing in it is judged. @returns the function that ends the subscription. */
    onSignal(listener: (payload: Uint8Array) => void): () => void {
      signalListeners.add(listener);
      return () => signalListeners.delete(listener);
    },
    /** A signal, as the relay passes it on. */
    signalled(payload: Uint8Array): void {
      for (const listener of signalListeners) listener(payload);
    },
    /** Frames as the relay delivers them, in rising position. */
    receive(frames: readonly StoredFrame[]): Promise<void> {
      const of = fetches;
      return step(() => takeIn(of, frames, true));
    },
    /** What the relay has became known. */
    news(head: number, read: ReadStream): void {
      if (ahead.isWanted(head)) void step(() => ahead.read(head, read));
    },
    /** Streams of pages that are shown before what lies before them has come. */
    aheadPages: ahead.pages,
    /** The chat goes on in another room at the relay, from its beginning; see spec/chats.md §4. Not while it is followed. */
    moveTo: (address: RoomAddress): Promise<void> =>
      step(async () => {
        if (sameBytes(address.id, state.address.id)) return;
        fetches += 1;
        isRefused = false;
        sender.moved();
        await paging.wakeMoved(address.id);
        moveState(state, address, inbox.moved());
        key = toHex(address.id);
        changed();
      }),
    /** Takes log entries that another room of the chat holds. */
    learn: (entries: readonly SignedEntry[]): Promise<void> =>
      step(async () => {
        await state.control.learn(entries);
        await judge();
      }),
    /** Judges again what waits: a key or a device has become known. */
    retry: (): Promise<void> =>
      step(async () => {
        await state.control.retry();
        if (inbox.parked().length > 0) await judge();
        renewWriters(state);
        reportGaps();
        changed();
        kick();
      }),
    /** No key is on its way to this device: says what is missing. */
    caughtUp: (): Promise<void> => step(reportGaps),
    /** True if nothing may be said here before a new epoch, which needs what this device does not have yet. */
    rotationOwed: (): boolean => sender.duty.rotationOwed(),
    /** The relay has this frame durably at this position. It may be settled already: it came back before the answer. */
    appended(position: number, frame: Uint8Array, isInOrder = true): Promise<void> {
      const of = fetches;
      return step(() => {
        const item = state.framed.find((framed) => framed.frame === frame);
        if (isInOrder && of === fetches) moveCursor(state, position);
        if (item) sender.settle(item, position);
        changed();
        kick();
        if (item) void step(paging.putAside);
      });
    },
    /** Everything up to the head has come: own frames may leave. */
    goLive: (): Promise<void> =>
      step(async () => {
        state.live = true;
        isRefused = false;
        if (reading === 'anew') reading = 'on';
        ahead.end();
        await sender.sendFramed();
        sender.putMissing();
        // Frames that waited in the vault: whether they lack a key or what comes before them shows when they are opened.
        if (inbox.parked().some(({ body }) => !body || state.keyring.isLate())) await judge();
        reportGaps();
        changed();
        kick();
        await paging.putAside();
      }),
    /** The relay rolled back to `head`: see {@link Sender.goBack}. */
    goBack: (head: number): Promise<void> =>
      step(async () => {
        await paging.wakeBehind(head);
        await sender.goBack(head);
      }),
    goDown(): void {
      state.live = false;
      state.cursorLimit = Number.POSITIVE_INFINITY;
      for (const item of state.framed) item.sent = false;
      changed();
    },
    /** Sends again what the relay refused for the moment. */
    resend: (): Promise<void> =>
      step(async () => {
        // With a vault that is not whole it leaves once that is repaired: what counts as sent would not.
        for (const item of state.framed) item.sent = false;
        await sender.sendFramed();
      }),
    /** The vault is whole again: all that waited is stored now, and may leave. */
    recovered: (): Promise<void> =>
      step(async () => {
        sender.allStored();
        await paging.repaired();
        await sender.sendFramed(({ sent }) => !sent);
        changed();
        kick();
      }),
    /** Empties all pages: nothing that this device kept is shown any more. */
    forget(): void {
      forgetPages(state);
      for (const page of state.pages.values()) page.reset([]);
      for (const stream of state.documents.openStreams()) resetPage(state, stream);
    },
    /** Settles when every step asked for so far has run. */
    idle: (): Promise<void> => step(() => undefined),
  };
};

export type Room = ReturnType<typeof createRoom>;
