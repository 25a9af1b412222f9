// The relay's core under a seeded scheduler: links that fill up and drain, commits that fail, resumes at any moment.
// What each connection hears is compared with what was stored. Rules: spec/relay-protocol.md §7 and §8.
import {
  authenticateStatement,
  type ClientMessage,
  decodeRelayMessage,
  encodeClientMessage,
  principalStatement,
  type RelayMessage,
  SealwireError,
  type StoredFrame,
  toHex,
} from '@sealwire/protocol';
import { type Random, seededRandom } from '@sealwire/testkit/random';
import { makeKey, makePrincipal } from '@sealwire/testkit/relay-client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  createRelayCore,
  type LinkEvents,
  type LocalStore,
  type LogStore,
  memoryStore,
  relayLimits,
} from '../src/index.ts';
import { slowStore } from './slow-store.ts';

const SEED = Number(process.env.SEALWIRE_SEED ?? 1);
const RUNS = process.env.SEALWIRE_SLOW ? 200 : 20;
const EVENTS = 500;
const ROOMS = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
const LIMITS = relayLimits({
  readBytes: 600,
  socketPauseBytes: 1_200,
  socketDropBytes: 100_000,
  appendsInFlight: 1_000,
});
/** A message of frames holds readBytes or one frame; one more may be added to a link that is not full yet. */
const LARGEST_FRAME = 900;

const fuzz = suite('core fuzz');

/** Tasks that the core wants to run soon, run one at a time in the order that the seed chooses. */
const createScheduler = (random: Random) => {
  const tasks: (() => void)[] = [];
  return {
    soon: (run: () => void) => void tasks.push(run),
    runOne() {
      tasks.splice(random.int(tasks.length), 1)[0]?.();
    },
    isIdle: () => tasks.length === 0,
  };
};

/** One device's connection, and the judge of what it hears. */
class Peer {
  readonly key = makeKey();
  events: LinkEvents | undefined;
  buffered = 0;
  mostBuffered = 0;
  readonly heard: RelayMessage[] = [];
  /** By room: the position that was learned last, or undefined while it is not followed. */
  readonly #cursors = new Map<string, number>();
  readonly #resumes = new Map<number, { room: Uint8Array; cursor: number }>();
  readonly #appends = new Map<number, { room: Uint8Array; hex: string }>();
  readonly #stored: Map<string, Map<number, string>>;
  #requests = 10;
  learned = 0;
  refused = 0;

  constructor(stored: Map<string, Map<number, string>>) {
    this.#stored = stored;
  }

  readonly link = {
    send: (bytes: Uint8Array): void => {
      this.buffered += bytes.length;
      this.mostBuffered = Math.max(this.mostBuffered, this.buffered);
      this.#hear(decodeRelayMessage(bytes.slice()));
    },
    close: (code: string): void => assert.unreachable(`closed with ${code}`),
    buffered: (): number => this.buffered,
    pause: (): void => {},
    resume: (): void => {},
  };

  say(message: ClientMessage): void {
    this.events!.received(encodeClientMessage(message));
  }

  resume(room: Uint8Array, cursor: number): void {
    const request = this.#requests++;
    this.#resumes.set(request, { room, cursor });
    this.say({ type: 'resume', request, rooms: [{ room, cursor }] });
  }

  append(room: Uint8Array, frame: Uint8Array): void {
    const request = this.#requests++;
    this.#appends.set(request, { room, hex: toHex(frame) });
    this.say({ type: 'append', request, room, stream: 'control', frame });
  }

  drain(bytes: number): void {
    this.buffered = Math.max(0, this.buffered - bytes);
    this.events!.flushed();
  }

