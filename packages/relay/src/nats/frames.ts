// Frames at NATS: appended in the order of the calls, one message of a room under way at a time; read from the leader.
// Rules: spec/relay-protocol.md §7 and §13.
import { SealwireError, type StoredFrame } from '@sealwire/protocol';
import { keyOf } from '../keys.ts';
import { FRAME_OVERHEAD, type FrameAppend, type ReadRequest, type ReadResult } from '../store.ts';
import { decodeFrames, encodeFrames, firstAfter, lastPosition, positionOf, SLOTS } from './frame-record.ts';
import type { JetStream, Stored } from './jetstream.ts';
import type { Names } from './subjects.ts';

export interface Frames {
  append(frame: FrameAppend): Promise<number>;
  head(room: Uint8Array): Promise<number>;
  read(request: ReadRequest): Promise<ReadResult>;
  /** Removes all frames of a room, once those that are under way are stored. */
  purge(room: Uint8Array): Promise<void>;
  /** An own message of this id was seen in the store. */
  seen(message: Stored): boolean;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

export interface FramesOptions {
  readonly jetStream: JetStream;
  readonly names: Names;
  /** JetStream has acknowledged a message. Calls `settle`, unless the room is watched: then the message is `seen` in its order. */
  acknowledged(roomKey: string, seq: number, settle: () => void): void;
}

interface Append {
  readonly frame: FrameAppend;
  readonly resolve: (position: number) => void;
  readonly reject: (error: unknown) => void;
}

/** Appends of one room: one message under way, the others wait and go together. */
interface Queue {
  readonly room: Uint8Array;
  readonly waiting: Append[];
  isRunning: boolean;
}

/** Bytes of frames in one message, if there is more than one. NATS takes 1 MiB. */
const MESSAGE_BYTES = 512 * 1024;
/** Messages that are read one by one, before it is worth while to scan. */
const READ_ONE_BY_ONE = 6;
/** Reads that ended before their room did, remembered because the next one goes on there: it scans at once. */
const READS_REMEMBERED = 4_096;

export const createFrames = ({ jetStream, names, acknowledged }: FramesOptions): Frames => {
  const queues = new Map<string, Queue>();
  const underWay = new Map<string, Append[]>();
  const continued = new Set<string>();
  const whenIdle: (() => void)[] = [];

  const settle = (id: string, seq: number): boolean => {
    const batch = underWay.get(id);
    if (batch === undefined) return false;
    underWay.delete(id);
    batch.forEach(({ frame, resolve }, i) => {
      const position = positionOf(seq, batch.length, i);
      frame.placed?.(position);
      resolve(position);
    });
    return true;
  };

  const store = async (queue: Queue, key: string, batch: Append[]): Promise<void> => {
    const id = jetStream.newId();
    underWay.set(id, batch);
    try {
      const data = encodeFrames(batch.map(({ frame }) => frame));
      const seq = await jetStream.publish(names.frames(queue.room), data, { id });
      if (seq === undefined) throw new SealwireError('STORE_FAILED', 'NATS did not take a frame.');
      acknowledged(key, seq, () => settle(id, seq));
    } catch (error) {
      underWay.delete(id);
      for (const { reject } of batch) reject(error);
    }
  };

  const run = async (queue: Queue, key: string): Promise<void> => {
    while (queue.waiting.length > 0) await store(queue, key, take(queue.waiting));
    queues.delete(key);
    if (queues.size === 0) for (const resolve of whenIdle.splice(0)) resolve();
  };

  const keyOfRead = ({ room, stream }: ReadRequest, after: number): string =>
    `${keyOf(room)}${stream}/${after}`;

  return {
    append: (frame) =>
      new Promise((resolve, reject) => {
        const key = keyOf(frame.room);
        const queue = queues.get(key) ?? { room: frame.room.slice(), waiting: [], isRunning: false };
        queues.set(key, queue);
        queue.waiting.push({ frame, resolve, reject });
        if (queue.isRunning) return;
        queue.isRunning = true;
        setImmediate(() => void run(queue, key));
      }),

    async head(room) {
      return lastPosition((await jetStream.last(names.frames(room)))?.seq ?? 0);
    },

    async read(request) {
      const place = names.frames(request.room);
      const head = await jetStream.last(place);
      const page = createPage(request);
      const from = firstAfter(request.after);
      if (head === undefined || head.seq < from) return page.result(true);
      let next = from;
      const take = (message: Stored): boolean => {
        next = message.seq + 1;
        return page.take(message);
      };
      if (!continued.delete(keyOfRead(request, request.after))) {
        for (let i = 0; i < READ_ONE_BY_ONE && next < head.seq; i++) {
          const found = await jetStream.next(place, next);
          if (found === undefined || !take(found)) break;
        }
        if (next === head.seq && !page.isFull()) take(head);
      }
      if (next <= head.seq && !page.isFull()) await jetStream.scan(place, next, head.seq, take);
      const result = page.result(next > head.seq);
      if (!result.complete) {
        continued.add(keyOfRead(request, result.frames.at(-1)!.position));
        for (const oldest of continued) {
          if (continued.size <= READS_REMEMBERED) break;
          continued.delete(oldest);
        }
      }
      return result;
    },

    async purge(room) {
      while (queues.has(keyOf(room))) await new Promise((resolve) => setImmediate(resolve));
      await jetStream.purge(names.frames(room));
    },

    seen: ({ id, seq }) => settle(id, seq),
    idle: () =>
      new Promise((resolve) => {
        if (queues.size === 0) resolve();
        else whenIdle.push(resolve);
      }),
  };
};

/** What goes into one message: at least one frame. */
const take = (waiting: Append[]): Append[] => {
  let bytes = 0;
  let count = 0;
  for (const { frame } of waiting) {
    bytes += frame.frame.length + FRAME_OVERHEAD;
    if (count > 0 && (bytes > MESSAGE_BYTES || count === SLOTS)) break;
    count++;
  }
  return waiting.splice(0, count);
};

/** What a read gives, filled message by message. */
const createPage = ({ stream, after, maxBytes }: ReadRequest) => {
  const frames: StoredFrame[] = [];
  let bytes = 0;
  let isFull = false;
  return {
    isFull: (): boolean => isFull,
    /** @returns false if no more is wanted. */
    take({ seq, data }: Stored): boolean {
      for (const frame of decodeFrames(seq, data)) {
        if (frame.position <= after || (stream !== '' && frame.stream !== stream)) continue;
        bytes += frame.frame.length + FRAME_OVERHEAD;
        isFull ||= bytes > maxBytes && frames.length > 0;
        if (isFull) return false;
        frames.push(frame);
      }
      return true;
    },
    result(isAll: boolean): ReadResult {
      if (!isAll && !isFull) throw new SealwireError('STORE_FAILED', 'NATS ended a read before its end.');
      return { frames, complete: isAll && !isFull };
    },
  };
};
