// The NATS suite: what the relay's store makes of a JetStream cluster, beside the bare cluster on the same work. What is
// measured and what is not: README.md.
import { randomBytes } from 'node:crypto';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { BlobStore, LogStore } from '@sealwire/relay';
import { natsBlobStore, natsStore } from '@sealwire/relay/nats';
import { startNatsCluster } from '@sealwire/testkit/nats-cluster';
import { ResultsDiffer, toResult } from '../lib/result.ts';
import type { Suite, SuiteRun } from '../lib/suite.ts';
import { blobDown, blobUp } from './blob-cases.ts';
import { growthNotes } from './growth.ts';

export interface NatsSizes {
  readonly rounds: number;
  readonly appends: number;
  readonly inFlight: number;
  readonly frames: number;
  readonly blobBytes: number;
  /** Rooms in one stream, for each of which memory and times are noted. */
  readonly growth: readonly number[];
}

export const natsSuite: Suite = {
  name: 'nats',
  about: 'the store over NATS JetStream, three nodes, beside JetStream alone',
  run: (options) =>
    runNats(
      options,
      options.quick
        ? { rounds: 2, appends: 1_000, inFlight: 128, frames: 2_000, blobBytes: 8e6, growth: [1_000] }
        : {
            rounds: 5,
            appends: 5_000,
            inFlight: 256,
            frames: 10_000,
            blobBytes: 64e6,
            growth: [1_000, 10_000, 100_000],
          },
    ),
};

/** Bytes of one frame: about what a short message is, sealed. */
const FRAME_BYTES = 300;

/** JetStream by itself, doing what a store is asked for, without the store's promises. */
export interface Raw {
  /** @returns when it is acknowledged. */
  publish(subject: string, data: Uint8Array): Promise<unknown>;
  /** Reads all messages of a subject. @returns how many. */
  readAll(subject: string, count: number): Promise<number>;
  close(): Promise<void>;
}

export const runNats = async ({ say }: SuiteRun, sizes: NatsSizes) => {
  const cluster = await startNatsCluster();
  try {
    const at = { servers: cluster.servers, prefix: 'bench', shards: 4 };
    const [near, far, raw] = [await natsStore(at), await natsStore(at), await openRaw(cluster.servers)];
    const [nearBlobs, farBlobs] = [await natsBlobStore(at), await natsBlobStore(at)];
    try {
      await requireSame(near, far);
      const results = [];
      for (const measure of [oneByOne, inFlight, oneRoom, crossing, catchUp, blobUp, blobDown]) {
        const samples = { ours: [] as number[], raw: [] as number[] };
        // Alternating, so that a slow moment of the machine is one of both.
        for (let round = 0; round < sizes.rounds; round++) {
          say(`${measure.name}, round ${round + 1} of ${sizes.rounds}`);
          const { ours, bare } = measure({ near, far, nearBlobs, farBlobs, raw, sizes });
          samples.ours.push(await ours());
          samples.raw.push(await bare());
        }
        const row = ROWS.get(measure)!;
        results.push(
          toResult({ suite: 'nats', ...row }, samples.ours, [
            { name: 'JetStream', version: '2.9', samples: samples.raw },
          ]),
        );
      }
      const notes = await growthNotes({
        servers: cluster.servers,
        rooms: sizes.growth,
        pids: cluster.pids(),
        say,
      });
      return { results, notes };
    } finally {
      await near.close();
      await far.close();
      await nearBlobs.close();
      await farBlobs.close();
      await raw.close();
    }
  } finally {
    await cluster.dispose();
  }
};

interface Work {
  readonly near: LogStore;
  readonly far: LogStore;
  readonly nearBlobs: BlobStore;
  readonly farBlobs: BlobStore;
  readonly raw: Raw;
  readonly sizes: NatsSizes;
}

type Measure = (work: Work) => { ours(): Promise<number>; bare(): Promise<number> };

const newRoom = (): Uint8Array => new Uint8Array(randomBytes(32));
const newFrame = (): Uint8Array => new Uint8Array(randomBytes(FRAME_BYTES));
const nameOf = (room: Uint8Array): string => Buffer.from(room).toString('base64url');

/** Runs `one` so often, `width` of them at a time. @returns how many a second. */
const perSecond = async (
  count: number,
  width: number,
  one: (i: number) => Promise<unknown>,
): Promise<number> => {
  const began = performance.now();
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await one(next++);
  };
  await Promise.all(Array.from({ length: width }, lane));
  return count / ((performance.now() - began) / 1_000);
};

/** Each in a room of its own. */
const oneByOne: Measure = ({ near, raw, sizes }) => ({
  ours: () =>
    perSecond(sizes.appends / 5, 1, () =>
      near.append({ room: newRoom(), stream: 'control', frame: newFrame() }),
    ),
  bare: () => perSecond(sizes.appends / 5, 1, () => raw.publish(nameOf(newRoom()), newFrame())),
});

const inFlight: Measure = ({ near, raw, sizes }) => {
  const rooms = Array.from({ length: sizes.inFlight }, newRoom);
  const room = (i: number): Uint8Array => rooms[i % rooms.length]!;
  return {
    ours: () =>
      perSecond(sizes.appends, sizes.inFlight, (i) =>
        near.append({ room: room(i), stream: 'control', frame: newFrame() }),
      ),
    bare: () => perSecond(sizes.appends, sizes.inFlight, (i) => raw.publish(nameOf(room(i)), newFrame())),
  };
};

