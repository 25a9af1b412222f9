// What one message takes on a WebSocket, header of the WebSocket frame included: ours as packages/protocol encodes it, and
// y-websocket's as y-protocols does.
import { randomBytes } from 'node:crypto';
import { encodeClientMessage, encodeRelayMessage, type StoredFrame } from '@sealwire/protocol';
import * as encoding from 'lib0/encoding';
import { writeUpdate } from 'y-protocols/sync';
import { deliveries } from '../merge/sealed.ts';

const ROOM = new Uint8Array(randomBytes(32));
const MASK_BYTES = 4;
const MESSAGE_SYNC = 0;

/** RFC 6455 §5.2. A client masks what it sends. */
export const onSocket = (length: number, from: 'client' | 'server'): number =>
  length + 2 + (length > 65_535 ? 8 : length > 125 ? 2 : 0) + (from === 'client' ? MASK_BYTES : 0);

/** Each frame appended by itself, as when somebody writes live. */
export const appendBytes = (frames: readonly StoredFrame[]): number =>
  frames.reduce((sum, { position: request, stream, frame }) => {
    const { length } = encodeClientMessage({ type: 'append', request, room: ROOM, stream, frame });
    return sum + onSocket(length, 'client');
  }, 0);

/** Each frame delivered by itself, as to somebody who reads live. */
export const deliverBytes = (frames: readonly StoredFrame[]): number =>
  frames.reduce((sum, stored) => sum + framesMessage([stored]), 0);

/** All of them as a backlog, about 256 KiB at a time. */
export const backlogBytes = (frames: readonly StoredFrame[]): number =>
  deliveries(frames).reduce((sum, chunk) => sum + framesMessage(chunk), 0);

const framesMessage = (frames: readonly StoredFrame[]): number =>
  onSocket(encodeRelayMessage({ type: 'frames', room: ROOM, frames }).length, 'server');

/** A y-websocket message with one update in it. Sync step 2 has the same form, and another number in one byte. */
export const updateBytes = (updates: readonly Uint8Array[], from: 'client' | 'server'): number =>
  updates.reduce((sum, update) => {
    const message = encoding.encode((to) => {
      encoding.writeVarUint(to, MESSAGE_SYNC);
      writeUpdate(to, update);
    });
    return sum + onSocket(message.length, from);
  }, 0);
