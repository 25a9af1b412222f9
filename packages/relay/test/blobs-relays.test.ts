// Blobs of several relays on one NATS store: any serves, ends and counts what another took. Rules: spec/blobs.md,
// spec/relay-protocol.md §13 (RP169, RP170).
// needs: nats
// timeout: 120s
import { createHash, randomBytes } from 'node:crypto';
import { SealwireError } from '@sealwire/protocol';
import { blobClient, nameOfBlob } from '@sealwire/testkit/blob-client';
import { startNatsCluster } from '@sealwire/testkit/nats-cluster';
import { connectClient, makePrincipal, type TestClient } from '@sealwire/testkit/relay-client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type BlobStore, createRelay, type RelayLimits } from '../src/index.ts';
import { natsBlobStore, natsStore } from '../src/nats/index.ts';
import { type Account, answered, makeRoom, openSocket } from './support.ts';

const test = suite('blobs of relays on NATS');
const cluster = await startNatsCluster(1);
let stores = 0;
const newPlace = () => ({ servers: cluster.servers, prefix: `blobs-${++stores}`, shards: 2, replicas: 1 });

/** Runs a test with several openings of one store. */
const withStores =
  (count: number, run: (stores: readonly BlobStore[]) => Promise<void>) => async (): Promise<void> => {
    const place = newPlace();
    const opened: BlobStore[] = [];
    for (let i = 0; i < count; i++) opened.push(await natsBlobStore(place));
    try {
      await run(opened);
    } finally {
      await Promise.all(opened.map((store) => store.close()));
    }
  };

const sample = (size: number, room: Uint8Array = new Uint8Array(randomBytes(32))) => {
  const bytes = randomBytes(size);
  const name = new Uint8Array(createHash('sha256').update(bytes).digest());
  return { bytes, address: { room, name }, principal: new Uint8Array(randomBytes(32)) };
};

