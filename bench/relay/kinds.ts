// What all servers under test are asked to do, in words that fit each of them. What is measured: README.md.
import type { ServerProcess } from './server-process.ts';

/** Bytes of one plain Yjs update of a chat message. */
export const UPDATE_BYTES = 180;
/** Bytes of the sealed and padded frame that a device makes of such an update, alone in its batch. */
export const FRAME_BYTES = 304;

/** Told while the work is done. */
export interface Heard {
  /** A reader got the update of this number; all updates are numbered from 0 on. */
  delivered(reader: number, sequence: number): void;
  /** The server has answered so many more of the writer's updates. */
  taken(count: number): void;
  /** A reader got something that nobody wrote. */
  strange(what: string): void;
}

/** One writer and some readers in one room. */
export interface Room {
  /** Updates that the writer has ready; more cannot be written. */
  readonly most: number;
  /** Sends the next updates in one write. */
  write(count: number): void;
  close(): void;
}

/** One kind of server, with clients that speak its protocol. */
export interface Kind {
  readonly name: string;
  readonly version: string;
  /** @param folder - for what it stores. @throws Error that says why it does not run here. */
  start(folder: string): Promise<ServerProcess>;
  /** A new room whose readers have all they need to hear of the first update. @param updates - that may be written. */
  open(server: ServerProcess, readers: number, updates: number, heard: Heard): Promise<Room>;
  /** Connections that do nothing, ten to a room. @returns the function that ends them. */
  idle(server: ServerProcess, connections: number): Promise<() => void>;
  /** Puts a chat on the server; absent where it stores none. @returns the way to take it as a new device would. */
  chat?(server: ServerProcess, chat: Chat): Promise<() => Promise<CaughtUp>>;
}

/** The same chat for both sides. */
export interface Chat {
  readonly messages: number;
  /** Sealed frames in their order. */
  readonly frames: readonly Uint8Array[];
  /** All messages in one Yjs update. */
  readonly update: Uint8Array;
}

export interface CaughtUp {
  /** Milliseconds from the request to the last byte. */
  readonly ms: number;
  /** What came, in order: frames, or the one update. */
  readonly pieces: readonly Uint8Array[];
}

/** How many connections share a room when they do nothing. */
export const IDLE_ROOM = 10;

/** Does it for each number, so many at a time. */
export const inTurns = async <T>(
  count: number,
  atOnce: number,
  run: (index: number) => Promise<T>,
): Promise<T[]> => {
  const results: T[] = new Array(count);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      results[index] = await run(index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, worker));
  return results;
};
