// Slow readers, fairness between rooms, dead peers and in-flight limits over real sockets.
// Rules: spec/relay-protocol.md §7 and §8.
import type { Writable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { LIMITS } from '@sealwire/protocol';
import { framesHeard, type TestClient } from '@sealwire/testkit/relay-client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { memoryStore, type RelayEvent } from '../src/index.ts';
import { append, follow, makeRoom, refusedWith, withRelay } from './support.ts';

const pace = suite('pace');
const BIG = 60_000;

/** Resolves when the client has heard of `count` frames of the room. */
const hears = (client: TestClient, room: Uint8Array, count: number) =>
  client.until(() => framesHeard(client, room).length >= count);

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Bytes of live buffers in this process, which holds relay and clients. */
const heldBytes = (): number => {
  collectGarbage();
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
};

pace(
  '[RP79] [RP78] who does not read for a while is paced, at no cost of memory, and then gets everything in order',
  withRelay({ limits: { socketPauseBytes: 200_000, socketDropBytes: 2_000_000 } }, async ({ account }) => {
    const [ada, bob] = [await account(), await account()];
    const room = await makeRoom(ada, bob);
    await follow(bob.client, room);
    bob.client.socket.pause();
    const before = heldBytes();
    const count = 300;
    for (let i = 0; i < count; i++) await append(ada.client, room, new Uint8Array(BIG).fill(i));
    // The store of this test holds the frames once. A relay that also queued them would hold them twice.
    const grown = heldBytes() - before;
    assert.ok(grown < 1.5 * count * BIG, `${grown} bytes for ${count * BIG}`);
    for (let i = 0; i < 5; i++) ada.client.send({ type: 'signal', room, payload: Uint8Array.of(i) });
    await ada.client.sync();
    bob.client.socket.resume();
    await hears(bob.client, room, count);
    assert.not.ok(
      bob.client.heard.some(({ type }) => type === 'signal'),
      'signals do not wait for slow readers',
    );
    assert.equal(
      framesHeard(bob.client, room).map(({ position, bytes }) => [position, bytes.length, bytes[0]]),
      Array.from({ length: count }, (_, i) => [i + 1, BIG, i & 255]),
    );
  }),
);

/**
 * One write to the kernel for all that `sendAll` sends, so that the relay has it all before it can stop reading.
 * In a write for each, what lies in the kernel when the relay stops reading is never taken, and nobody is dropped.
 */
const inOnePiece = (client: TestClient, sendAll: () => void): void => {
  const { _socket: stream } = client.socket as unknown as { readonly _socket: Writable };
  stream.cork();
  sendAll();
  stream.uncork();
};

const DROPS = { socketPauseBytes: 100_000, socketDropBytes: 1_000_000 };
let closing = (): void => {};
const tellClosing = ({ event }: RelayEvent): void => {
  if (event === 'closing') closing();
};

pace(
  '[RP80] [RP181] who lets more than socketDropBytes of answers wait is dropped as TOO_SLOW',
  withRelay({ limits: DROPS, log: tellClosing }, async ({ account }) => {
    const { principal, client } = await account();
    const room = await makeRoom({ principal, client });
    for (let i = 0; i < 5; i++) await append(client, room, new Uint8Array(BIG));
    const isClosing = new Promise<void>((resolve) => {
      closing = resolve;
    });
    client.socket.pause();
    inOnePiece(client, () => {
      for (let request = 1_000; request < 1_400; request++) {
        client.send({ type: 'read', request, room, stream: '', after: 0, maxBytes: LIMITS.readBytes });
      }
    });
    const closed = client.closed;
    // Nothing is read until the relay has had enough: what the kernel takes meanwhile is far less than the answers.
    await isClosing;
    client.socket.resume();
    assert.equal(await closed, { code: 'TOO_SLOW', reason: 'TOO_SLOW after=1000' });
    assert.ok(client.heard.length < 400);
  }),
);

pace(
  '[RP81] a long backlog of one room does not hold up the others',
  withRelay({ limits: { readBytes: BIG, socketPauseBytes: BIG } }, async ({ account }) => {
    const { principal, client } = await account();
    const [long, short] = [await makeRoom({ principal, client }), await makeRoom({ principal, client })];
    for (let i = 0; i < 60; i++) await append(client, long, new Uint8Array(BIG));
    await append(client, short, Uint8Array.of(1));
    await client.request({
      type: 'resume',
      rooms: [
        { room: long, cursor: 0 },
        { room: short, cursor: 0 },
      ],
    });
    await hears(client, short, 1);
    assert.ok(framesHeard(client, long).length < 10, 'the short room did not wait for the long one');
    await hears(client, long, 60);
  }),
);

pace(
  '[RP82] a message of frames holds about readBytes, or one frame',
  withRelay({ limits: { readBytes: 10_000 } }, async ({ account }) => {
    const [ada, bob] = [await account(), await account()];
    const room = await makeRoom(ada, bob);
    await Promise.all(Array.from({ length: 50 }, () => append(ada.client, room, new Uint8Array(900))));
    await append(ada.client, room, new Uint8Array(LIMITS.frameBytes));
    await follow(bob.client, room);
    await hears(bob.client, room, 51);
    // Live delivery cuts in the same way.
    await Promise.all(Array.from({ length: 50 }, () => append(ada.client, room, new Uint8Array(900))));
    await hears(bob.client, room, 101);
    for (const message of bob.client.heard) {
      if (message.type !== 'frames') continue;
      const bytes = message.frames.reduce((sum, { frame }) => sum + frame.length, 0);
      assert.ok(
        bytes <= 10_000 || message.frames.length === 1,
        `${bytes} bytes in ${message.frames.length} frames`,
      );
    }
  }),
);

pace(
  '[RP83] a peer that gives no sign of life is ended; one that answers stays',
  withRelay({ limits: { pingMs: 40 } }, async ({ connect }) => {
    const [dead, alive] = [await connect(), await connect()];
    // A paused socket answers no ping.
    dead.socket.pause();
    let pings = 0;
    await new Promise<void>((resolve) => {
      (alive.socket as unknown as { on(event: 'ping', listener: () => void): void }).on('ping', () => {
        pings++;
        if (pings === 4) resolve();
      });
    });
    dead.socket.resume();
    assert.is((await dead.closed).code, '1006');
    await alive.sync();
  }),
);

let release = (): void => {};
let disk: Promise<void> | undefined;

pace(
  '[RP84] appends above appendsInFlight are refused, the others succeed when the disk is back',
  withRelay(
    { store: memoryStore({ flush: async () => disk }), limits: { appendsInFlight: 5 } },
    async ({ account }) => {
      const { principal, client } = await account();
      const room = await makeRoom({ principal, client });
      disk = new Promise((resolve) => {
        release = resolve;
      });
      const append = (i: number) =>
        client.request({ type: 'append', room, stream: 'control', frame: Uint8Array.of(i) });
      const waiting = Array.from({ length: 5 }, (_, i) => append(i));
      refusedWith(await append(6), 'LIMIT_REACHED');
      disk = undefined;
      release();
      for (const answer of await Promise.all(waiting)) assert.is(answer.type, 'appended');
    },
  ),
);

let releaseAgain = (): void => {};
let slowDisk: Promise<void> | undefined;

pace(
  '[RP85] while too many bytes wait for the disk, those who append are not read, and nothing is lost',
  withRelay(
    { store: memoryStore({ flush: async () => slowDisk }), limits: { appendBytesWaiting: 1_000_000 } },
    async ({ account }) => {
      const [ada, bob] = [await account(), await account()];
      const room = await makeRoom(ada, bob);
      slowDisk = new Promise((resolve) => {
        releaseAgain = resolve;
      });
      const appends = Array.from({ length: 40 }, () => append(ada.client, room, new Uint8Array(400_000)));
      for (let i = 0; i < 20; i++) await bob.client.sync();
      // Sixteen megabytes are on their way; the client's own queue and socket hold them, not the relay.
      let answered = false;
      void ada.client.sync().then(() => {
        answered = true;
      });
      for (let i = 0; i < 20; i++) await bob.client.sync();
      assert.not.ok(answered, 'the sender is not read');
      slowDisk = undefined;
      releaseAgain();
      await Promise.all(appends);
    },
  ),
);

pace.run();
