// Devices that write and read in one room at several relays while things break, and the judge of what they see.
// Rules it serves: spec/relay-protocol.md §13.
import { randomBytes } from 'node:crypto';
import { toHex } from '@sealwire/protocol';
import {
  connectClient,
  makeKey,
  makePrincipal,
  type TestClient,
  type TestKey,
} from '@sealwire/testkit/relay-client';
import * as assert from 'uvu/assert';
import { openSocket } from './support.ts';

export interface Load {
  /** Frames that were acknowledged, by position. */
  readonly acknowledged: ReadonlyMap<number, string>;
  /** Appends that were refused, or whose connection ended, and were made again. */
  readonly repeated: () => number;
  /** The longest time between two acknowledgements, milliseconds. */
  readonly longestPauseMs: () => number;
  /** Resolves when so many more frames are acknowledged. */
  more(count: number): Promise<void>;
  /** Ends the writing, lets all readers catch up, and compares what each has learned with what was acknowledged. */
  finish(): Promise<void>;
}

/** Something follows the room at an address; after an end of its connection it goes on from its cursor. */
interface Reader {
  readonly learned: Map<number, string>;
  done: Promise<void>;
}

/**
 * Starts a writer at each address, and a reader that follows.
 *
 * @param addresses - of the relays, as they are at the moment: one that is started again may have another.
 */
export const startLoad = async (addresses: () => readonly string[]): Promise<Load> => {
  const room = new Uint8Array(randomBytes(32));
  const keys = addresses().map(() => [makeKey(), makeKey()] as const);
  await found(addresses()[0]!, keys.flat(), room);
  const acknowledged = new Map<number, string>();
  let repeated = 0;
  let longestPauseMs = 0;
  let last = performance.now();
  let isOver = false;
  /** All appends are answered. */
  let isWritten = false;
  let waiting: { count: number; resolve: () => void }[] = [];

  const took = (position: number, hex: string): void => {
    assert.not.ok(acknowledged.has(position), `position ${position} was given twice`);
    acknowledged.set(position, hex);
    longestPauseMs = Math.max(longestPauseMs, performance.now() - last);
    last = performance.now();
    for (const waiter of waiting) if (acknowledged.size >= waiter.count) waiter.resolve();
    waiting = waiting.filter(({ count }) => acknowledged.size < count);
  };

  const write = async (index: number): Promise<void> => {
    while (!isOver) {
      const client = await connected(
        () => addresses()[index]!,
        keys[index]![0],
        () => isOver,
      );
      if (client === undefined) return;
      await appendUntilItEnds(client);
    }
  };

  const appendUntilItEnds = async (client: TestClient): Promise<void> => {
    while (!isOver) {
      const frame = new Uint8Array(randomBytes(40));
      const answer = await client
        .request({ type: 'append', room, stream: 'control', frame })
        .catch(() => undefined);
      if (answer?.type === 'appended') took(answer.position, toHex(frame));
      else repeated++;
      if (answer === undefined) return;
    }
    await client.close();
  };

  const startReader = (index: number): Reader => {
    const learned = new Map<number, string>();
    let cursor = 0;
    const isUpToDate = (): boolean => isWritten && cursor >= Math.max(...acknowledged.keys());
    const run = async (): Promise<void> => {
      while (!isUpToDate()) {
        const client = await connected(() => addresses()[index]!, keys[index]![1], isUpToDate);
        if (client === undefined) return;
        client.socket.on('message', () => {
          const message = client.heard.at(-1)!;
          if (message.type !== 'frames') return;
          for (const { position, frame } of message.frames) {
            assert.ok(position > cursor, `position ${position} after ${cursor}`);
            cursor = position;
            learned.set(position, toHex(frame));
          }
        });
        const answer = await client
          .request({ type: 'resume', rooms: [{ room, cursor }] })
          .catch(() => undefined);
        if (answer?.type === 'resumed') {
          assert.ok(
            answer.news.every(({ head }) => head > cursor || head === 0 || cursor > 0),
            'a relay said that the room went back',
          );
        }
        while (!isUpToDate() && client.socket.readyState === 1) await pause(20);
        client.socket.terminate();
      }
    };
    return { learned, done: run() };
  };

  const readers = keys.map((_, index) => startReader(index));
  const writers = keys.map((_, index) => write(index));
  return {
    acknowledged,
    repeated: () => repeated,
    longestPauseMs: () => longestPauseMs,
    more: (count) => new Promise((resolve) => waiting.push({ count: acknowledged.size + count, resolve })),
    async finish() {
      isOver = true;
      await Promise.all(writers);
      isWritten = true;
      await Promise.all(readers.map(({ done }) => done));
      for (const { learned } of readers) {
        for (const [position, hex] of acknowledged) {
          assert.is(learned.get(position), hex, `position ${position} of ${acknowledged.size} is missing`);
        }
      }
      const [first, ...others] = readers.map(({ learned }) => [...learned.keys()]);
      const end = Math.max(...acknowledged.keys());
      const upToEnd = (positions: readonly number[]): number[] => positions.filter((one) => one <= end);
      for (const other of others)
        assert.equal(upToEnd(other), upToEnd(first!), 'readers learned of different frames');
    },
  };
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Connects, again and again while the relay is away. */
const connected = async (
  address: () => string,
  key: TestKey,
  isOver: () => boolean,
): Promise<TestClient | undefined> => {
  while (!isOver()) {
    try {
      return await connectClient(openSocket, address(), key);
    } catch {
      await pause(50);
    }
  }
  return undefined;
};

const found = async (address: string, keys: readonly TestKey[], room: Uint8Array): Promise<void> => {
  const client = await connectClient(openSocket, address, keys[0]!);
  const principal = makePrincipal();
  assert.is((await client.putPrincipal(principal, 1, keys)).type, 'done');
  const members = [{ principal: principal.id, admin: true }];
  assert.is((await client.request({ type: 'put-room', room, version: 1, members })).type, 'done');
  await client.close();
};
