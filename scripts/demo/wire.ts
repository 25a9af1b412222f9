// What crosses one device's socket: kept to be searched, counted, and, for a sabotaged run, made to leak.
import { deflateRawSync } from 'node:zlib';
import {
  decodeClientMessage,
  decodeRelayMessage,
  encodeClientMessage,
  encodeRelayMessage,
} from '@sealwire/protocol';
import type { Sabotage } from './options.ts';

export interface Wire {
  readonly messages: Uint8Array[];
  framesSent: number;
  bytesUp: number;
  bytesDown: number;
  onTraffic(direction: 'up' | 'down', bytes: Uint8Array): Uint8Array | undefined;
}

/** @param leak - what a sabotaged build puts beside each frame. */
export const createWire = (sabotage: Sabotage | undefined, leak: Uint8Array): Wire => {
  const front = sabotage === 'header' ? leak : new Uint8Array(0);
  const back = sabotage === 'deflate' ? deflateRawSync(leak) : new Uint8Array(0);
  const wire: Wire = {
    messages: [],
    framesSent: 0,
    bytesUp: 0,
    bytesDown: 0,
    onTraffic(direction, bytes) {
      if (direction === 'down') {
        wire.messages.push(bytes.slice());
        wire.bytesDown += bytes.length;
        return withoutLeak(bytes, front.length, back.length);
      }
      const sent = withLeak(bytes, front, back);
      wire.messages.push(sent.slice());
      wire.bytesUp += sent.length;
      if (decodeClientMessage(sent).type === 'append') wire.framesSent += 1;
      return sent;
    },
  };
  return wire;
};

/** A build that leaks, and works all the same: plaintext before each sealed frame, or deflated plaintext after it. */
const withLeak = (bytes: Uint8Array, front: Uint8Array, back: Uint8Array): Uint8Array => {
  if (front.length + back.length === 0) return bytes;
  const message = decodeClientMessage(bytes);
  if (message.type !== 'append') return bytes;
  return encodeClientMessage({
    ...message,
    frame: new Uint8Array(Buffer.concat([front, message.frame, back])),
  });
};

const withoutLeak = (bytes: Uint8Array, front: number, back: number): Uint8Array => {
  if (front + back === 0) return bytes;
  const message = decodeRelayMessage(bytes);
  if (message.type !== 'frames') return bytes;
  const frames = message.frames.map((stored) => ({
    ...stored,
    frame: stored.frame.subarray(front, stored.frame.length - back),
  }));
  return encodeRelayMessage({ ...message, frames });
};
