// What a relay needs to know of other relays on the same store. Rules: spec/relay-protocol.md §13.
import type { StoredFrame } from '@sealwire/protocol';
import type { RoomRecord } from './store.ts';

/** Something that is told until it is ended. */
export interface Watch {
  /** Resolves when everything that becomes durable from here on is told. Rejects with STORE_FAILED. */
  readonly ready: Promise<void>;
  /** Resolves when everything that is durable now was told. Rejects with STORE_FAILED. */
  catchUp(): Promise<void>;
  end(): void;
}

/** What happens in a room, whichever relay it happens at. */
export interface RoomNews {
  /**
   * Frames are durable: in rising position, none left out, each told once. Those that this relay appended are among
   * them or not; `placed` of their appends was called before.
   */
  arrived(frames: readonly StoredFrame[]): void;
  /** The room has this record now. */
  edited(record: RoomRecord): void;
  /** A signal was sent at another relay. */
  signalled(payload: Uint8Array): void;
}

/** The other relays, known only by what comes of them. */
export interface Neighbours {
  watchRoom(room: Uint8Array, news: RoomNews): Watch;
  /** @param changed - told when another principal may list the key, or none. */
  watchKey(relayKey: Uint8Array, changed: () => void): Watch;
  /** @param changed - told when something may have come into the inbox. */
  watchInbox(principal: Uint8Array, changed: () => void): Watch;
  /** Takes a signal to the other relays that watch the room; not kept for those that do not. */
  signal(room: Uint8Array, payload: Uint8Array): void;
  readonly post: Post;
}

/** Bytes from relay to relay, not stored. */
export interface Post {
  /** Of this relay, unlike that of any other: letters, digits, `-` and `_`. */
  readonly name: string;
  /** Hears what others bring to a place, in the order of each sender. */
  listen(place: string, heard: (bytes: Uint8Array) => void): Watch;
  /** @returns whether somebody listens there, other than this relay. Never rejects: who cannot be reached does not listen. */
  bring(place: string, bytes: Uint8Array): Promise<boolean>;
}