async function* all(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

const codeOf = (promise: Promise<unknown>): Promise<string | undefined> =>
  promise.then(
    () => undefined,
    (error: unknown) => (error instanceof SealwireError ? error.code : String(error)),
  );

test(
  '[RP170] parts of one blob come to four relays in turn, and a fifth gives it out',
  withStores(5, async (relays) => {
    const { bytes, address, principal } = sample(1_000_000);
    await relays[0]!.begin(address, bytes.length, principal);
    for (let at = 0, turn = 0; at < bytes.length; at += 70_000, turn++) {
      const part = bytes.subarray(at, at + 70_000);
      const info = await relays[turn % 4]!.write(address, at, all(part));
      assert.is(info.received, at + part.length);
      assert.is((await relays[4]!.find(address))?.received, info.received);
    }
    const pieces: Uint8Array[] = [];
    for await (const piece of relays[4]!.read(address, 5, 999_999)) pieces.push(piece);
    assert.ok(Buffer.concat(pieces).equals(bytes.subarray(5, 999_999)));
    for (const relay of relays) assert.equal(await relay.begunIn(address.room), { blobs: 0, bytes: 0 });
  }),
);

test(
  '[RP170] of relays that write one blob at the same time one goes on, and nothing of another gets in between',
  withStores(2, async ([one, other]) => {
    for (let round = 0; round < 10; round++) {
      const { bytes, address, principal } = sample(600_000);
      const begun = await Promise.all(
        [one, other].map((relay) => relay!.begin(address, bytes.length, principal)),
      );
      assert.equal(
        begun.map(({ received, isWhole }) => [received, isWhole]),
        [
          [0, false],
          [0, false],
        ],
      );
      assert.equal(await one!.begunBy(principal), { blobs: 1, bytes: 600_000 }, 'counted once');
      const ends = await Promise.all(
        [one, other].map((relay) => codeOf(relay!.write(address, 0, all(bytes)))),
      );
      assert.ok(ends.includes(undefined) || ends.includes('UNEXPECTED_MESSAGE'), String(ends));
      for (;;) {
        const known = await one!.find(address);
        if (known?.isWhole) break;
        await one!.write(address, known!.received, all(bytes.subarray(known!.received)));
      }
      const hash = createHash('sha256');
      for await (const piece of other!.read(address, 0, bytes.length)) hash.update(piece);
      assert.equal(new Uint8Array(hash.digest()), address.name);
      assert.equal(await other!.begunBy(principal), { blobs: 0, bytes: 0 });
    }
  }),
);

test(
  '[BL10] [RP170] of relays that remove one blob at the same time one has it to give back; who writes hears that it is gone',
  withStores(2, async ([one, other]) => {
    const { bytes, address, principal } = sample(300_000);
    await one!.begin(address, bytes.length, principal);
    await one!.write(address, 0, all(bytes));
    const removed = await Promise.all([one, other].map((relay) => relay!.remove(address)));
    assert.is(removed.filter((info) => info !== undefined).length, 1);
    for (const remove of [
      (relay: BlobStore) => relay.remove(address),
      (relay: BlobStore) => relay.removeRoom(address.room),
    ]) {
      await one!.begin(address, bytes.length, principal);
      const slow = async function* (): AsyncGenerator<Uint8Array> {
        yield bytes.subarray(0, 200_000);
        await remove(other!);
        yield bytes.subarray(200_000);
      };
      assert.is(await codeOf(one!.write(address, 0, slow())), 'UNEXPECTED_MESSAGE');
      assert.is(await one!.find(address), undefined);
      assert.equal(await one!.begunBy(principal), { blobs: 0, bytes: 0 });
    }
    await other!.begin(address, bytes.length, principal);
    assert.ok((await other!.write(address, 0, all(bytes))).isWhole, 'anew');
  }),
);

interface World {
  readonly addresses: readonly { readonly address: string; readonly relayId: Uint8Array }[];
  account(relay: number): Promise<Account>;
}

const withRelays =
  (limits: Partial<RelayLimits>, run: (world: World) => Promise<void>) => async (): Promise<void> => {
    const place = newPlace();
    const open = async () =>
      createRelay({ store: await natsStore(place), blobs: await natsBlobStore(place), limits });
    const running = [await open(), await open()];
    const clients: TestClient[] = [];
    try {
      await run({
        addresses: running,
        async account(relay) {
          const principal = makePrincipal();
          const client = await connectClient(openSocket, running[relay]!.address);
          clients.push(client);
          answered(await client.putPrincipal(principal, 1, [client.key]), 'done');
          return { principal, client };
        },
      });
    } finally {
      for (const client of clients) client.socket.terminate();
      await Promise.all(running.map((relay) => relay.close()));
    }
  };

test(
  '[BL4] [BL6] [BL9] [BL10] [RP170] over HTTP: begun at one relay, ended at another, read by range, deleted with its room',
  withRelays({}, async ({ addresses, account }) => {
    const [ada, bob] = [await account(0), await account(1)];
    const room = await makeRoom(ada, bob);
    const bytes = randomBytes(500_000);
    const name = nameOfBlob(bytes);
    const [here, there] = addresses.map((relay, i) => blobClient(relay, [ada, bob][i]!.client.key));
    const first = { method: 'PUT', room, name, part: 'bytes 0-199999/500000' } as const;
    assert.is((await here!.ask({ ...first, bytes: bytes.subarray(0, 200_000) })).status, 202);
    assert.is((await there!.head(room, name)).headers['sealwire-received'], '200000');
    const rest = { method: 'PUT', room, name, part: 'bytes 200000-499999/500000' } as const;
    assert.is((await there!.ask({ ...rest, bytes: bytes.subarray(200_000) })).status, 201);
    const range = await here!.get(room, name, 'bytes=131000-262200');
    assert.is(range.status, 206);
    assert.ok(range.body.equals(bytes.subarray(131_000, 262_201)));
    assert.ok((await here!.get(room, name)).body.equals(bytes));
    answered(await ada.client.request({ type: 'delete-room', room, version: 2 }), 'done');
    assert.is((await there!.get(room, name)).status, 410);
  }),
);

test(
  '[BL12] [BL13] [RP170] what is begun at one relay counts at the other at once',
  withRelays(
    { bytesPerPrincipal: 2_000, bytesPerRoom: 2_500, blobParts: 2 },
    async ({ addresses, account }) => {
      const [ada, bob] = [await account(0), await account(1)];
      const room = await makeRoom(ada, bob);
      const begin = async (relay: number, { client }: Account, size: number) => {
        const part = `bytes 0-9/${size}`;
        const wanted = { method: 'PUT', room, name: new Uint8Array(randomBytes(32)), part } as const;
        const { status, code } = await blobClient(addresses[relay]!, client.key).ask({
          ...wanted,
          bytes: randomBytes(10),
        });
        return [status, code];
      };
      assert.equal(await begin(0, ada, 1_500), [202, undefined]);
      assert.equal(await begin(1, ada, 1_000), [507, 'STORE_FULL']);
      assert.equal(await begin(1, bob, 1_000), [507, 'ROOM_FULL']);
      assert.equal(await begin(1, ada, 11), [202, undefined]);
      assert.equal(await begin(0, ada, 11), [429, 'LIMIT_REACHED']);
    },
  ),
);

test.run();
