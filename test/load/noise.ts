// Fuzzed messages until a relay process has read so many of them, beside honest devices: they lose nothing, it lives, its
// memory stays bounded. Rules: spec/relay-protocol.md §8 and §12 (RP79, RP80, RP122).
import { SUBPROTOCOL } from '@sealwire/protocol';
import { connectLightDevice } from '@sealwire/testkit/light-device';
import { type LightSocket, openLightSocket } from '@sealwire/testkit/light-socket';
import { type Random, seededRandom } from '@sealwire/testkit/random';
import { makeKey } from '@sealwire/testkit/relay-client';
import { hostileBatch, hostileBytes } from '@sealwire/testkit/relay-fuzz';
import { type LoadOptions, type LoadResult, runLoad } from './load.ts';

export interface NoiseOptions {
  /** Messages that the relay is to read, by its own count. */
  readonly frames: number;
  readonly seed: number;
  /** Folder of the relay's store. */
  readonly data: string;
  readonly say: (line: string) => void;
}

export interface NoiseResult {
  readonly honest: LoadResult;
  readonly connections: number;
  /** Fuzzed messages that were sent; the relay reads no more of a connection once one was malformed. */
  readonly sent: number;
  /** Of those, what the relay read. */
  readonly read: number;
  /** Of those, what it closed the connection for. */
  readonly malformed: number;
  readonly seconds: number;
}

/** Who makes noise, each from an address of its own, since the relay bounds what comes from one. */
const SOURCES = 48;
/** The command stops by itself: so long is waited for that number. */
const MOST_SECONDS = 3_600;

/** @throws Error if an honest device lost something, or the number was not reached in time. */
export const runNoise = async ({ frames, seed, data, say }: NoiseOptions): Promise<NoiseResult> => {
  const counts: Counts = { connections: 0, authenticated: 0, sent: 0 };
  let heard = { read: 0, malformed: 0 };
  const began = performance.now();
  const isDone = (): boolean => heard.read >= frames;
  const beside: NonNullable<LoadOptions['beside']> = async (address, isOver, { figures, appended }) => {
    const before = await readFigures(figures!);
    const honestBefore = appended();
    const count = async (): Promise<void> => {
      while (!isOver()) {
        const { all, malformed } = await readFigures(figures!);
        const honest = appended() - honestBefore + counts.authenticated;
        heard = { read: all - before.all - honest, malformed };
        say(`${heard.read} fuzzed messages read of ${counts.sent}`);
        await pause(1_000);
      }
    };
    const makers = Array.from({ length: SOURCES }, (_, i) =>
      makeNoise({
        address,
        from: `127.0.3.${i + 1}`,
        random: seededRandom(seed * 1_000 + i),
        isOver,
        counts,
      }),
    );
    await Promise.all([count(), ...makers]);
  };
  const honest = await runLoad({
    ...{ connections: 40, rooms: 10, seconds: MOST_SECONDS, perSecond: 100, data, beside, isDone },
    say: () => {},
    args: ['--metrics', '0'],
    addressOf: (index) => `127.0.1.${index + 1}`,
  });
  if (!isDone()) throw new Error(`the relay read ${heard.read} fuzzed messages in ${MOST_SECONDS} s`);
  return { honest, ...counts, ...heard, seconds: (performance.now() - began) / 1_000 };
};

interface Counts {
  connections: number;
  /** Those that proved their key first. */
  authenticated: number;
  sent: number;
}

interface Maker {
  readonly address: string;
  readonly from: string;
  readonly random: Random;
  readonly isOver: () => boolean;
  readonly counts: Counts;
}

/** Connections of one address, one after the other: strangers, and some that have proved a key. */
const makeNoise = async ({ address, from, random, isOver, counts }: Maker): Promise<void> => {
  const key = makeKey();
  const options = { address, localAddress: from };
  while (!isOver()) {
    const isStranger = random.int(4) === 0;
    let socket: LightSocket;
    try {
      socket = isStranger
        ? await openLightSocket({ ...options, protocol: SUBPROTOCOL, onMessage: () => {} })
        : (await connectLightDevice({ ...options, key })).socket;
    } catch {
      // Turned away, since it comes too often.
      await pause(50);
      continue;
    }
    counts.connections++;
    if (!isStranger) counts.authenticated++;
    await speak(socket, () => (isStranger ? hostile(random) : hostileBatch(random)), counts, isOver);
    socket.destroy();
  }
};

const hostile = (random: Random): Uint8Array[] => [hostileBytes(random, 'client')];

/** A batch of messages at a time until the relay has had enough. */
const speak = async (
  socket: LightSocket,
  next: () => Uint8Array[],
  counts: Counts,
  isOver: () => boolean,
): Promise<void> => {
  let isOpen = true;
  const closed = socket.closed.then(() => {
    isOpen = false;
  });
  while (isOpen && !isOver()) {
    const batch = next();
    socket.sendAll(batch);
    counts.sent += batch.length;
    // What it has had enough of it closes in this time, unless it is busy.
    await Promise.race([closed, pause(50)]);
  }
};

/** The relay's own counts of messages. */
const readFigures = async (figures: string): Promise<{ all: number; malformed: number }> => {
  const text = await (await fetch(figures)).text();
  let all = 0;
  let malformed = 0;
  for (const [, type, count] of text.matchAll(/^sealwire_relay_messages_total\{type="([^"]+)"\} (\d+)$/gm)) {
    all += Number(count);
    if (type === 'malformed') malformed = Number(count);
  }
  return { all, malformed };
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
