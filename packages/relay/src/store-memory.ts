// A store in memory: for tests, and the readable twin of the LMDB store. Rules: spec/relay-protocol.md §7.
import { randomBytes } from 'node:crypto';
import { RELAY_ID_BYTES, type StoredFrame } from '@sealwire/protocol';
import { type Author, principalOfAuthor } from './authored.ts';
import { type InboxRecord, pageOf } from './inbox-record.ts';
import { copyOf, keyOf } from './keys.ts';
import {
  FRAME_OVERHEAD,
  type LocalStore,
  type PrincipalRecord,
  type ReadResult,
  type RoomRecord,
  type RoomShare,
  type Usage,
} from './store.ts';
import { type Backing, type Batch, createWriteQueue } from './write-queue.ts';

export interface MemoryStoreOptions {
  /** Stands for the disk: a commit counts as durable, and becomes visible, when this resolves. Default: at once. */
  readonly flush?: () => Promise<void>;
  /** 16 bytes. Default: random. */
  readonly relayId?: Uint8Array;
  /** Runs a commit once after the I/O events at hand. Default: `setImmediate`. */
  readonly soon?: (run: () => void) => void;
}

/** A new empty store. Nothing of it outlives the process. */
export const memoryStore = (options: MemoryStoreOptions = {}): LocalStore => {
  const { flush = async () => {}, soon = setImmediate } = options;
  const { relayId = new Uint8Array(randomBytes(RELAY_ID_BYTES)) } = options;
  const state = new MemoryState(flush);
  const queue = createWriteQueue(state, soon);
  return {
    relayId,
    principal: (id) => state.principal(id),
    principalOf: (relayKey) => state.principalOf(relayKey),
    farewell: (relayKey) => state.farewell(relayKey),
    room: (room) => state.room(room),
    head: (room) => state.head(room, keyOf(room)),
    read({ room, stream, after, maxBytes }) {
      const streams = state.streams.get(keyOf(room));
      return page(streams?.get(stream) ?? [], after, maxBytes);
    },
    usage: (principal) => state.usage(principal, keyOf(principal)),
    share: (room) => state.share(room, keyOf(room)),
    inbox: (principal) => state.inbox(principal),
    readInbox(principal, after, maxBytes) {
      const { page: wanted, complete } = pageOf(state.inbox(principal), after, maxBytes);
      const messages = wanted.map(({ number, token }) => ({
        number,
        token,
        payload: copyOf(state.letters.get(`${keyOf(principal)}${number}`)!),
      }));
      return { messages, complete };
    },
    ...queue,
  };
};

class MemoryState implements Backing {
  /** Frames by room key, then by stream; all of them under ''. */
  readonly streams = new Map<string, Map<string, StoredFrame[]>>();
  /** Payloads of messages in inboxes, by inbox and number. */
  readonly letters = new Map<string, Uint8Array>();
  readonly #flush: () => Promise<void>;
  readonly #principals = new Map<string, PrincipalRecord>();
  readonly #owners = new Map<string, Uint8Array>();
  readonly #farewells = new Map<string, Uint8Array>();
  readonly #rooms = new Map<string, RoomRecord>();
  readonly #usage = new Map<string, Usage>();
  readonly #authored = new Map<string, Usage>();
  readonly #inboxes = new Map<string, InboxRecord>();
  readonly #heads = new Map<string, number>();
  readonly #shares = new Map<string, RoomShare>();
  readonly floor = 0;

  constructor(flush: () => Promise<void>) {
    this.#flush = flush;
  }

  head(_room: Uint8Array, roomKey: string): number {
    return this.#heads.get(roomKey) ?? 0;
  }

  principal(id: Uint8Array): PrincipalRecord | undefined {
    return this.#principals.get(keyOf(id));
  }

  principalOf(relayKey: Uint8Array): Uint8Array | undefined {
    return this.#owners.get(keyOf(relayKey));
  }

  farewell(relayKey: Uint8Array): Uint8Array | undefined {
    const note = this.#farewells.get(keyOf(relayKey));
    return note && copyOf(note);
  }

  room(room: Uint8Array): RoomRecord | undefined {
    return this.#rooms.get(keyOf(room));
  }

  usage(_principal: Uint8Array, key: string): Usage {
    return this.#usage.get(key) ?? { rooms: 0, bytes: 0 };
  }

  authored(_room: Uint8Array, _principal: Uint8Array, key: string): Usage {
    return this.#authored.get(key) ?? { rooms: 0, bytes: 0 };
  }

  *authorsOf(room: Uint8Array): Generator<Author> {
    const prefix = keyOf(room);
    for (const [key, usage] of this.#authored)
      if (key.startsWith(prefix)) yield { principal: principalOfAuthor(key), usage };
  }

  share(_room: Uint8Array, roomKey: string): RoomShare {
    return this.#shares.get(roomKey) ?? { bytes: 0, streams: 0 };
  }

  hasStream(_room: Uint8Array, roomKey: string, stream: string): boolean {
    return this.streams.get(roomKey)?.has(stream) === true;
  }

  inbox(principal: Uint8Array): InboxRecord | undefined {
    return this.#inboxes.get(keyOf(principal));
  }

  async commit(batch: Batch): Promise<void> {
    await this.#flush();
    for (const [key, { before, after }] of batch.principals) {
      for (const relayKey of before?.relayKeys ?? []) this.#owners.delete(keyOf(relayKey));
      this.#principals.set(key, after);
    }
    // After all removals, since a key may move from one principal of the batch to another.
    for (const { after } of batch.principals.values()) {
      for (const relayKey of after.relayKeys) this.#owners.set(keyOf(relayKey), after.id);
    }
    for (const [key, note] of batch.farewells) {
      if (note) this.#farewells.set(key, note);
      else this.#farewells.delete(key);
    }
    for (const [key, record] of batch.rooms) this.#rooms.set(key, record);
    for (const [key, usage] of batch.usage) this.#usage.set(key, usage);
    for (const [key, usage] of batch.authored) {
      if (usage) this.#authored.set(key, usage);
      else this.#authored.delete(key);
    }
    for (const [key, record] of batch.inboxes) this.#inboxes.set(key, record);
    for (const [key, { payload }] of batch.letters) {
      if (payload) this.letters.set(key, copyOf(payload));
      else this.letters.delete(key);
    }
    for (const { roomKey, stream, frame, position } of batch.frames) {
      const stored = { position, stream, frame: copyOf(frame) };
      const streams = this.streams.get(roomKey) ?? new Map<string, StoredFrame[]>();
      this.streams.set(roomKey, streams);
      for (const name of ['', stream]) {
        const frames = streams.get(name);
        if (frames) frames.push(stored);
        else streams.set(name, [stored]);
      }
    }
    for (const [roomKey, head] of batch.heads) this.#heads.set(roomKey, head);
    for (const [roomKey, share] of batch.shares) this.#shares.set(roomKey, share);
    for (const roomKey of batch.deleted.keys()) this.streams.delete(roomKey);
  }
}

const page = (frames: readonly StoredFrame[], after: number, maxBytes: number): ReadResult => {
  let low = 0;
  let high = frames.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (frames[middle]!.position <= after) low = middle + 1;
    else high = middle;
  }
  let end = low;
  for (let bytes = 0; end < frames.length; end++) {
    bytes += frames[end]!.frame.length + FRAME_OVERHEAD;
    if (bytes > maxBytes && end > low) break;
  }
  const result = frames.slice(low, end).map((stored) => ({ ...stored, frame: copyOf(stored.frame) }));
  return { frames: result, complete: end === frames.length };
};
