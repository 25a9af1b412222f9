// Group commit: writes of one tick, and those that come while a commit runs, go to the disk together.
// Rules: spec/relay-protocol.md §7 (RP63 to RP67).
import { type ErrorCode, type RoomMember, SealwireError, sameBytes } from '@sealwire/protocol';
import { type AuthorCounts, type CountedAuthors, createAuthorCounts } from './authored.ts';
import {
  type InboxEdit,
  type InboxRecord,
  withMessage,
  withoutMessages,
  withTokens,
} from './inbox-record.ts';
import { copyOf, keyOf } from './keys.ts';
import { type CountedRooms, createRoomCounts, type RoomCounts } from './room-counts.ts';
import {
  type Charge,
  FRAME_OVERHEAD,
  type FrameAppend,
  type InboxAppend,
  type LogStore,
  type PrincipalEdit,
  type PrincipalRecord,
  type RoomRecord,
  type RoomShare,
  type Usage,
} from './store.ts';

/** A frame with its place. `frame` is borrowed from the caller of `append`. */
export interface PlacedFrame {
  readonly room: Uint8Array;
  readonly roomKey: string;
  readonly stream: string;
  readonly frame: Uint8Array;
  readonly position: number;
}

/** What one commit writes: all of it or nothing. */
export interface Batch {
  readonly frames: readonly PlacedFrame[];
  /** New head of each room that got frames, by room key. */
  readonly heads: ReadonlyMap<string, number>;
  readonly principals: ReadonlyMap<
    string,
    { readonly before: PrincipalRecord | undefined; readonly after: PrincipalRecord }
  >;
  /** The new note of each relay key, by key; undefined where it is dropped. */
  readonly farewells: ReadonlyMap<string, Uint8Array | undefined>;
  readonly rooms: ReadonlyMap<string, RoomRecord>;
  /** What is counted for principals after this batch, by principal. */
  readonly usage: ReadonlyMap<string, Usage>;
  /** The same of each principal in each room, by both ids; undefined where the room is deleted. */
  readonly authored: ReadonlyMap<string, Usage | undefined>;
  /** What rooms take after this batch, of each that got frames, charges or its end; by room key. */
  readonly shares: ReadonlyMap<string, RoomShare>;
  /** Rooms whose frames go, those of this batch among them; by room key. */
  readonly deleted: ReadonlyMap<string, Uint8Array>;
  readonly inboxes: ReadonlyMap<string, InboxRecord>;
  /** Payloads of messages that come into inboxes or, undefined, leave them; by inbox and number. */
  readonly letters: ReadonlyMap<string, Letter>;
}

/** The payload of one message of an inbox; undefined where it is removed. */
export interface Letter {
  readonly principal: Uint8Array;
  readonly number: number;
  readonly payload: Uint8Array | undefined;
}

/** The durable state that the queue decides upon, and the way to change it. */
export interface Backing extends CountedRooms, CountedAuthors {
  /** New positions are above this: where a restored store must not use numbers again. */
  readonly floor: number;
  head(room: Uint8Array, roomKey: string): number;
  principal(id: Uint8Array): PrincipalRecord | undefined;
  principalOf(relayKey: Uint8Array): Uint8Array | undefined;
  room(room: Uint8Array): RoomRecord | undefined;
  inbox(principal: Uint8Array): InboxRecord | undefined;
  usage(principal: Uint8Array, key: string): Usage;
  /** Makes the batch durable, then visible to the reads above. Rejects if nothing of it was written. */
  commit(batch: Batch): Promise<void>;
}

/** The writes of a store. `close` resolves when everything that waits is settled; later writes reject with CLOSED. */
export type WriteQueue = Pick<
  LogStore,
  | 'append'
  | 'putPrincipal'
  | 'putRoom'
  | 'deleteRoom'
  | 'charge'
  | 'putInbox'
  | 'appendToInbox'
  | 'removeFromInbox'
  | 'close'
>;

/** Bytes of frames in one commit: enough to keep a disk busy, little enough to bound a commit's time. */
const COMMIT_BYTES = 8 * 1024 * 1024;

