// Loads a room from its vault records: bodies that were judged before, own frames and edits that wait. Rules:
// spec/vault.md "Records of a room".
import { CONTROL_STREAM, SealwireError, toHex } from '@sealwire/protocol';
import { decodeBody, SEEN_TAG_BYTES } from '../frame/body.ts';
import { parseUpdate } from '../logdoc/parser.ts';
import type { RecordId } from '../vault/vault.ts';
import { advance, type Chain, chainKey, compareToChain, openChain } from './chains.ts';
import { type Inbox, type InboxOptions, judgeContent } from './inbox.ts';
import type { FramedRecord, OutboxRecord, RoomRecord, StoredBody } from './records.ts';
import { keptKey } from './sender.ts';
import { type HistoryItem, pageOf, type RoomState, remember, writerOf } from './state.ts';

export interface ReplayOptions {
  readonly state: RoomState;
  readonly inbox: Inbox;
  readonly inboxOptions: InboxOptions;
  readonly records: readonly { readonly id: RecordId; readonly record: RoomRecord }[];
}

/** Fills the state; the vault's seal vouches for what lies in it, so no frame's signature is checked again. */
export const replayRoom = async (options: ReplayOptions): Promise<void> => {
  const { state, records } = options;
  const updates = new Map<string, HistoryItem[]>();
  const add = (stream: string, item: HistoryItem | undefined): void => {
    if (!item) return;
    const list = updates.get(stream);
    if (list) list.push(item);
    else updates.set(stream, [item]);
  };
  for (const control of [true, false])
    for (const { record } of records) {
      if (record.type !== 'bodies') continue;
      state.cursor = Math.max(state.cursor, record.cursor);
      for (const { position, stream, body } of record.bodies)
        if ((stream === CONTROL_STREAM) === control)
          add(stream, await replayBody(options, { position, stream, body }, record.receivedAt));
    }
  for (const { id, record } of records) {
    if (record.type === 'framed') add(record.stream, await replayFramed(options, id, record));
    if (record.type === 'parked')
      options.inbox.take([{ ...record, record: id, body: undefined, encodedBody: undefined }]);
  }
  for (const { id, record } of records)
    if (record.type === 'outbox') add(record.stream, replayOutbox(state, id, record));
  for (const [stream, list] of updates) {
    remember(state, stream, list);
    pageOf(state, stream).applyAll(list.map(({ update }) => update));
  }
};

const replayBody = async (
  { state, inboxOptions }: ReplayOptions,
  stored: StoredBody,
  receivedAt: number | undefined,
): Promise<HistoryItem | undefined> => {
  const { stream } = stored;
  const body = decodeBody(stored.body);
  if (stream === CONTROL_STREAM) await inboxOptions.control.preview(body.payload);
  const key = chainKey(stream, body.clientId);
  const chain = state.chains.get(key) ?? reopen(inboxOptions, stream, body);
  state.chains.set(key, chain);
  // What was put back at the relay is in the vault twice.
  if (compareToChain(chain, body) !== 'new') return undefined;
  const result = await judgeContent(inboxOptions, chain, body, { trusted: true });
  // What was refused when it came is refused again, silently: its chain moved over it all the same.
  const update = result === 'wait' || result instanceof SealwireError ? undefined : result;
  chain.clock += update?.parsed.entries.length ?? 0;
  advance(chain, body);
  const id = toHex(chain.device.id);
  if (id !== state.ownId) {
    state.counters.take(id.slice(0, 2 * SEEN_TAG_BYTES), body.counter);
    if (receivedAt !== undefined) state.lastHeard.set(id, receivedAt);
  } else {
    state.ownCounter = Math.max(state.ownCounter, body.counter);
    const sent = receivedAt === undefined ? (state.own.get(body.clientId)?.sent ?? 0) : chain.clock;
    state.own.set(body.clientId, { stored: chain.clock, sent });
    if (receivedAt !== undefined) state.kept.set(keptKey(body), stored);
  }
  return update && { counter: id === state.ownId ? undefined : body.counter, update };
};

const reopen = (options: InboxOptions, stream: string, body: ReturnType<typeof decodeBody>): Chain => {
  const device = body.opening && options.directory.device(toHex(body.opening.deviceId));
  const chain = device && openChain(device, options.logId, stream, body.clientId, body.opening);
  if (!chain)
    throw new SealwireError(
      'STORAGE_CORRUPT',
      'The vault holds a frame without what came before it. Link this device anew.',
    );
  return chain;
};

const replayFramed = async (
  options: ReplayOptions,
  id: RecordId,
  record: FramedRecord,
): Promise<HistoryItem | undefined> => {
  const update = await replayBody(options, { ...record, position: 0 }, undefined);
  options.state.framed.push({
    stream: record.stream,
    frame: record.frame,
    encodedBody: record.body,
    body: decodeBody(record.body),
    record: id,
    sent: false,
  });
  return update;
};

const replayOutbox = (
  state: RoomState,
  id: RecordId,
  { stream, clientId, nonce, payload }: OutboxRecord,
): HistoryItem | undefined => {
  if (stream === CONTROL_STREAM) {
    state.outbox.push({ record: id, stream, clientId, nonce, payload, clockAfter: 0 });
    return undefined;
  }
  const waiting = state.outbox.filter((item) => item.clientId === clientId).map((item) => item.clockAfter);
  const from = Math.max(state.chains.get(chainKey(stream, clientId))?.clock ?? 0, ...waiting);
  const parsed = parseUpdate(payload, clientId, from);
  if (parsed.entries.length === 0) {
    // Deletions belong to no clientID: they leave under this run's, whatever became of the one that made them.
    const own = writerOf(state, stream);
    const item = { record: id, stream, clientId: own.clientId, nonce: own.nonce, payload, clockAfter: 0 };
    state.outbox.push(item);
    return { counter: undefined, update: { bytes: payload, parsed } };
  }
  const clockAfter = from + parsed.entries.length;
  state.outbox.push({ record: id, stream, clientId, nonce, payload, clockAfter });
  state.own.set(clientId, { stored: clockAfter, sent: state.own.get(clientId)?.sent ?? 0 });
  return { counter: undefined, update: { bytes: payload, parsed } };
};
