// What crosses one device's socket: kept to be searched, counted, and, for a sabotaged run, made to leak.
import { deflateRawSync } from 'node:zlib';
import { decodeClientMessage, encodeClientMessage } from '@sealwire/protocol';
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
  const wire: Wire = {
    messages: [],
    framesSent: 0,
    bytesUp: 0,
    bytesDown: 0,
    onTraffic(direction, bytes) {
      const sent = direction === 'up' ? sabotaged(bytes, sabotage, leak) : bytes;
      wire.messages.push(sent.slice());
      if (direction === 'down') wire.bytesDown += sent.length;
      else {
        wire.bytesUp += sent.length;
        if (decodeClientMessage(sent).type === 'append') wire.framesSent += 1;
      }
      return sent;
    },
  };
  return wire;
};

/** A build that leaks: plaintext before each sealed frame, or deflated plaintext after it. */
const sabotaged = (bytes: Uint8Array, sabotage: Sabotage | undefined, leak: Uint8Array): Uint8Array => {
  if (sabotage !== 'header' && sabotage !== 'deflate') return bytes;
  const message = decodeClientMessage(bytes);
  if (message.type !== 'append') return bytes;
  const parts = sabotage === 'header' ? [leak, message.frame] : [message.frame, deflateRawSync(leak)];
  return encodeClientMessage({ ...message, frame: new Uint8Array(Buffer.concat(parts)) });
};
