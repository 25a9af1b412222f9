// The relay's default store: LMDB, embedded, durable before it answers. Rules: spec/relay-protocol.md §7.
import { statfs } from 'node:fs/promises';
import { SealwireError, type StoredFrame } from '@sealwire/protocol';
import type { RootDatabase } from 'lmdb';
import type { Author } from './authored.ts';
import { boundedMap } from './bounded-map.ts';
import { lockDirectory } from './directory-lock.ts';
import { type InboxRecord, pageOf } from './inbox-record.ts';
import { copyOf, keyOf } from './keys.ts';
import { createSavedAuthors, type SavedAuthors } from './lmdb-authored.ts';
import { checkLength, glance } from './lmdb-check.ts';
import { countRoom, endBefore, NOTHING } from './lmdb-rooms.ts';
import { createSweep, type Sweep } from './lmdb-sweep.ts';
import { endOf, META, type OpenTables, openTables, type Table, type Tables } from './lmdb-tables.ts';
import {
  decodeFrame,
  decodeHead,
  decodeInbox,
  decodePrincipal,
  decodeRoom,
  decodeRun,
  decodeUsage,
  encodeFrame,
  encodeHead,
  encodeInbox,
  encodePrincipal,
  encodeRoom,
  encodeRun,
  encodeUsage,
  frameKey,
  positionOfKey,
  runKey,
} from './records.ts';
import type { RoomRecord } from './store.ts';
import {
  FRAME_OVERHEAD,
  type LocalStore,
  type PrincipalRecord,
  type ReadRequest,
  type ReadResult,
  type RoomShare,
  type StoreTotals,
  type Usage,
} from './store.ts';
import { type Backing, type Batch, createWriteQueue } from './write-queue.ts';

/** A key put, or removed where there is no value. */
interface Change {
  readonly table: Table;
  readonly key: Buffer;
  readonly value?: Buffer;
}

/** Heads of rooms held in memory, and usages of principals, about 150 bytes each. The others are one lookup away. */
const CACHED = 65_536;

/** With less than this left on the disk a failed commit counts as a full disk: LMDB reports a short write as EIO. */
const FULL_BELOW_BYTES = 16 * 1024 * 1024;

type SweepFailed = (error: SealwireError) => void;

export interface LmdbOptions {
  /** Told when frames of a deleted room could not be removed; they go after the next deletion or start. Default: nobody. */
  readonly failed?: SweepFailed;
}

/**
 * Opens the store in a directory, made if it is not there. One process may hold it at a time.
 *
 * @throws SealwireError (rejects) STORE_FAILED if the directory is unusable, held by another relay or of another format.
 */
export const lmdbStore = async (directory: string, options: LmdbOptions = {}): Promise<LocalStore> => {
  const unlock = await lockDirectory(directory);
  let state: LmdbState;
  try {
    state = await openState(directory, options.failed ?? (() => {}));
  } catch (cause) {
    await unlock();
    if (cause instanceof SealwireError) throw cause;
    throw new SealwireError('STORE_FAILED', "The relay's store cannot be opened; check its directory.", {
      cause,
    });
  }
  const queue = createWriteQueue(state, setImmediate);
  let closing: Promise<void> | undefined;
  return {
    relayId: state.relayId,
    principal: (id) => reading(() => state.principal(id)),
    principalOf: (relayKey) => reading(() => state.principalOf(relayKey)),
    farewell: (relayKey) => reading(() => state.farewell(relayKey)),
    room: (room) => reading(() => state.room(room)),
    head: (room) => reading(() => state.head(room, keyOf(room))),
    read: (request) => reading(() => state.read(request)),
    usage: (principal) => reading(() => state.usage(principal, keyOf(principal))),
    share: (room) => reading(() => state.share(room, keyOf(room))),
    totals: () => reading(() => state.totals()),
    rolledBackTo: (room, cursor) => reading(() => state.rolledBackTo(room, cursor)),
    inbox: (principal) => reading(() => state.inbox(principal)),
    readInbox: (principal, after, maxBytes) => reading(() => state.readInbox(principal, after, maxBytes)),
    ...queue,
    close() {
      closing ??= queue
        .close()
        .then(() => state.close())
        .then(unlock);
      return closing;
    },
  };
};