  /** Everything that was followed has been learned up to the head, and every append was answered. */
  isSatisfied(head: (room: Uint8Array) => number): boolean {
    const current = ROOMS.every(
      (room) => (this.#cursors.get(toHex(room)) ?? Number.POSITIVE_INFINITY) >= head(room),
    );
    return current && this.#appends.size === 0;
  }

  #hear(message: RelayMessage): void {
    this.heard.push(message);
    if (message.type === 'resumed') {
      const { room, cursor } = this.#resumes.get(message.request)!;
      this.#cursors.set(toHex(room), cursor);
    } else if (message.type === 'frames') {
      for (const { position, frame } of message.frames) this.#learn(message.room, position, toHex(frame));
    } else if (message.type === 'appended') {
      const { room, hex } = this.#appends.get(message.request)!;
      this.#appends.delete(message.request);
      this.#remember(room, message.position, hex);
      const cursor = this.#cursors.get(toHex(room));
      // A connection that does not follow, or resumed beyond it meanwhile, is told at once.
      if (cursor !== undefined && message.position > cursor) this.#learn(room, message.position, hex);
    } else if (message.type === 'refused') {
      assert.is(message.code, 'STORE_FULL');
      this.#appends.delete(message.request);
      this.refused++;
    }
  }

  #learn(room: Uint8Array, position: number, hex: string): void {
    const key = toHex(room);
    const cursor = this.#cursors.get(key);
    assert.ok(cursor !== undefined, 'frames of a room that is not followed');
    // The memory store leaves no gaps, so the next position is the only right one.
    assert.is(position, cursor + 1, 'a position is missing, doubled or out of order');
    this.#cursors.set(key, position);
    this.#remember(room, position, hex);
    this.learned++;
  }

  #remember(room: Uint8Array, position: number, hex: string): void {
    const stored = this.#stored.get(toHex(room))!;
    assert.is(stored.get(position) ?? hex, hex, 'two connections heard different frames of one position');
    stored.set(position, hex);
  }
}

interface Outcome {
  readonly learned: number;
  readonly refused: number;
}

/** One seeded run to its quiet end. @param bend - stands between core and store, to prove that faults are seen. */
const run = async (
  seed: number,
  bend: (store: LocalStore, soon: (run: () => void) => void, random: Random) => LogStore = (store) => store,
): Promise<Outcome> => {
  const random = seededRandom(seed);
  const scheduler = createScheduler(random);
  let isFull = false;
  const flush = async (): Promise<void> => {
    if (isFull) throw new SealwireError('STORE_FULL', 'No room.');
  };
  const store = memoryStore({ flush, soon: scheduler.soon, relayId: new Uint8Array(16) });
  const clock = { now: () => 0, after: () => () => {}, soon: scheduler.soon };
  const core = createRelayCore({
    store: bend(store, scheduler.soon, random),
    clock,
    limits: LIMITS,
    random: random.bytes,
    log: () => {},
  });
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 12; i++) await Promise.resolve();
  };
  const stored = new Map(ROOMS.map((room) => [toHex(room), new Map<number, string>()]));
  const peers = Array.from({ length: 4 }, () => new Peer(stored));
  for (const peer of peers) {
    peer.events = core.connect(peer.link);
    const hello = peer.heard[0]!;
    if (hello.type !== 'hello') throw new Error('no hello');
    const relayKey = peer.key.publicKey;
    peer.say({
      type: 'authenticate',
      relayKey,
      signature: peer.key.sign(authenticateStatement({ ...hello, relayKey })),
    });
  }
  const quiet = async (): Promise<void> => {
    for (let rounds = 0; rounds < 100_000; rounds++) {
      await settle();
      for (const peer of peers) if (peer.buffered > 0) peer.drain(peer.buffered);
      if (scheduler.isIdle() && peers.every(({ buffered }) => buffered === 0)) return;
      scheduler.runOne();
    }
    assert.unreachable('the core does not come to rest');
  };
  const account = makePrincipal();
  const relayKeys = peers.map(({ key }) => key.publicKey).sort(Buffer.compare);
  const statement = principalStatement({ principal: account.id, version: 1, relayKeys });
  const manageKey = account.manageKey.publicKey;
  const signature = account.manageKey.sign(statement);
  const edit = { manageKey, version: 1, relayKeys, farewells: [], signature };
  peers[0]!.say({ type: 'put-principal', request: 1, ...edit });
  await quiet();
  const members = [{ principal: account.id, admin: true }];
  for (const room of ROOMS) peers[0]!.say({ type: 'put-room', request: 2, room, version: 1, members });
  await quiet();

  for (let event = 0; event < EVENTS; event++) {
    const peer = random.pick(peers);
    const room = random.pick(ROOMS);
    const choice = random.int(20);
    if (choice < 6) peer.append(room, random.bytes(1 + random.int(random.int(6) === 0 ? LARGEST_FRAME : 60)));
    else if (choice < 8) peer.resume(room, random.int(store.head(room) + 1));
    else if (choice < 11) peer.drain(random.int(3_000));
    else if (choice === 11) isFull = random.int(4) === 0;
    else scheduler.runOne();
    if (random.int(3) === 0) await settle();
  }
  isFull = false;
  await quiet();
  for (const peer of peers) {
    assert.ok(
      peer.isSatisfied((room) => store.head(room)),
      'a connection has not heard everything at the end',
    );
    // Answers are not paced, but frames are: nothing is added to a full link but a few small answers.
    assert.ok(
      peer.mostBuffered < LIMITS.socketPauseBytes + LARGEST_FRAME + 4_000,
      `${peer.mostBuffered} bytes`,
    );
  }
  const sum = (count: (peer: Peer) => number): number =>
    peers.reduce((total, peer) => total + count(peer), 0);
  return { learned: sum((peer) => peer.learned), refused: sum((peer) => peer.refused) };
};