/** @param soon - runs its argument after the I/O events of this tick: `setImmediate`. */
export const createWriteQueue = (backing: Backing, soon: (run: () => void) => void): WriteQueue => {
  const waiting: Write[] = [];
  let running = false;
  let closed = false;
  const idle: (() => void)[] = [];
  /** Rooms deleted by writes since the queue was empty: what was asked for before that was known is refused. */
  const gone = new Set<string>();

  const run = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = new OpenBatch(backing, gone);
      const placed = take(waiting, batch);
      if (placed.length === 0) continue;
      try {
        await backing.commit(batch);
      } catch (error) {
        for (const key of batch.deleted.keys()) gone.delete(key);
        for (const { write } of placed) write.reject(error);
        continue;
      }
      for (const { write, position } of placed) {
        write.placed?.(position);
        write.resolve(position);
      }
    }
    running = false;
    gone.clear();
    for (const resolve of idle.splice(0)) resolve();
  };

  const add = (place: Write['place'], bytes: number, placed?: Write['placed']): Promise<number> => {
    if (closed) return Promise.reject(new SealwireError('CLOSED', 'The store is closed.'));
    return new Promise((resolve, reject) => {
      waiting.push({ place, bytes, placed, resolve, reject });
      if (running) return;
      running = true;
      soon(() => void run());
    });
  };

  return {
    append: (frame) => add((batch) => batch.append(frame), frame.frame.length, frame.placed),
    putPrincipal: async (edit) => void (await add((batch) => batch.putPrincipal(edit), 0)),
    putRoom: async (record, maker) => void (await add((batch) => batch.putRoom(record, maker), 0)),
    deleteRoom: async (room, version) => void (await add((batch) => batch.deleteRoom(room, version), 0)),
    charge: async (charge) => void (await add((batch) => batch.charge(charge), 0)),
    putInbox: async (edit) => void (await add((batch) => batch.putInbox(edit), 0)),
    appendToInbox: (message) => add((batch) => batch.appendToInbox(message), message.payload.length),
    removeFromInbox: async (principal, numbers) =>
      void (await add((batch) => batch.removeFromInbox(principal, numbers), 0)),
    close: () => {
      closed = true;
      return new Promise((resolve) => {
        if (running) idle.push(resolve);
        else resolve();
      });
    },
  };
};

interface Write {
  /** Puts the write into the batch and gives its position (0 for edits). @throws SealwireError to refuse it alone. */
  readonly place: (batch: OpenBatch) => number;
  readonly bytes: number;
  readonly placed: ((position: number) => void) | undefined;
  readonly resolve: (position: number) => void;
  readonly reject: (error: unknown) => void;
}

/** Moves writes from the front of the queue into the batch, up to COMMIT_BYTES; the refused ones are settled here. */
const take = (waiting: Write[], batch: OpenBatch): { readonly write: Write; readonly position: number }[] => {
  const placed = [];
  let bytes = 0;
  let taken = 0;
  for (const write of waiting) {
    if (taken > 0 && bytes + write.bytes > COMMIT_BYTES) break;
    taken++;
    bytes += write.bytes;
    try {
      placed.push({ write, position: write.place(batch) });
    } catch (error) {
      write.reject(error);
    }
  }
  waiting.splice(0, taken);
  return placed;
};

/** A usage while it is counted. */
type OpenUsage = { -readonly [K in keyof Usage]: Usage[K] };

/** A batch while it is filled: what is durable, overlaid with what this batch will change. */
class OpenBatch implements Batch {
  readonly frames: PlacedFrame[] = [];
  readonly heads = new Map<string, number>();
  readonly principals = new Map<string, { before: PrincipalRecord | undefined; after: PrincipalRecord }>();
  readonly farewells = new Map<string, Uint8Array | undefined>();
  readonly rooms = new Map<string, RoomRecord>();
  readonly usage = new Map<string, OpenUsage>();
  readonly inboxes = new Map<string, InboxRecord>();
  readonly letters = new Map<string, Letter>();
  #counted: { readonly principal: Uint8Array; readonly usage: OpenUsage } | undefined;
  /** Owner of each relay key that this batch moves; undefined where it takes the key away. */
  readonly #owners = new Map<string, Uint8Array | undefined>();
  readonly #backing: Backing;
  readonly #counts: RoomCounts;
  readonly #authors: AuthorCounts;

  constructor(backing: Backing, gone: Set<string>) {
    this.#backing = backing;
    this.#counts = createRoomCounts(backing, gone);
    this.#authors = createAuthorCounts(backing);
  }

  get authored(): Batch['authored'] {
    return this.#authors.changed;
  }

  get shares(): Batch['shares'] {
    return this.#counts.shares;
  }

  get deleted(): Batch['deleted'] {
    return this.#counts.deleted;
  }

