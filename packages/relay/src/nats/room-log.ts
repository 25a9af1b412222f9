// One room as its followers hear of it: frames of all relays in one order, none left out. Pure: messages come in, from
// whichever way is faster, and go out in the order of the room. Rules: spec/relay-protocol.md §13 (RP160 to RP162).
import type { Stored } from './jetstream.ts';

/** A message of a room as it was told live: what was the room's last before it stands beside it. */
export interface LiveMessage extends Stored {
  readonly before: number;
}

export interface RoomLog {
  /** Everything up to here was told; undefined until it begins. */
  readonly tail: number | undefined;
  /** What is stored up to `tail` needs not be told. */
  begin(tail: number): void;
  /** A message was told live: may come twice, late, or not at all. */
  live(message: LiveMessage): void;
  /** Messages from the store: all of the room from `tail` on, up to some number. */
  read(messages: readonly Stored[]): void;
  /** The room has a message of this number. @returns false if it must be read, since it was not told. */
  has(seq: number): boolean;
}

export interface RoomLogOptions {
  /** The next message of the room. */
  tell(message: Stored): void;
  /** Something between `tail` and what came was not told: it must be read. */
  missed(): void;
  /** Messages that may wait for one that was missed. Above it they are dropped, and read again. */
  readonly mostWaiting: number;
}

export const createRoomLog = ({ tell, missed, mostWaiting }: RoomLogOptions): RoomLog => {
  let tail: number | undefined;
  /** Told before their time: the room was not begun, or one before them is missing. In rising number. */
  let waiting: LiveMessage[] = [];

  const take = (message: Stored): void => {
    tail = message.seq;
    tell(message);
  };

  const live = (message: LiveMessage): void => {
    if (tail !== undefined && message.seq <= tail) return;
    if (tail !== undefined && message.before <= tail) take(message);
    else {
      if (waiting.length < mostWaiting) waiting.push(message);
      if (tail !== undefined) missed();
    }
  };

  const again = (): void => {
    const held = waiting;
    waiting = [];
    for (const message of held) live(message);
  };

  return {
    get tail() {
      return tail;
    },
    begin(first) {
      tail = first;
      again();
    },
    live,
    read(messages) {
      for (const message of messages) if (message.seq > (tail ?? 0)) take(message);
      again();
    },
    has: (seq) => tail !== undefined && seq <= tail,
  };
};
