// How frames lie in JetStream messages, and the positions that follow from it. Rules: spec/relay-protocol.md §13.
// A message holds what one relay appended to one room at one time: up to SLOTS frames. Its last frame has the last slot, so
// that the position of a room's head follows from the number of its last message alone.
import { LIMITS, Reader, SealwireError, type StoredFrame } from '@sealwire/protocol';
import * as encoding from 'lib0/encoding';

/** Positions for each message. JetStream would have to store 2^45 messages in one stream to leave safe integers. */
export const SLOTS = 256;

const FORMAT = 1;

export interface Frame {
  readonly stream: string;
  readonly frame: Uint8Array;
}

/** @param frames - 1 to {@link SLOTS}. */
export const encodeFrames = (frames: readonly Frame[]): Uint8Array =>
  encoding.encode((to) => {
    encoding.writeUint8(to, FORMAT);
    encoding.writeVarUint(to, frames.length);
    for (const { stream, frame } of frames) {
      encoding.writeVarString(to, stream);
      encoding.writeVarUint8Array(to, frame);
    }
  });

/** @throws SealwireError STORE_FAILED for bytes that no relay wrote. */
export const decodeFrames = (seq: number, bytes: Uint8Array): StoredFrame[] => {
  try {
    const from = new Reader(bytes);
    if (from.uint() !== FORMAT) throw new RangeError('another format');
    const count = from.count(SLOTS, 3);
    const first = positionOf(seq, count, 0);
    const frames = Array.from({ length: count }, (_, i) => ({
      position: first + i,
      stream: from.ascii(LIMITS.streamChars),
      frame: from.sized(LIMITS.messageBytes).slice(),
    }));
    from.end();
    return frames;
  } catch (cause) {
    throw new SealwireError('STORE_FAILED', "A message of the relay's frames at NATS is damaged.", { cause });
  }
};

/** The position of one of `count` frames of a message. */
export const positionOf = (seq: number, count: number, index: number): number =>
  seq * SLOTS + SLOTS - count + index;

/** The highest position of a message; 0 for none. */
export const lastPosition = (seq: number): number => (seq === 0 ? 0 : seq * SLOTS + SLOTS - 1);

/** The first message that may hold a frame after a position. */
export const firstAfter = (position: number): number => Math.floor((position + 1) / SLOTS);