  append({ room, stream, frame, author }: FrameAppend): number {
    const roomKey = keyOf(room);
    this.#counts.append(room, roomKey, stream, frame.length + FRAME_OVERHEAD);
    const head = this.heads.get(roomKey) ?? this.#backing.head(room, roomKey);
    const position = Math.max(head, this.#backing.floor) + 1;
    this.heads.set(roomKey, position);
    this.frames.push({ room, roomKey, stream, frame, position });
    if (author) this.#count(room, roomKey, author, { rooms: 0, bytes: frame.length + FRAME_OVERHEAD });
    return position;
  }

  putPrincipal({ farewells = [], ...record }: PrincipalEdit): number {
    const key = keyOf(record.id);
    const change = this.principals.get(key);
    const before = change ? change.before : this.#backing.principal(record.id);
    const current = change ? change.after : before;
    follows(current?.version, record.version);
    for (const relayKey of record.relayKeys) {
      const owner = this.#ownerOf(relayKey);
      if (owner !== undefined && !sameBytes(owner, record.id)) {
        throw refusal('LIMIT_REACHED', 'A relay key belongs to another principal.');
      }
    }
    for (const relayKey of current?.relayKeys ?? []) this.#owners.set(keyOf(relayKey), undefined);
    const after = {
      ...record,
      id: copyOf(record.id),
      manageKey: copyOf(record.manageKey),
      relayKeys: record.relayKeys.map(copyOf),
    };
    for (const { relayKey, note } of farewells) this.farewells.set(keyOf(relayKey), copyOf(note));
    for (const relayKey of after.relayKeys) {
      this.#owners.set(keyOf(relayKey), after.id);
      this.farewells.set(keyOf(relayKey), undefined);
    }
    this.principals.set(key, { before, after });
    return 0;
  }

  putRoom(record: RoomRecord, maker?: Uint8Array): number {
    const key = keyOf(record.room);
    follows((this.rooms.get(key) ?? this.#backing.room(record.room))?.version, record.version);
    if (maker && record.version === 1) this.#count(record.room, key, maker, { rooms: 1, bytes: 0 });
    const members: RoomMember[] = record.members.map(({ principal, admin }) => ({
      principal: copyOf(principal),
      admin,
    }));
    this.rooms.set(key, { room: copyOf(record.room), version: record.version, members });
    return 0;
  }

  deleteRoom(room: Uint8Array, version: number): number {
    const key = keyOf(room);
    const current = this.rooms.get(key) ?? this.#backing.room(room);
    if (current === undefined) throw refusal('ROOM_UNKNOWN', 'There is no such room.');
    follows(current.version, version);
    const id = copyOf(room);
    this.rooms.set(key, { room: id, version, members: [] });
    this.#counts.deleteRoom(id);
    for (const { principal, usage } of this.#authors.deleteRoom(id))
      this.#use(principal, { rooms: -usage.rooms, bytes: -usage.bytes });
    return 0;
  }

  charge({ room, principal, bytes }: Charge): number {
    // What it took in a deleted room was given back with the room.
    const key = keyOf(room);
    const record = this.rooms.get(key) ?? this.#backing.room(room);
    if (record?.members.length === 0) return 0;
    this.#counts.charge(room, bytes);
    this.#count(room, key, principal, { rooms: 0, bytes });
    return 0;
  }

  putInbox(edit: InboxEdit): number {
    this.inboxes.set(keyOf(edit.principal), withTokens(this.#inbox(edit.principal), edit));
    return 0;
  }

  appendToInbox({ principal, token, payload }: InboxAppend): number {
    const record = withMessage(this.#inbox(principal), token, payload.length);
    this.inboxes.set(keyOf(principal), record);
    this.#letter(record.principal, record.last, payload);
    return record.last;
  }

  removeFromInbox(principal: Uint8Array, numbers: readonly number[]): number {
    const record = this.#inbox(principal);
    if (record === undefined) return 0;
    const left = withoutMessages(record, numbers);
    this.inboxes.set(keyOf(principal), left);
    for (const number of numbers) this.#letter(record.principal, number, undefined);
    return 0;
  }

  #count(room: Uint8Array, roomKey: string, principal: Uint8Array, more: Usage): void {
    this.#use(principal, more);
    this.#authors.count(room, roomKey, principal, more);
  }

  #use(principal: Uint8Array, { rooms, bytes }: Usage): void {
    // Most frames of a batch are of one author, whose key need not be made for each.
    if (this.#counted?.principal !== principal) {
      const key = keyOf(principal);
      const usage = this.usage.get(key) ?? { ...this.#backing.usage(principal, key) };
      this.usage.set(key, usage);
      this.#counted = { principal, usage };
    }
    this.#counted.usage.rooms = Math.max(0, this.#counted.usage.rooms + rooms);
    this.#counted.usage.bytes = Math.max(0, this.#counted.usage.bytes + bytes);
  }

  #inbox(principal: Uint8Array): InboxRecord | undefined {
    return this.inboxes.get(keyOf(principal)) ?? this.#backing.inbox(principal);
  }

  #letter(principal: Uint8Array, number: number, payload: Uint8Array | undefined): void {
    this.letters.set(`${keyOf(principal)}${number}`, { principal, number, payload });
  }

  #ownerOf(relayKey: Uint8Array): Uint8Array | undefined {
    const key = keyOf(relayKey);
    return this.#owners.has(key) ? this.#owners.get(key) : this.#backing.principalOf(relayKey);
  }
}

const follows = (current: number | undefined, version: number): void => {
  if (version === (current ?? 0) + 1) return;
  throw refusal(
    'VERSION_CONFLICT',
    `Version ${version} does not follow ${current ?? 0}; read and edit again.`,
  );
};

const refusal = (code: ErrorCode, message: string): SealwireError => new SealwireError(code, message);
