// A room of a chat that the chat is not in: only the log entries in its control stream are heard. Rules: spec/chats.md,
// CH15.
import { CONTROL_STREAM, SealwireError, type StoredFrame, toHex } from '@sealwire/protocol';
import { decodeBody, KIND } from '../frame/body.ts';
import { openFrame, streamKey } from '../frame/envelope.ts';
import type { SignedEntry } from '../identity/log-entry.ts';
import type { ReadStream } from './ahead.ts';
import { decodeEntries } from './control.ts';
import type { RoomAddress } from './keyring.ts';

/** What the engine needs of a room that it follows. */
export interface Followed {
  readonly id: Uint8Array;
  /** The id in hexadecimal. */
  readonly key: string;
  /** True for a room whose refusals are nothing to a person. */
  readonly isAside?: true;
  cursor(): number;
  /** What the relay has became known: it may be read out of its order. */
  news?(head: number, read: ReadStream): unknown;
  receive(frames: readonly StoredFrame[]): unknown;
  appended(position: number, frame: Uint8Array, isInOrder?: boolean): unknown;
  goBack(head: number): Promise<void>;
  goLive(): unknown;
  goDown(): void;
  refused(): void;
  resend(): unknown;
  signalled(payload: Uint8Array): void;
}

export interface AsideRoomOptions {
  readonly address: RoomAddress;
  /** Chat id, 32 bytes. */
  readonly logId: Uint8Array;
  /** Everything up to this position was heard. */
  readonly cursor: number;
  /** Takes what was heard. Entries prove themselves: whose frames they came in does not matter. */
  readonly take: (entries: readonly SignedEntry[]) => Promise<void>;
  /** Remembers how far it was heard. */
  readonly save: (cursor: number) => void;
}

/** Holds a secret: never log it. */
export const createAsideRoom = (options: AsideRoomOptions): Followed => {
  const { address, logId } = options;
  const key = streamKey(address.secret, address.id, CONTROL_STREAM, logId);
  let cursor = options.cursor;
  let queue: Promise<void> = Promise.resolve();

  const hear = async (frames: readonly StoredFrame[]): Promise<void> => {
    const entries = frames.flatMap(({ stream, frame }) =>
      stream === CONTROL_STREAM ? entriesOf(() => openFrame(key, frame)) : [],
    );
    if (entries.length > 0) await options.take(entries);
    cursor = Math.max(cursor, frames.at(-1)?.position ?? 0);
    options.save(cursor);
  };

  return {
    id: address.id,
    key: toHex(address.id),
    isAside: true,
    cursor: () => cursor,
    receive(frames) {
      queue = queue.then(() => hear(frames));
      return queue;
    },
    async goBack(head) {
      cursor = Math.min(cursor, head);
    },
    // Nothing is ever sent there.
    appended: () => undefined,
    goLive: () => undefined,
    goDown: () => undefined,
    refused: () => undefined,
    resend: () => undefined,
    signalled: () => undefined,
  };
};

/** What is wrong with a frame there is said by whoever is there. */
const entriesOf = (open: () => Uint8Array): SignedEntry[] => {
  try {
    const { kind, payload } = decodeBody(open());
    if (kind !== KIND.control) return [];
    return decodeEntries(payload).filter((entry): entry is SignedEntry => !(entry instanceof SealwireError));
  } catch (error) {
    if (error instanceof SealwireError) return [];
    throw error;
  }
};
