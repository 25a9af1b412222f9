// What leaves a room: local edits in order, joined into as few frames as the limits allow. Rules: spec/frame.md §9.
import { CONTROL_STREAM, LIMITS } from '@sealwire/protocol';
import { concat } from '../bytes.ts';
import { type ParsedUpdate, parseUpdate } from '../logdoc/parser.ts';
import { encodePayload } from '../logdoc/payload.ts';
import { joinDocuments } from '../shareddoc/join.ts';
import { isDocumentStream } from '../shareddoc/name.ts';
import type { RecordId } from '../vault/vault.ts';

/** One stored local edit. */
export interface OutboxItem {
  readonly record: RecordId;
  readonly stream: string;
  readonly clientId: number;
  readonly nonce: Uint8Array;
  /** A Yjs update that the strict parser passed; log entries on the control stream. */
  readonly payload: Uint8Array;
  /** The clock after its last entry; 0 if it has none: deletions alone, or log entries. */
  readonly clockAfter: number;
}

export interface Batch {
  readonly items: readonly OutboxItem[];
  readonly payload: Uint8Array;
}

/**
 * The next batch: the oldest edits of one clientID, log entries before everything else, as many as fit.
 *
 * @param clockOf - where the chain of a clientID stands: the clock of the first entry that is not framed.
 * @returns undefined if nothing waits.
 */
export const nextBatch = (
  outbox: readonly OutboxItem[],
  clockOf: (stream: string, clientId: number) => number,
): Batch | undefined => {
  const first = outbox.find(({ stream }) => stream === CONTROL_STREAM) ?? outbox[0];
  if (!first) return undefined;
  const isDocument = isDocumentStream(first.stream);
  const limit = isDocument ? LIMITS.documentBytes : LIMITS.batchBytes;
  const items: OutboxItem[] = [];
  let bytes = 0;
  for (const item of outbox) {
    if (item.stream !== first.stream || item.clientId !== first.clientId) continue;
    bytes += item.payload.length + 4;
    if (items.length > 0 && bytes > limit) break;
    items.push(item);
  }
  if (first.stream === CONTROL_STREAM)
    return { items, payload: concat(...items.map(({ payload }) => payload)) };
  if (isDocument) return { items, payload: joinOneDocument(items) };
  return { items, payload: joinUpdates(items, clockOf(first.stream, first.clientId)) };
};

/** They fit together, and are joined in no more bytes than they have. */
const joinOneDocument = (items: readonly OutboxItem[]): Uint8Array => {
  const payloads = items.map(({ payload }) => payload);
  return items.length === 1
    ? payloads[0]!
    : joinDocuments(payloads, items[0]!.clientId, Number.POSITIVE_INFINITY)[0]!;
};

/** One payload for all; what was deleted before it left this device does not leave it at all. */
const joinUpdates = (items: readonly OutboxItem[], clock: number): Uint8Array => {
  const updates: ParsedUpdate[] = [];
  let next = clock;
  for (const { payload, clientId } of items) {
    const parsed = parseUpdate(payload, clientId, next);
    next += parsed.entries.length;
    updates.push(parsed);
  }
  return encodePayload(updates);
};
