// A member who turned and a relay that helps: with the member's keys the relay puts other words in the place of frames that
// their author signed, where later frames of the same chain follow. Only the chain of hashes tells. Rules: spec/frame.md §5.
import { decodeBody, encodeBody, encodeSigned, KIND, openFrame, sealFrame } from '@sealwire/core/testing';
import type { StoredFrame } from '@sealwire/protocol';
import type { KeyFinder } from './member.ts';

/** What the relay knows of its helper. */
export interface Accomplice {
  /** The frames of one delivery, some with other words in them. */
  swap(room: string, frames: readonly StoredFrame[]): readonly StoredFrame[];
}

/** @param words - a payload that nobody wrote. */
export const createAccomplice = (options: {
  readonly keyFor: KeyFinder;
  readonly words: () => Uint8Array;
  readonly randomBytes: (length: number) => Uint8Array;
}): Accomplice => ({
  swap(room, frames) {
    const opened = frames.map(({ stream, frame }) => {
      const key = options.keyFor(room, stream, frame);
      try {
        return key && { key, body: decodeBody(openFrame(key, frame)) };
      } catch {
        return undefined; // Another attack, which does not open.
      }
    });
    return frames.map((item, i) => {
      const known = opened[i];
      if (known?.body.kind !== KIND.updates) return item;
      const isFollowed = opened.some(
        (later, j) =>
          j > i && frames[j]!.stream === item.stream && later?.body.clientId === known.body.clientId,
      );
      if (!isFollowed) return item;
      const signed = encodeSigned({ ...known.body, payload: options.words() }, false);
      const body = encodeBody(signed, known.body.signature);
      return { ...item, frame: sealFrame(known.key, body, options.randomBytes) };
    });
  },
});
