// What leaves a room: takes local edits, frames them when nothing is in flight, settles what the relay acknowledged.
// Rules: spec/frame.md §9.
import { CONTROL_STREAM, LIMITS, sameBytes, toHex } from '@sealwire/protocol';
import { type Body, decodeBody } from '../frame/body.ts';
import { epochTagOf, sealFrame } from '../frame/envelope.ts';
import { encodeEntryBytes, type SignedEntry } from '../identity/log-entry.ts';
import { combineUpdates } from '../logdoc/combine.ts';
import type { DocumentUpdate } from '../logdoc/parser.ts';
import { parseUpdate } from '../logdoc/parser.ts';
import type { RecordId } from '../vault/vault.ts';
import { advance, type Chain, chainKey, openChain } from './chains.ts';
import { encodeEntries } from './control.ts';
import { createDuty } from './duty.ts';
import { type Framed, frameBatch } from './framing.ts';
import { kindOf } from './opening.ts';
import { nextBatch, type OutboxItem } from './outbox.ts';
import { encodeRecord, type StoredBody } from './records.ts';
import { type FramedItem, type RoomState, remember, writerOf } from './state.ts';

/** Bodies that are put into a room again at a time: each is in memory and in the vault until the relay has it. */
const PUT_BACK_AT_ONCE = 256;

export interface SenderEvents {
  /** What a person sees has changed: stored, sent. */
  changed(): void;
  /** Something may be framed: call `frameNext` in the room's turn. */
  ready(): void;
  /** What this device has to say waits for keys of these accounts, its own among them perhaps. */
  keysOwed(accounts: readonly Uint8Array[]): void;
}