fuzz(
  `[RP71] [RP73] [RP74] [RP79] ${RUNS} seeded runs: every connection learns of every position, once and in order`,
  async () => {
    let learned = 0;
    let refused = 0;
    for (let seed = SEED; seed < SEED + RUNS; seed++) {
      try {
        const outcome = await run(seed);
        learned += outcome.learned;
        refused += outcome.refused;
      } catch (error) {
        const again = `SEALWIRE_SEED=${seed} node --conditions=sealwire:source --import tsx packages/relay/test/core-fuzz.test.ts`;
        throw new Error(`seed ${seed}: ${(error as Error).message}; again with: ${again}`, { cause: error });
      }
    }
    assert.ok(learned > RUNS * 200 && refused > RUNS, `${learned} learned, ${refused} refused`);
  },
);

fuzz(
  `[RP71] [RP73] [RP74] [RP79] ${RUNS} seeded runs on a store whose reads take time, and overtake each other: the same`,
  async () => {
    let learned = 0;
    for (let seed = SEED; seed < SEED + RUNS; seed++) {
      try {
        learned += (await run(seed, slowStore)).learned;
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
      }
    }
    assert.ok(learned > RUNS * 200, `${learned} learned`);
  },
);

fuzz('a store that leaves out a frame, or gives one for another, is found out', async () => {
  const bends: ((frames: readonly StoredFrame[]) => readonly StoredFrame[])[] = [
    (frames) => frames.filter(({ position }) => position !== 7),
    (frames) => frames.map((one) => (one.position === 7 ? { ...one, frame: Uint8Array.of(1, 2, 3) } : one)),
  ];
  for (const bend of bends) {
    const bent = (store: LocalStore): LocalStore => ({
      ...store,
      read(request) {
        const result = store.read(request);
        return { ...result, frames: bend(result.frames) };
      },
    });
    const failures: unknown[] = [];
    for (let seed = 1; seed <= 5; seed++) {
      await run(seed, bent).catch((error: unknown) => failures.push(error));
    }
    assert.ok(failures.length > 0, 'nobody noticed');
  }
});

fuzz.run();
