// What leaves a room: takes local edits, frames them when nothing is in flight, settles what the relay acknowledged.
// Rules: spec/frame.md §9.
import { CONTROL_STREAM, toHex } from '@sealwire/protocol';
import { type Body, decodeBody, KIND } from '../frame/body.ts';
import { sealFrame } from '../frame/envelope.ts';
import type { SignedEntry } from '../identity/log-entry.ts';
import { combineUpdates } from '../logdoc/combine.ts';
import { parseUpdate } from '../logdoc/parser.ts';
import type { RecordId } from '../vault/vault.ts';
import { advance, type Chain, chainKey, openChain } from './chains.ts';
import { encodeEntries } from './control.ts';
import { frameBatch } from './framing.ts';
import { nextBatch, type OutboxItem } from './outbox.ts';
import { encodeRecord, type StoredBody } from './records.ts';
import { type FramedItem, moveCursor, type RoomState, remember, writerOf } from './state.ts';

export interface SenderEvents {
  /** What a person sees has changed: stored, sent. */
  changed(): void;
  /** Something may be framed: call `frameNext` in the room's turn. */
  ready(): void;
}

export const createSender = (state: RoomState, events: SenderEvents) => {
  const { options, control } = state;
  const { vault } = options;
  let lastDurable: Promise<void> = Promise.resolve();

  const put = (item: Omit<OutboxItem, 'record'>): Promise<void> => {
    const { clientId, clockAfter } = item;
    const { ids, durable } = vault.commit({
      put: [encodeRecord({ type: 'outbox', room: options.id, ...item })],
    });
    state.outbox.push({ ...item, record: ids[0]! });
    lastDurable = durable;
    durable.then(
      () => {
        markStored(clientId, clockAfter);
        events.changed();
        events.ready();
      },
      () => events.changed(), // The vault itself reports why; what waits stays visible as not stored.
    );
    return durable;
  };

  const markStored = (clientId: number, clockAfter: number): void => {
    const progress = state.own.get(clientId);
    if (progress) progress.stored = Math.max(progress.stored, clockAfter);
  };

  const putControl = (entries: readonly SignedEntry[]): Promise<void> => {
    const { clientId, nonce } = writerOf(state, CONTROL_STREAM);
    return put({ stream: CONTROL_STREAM, clientId, nonce, payload: encodeEntries(entries), clockAfter: 0 });
  };

  const deviceLog = () => options.directory.log(toHex(options.account.id));

  /** Before its first words in a chat, a device shows there the log that makes it one of its account's. */
  const introduce = (): void => {
    if (options.kind !== 'chat' || state.outbox.some(({ stream }) => stream === CONTROL_STREAM)) return;
    const missing = deviceLog()?.entries.filter(({ hash }) => !control.holds(hash)) ?? [];
    if (missing.length > 0) void putControl(missing).catch(() => undefined); // Reported by the vault.
  };

  const ownChain = ({ stream, clientId, nonce }: OutboxItem): Chain => {
    const known = state.chains.get(chainKey(stream, clientId));
    if (known) return known;
    const { device, logId } = options;
    const chain = openChain(device, logId, stream, clientId, { deviceId: device.id, nonce });
    if (!chain) throw new Error('own clientID does not follow from its nonce');
    return chain;
  };

  const send = (item: FramedItem): void => {
    item.sent = true;
    options.send(item);
  };

  return {
    put,
    putControl,
    /** Resolves when everything written so far is durable on this device. */
    stored: (): Promise<void> => lastDurable,
    /**
     * Takes a local edit: exactly this device's own, continuing its clock. Deletions that are known are left out.
     * @throws SealwireError UPDATE_REFUSED if there is anything else in it; then nothing of it is taken.
     */
    submit(stream: string, update: Uint8Array): void {
      const own = writerOf(state, stream);
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
      remember(state, stream, [{ counter: undefined, update: accepted }]);
      const { clientId, nonce } = own;
      const clockAfter = parsed.entries.length > 0 ? own.clock : 0;
      put({ stream, clientId, nonce, payload: combineUpdates([accepted]), clockAfter }).catch(
        () => undefined, // Whoever wrote is told by `stored`; the vault reports why.
      );
    },
    /** Frames the next batch: stored in one step with the chain it continues, and only then sent. */
    async frameNext(): Promise<void> {
      if (!state.live || state.framed.length > 0 || vault.problem) return;
      if (state.outbox.length > 0 && state.outbox[0]!.stream !== CONTROL_STREAM) introduce();
      const batch = nextBatch(
        state.outbox,
        (stream, id) => state.chains.get(chainKey(stream, id))?.clock ?? 0,
      );
      const key = batch && state.keyring.sealing(batch.items[0]!.stream);
      if (!key) return;
      const chain = ownChain(batch.items[0]!);
      const { stream, clientId } = chain.address;
      const isControl = stream === CONTROL_STREAM;
      const framed = frameBatch({
        chain,
        payload: batch.payload,
        kind: isControl ? KIND.control : KIND.updates,
        counter: state.ownCounter + 1,
        counters: state.counters,
        key,
        heads: chain.last === 0 ? (deviceLog()?.heads ?? []) : [],
        mayDeflate: options.kind === 'chat' && !isControl,
        sign: options.sign,
        randomBytes: options.randomBytes,
      });
      const record = {
        type: 'framed',
        room: options.id,
        stream,
        frame: framed.frame,
        body: framed.encodedBody,
      } as const;
      const { ids, durable } = vault.commit({
        put: [encodeRecord(record)],
        remove: batch.items.map((item) => item.record),
      });
      state.chains.set(chainKey(stream, clientId), chain);
      advance(chain, framed.body);
      chain.clock = Math.max(chain.clock, ...batch.items.map((item) => item.clockAfter));
      state.ownCounter = framed.body.counter;
      const gone = new Set(batch.items);
      state.outbox = state.outbox.filter((item) => !gone.has(item));
      const item = { ...framed, record: ids[0]!, sent: false };
      state.framed.push(item);
      if (isControl) await control.accept(batch.payload);
      await durable;
      if (state.live) send(item);
    },
    /** Sends again all that is framed and not acknowledged. */
    sendFramed(which: (item: FramedItem) => boolean = () => true): void {
      for (const item of state.framed) if (which(item)) send(item);
    },
    /** The relay has an own frame durably at this position. */
    settle(item: FramedItem, position: number): void {
      const { stream, encodedBody, body } = item;
      state.framed = state.framed.filter((other) => other !== item);
      moveCursor(state, position);
      state.kept.set(keptKey(body), { position, stream, body: encodedBody });
      vault
        .commit({
          put: [bodiesRecord(state, [{ position, stream, body: encodedBody }])],
          remove: [item.record],
        })
        .durable.catch(() => undefined); // A failed vault reports itself; the frame is at the relay.
      const progress = state.own.get(body.clientId);
      const chain = state.chains.get(chainKey(stream, body.clientId));
      if (progress && chain) progress.sent = Math.max(progress.sent, chain.clock);
    },
    /**
     * The relay lost everything after `head`: seals own bodies from there on again, to be sent once the room is live.
     * Others that hold them drop them as duplicates.
     */
    goBack(head: number): void {
      state.cursor = Math.min(state.cursor, head);
      const lost = [...state.kept.values()].filter(({ position }) => position > head);
      const items = lost.flatMap(({ stream, body: encodedBody }) => {
        const key = state.keyring.sealing(stream);
        if (!key) return [];
        const frame = sealFrame(key, encodedBody, options.randomBytes);
        return { stream, frame, encodedBody, body: decodeBody(encodedBody), sent: false };
      });
      const { ids, durable } = vault.commit({
        put: items.map(({ stream, frame, encodedBody }) =>
          encodeRecord({ type: 'framed', room: options.id, stream, frame, body: encodedBody }),
        ),
      });
      durable.catch(() => undefined); // A failed vault reports itself, and holds back what is framed.
      const put = items.map((item, i) => ({ ...item, record: ids[i]! }));
      for (const { body } of put) state.kept.delete(keptKey(body));
      state.framed = [...put, ...state.framed];
    },
    /** Removes what the relay turned out to hold already: this device was restored from a copy. */
    dropCovered(): RecordId[] {
      const covered = state.outbox.filter(
        ({ stream, clientId, clockAfter }) =>
          clockAfter > 0 && (state.chains.get(chainKey(stream, clientId))?.clock ?? 0) >= clockAfter,
      );
      state.outbox = state.outbox.filter((item) => !covered.includes(item));
      return covered.map(({ record }) => record);
    },
    /** The vault is whole again: all that waited is stored now. */
    allStored(): void {
      for (const { clientId, clockAfter } of state.outbox) markStored(clientId, clockAfter);
    },
  };
};

export type Sender = ReturnType<typeof createSender>;

/** Names an own body in {@link RoomState.kept}. */
export const keptKey = ({ clientId, counter }: Pick<Body, 'clientId' | 'counter'>): string =>
  `${clientId}/${counter}`;

/** Accepted bodies with the cursor that holds after them. */
export const bodiesRecord = ({ options, cursor }: RoomState, bodies: readonly StoredBody[]): Uint8Array =>
  encodeRecord({ type: 'bodies', room: options.id, cursor, receivedAt: options.now(), bodies });
