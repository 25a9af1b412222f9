// Who sent which frame, as the wire and the relay's disk tell it: what "sent" and "withheld" are held against.
import { decodeClientMessage, decodeRelayMessage, type RelayMessage, toHex } from '@sealwire/protocol';
import type { World } from './world.ts';

/** A frame on the wire, by its nonce: no two have the same, sent again it is the same bytes. */
export interface KnownFrame {
  readonly key: string;
  readonly author: string;
  readonly room: string;
  readonly stream: string;
  readonly frame: Uint8Array;
  /** When it first reached the relay. */
  readonly seenAt: number;
  /** When it first became durable at the relay. */
  durableAt: number | undefined;
  /** Names of the devices that it was delivered to, unaltered. */
  readonly reached: Set<string>;
}

export const frameKey = (frame: Uint8Array): string => toHex(frame.subarray(10, 34));

export const createWiretap = (world: World) => {
  const frames = new Map<string, KnownFrame>();
  const lastDurable = new Map<string, number>();
  return {
    frames: frames as ReadonlyMap<string, KnownFrame>,
    /** A device's message reaches the relay. */
    up(author: string, bytes: Uint8Array): void {
      const message = decodeClientMessage(bytes);
      if (message.type !== 'append') return;
      const key = frameKey(message.frame);
      if (frames.has(key)) return;
      const frame = message.frame.slice();
      const { stream } = message;
      const room = toHex(message.room);
      const seenAt = world.now();
      frames.set(key, { key, author, room, stream, frame, seenAt, durableAt: undefined, reached: new Set() });
    },
    /** A message reaches a device. */
    down(reader: string, bytes: Uint8Array): RelayMessage {
      const message = decodeRelayMessage(bytes);
      if (message.type === 'frames')
        for (const { frame } of message.frames) frames.get(frameKey(frame))?.reached.add(reader);
      return message;
    },
    /** A frame is on the relay's disk. */
    durable(frame: Uint8Array): void {
      const known = frames.get(frameKey(frame));
      if (!known) return;
      known.durableAt ??= world.now();
      lastDurable.set(known.author, Math.max(world.now(), lastDurable.get(known.author) ?? 0));
    },
    /** The relay said that it has a frame of this device, and threw it away. */
    swallowed: (author: string): void => void lastDurable.set(author, Number.POSITIVE_INFINITY),
    /** An old copy of the relay's disk does not hold it. */
    lost(frame: Uint8Array): void {
      const known = frames.get(frameKey(frame));
      if (known) known.durableAt = undefined;
    },
    authorOf: (frame: Uint8Array): string | undefined => frames.get(frameKey(frame))?.author,
    /** When a frame of this device last became durable at the relay. */
    lastDurable: (author: string): number => lastDurable.get(author) ?? -1,
  };
};

export type Wiretap = ReturnType<typeof createWiretap>;