/** LMDB's own errors as ours. */
const reading = <T>(read: () => T): T => {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof SealwireError) throw cause;
    throw new SealwireError('STORE_FAILED', "The relay's store could not be read.", { cause });
  }
};

const openState = async (directory: string, failed: SweepFailed): Promise<LmdbState> => {
  await checkLength(directory);
  const opened = await openTables(directory);
  try {
    glance(opened);
  } catch (error) {
    await opened.root.close();
    throw error;
  }
  return new LmdbState(directory, opened, failed);
};

class LmdbState implements Backing {
  readonly relayId: Uint8Array;
  readonly #directory: string;
  readonly #root: RootDatabase;
  readonly #tables: Tables;
  readonly #heads = boundedMap<string, number>(CACHED);
  readonly #usage = boundedMap<string, Usage>(CACHED);
  readonly #authors: SavedAuthors;
  readonly #shares = boundedMap<string, RoomShare>(CACHED);
  readonly #streams = boundedMap<string, true>(CACHED);
  readonly #sweep: Sweep;
  /** Positions up to here were used, or may have been, before the store was restored. */
  readonly floor: number;

  constructor(directory: string, { root, tables }: OpenTables, failed: SweepFailed) {
    this.#directory = directory;
    this.#root = root;
    this.#tables = tables;
    this.relayId = copyOf(tables.meta.get(META.relayId)!);
    const floor = tables.meta.get(META.floor);
    this.floor = floor ? positionOfKey(floor) : 0;
    const fail = (cause: unknown): void => void this.#failure(cause).then(failed);
    this.#sweep = createSweep({ root, tables }, fail);
    this.#authors = createSavedAuthors({ root, tables }, fail);
  }

  head(room: Uint8Array, roomKey: string): number {
    return this.#heads.get(roomKey) ?? this.#load(room, roomKey).head;
  }

  share(room: Uint8Array, roomKey: string): RoomShare {
    return this.#shares.get(roomKey) ?? this.#load(room, roomKey).share;
  }