export const createSender = (state: RoomState, events: SenderEvents) => {
  const { options, control } = state;
  const { vault } = options;
  const duty = createDuty(state);
  let lastDurable: Promise<void> = Promise.resolve();
  /** Own bodies that the relay lost and that are not framed again: those of pages wait for an epoch to be sealed under. */
  const lost = new Set<StoredBody>();

  const put = (item: Omit<OutboxItem, 'record'>): Promise<void> => {
    const { clientId, clockAfter } = item;
    const { ids, durable } = vault.commit({
      put: [encodeRecord({ type: 'outbox', room: state.address.id, ...item })],
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

  /** The heads of the own account's log as far as this room was shown it: what others can hold against theirs. */
  const shownHeads = (): readonly Uint8Array[] => {
    const entries = options.directory.log(toHex(options.account.id))?.entries ?? [];
    const shown = entries.filter(({ hash }) => control.holds(hash));
    const followed = new Set(
      shown.flatMap(({ entry }) => ('parents' in entry ? entry.parents.map(toHex) : [])),
    );
    return shown.map(({ hash }) => hash).filter((hash) => !followed.has(toHex(hash)));
  };

  /** Before its words, a device shows what they are judged by, and sees to it that the right people can read them. */
  const prepare = async (): Promise<void> => {
    const waits = (isControl: boolean) =>
      state.outbox.some(({ stream }) => (stream === CONTROL_STREAM) === isControl);
    if (waits(true)) return;
    const speaks = waits(false) || lost.size > 0 || state.framed.length > 0;
    if (!speaks && !duty.due()) return;
    for (const entries of inFrames(await duty.entries(speaks))) putControl(entries).catch(() => undefined); // Reported by the vault.
    if (speaks && duty.waitsFor().length > 0) events.keysOwed(duty.waitsFor());
  };

  const sealing = (stream: string) => state.keyring.sealing(stream, control.current());

  const ownChain = ({ stream, clientId, nonce }: OutboxItem): Chain => {
    const known = state.chains.get(chainKey(stream, clientId));
    if (known) return known;
    const { device, logId } = options;
    const chain = openChain(device, logId, stream, clientId, { deviceId: device.id, nonce });
    if (!chain) throw new Error('own clientID does not follow from its nonce');
    return chain;
  };

  /** Nothing counts any more that this device says; what it holds stays as it is. */
  const isEnded = (): boolean => state.cuts.isCut(state.ownId);

  const isInFlight = (): boolean => state.framed.some(({ sent }) => sent);

  const framedRecord = ({
    stream,
    frame,
    encodedBody,
    epoch,
  }: Framed & { readonly epoch: string }): Uint8Array =>
    encodeRecord({ type: 'framed', room: state.address.id, stream, frame, epoch, body: encodedBody });

  const send = (item: FramedItem): void => {
    item.sent = true;
    options.send({ room: state.address.id, stream: item.stream, frame: item.frame });
  };
  /** What a relay had already keeps its epoch: whoever could read it then can, and nobody else. */
  const sealingOf = ({ stream, epoch }: { readonly stream: string; readonly epoch: string }) =>
    epoch === '' ? sealing(stream) : state.keyring.resealing(stream, epoch);
  /** Whether a frame is sealed as it would be sealed now. */
  const isFresh = (item: FramedItem): boolean => {
    const { room, frame } = item;
    const key = sameBytes(room, state.address.id) ? sealingOf(item) : undefined;
    return key !== undefined && sameBytes(epochTagOf(frame), key.tag);
  };
  /** What was framed and is of an older epoch gets the seal of the current one; its body stays. Durable when it resolves. */
  const sealAnew = async (items: readonly FramedItem[]): Promise<void> => {
    const renewed = items.flatMap((item) => {
      const key = isFresh(item) ? undefined : sealingOf(item);
      return key ? [{ item, frame: sealFrame(key, item.encodedBody, options.randomBytes) }] : [];
    });
    if (renewed.length === 0) return;
    const { ids, durable } = vault.commit({
      put: renewed.map(({ item, frame }) => framedRecord({ ...item, frame })),
      remove: renewed.map(({ item }) => item.record),
    });
    const { id: room } = state.address;
    const anew = new Map(
      renewed.map(({ item, frame }, i) => [item, { ...item, room, frame, record: ids[i]! }]),
    );
    state.framed = state.framed.map((item) => anew.get(item) ?? item);
    await durable.catch(() => undefined); // A failed vault reports itself, and holds back what is framed.
  };
  /** Sends all that is framed and not acknowledged. What is under no current epoch stays, until there is one. */
  const sendFramed = async (which: (item: FramedItem) => boolean = () => true): Promise<void> => {
    // Log entries prove themselves: who leaves says so with one.
    const isMute = isEnded();
    const mayLeave = (item: FramedItem) => which(item) && (!isMute || item.stream === CONTROL_STREAM);
    const mayMove = () => state.live && !vault.problem;
    if (!mayMove()) return;
    await sealAnew(state.framed.filter(mayLeave));
    const ready = state.framed.filter((item) => mayLeave(item) && isFresh(item));
    const isControl = ({ stream }: FramedItem) => stream === CONTROL_STREAM;
    // What others must have seen first goes first, and nothing else until the relay has it: it may refuse one and take another.
    if (mayMove()) (ready.some(isControl) ? ready.filter(isControl) : ready).forEach(send);
  };

  const noLongerMissing = (body: Body): StoredBody | undefined => {
    const missing = state.missing.size > 0 ? state.missing.get(bodyKey(body)) : undefined;
    if (!missing) return undefined;
    state.missing.delete(bodyKey(body));
    lost.delete(missing);
    return missing;
  };

  /** @param limit - of bodies: what a room lacks may be all of a long chat. */
  const putBack = async (limit = Number.POSITIVE_INFINITY): Promise<void> => {
    const items = [...lost].slice(0, limit).flatMap((kept) => {
      const { stream, epoch, body: encodedBody } = kept;
      const key = sealingOf(kept);
      if (!key) return [];
      lost.delete(kept);
      const frame = sealFrame(key, encodedBody, options.randomBytes);
      // Its entries were sent before.
      const body = decodeBody(encodedBody);
      return { room: state.address.id, stream, frame, epoch, encodedBody, body, clockAfter: 0, sent: false };
    });
    if (items.length === 0) return;
    const { ids, durable } = vault.commit({
      put: items.map(framedRecord),
    });
    const put = items.map((item, i) => ({ ...item, record: ids[i]! }));
    for (const { body } of put) state.kept.delete(keptKey(body));
    state.framed = [...put, ...state.framed];
    await durable.catch(() => undefined); // A failed vault reports itself, and holds back what is framed.
  };

  return {
    put,
    putControl,
    duty,
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
      const edit = { ...parsed, deletions };
      remember(state, stream, [{ counter: undefined, update: edit }]);
      const { clientId, nonce } = own;
      const clockAfter = parsed.entries.length > 0 ? own.clock : 0;
      put({ stream, clientId, nonce, payload: combineUpdates([edit]), clockAfter }).catch(
        () => undefined, // Whoever wrote is told by `stored`; the vault reports why.
      );
    },
    /** Stores an own edit of a shared document. */
    putDocument(stream: string, { clock, clocks, bytes }: DocumentUpdate): void {
      const { clientId, nonce } = writerOf(state, stream);
      if (!state.own.has(clientId)) state.own.set(clientId, { stored: 0, sent: 0 });
      const clockAfter = clocks > 0 ? clock + clocks : 0;
      put({ stream, clientId, nonce, payload: bytes, clockAfter }).catch(
        () => undefined, // Whoever wrote is told by `stored`; the vault reports why.
      );
    },
    /** Frames the next batch: stored in one step with the chain it continues, and only then sent. */
    async frameNext(): Promise<void> {
      if (!state.live || isInFlight() || vault.problem) return;
      if (isEnded() && state.outbox[0]?.stream !== CONTROL_STREAM) return;
      await prepare();
      if (!state.outbox.some(({ stream }) => stream === CONTROL_STREAM)) {
        if (lost.size > 0) await putBack(PUT_BACK_AT_ONCE);
        await sendFramed(({ sent }) => !sent);
        if (state.framed.length > 0) return;
      }
      const batch = nextBatch(
        state.outbox,
        (stream, id) => state.chains.get(chainKey(stream, id))?.clock ?? 0,
      );
      const key = batch && sealing(batch.items[0]!.stream);
      if (!key) return;
      const chain = ownChain(batch.items[0]!);
      const { stream, clientId } = chain.address;
      const isControl = stream === CONTROL_STREAM;
      const framed = frameBatch({
        chain,
        payload: batch.payload,
        kind: kindOf(stream),
        counter: state.ownCounter + 1,
        counters: state.counters,
        key,
        heads: chain.last === 0 ? shownHeads() : [],
        mayDeflate: options.kind === 'chat' && !isControl,
        sign: options.sign,
        randomBytes: options.randomBytes,
      });
      const { ids, durable } = vault.commit({
        put: [framedRecord({ ...framed, epoch: '' })],
        remove: batch.items.map((item) => item.record),
      });
      state.chains.set(chainKey(stream, clientId), chain);
      advance(chain, framed.body);
      chain.clock = Math.max(chain.clock, ...batch.items.map((item) => item.clockAfter));
      state.ownCounter = framed.body.counter;
      const gone = new Set(batch.items);
      state.outbox = state.outbox.filter((item) => !gone.has(item));
      const sealed = { ...framed, room: state.address.id, epoch: '', record: ids[0]! };
      const item = { ...sealed, clockAfter: chain.clock, sent: false };
      state.framed.push(item);
      if (isControl) await control.accept(batch.payload);
      await durable;
      await sendFramed(({ body }) => body === item.body);
    },
    sendFramed,
    /** The relay has an own frame durably at this position. */
    settle(item: FramedItem, position: number): void {
      const { stream, frame, encodedBody, body, clockAfter } = item;
      state.framed = state.framed.filter((other) => other !== item);
      const epoch = item.epoch || state.keyring.epochOf(epochTagOf(frame));
      const stored = { position, stream, epoch, body: encodedBody };
      noLongerMissing(body);
      if (isOwn(state, stream, body)) state.kept.set(keptKey(body), stored);
      vault
        .commit({
          put: [bodiesRecord(state, [stored])],
          remove: [item.record],
        })
        .durable.catch(() => undefined); // A failed vault reports itself; the frame is at the relay.
      const progress = state.own.get(body.clientId);
      if (progress) progress.sent = Math.max(progress.sent, clockAfter);
    },
    /**
     * The relay lost everything after `head`: seals own bodies from there on again, each under its epoch, to be sent once the
     * room is live. Others that hold them drop them as duplicates.
     */
    async goBack(head: number): Promise<void> {
      state.cursor = Math.min(state.cursor, head);
      for (const kept of state.kept.values()) if (kept.position > head) lost.add(kept);
      await putBack();
    },
    /** What the room was found to lack is put there with the next frames, control stream first. */
    putMissing(): void {
      const missing = [...state.missing.values()];
      const isControl = ({ stream }: StoredBody) => stream === CONTROL_STREAM;
      for (const kept of [...missing.filter(isControl), ...missing.filter((kept) => !isControl(kept))])
        lost.add(kept);
    },
    /** A frame came of a body that was missing. @returns what the vault is to know of it; undefined if it was not. */
    found(body: Body, position: number): StoredBody | undefined {
      const missing = noLongerMissing(body);
      const stored = missing && { ...missing, position };
      if (stored && isOwn(state, stored.stream, body)) state.kept.set(keptKey(body), stored);
      return stored;
    },
    /** The room is another one: what was to be put back into the old one is not. */
    moved: (): void => lost.clear(),
    /** Whether anything waits that may leave now: nothing is in flight. */
    mayMove: (): boolean =>
      state.live &&
      !isInFlight() &&
      (state.outbox.length > 0 || state.framed.length > 0 || lost.size > 0 || duty.due()),
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

/** Entries in groups of which each fits a frame, in their order. */
const inFrames = (entries: readonly SignedEntry[]): SignedEntry[][] => {
  const frames: SignedEntry[][] = [];
  let bytes = 0;
  for (const entry of entries) {
    const size = encodeEntryBytes(entry).length + 4;
    if (frames.length === 0 || bytes + size > LIMITS.batchBytes) {
      frames.push([]);
      bytes = 0;
    }
    frames.at(-1)!.push(entry);
    bytes += size;
  }
  return frames;
};

export type Sender = ReturnType<typeof createSender>;

/** Names an own body in {@link RoomState.kept}. */
export const keptKey = ({ clientId, counter }: Pick<Body, 'clientId' | 'counter'>): string =>
  `${clientId}/${counter}`;

/** Names one of several bodies that may stand in one place: a device may have signed two. */
export const bodyKey = (body: Body): string => `${keptKey(body)}/${toHex(body.signature.subarray(0, 8))}`;

/** Whether a body that counts is one of this device. */
export const isOwn = ({ chains, ownId }: RoomState, stream: string, { clientId }: Body): boolean =>
  chains.get(chainKey(stream, clientId))?.deviceHex === ownId;

/** Accepted bodies with the cursor that holds after them. */
export const bodiesRecord = (
  { options, address, cursor }: RoomState,
  bodies: readonly StoredBody[],
): Uint8Array =>
  encodeRecord({ type: 'bodies', room: address.id, cursor, receivedAt: options.now(), bodies });
