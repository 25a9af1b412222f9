// Puts pages that nobody looks at aside, and wakes them when something needs them. Rules: spec/pages.md §3.
import { LIMITS, pageIndex, SealwireError } from '@sealwire/protocol';
import { isFull, PAGE_LIMITS } from '../logdoc/page-choice.ts';
import { chainKey, streamOfKey } from './chains.ts';
import {
  type ChainEnd,
  type ClosedPage,
  decodeArchive,
  describePage,
  encodeArchive,
  encodeClosedPage,
} from './closed-page.ts';
import type { Cuts } from './cuts.ts';
import type { Waiting } from './opening.ts';
import { encodeRecord, type RoomRecord } from './records.ts';
import type { LoadedRecord } from './room-vault.ts';
import { bodiesRecord } from './sender.ts';
import type { RoomState } from './state.ts';

/** Full pages that stay open while a device catches up: what several devices wrote apart lies on several. */
const OPEN_WHILE_LOADING = 8;

/** Whether a page is put aside at the moment. */
export const isClosed = ({ closed, awake }: RoomState, stream: string): boolean =>
  closed.has(stream) && !awake.has(stream);

/**
 * The pages to be put aside now: full ones, but for those that somebody holds or that were used last, in which nothing
 * waits and nothing is contested.
 *
 * @param waiting - frames that wait.
 * @param isHeld - whether somebody writes on it or looks at it.
 */
export const pagesToClose = (
  state: RoomState,
  waiting: readonly Waiting[],
  isHeld: (stream: string) => boolean,
): string[] => {
  const { options, missing, sizes, pages, used, shelf, deletions, chains, outbox, framed } = state;
  const limits = options.pageLimits ?? PAGE_LIMITS;
  if (options.kind !== 'chat' || missing.size > 0) return [];
  const order = new Map([...used].map((stream, i) => [stream, i]));
  const full = [...pages.keys()].filter((stream) => {
    const size = sizes.get(stream);
    return pageIndex(stream) !== undefined && size !== undefined && isFull(size, limits);
  });
  // While much comes, more pages are written on.
  const keep = state.live ? LIMITS.openPages : OPEN_WHILE_LOADING;
  if (full.length <= keep) return [];
  const busy = new Set([...waiting, ...outbox, ...framed].map(({ stream }) => stream));
  for (const key of chains.keys())
    if (shelf.holds(key) || deletions.isAwaited(key)) busy.add(streamOfKey(key));
  return full
    .filter((stream) => !busy.has(stream) && !isHeld(stream))
    .sort((a, b) => (order.get(b) ?? -1) - (order.get(a) ?? -1))
    .slice(keep);
};

/**
 * Puts pages aside: their bodies become values in the archive, then their records leave the vault in one step.
 *
 * @param isStill - whether a page may still be closed: somebody may have begun to write on it meanwhile.
 */
export const closePages = async (
  state: RoomState,
  streams: readonly string[],
  isStill: (stream: string) => boolean,
): Promise<void> => {
  const { vault } = state.options;
  const records = vault.records();
  const put: Uint8Array[] = [];
  const pages: ClosedPage[] = [];
  const remove: number[] = [];
  const stale: string[] = [];
  for (const stream of streams) {
    const mine = records.filter(({ record }) => isOf(record, stream));
    const fresh = mine.flatMap(({ id }) => id ?? []);
    const known = state.closed.get(stream);
    const described = describePage(state, stream, mine);
    // What is dated ahead is the newest there is, for as long as that is so.
    if ((described.index.to ?? 0) > state.options.now()) continue;
    const archive =
      known && fresh.length === 0
        ? known.page.archive
        : await archived(
            state,
            mine.map(({ record }) => record),
          );
    if (archive === undefined) break; // It stays where it is.
    if (!isStill(stream)) {
      if (archive !== known?.page.archive) stale.push(archive);
      continue;
    }
    const page = { ...described, archive };
    pages.push(page);
    put.push(encodeRecord({ type: 'closed', room: state.address.id, archive, json: encodeClosedPage(page) }));
    remove.push(...fresh);
    if (!known) continue;
    remove.push(known.id);
    if (known.page.archive !== archive) stale.push(known.page.archive);
  }
  if (pages.length > 0) {
    // The newest record of bodies holds the cursor: it may have been one of these.
    const { ids, durable } = vault.commit({ put: [...put, bodiesRecord(state, [])], remove }, put.length);
    for (const [i, page] of pages.entries()) {
      state.closed.set(page.stream, { id: ids[i]!, page });
      forgetPage(state, page.stream);
    }
    await durable.catch(() => undefined); // A failed vault reports itself; old values are needed until it is whole.
    if (vault.problem) return;
  }
  await vault.archive.remove(stale).catch(ignoreStorage);
};