  hasStream(room: Uint8Array, roomKey: string, stream: string): boolean {
    const name = roomKey + stream;
    if (this.#streams.get(name)) return true;
    const start = runKey(room, stream, 0);
    const [known] = this.#tables.runs.getKeys({ start, end: endOf(start, start.length - 8), limit: 1 });
    if (known !== undefined) this.#streams.set(name, true);
    return known !== undefined;
  }

  #load(room: Uint8Array, roomKey: string): { head: number; share: RoomShare } {
    const stored = this.#tables.heads.get(Buffer.from(room));
    const { head, share = countRoom(this.#tables, room) } = stored
      ? decodeHead(stored)
      : { head: 0, share: NOTHING };
    this.#heads.set(roomKey, head);
    this.#shares.set(roomKey, share);
    return { head, share };
  }

  totals(): StoreTotals {
    const entries = (table: Table): number =>
      (table.getStats() as { readonly entryCount: number }).entryCount;
    const { rooms, principals, frames } = this.#tables;
    return { rooms: entries(rooms), principals: entries(principals), frames: entries(frames) };
  }

  /** Where the room ended when it was restored, if the cursor stands beyond that and below the floor. */
  rolledBackTo(room: Uint8Array, cursor: number): number | undefined {
    return endBefore(this.#tables, { room, cursor, floor: this.floor, head: this.head(room, keyOf(room)) });
  }

  principal(id: Uint8Array): PrincipalRecord | undefined {
    const value = this.#tables.principals.get(Buffer.from(id));
    return value && decodePrincipal(copyOf(id), value);
  }

  principalOf(relayKey: Uint8Array): Uint8Array | undefined {
    return this.#tables.owners.get(Buffer.from(relayKey));
  }

  farewell(relayKey: Uint8Array): Uint8Array | undefined {
    return this.#tables.farewells.get(Buffer.from(relayKey));
  }

  room(room: Uint8Array): RoomRecord | undefined {
    const value = this.#tables.rooms.get(Buffer.from(room));
    return value && decodeRoom(copyOf(room), value);
  }

  read(request: ReadRequest): ReadResult {
    if (this.#sweep.has(keyOf(request.room))) return { frames: [], complete: true };
    const found = request.stream === '' ? this.#all(request) : this.#ofStream(request);
    const frames: StoredFrame[] = [];
    let bytes = 0;
    for (const { position, value } of found) {
      const { stream, frame } = decodeFrame(value);
      bytes += frame.length + FRAME_OVERHEAD;
      if (bytes > request.maxBytes && frames.length > 0) return { frames, complete: false };
      frames.push({ position, stream, frame });
    }
    return { frames, complete: true };
  }

  *#all({ room, after }: ReadRequest): Generator<{ position: number; value: Buffer }> {
    const range = { start: frameKey(room, after + 1), end: endOf(frameKey(room, 0), 32) };
    for (const { key, value } of this.#tables.frames.getRange(range))
      yield { position: positionOfKey(key), value };
  }

  *#ofStream({ room, stream, after }: ReadRequest): Generator<{ position: number; value: Buffer }> {
    const { runs, frames } = this.#tables;
    const first = runKey(room, stream, 0);
    // The run that `after` falls into may begin before it.
    const [before] = runs.getKeys({
      start: runKey(room, stream, after),
      end: first,
      reverse: true,
      limit: 1,
    });
    const range = { start: before ?? first, end: endOf(first, first.length - 8) };
    for (const { key, value } of runs.getRange(range)) {
      for (const position of decodeRun(positionOfKey(key), value)) {
        if (position <= after) continue;
        const frame = frames.get(frameKey(room, position));
        if (frame !== undefined) yield { position, value: frame };
      }
    }
  }

  usage(principal: Uint8Array, key: string): Usage {
    const cached = this.#usage.get(key);
    if (cached !== undefined) return cached;
    const stored = this.#tables.usage.get(Buffer.from(principal));
    const usage = stored ? decodeUsage(stored) : { rooms: 0, bytes: 0 };
    this.#usage.set(key, usage);
    return usage;
  }

  authored(_room: Uint8Array, _principal: Uint8Array, key: string): Usage {
    return this.#authors.get(key);
  }

  authorsOf(room: Uint8Array): Iterable<Author> {
    return this.#authors.of(room);
  }

  inbox(principal: Uint8Array): InboxRecord | undefined {
    const value = this.#tables.inboxes.get(Buffer.from(principal));
    return value && decodeInbox(copyOf(principal), value);
  }

  readInbox(principal: Uint8Array, after: number, maxBytes: number): ReturnType<LocalStore['readInbox']> {
    const { page, complete } = pageOf(this.inbox(principal), after, maxBytes);
    const messages = page.map(({ number, token }) => {
      const payload = this.#tables.letters.get(frameKey(principal, number));
      if (payload === undefined)
        throw new SealwireError('STORE_FAILED', "A message is missing from the relay's store; restore it.");
      return { number, token, payload };
    });
    return { messages, complete };
  }

  async commit(batch: Batch): Promise<void> {
    const gone = this.#authors.gone(batch.authored);
    try {
      await this.#write(batch, gone);
    } catch (cause) {
      this.#authors.ended(gone, undefined);
      throw await this.#failure(cause);
    }
    this.#authors.ended(gone, batch.authored);
    for (const [roomKey, head] of batch.heads) this.#heads.set(roomKey, head);
    for (const [roomKey, share] of batch.shares) this.#shares.set(roomKey, share);
    this.#sweep.begin(batch.deleted.values());
    for (const [key, usage] of batch.usage) this.#usage.set(key, usage);
  }

  /** One LMDB transaction: all or nothing. Resolves after its sync. */
  async #write(batch: Batch, gone: readonly string[]): Promise<void> {
    // Made before the transaction begins: what throws within it would commit half of the batch.
    const changes = [...this.#recordChanges(batch), ...this.#frameChanges(batch)];
    for (const key of gone) changes.push({ table: this.#tables.authored, key: Buffer.from(key, 'latin1') });
    await this.#root.batch(() => {
      for (const { table, key, value } of changes) void (value ? table.put(key, value) : table.remove(key));
    });
  }

  *#recordChanges(batch: Batch): Generator<Change> {
    const { principals, owners, farewells, rooms, inboxes, letters, usage: counts } = this.#tables;
    for (const { before } of batch.principals.values()) {
      for (const key of before?.relayKeys ?? []) yield { table: owners, key: Buffer.from(key) };
    }
    // After all removals, since a key may move from one principal of the batch to another.
    for (const { after } of batch.principals.values()) {
      const id = Buffer.from(after.id);
      yield { table: principals, key: id, value: Buffer.from(encodePrincipal(after)) };
      for (const key of after.relayKeys) yield { table: owners, key: Buffer.from(key), value: id };
    }
    for (const [key, note] of batch.farewells) {
      const change = { table: farewells, key: Buffer.from(key, 'latin1') };
      yield note ? { ...change, value: Buffer.from(note) } : change;
    }
    for (const record of batch.rooms.values()) {
      yield { table: rooms, key: Buffer.from(record.room), value: Buffer.from(encodeRoom(record)) };
    }
    for (const [key, usage] of batch.usage) {
      yield { table: counts, key: Buffer.from(key, 'latin1'), value: Buffer.from(encodeUsage(usage)) };
    }
    for (const record of batch.inboxes.values()) {
      yield { table: inboxes, key: Buffer.from(record.principal), value: Buffer.from(encodeInbox(record)) };
    }
    for (const { principal, number, payload } of batch.letters.values()) {
      const change = { table: letters, key: frameKey(principal, number) };
      yield payload ? { ...change, value: Buffer.from(payload) } : change;
    }
  }

  *#frameChanges(batch: Batch): Generator<Change> {
    const { frames, runs, heads, ends, doomed } = this.#tables;
    for (const { room, stream, frame, position } of batch.frames) {
      yield { table: frames, key: frameKey(room, position), value: encodeFrame(stream, frame) };
    }
    for (const { room, stream, positions } of runsOf(batch)) {
      const key = runKey(room, stream, positions[0]!);
      yield { table: runs, key, value: Buffer.from(encodeRun(positions)) };
    }
    for (const [roomKey, share] of batch.shares) {
      const room = Buffer.from(roomKey, 'latin1');
      const before = this.head(room, roomKey);
      const head = batch.heads.get(roomKey) ?? before;
      yield { table: heads, key: room, value: encodeHead(head, share) };
      if (head > this.floor && before > 0 && before <= this.floor)
        yield { table: ends, key: frameKey(room, this.floor), value: encodeHead(before, NOTHING) };
    }
    for (const room of batch.deleted.values())
      yield { table: doomed, key: Buffer.from(room), value: Buffer.of(1) };
  }

  async #failure(cause: unknown): Promise<SealwireError> {
    // LMDB rejects this one as well, with the number of the fault; unread it would end the process.
    const commitError = (cause as { commitError?: Promise<unknown> }).commitError;
    const fault = await commitError?.catch((error: unknown) => error);
    const disk = await statfs(this.#directory).catch(() => undefined);
    const full = disk !== undefined && disk.bavail * disk.bsize < FULL_BELOW_BYTES;
    return full
      ? new SealwireError('STORE_FULL', "The relay's disk is full; free some space.", {
          cause: fault ?? cause,
        })
      : new SealwireError('STORE_FAILED', "The relay's store could not write.", { cause: fault ?? cause });
  }

  async close(): Promise<void> {
    await this.#sweep.stop();
    await this.#authors.close();
    await this.#root.close();
  }
}

/** The positions of a batch by room and stream: one index entry for each, however many frames it has. */
const runsOf = (batch: Batch): Iterable<{ room: Uint8Array; stream: string; positions: number[] }> => {
  const runs = new Map<string, { room: Uint8Array; stream: string; positions: number[] }>();
  for (const { room, roomKey, stream, position } of batch.frames) {
    const run = runs.get(roomKey + stream);
    if (run) run.positions.push(position);
    else runs.set(roomKey + stream, { room, stream, positions: [position] });
  }
  return runs.values();
};
