// The hot path against its plain twin: the same random events give the same bytes on every socket.
// Rules: spec/relay-protocol.md §7 (RP70 to RP72, RP82).
// slow
import { EventEmitter } from 'node:events';
import { Duplex } from 'node:stream';
import type { StoredFrame } from '@sealwire/protocol';
import { type Random, seededRandom } from '@sealwire/testkit/random';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { WebSocket } from 'ws';
import type { Follow, Subscriber } from '../src/follow.ts';
import { memoryStore, relayLimits } from '../src/index.ts';
import { NO_MEASURES } from '../src/measures.ts';
import { type ActiveRoom, createRooms } from '../src/rooms.ts';
import { SocketLink } from '../src/socket-link.ts';
import type { LocalStore } from '../src/store.ts';
import { framed, framedAll, headerOf } from '../src/ws-frames.ts';
import { type Delivery, framePlainly, plainDelivery } from './plain-delivery.ts';

const SEED = Number(process.env.SEALWIRE_SEED ?? 1);
const RUNS = process.env.SEALWIRE_SLOW ? 400 : 40;
const EVENTS = 300;
const CONNECTIONS = 5;
const ROOMS = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];

const twin = suite('twin');

/** One connection on either side, with what it would have put on the wire. */
interface Wire {
  readonly subscriber: Subscriber;
  /** Ends a turn of the event loop. @returns all bytes so far. */
  bytes(): Promise<Buffer>;
  full: boolean;
}

const subscriberOf = (send: (bytes: Uint8Array) => void, isFull: () => boolean): Subscriber => ({
  send,
  isFull,
  fallBehind: () => {},
  principal: undefined,
  expelled: () => {},
});

const fastWire = (): Wire => {
  const written: Buffer[] = [];
  const stream = new Duplex({
    read() {},
    write(chunk, _encoding, done) {
      written.push(Buffer.from(chunk));
      done();
    },
  });
  const socket = Object.assign(new EventEmitter(), { OPEN: 1, readyState: 1, bufferedAmount: 0 });
  const link = new SocketLink(socket as unknown as WebSocket, stream, relayLimits(), () => {});
  const wire: Wire = {
    full: false,
    subscriber: subscriberOf(
      (bytes) => link.send(bytes),
      () => wire.full,
    ),
    async bytes() {
      await new Promise(setImmediate);
      return Buffer.concat(written);
    },
  };
  return wire;
};

const plainWire = (): Wire => {
  const written: Buffer[] = [];
  const wire: Wire = {
    full: false,
    subscriber: subscriberOf(
      (bytes) => written.push(framePlainly(bytes)),
      () => wire.full,
    ),
    bytes: async () => Buffer.concat(written),
  };
  return wire;
};

interface Side {
  readonly delivery: Delivery;
  readonly wires: readonly Wire[];
  readonly follows: (Follow | undefined)[][];
}

const makeSide = (delivery: Delivery, wire: () => Wire): Side => ({
  delivery,
  wires: Array.from({ length: CONNECTIONS }, wire),
  follows: Array.from({ length: CONNECTIONS }, () => []),
});

/** One event, the same on both sides. @returns what it did, for the message of a failure. */
const randomEvent = (random: Random, sides: readonly Side[], heads: number[]): string => {
  const who = random.int(CONNECTIONS);
  const where = random.int(ROOMS.length);
  const room = ROOMS[where]!;
  switch (random.int(8)) {
    case 0: {
      const behind = random.int(3);
      for (const { delivery, wires, follows } of sides) {
        const known = follows[who]![where];
        if (known) delivery.unfollow(known);
        const opened = delivery.open(room) as ActiveRoom;
        const follow = delivery.follow(opened, wires[who]!.subscriber, 0);
        delivery.release(opened);
        // Now and then somewhere above: after a rollback, or behind what the next pass brings.
        follow.cursor = Math.max(0, follow.room.head - behind);
        follows[who]![where] = follow;
      }
      return `${who} follows ${where}`;
    }
    case 1: {
      const full = random.int(2) === 1;
      for (const { wires } of sides) wires[who]!.full = full;
      return `${who} is ${full ? 'full' : 'free'}`;
    }
    case 2:
    case 3:
      for (const { delivery } of sides) delivery.pass();
      return 'pass';
    default: {
      const position = ++heads[where]!;
      const size = random.pick([1, 40, 300, 700, 70_000]);
      const frame: StoredFrame = {
        position,
        stream: random.pick(['control', 'page-0']),
        frame: random.bytes(random.int(20) === 0 ? size : Math.min(size, 300)),
      };
      const isOwn = random.int(3) === 0;
      for (const { delivery, follows } of sides)
        delivery.committed(room, frame, position + 7, isOwn ? follows[who]![where] : undefined);
      return `frame ${position} in ${where}`;
    }
  }
};

const headsOnly = (heads: readonly number[]): LocalStore => ({
  ...memoryStore(),
  head: (room) => heads[ROOMS.findIndex((each) => each[0] === room[0])]!,
});

twin(
  `[RP70, RP71, RP82] ${RUNS} runs of random events: what is shared and joined is byte for byte what is not`,
  async () => {
    let bytes = 0;
    for (let run = 0; run < RUNS; run++) {
      const random = seededRandom(SEED + run);
      const heads = ROOMS.map(() => 0);
      const store = headsOnly(heads);
      const readBytes = random.pick([400, 1_200, 40_000]);
      const clock = { now: () => 0, after: () => () => {}, soon: () => {} };
      const fast = makeSide(createRooms({ store, clock, readBytes, measures: NO_MEASURES }), fastWire);
      const plain = makeSide(plainDelivery(store, readBytes), plainWire);
      for (let i = 0; i < EVENTS; i++) {
        const what = randomEvent(random, [fast, plain], heads);
        for (let who = 0; who < CONNECTIONS && what === 'pass'; who++) {
          const [ours, twins] = [await fast.wires[who]!.bytes(), await plain.wires[who]!.bytes()];
          assert.ok(ours.equals(twins), `seed ${SEED + run}, event ${i}, connection ${who}: other bytes`);
          if (i > EVENTS - 10) bytes += ours.length;
        }
      }
    }
    assert.ok(bytes > RUNS * 10_000, `only ${bytes} bytes were compared`);
  },
);

twin('[RP70] frames of every kind of length are those of ws, alone, joined and with the header apart', () => {
  const random = seededRandom(SEED);
  const lengths = [
    0,
    1,
    124,
    125,
    126,
    127,
    65_534,
    65_535,
    65_536,
    70_000,
    ...Array.from({ length: 50 }, () => random.int(3_000)),
  ];
  const messages = lengths.map((length) => new Uint8Array(length).fill(random.int(256)));
  for (const message of messages) {
    const plain = framePlainly(message);
    assert.ok(framed(message).equals(plain), `${message.length} bytes`);
    assert.ok(framed(message).equals(plain), `${message.length} bytes, once more`);
    assert.ok(Buffer.concat([headerOf(message), message]).equals(plain), `${message.length} bytes, apart`);
  }
  assert.ok(framedAll(messages).equals(Buffer.concat(messages.map(framePlainly))));
});

twin.run();