/** @returns the value's name; undefined if there is no room for it, or no storage. */
const archived = async (
  { options }: RoomState,
  records: readonly RoomRecord[],
): Promise<string | undefined> => {
  try {
    return await options.vault.archive.put(encodeArchive(records));
  } catch (error) {
    ignoreStorage(error);
    return undefined;
  }
};

/** A record that holds bodies of this page, and of nothing else. */
const isOf = (record: RoomRecord, stream: string): boolean =>
  record.type === 'bodies' && record.bodies[0]?.stream === stream;

const forgetPage = (state: RoomState, stream: string): void => {
  for (const [key, { address, deviceHex }] of state.chains) {
    if (address.stream !== stream) continue;
    state.chains.delete(key);
    if (deviceHex === state.ownId) state.own.delete(address.clientId);
  }
  for (const [key, kept] of state.kept) if (kept.stream === stream) state.kept.delete(key);
  state.deletions.clear((key) => streamOfKey(key) === stream);
  state.history.delete(stream);
  state.deleted.delete(stream);
  state.writers.delete(stream);
  state.used.delete(stream);
  state.awake.delete(stream);
  state.options.vault.wake(stream, undefined);
  const page = state.pages.get(stream);
  state.pages.delete(stream);
  page?.close();
};

/**
 * Reads the bodies of pages that are closed.
 *
 * @returns the pages of which the archive lost the value: their frames must come from the relay again.
 */
export const readClosed = async (state: RoomState, streams: Iterable<string>): Promise<string[]> => {
  const { vault } = state.options;
  const lost: string[] = [];
  for (const stream of streams) {
    const known = state.closed.get(stream);
    if (!known || state.awake.has(stream)) continue;
    const value = await vault.archive.get(known.page.archive);
    if (!value) {
      lost.push(stream);
      continue;
    }
    state.awake.add(stream);
    vault.wake(stream, decodeArchive(value));
  }
  loseClosed(state, lost);
  return lost;
};

/** The closed pages whose values are gone: their frames must come from the relay again. */
export const findLost = async (state: RoomState): Promise<string[]> => {
  const asleep = [...state.closed.values()].filter(({ page }) => !state.awake.has(page.stream));
  if (asleep.length === 0) return [];
  const gone = new Set(await state.options.vault.archive.missing(asleep.map(({ page }) => page.archive)));
  const lost = asleep.flatMap(({ page }) => (gone.has(page.archive) ? [page.stream] : []));
  loseClosed(state, lost);
  return lost;
};

const loseClosed = (state: RoomState, lost: readonly string[]): void => {
  if (lost.length === 0) return;
  const remove = lost.map((stream) => state.closed.get(stream)!.id);
  for (const stream of lost) {
    state.closed.delete(stream);
    state.sizes.delete(stream);
    state.lost.add(stream);
  }
  // Asked for from the beginning, also after a crash.
  state.cursor = 0;
  const put = [bodiesRecord(state, [])];
  state.options.vault.commit({ put, remove }).durable.catch(() => undefined); // It reports itself.
};

/** The closed pages in which more or less of a device counts than when they were closed. */
export const closedAndCut = (state: RoomState, devices: ReadonlySet<string>): string[] =>
  [...state.closed.values()]
    .filter(({ page }) => page.chains.some((end) => devices.has(end.device) && isCutShort(end, state.cuts)))
    .map(({ page }) => page.stream);

const isCutShort = ({ stream, device, clientId, counter, hash }: ChainEnd, cuts: Cuts): boolean => {
  const limit = cuts.limitOf(device, chainKey(stream, clientId));
  if (limit === undefined) return false;
  if (limit === 'none' || limit.counter < counter) return true;
  return limit.counter === counter && limit.hash.some((byte, i) => byte !== hash[i]);
};

/** Of records, those pages that are closed and have something newer beside. */
export const lateIn = (records: readonly LoadedRecord[], { closed }: RoomState): Set<string> => {
  const late = new Set<string>();
  for (const { record } of records) {
    if (record.type === 'bodies') for (const { stream } of record.bodies) late.add(stream);
    else if ('stream' in record) late.add(record.stream);
  }
  return new Set([...late].filter((stream) => closed.has(stream)));
};

/** What a storage suffers shows in the vault, or when it is next written. */
const ignoreStorage = (error: unknown): void => {
  if (!(error instanceof SealwireError)) throw error;
};
