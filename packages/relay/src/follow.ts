// One connection following one room, and the order in which it hears of frames and of its own appends.
// Rules: spec/relay-protocol.md §7 (RP70 to RP72, RP82).
import { encodeRelayMessage, type StoredFrame } from '@sealwire/protocol';
import type { ActiveRoom } from './rooms.ts';
import { FRAME_OVERHEAD } from './store.ts';

/** The connection behind a follow, as far as delivery is concerned. */
export interface Subscriber {
  send(bytes: Uint8Array): void;
  /** True when so much waits in its socket that nothing more should be added. */
  isFull(): boolean;
  /** Takes a follow into the backlog: it has missed something, and reads on from the store when there is room. */
  fallBehind(follow: Follow): void;
  /** The principal that it acts for. */
  readonly principal: Uint8Array | undefined;
  /** The follow's room has been edited and no longer lists the principal. */
  expelled(follow: Follow): void;
}

export interface Follow {
  readonly room: ActiveRoom;
  readonly subscriber: Subscriber;
  /** Everything up to here was sent, or was never wanted. */
  cursor: number;
  /** Own appends that are durable but not acknowledged yet: request number by position, each above `cursor`. */
  own: Map<number, number> | undefined;
}

/**
 * Sends frames in their order. In place of an own append comes its acknowledgement, so a device that knows of a
 * position knows of all before it.
 *
 * @param frames - all frames of the room above the cursor up to `upTo`, in rising position.
 */
export const deliver = (
  follow: Follow,
  frames: readonly StoredFrame[],
  upTo: number,
  readBytes: number,
): void => {
  const { own, subscriber, room } = follow;
  let run: StoredFrame[] = [];
  const sendRun = (): void => {
    for (const bytes of encodeFrames(room.id, run, readBytes)) subscriber.send(bytes);
    run = [];
  };
  for (const frame of frames) {
    if (frame.position <= follow.cursor) continue;
    const request = own?.get(frame.position);
    if (request === undefined) {
      run.push(frame);
      continue;
    }
    sendRun();
    own?.delete(frame.position);
    subscriber.send(encodeRelayMessage({ type: 'appended', request, position: frame.position }));
  }
  sendRun();
  if (own?.size === 0) follow.own = undefined;
  follow.cursor = Math.max(follow.cursor, upTo);
};

/** `frames` messages of about `readBytes` each; none for no frames. */
export const encodeFrames = (
  room: Uint8Array,
  frames: readonly StoredFrame[],
  readBytes: number,
): Uint8Array[] => {
  const messages: Uint8Array[] = [];
  let start = 0;
  let bytes = 0;
  for (let i = 0; i <= frames.length; i++) {
    const next = frames[i] ? frames[i]!.frame.length + FRAME_OVERHEAD : 0;
    if (i > start && (i === frames.length || bytes + next > readBytes)) {
      messages.push(encodeRelayMessage({ type: 'frames', room, frames: frames.slice(start, i) }));
      start = i;
      bytes = 0;
    }
    bytes += next;
  }
  return messages;
};