/** All in one room, where the store keeps their order. */
const oneRoom: Measure = ({ near, raw, sizes }) => {
  const room = newRoom();
  return {
    ours: () =>
      perSecond(sizes.appends, sizes.inFlight, () =>
        near.append({ room, stream: 'control', frame: newFrame() }),
      ),
    bare: () => perSecond(sizes.appends, sizes.inFlight, () => raw.publish(nameOf(room), newFrame())),
  };
};

/** From an append at one store to its arrival at a watch of the other; beside it, to the acknowledgement alone. */
const crossing: Measure = ({ near, far, raw, sizes }) => ({
  async ours() {
    const room = newRoom();
    let came = (): void => {};
    const watch = far.neighbours!.watchRoom(room, {
      arrived: () => came(),
      edited() {},
      signalled() {},
    });
    await watch.ready;
    const times: number[] = [];
    for (let i = 0; i < sizes.appends / 10; i++) {
      const began = performance.now();
      const arrived = new Promise<void>((resolve) => {
        came = resolve;
      });
      await Promise.all([arrived, near.append({ room, stream: 'control', frame: newFrame() })]);
      times.push(performance.now() - began);
    }
    watch.end();
    return times.sort((a, b) => a - b)[times.length >> 1]!;
  },
  async bare() {
    const times: number[] = [];
    const room = nameOf(newRoom());
    for (let i = 0; i < sizes.appends / 10; i++) {
      const began = performance.now();
      await raw.publish(room, newFrame());
      times.push(performance.now() - began);
    }
    return times.sort((a, b) => a - b)[times.length >> 1]!;
  },
});

/** A room that another relay filled one frame a message, read from its beginning. */
const catchUp: Measure = ({ near, far, raw, sizes }) => {
  const room = newRoom();
  return {
    async ours() {
      // One after the other, so that none shares a message.
      for (let i = 0; i < sizes.frames; i++)
        await near.append({ room, stream: 'control', frame: newFrame() });
      const began = performance.now();
      let frames = 0;
      for (let after = 0, done = false; !done; ) {
        const page = await far.read({ room, stream: '', after, maxBytes: 256 * 1024 });
        frames += page.frames.length;
        after = page.frames.at(-1)?.position ?? after;
        done = page.complete;
      }
      if (frames !== sizes.frames) throw new ResultsDiffer(`read ${frames} of ${sizes.frames} frames`);
      return sizes.frames / ((performance.now() - began) / 1_000);
    },
    async bare() {
      const name = nameOf(room);
      for (let i = 0; i < sizes.frames; i++) await raw.publish(name, newFrame());
      const began = performance.now();
      const messages = await raw.readAll(name, sizes.frames);
      if (messages !== sizes.frames) throw new ResultsDiffer(`read ${messages} of ${sizes.frames} messages`);
      return sizes.frames / ((performance.now() - began) / 1_000);
    },
  };
};

const ROWS = new Map<Measure, { case: string; unit: string; better: 'higher' | 'lower' }>([
  [oneByOne, { case: 'append/one-by-one', unit: '/s', better: 'higher' }],
  [inFlight, { case: 'append/many-rooms', unit: '/s', better: 'higher' }],
  [oneRoom, { case: 'append/one-room', unit: '/s', better: 'higher' }],
  [crossing, { case: 'crossing/p50', unit: 'ms', better: 'lower' }],
  [blobUp, { case: 'blob/up', unit: 'MB/s', better: 'higher' }],
  [blobDown, { case: 'blob/down', unit: 'MB/s', better: 'higher' }],
  [catchUp, { case: 'catch-up/frames', unit: '/s', better: 'higher' }],
]);

/** What one relay acknowledged is what another reads. @throws ResultsDiffer */
const requireSame = async (near: LogStore, far: LogStore): Promise<void> => {
  const room = newRoom();
  const frame = newFrame();
  const position = await near.append({ room, stream: 'control', frame });
  const { frames } = await far.read({ room, stream: '', after: 0, maxBytes: 1_000_000 });
  const [one] = frames;
  if (
    frames.length !== 1 ||
    one?.position !== position ||
    !Buffer.from(one.frame).equals(Buffer.from(frame))
  ) {
    throw new ResultsDiffer('another relay reads something else than was acknowledged');
  }
};

const openRaw = async (servers: readonly string[]): Promise<Raw> => {
  const connection = await connect({ servers: [...servers] });
  const manager = await jetstreamManager(connection);
  const client = jetstream(connection);
  await manager.streams.add({ name: 'raw', subjects: ['raw.*'], num_replicas: 3 });
  return {
    publish: (subject, data) => client.publish(`raw.${subject}`, data),
    async readAll(subject, count) {
      const consumer = await client.consumers.get('raw', { filter_subjects: `raw.${subject}` });
      let came = 0;
      while (came < count)
        for await (const _ of await consumer.fetch({ max_messages: 512 })) if (++came === count) break;
      return came;
    },
    close: () => connection.close(),
  };
};
