// Blobs over three NATS nodes while each of them is killed and comes back: transfers pause and go on, and what is whole is whole.
// Rules: spec/blobs.md (BL16), spec/relay-protocol.md §13 (RP168 to RP170).
// needs: nats
// timeout: 300s
import { createHash, randomBytes } from 'node:crypto';
import { startNatsCluster } from '@sealwire/testkit/nats-cluster';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BlobAddress, BlobStore } from '../src/index.ts';
import { natsBlobStore } from '../src/nats/index.ts';

const test = suite('faults of NATS under blobs');

const SIZE = 3_000_000;
const AT_ONCE = 4;

test('[RP168] [RP169] [RP170] each NATS node of three is killed while blobs come and go: all that is whole comes back', async () => {
  const cluster = await startNatsCluster();
  const place = { servers: cluster.servers, shards: 2 };
  const [near, far] = [await natsBlobStore(place), await natsBlobStore(place)];
  const whole: BlobAddress[] = [];
  let isOver = false;
  try {
    const work = async (): Promise<void> => {
      while (!isOver) {
        const address = await put(near);
        whole.push(address);
        await check(far, address);
      }
    };
    const working = Promise.all(Array.from({ length: AT_ONCE }, work));
    // What fails is told below, not by an end of the process.
    working.catch(() => {});
    const more = async (count: number): Promise<void> => {
      const wanted = whole.length + count;
      while (whole.length < wanted)
        await Promise.race([working, new Promise((resolve) => setTimeout(resolve, 20))]);
    };
    await more(5);
    for (let node = 0; node < 3; node++) {
      await cluster.kill(node);
      await more(5);
      await cluster.start(node);
      await more(5);
    }
    isOver = true;
    await working;
    for (const address of whole) await check(near, address);
    assert.ok(whole.length >= 35, `${whole.length} blobs`);
  } finally {
    isOver = true;
    await Promise.all([near.close(), far.close()]);
    await cluster.dispose();
  }
});

/** In two parts. */
const put = async (store: BlobStore): Promise<BlobAddress> => {
  const bytes = randomBytes(SIZE);
  const name = new Uint8Array(createHash('sha256').update(bytes).digest());
  const address = { room: new Uint8Array(randomBytes(32)), name };
  await store.begin(address, SIZE, new Uint8Array(randomBytes(32)));
  await store.write(address, 0, pieces(bytes.subarray(0, SIZE / 3)));
  const info = await store.write(address, SIZE / 3, pieces(bytes.subarray(SIZE / 3)));
  assert.ok(info.isWhole);
  return address;
};

const check = async (store: BlobStore, address: BlobAddress): Promise<void> => {
  const hash = createHash('sha256');
  for await (const piece of store.read(address, 0, SIZE)) hash.update(piece);
  assert.equal(new Uint8Array(hash.digest()), address.name);
};

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}

test.run();
