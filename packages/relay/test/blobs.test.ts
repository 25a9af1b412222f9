// Blobs over HTTP, on real sockets: who may do what, parts, ranges, budgets. Rules: spec/blobs.md.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BlobAnswer, blobAuthority, blobClient, nameOfBlob } from '@sealwire/testkit/blob-client';
import { makeKey } from '@sealwire/testkit/relay-client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type BlobStore,
  fileBlobStore,
  memoryBlobStore,
  memoryStore,
  type RelayLimits,
} from '../src/index.ts';
import { type Account, answered, makeRoom, type World, withRelay } from './support.ts';

const test = suite('blobs');

const withBlobs = (limits: Partial<RelayLimits>, run: (world: World) => Promise<void>) => () =>
  withRelay({ limits, blobs: memoryBlobStore() }, run)();

const clientOf = ({ relay }: World, { client }: Account) => blobClient(relay, client.key);
const said = ({ status, code }: BlobAnswer): [number, string | undefined] => [status, code];
const blobOf = (length: number): Buffer => randomBytes(length);
const received = ({ status, headers }: BlobAnswer): [number, number] => [
  status,
  Number(headers['sealwire-received']),
];

test(
  '[BL4] members put and get, nobody else, and no longer than they are members',
  withBlobs({}, async (world) => {
    const [ada, bob, eve] = [await world.account(), await world.account(), await world.account()];
    const room = await makeRoom(ada, bob);
    const bytes = blobOf(100_000);
    const name = nameOfBlob(bytes);
    assert.equal(said(await clientOf(world, eve).put(room, bytes)), [403, 'NOT_A_MEMBER']);
    assert.equal(said(await clientOf(world, ada).put(new Uint8Array(32), bytes)), [404, 'ROOM_UNKNOWN']);
    assert.equal(said(await blobClient(world.relay, makeKey()).put(room, bytes)), [403, 'NO_PRINCIPAL']);
    assert.equal(received(await clientOf(world, ada).put(room, bytes)), [201, 100_000]);
    const got = await clientOf(world, bob).get(room, name);
    assert.is(got.status, 200);
    assert.ok(got.body.equals(bytes));
    for (const ask of [clientOf(world, eve).get, clientOf(world, eve).head, clientOf(world, eve).remove])
      assert.is((await ask(room, name)).status, 403);
    const members = [{ principal: ada.principal.id, admin: true }];
    answered(await ada.client.request({ type: 'put-room', room, version: 2, members }), 'done');
    assert.equal(said(await clientOf(world, bob).get(room, name)), [403, 'NOT_A_MEMBER']);
    const other = makeKey();
    answered(await ada.client.putPrincipal(ada.principal, 2, [other]), 'done');
    assert.equal(said(await clientOf(world, ada).get(room, name)), [403, 'NO_PRINCIPAL']);
    assert.is((await blobClient(world.relay, other).get(room, name)).status, 200);
  }),
);

test(
  '[BL3] [BL5] a request speaks for itself alone: another method, room, name, relay or time is refused',
  withBlobs({}, async (world) => {
    const ada = await world.account();
    const [room, elsewhere] = [await makeRoom(ada), await makeRoom(ada)];
    const bytes = blobOf(10);
    const name = nameOfBlob(bytes);
    const { ask, put, get } = clientOf(world, ada);
    assert.is((await put(room, bytes)).status, 201);
    const { key } = ada.client;
    const right = { method: 'GET', room, name } as const;
    const header = (over: object, relayId = world.relay.relayId): string =>
      blobAuthority(key, relayId, { ...right, ...over });
    const bytesOf = (text: string): Buffer => Buffer.from(text.slice('Sealwire '.length), 'base64url');
    const changed = (at: number): string => {
      const all = bytesOf(header({}));
      all[at]! ^= 1;
      return `Sealwire ${all.toString('base64url')}`;
    };
    const wrong = [
      '',
      'Sealwire',
      'Sealwire x',
      header({}).replace('Sealwire', 'Bearer'),
      `${header({})}A`,
      header({ method: 'PUT' }),
      header({ method: 'DELETE' }),
      header({}, new Uint8Array(16)),
      header({ timeMs: Date.now() - 301_000 }),
      header({ timeMs: Date.now() + 301_000 }),
      ...[0, 39, 40, 72, 104, 167].map(changed),
    ];
    for (const authorization of wrong) {
      const answer = await ask({ ...right, authorization });
      assert.equal(said(answer), [401, 'AUTH_FAILED'], authorization);
      assert.ok(Math.abs(Date.parse(answer.headers.date!) - Date.now()) < 60_000);
    }
    assert.is((await ask({ ...right, authorization: header({ timeMs: Date.now() - 200_000 }) })).status, 200);
    assert.equal(said(await get(elsewhere, name)), [404, 'BLOB_UNKNOWN'], 'a room knows its own alone');
    for (const path of ['/blobs/', '/blobs/x']) assert.is((await ask({ ...right, path })).status, 404);
    assert.is((await ask({ ...right, path: '/blobs?x=1' })).status, 405);
  }),
);

test(
  '[BL6] [BL8] a blob comes in parts, goes on where a line broke, and is there when its last byte is',
  withBlobs({}, async (world) => {
    const ada = await world.account();
    const room = await makeRoom(ada);
    const bytes = blobOf(1_000_000);
    const name = nameOfBlob(bytes);
    const { ask, get, head, put } = clientOf(world, ada);
    const part = (first: number, last: number, size = bytes.length): Promise<BlobAnswer> =>
      ask({
        method: 'PUT',
        room,
        name,
        part: `bytes ${first}-${last}/${size}`,
        bytes: bytes.subarray(first, last + 1),
      });
    assert.is((await head(room, name)).status, 404);
    assert.is((await head(room, name)).headers['sealwire-received'], undefined);
    assert.equal(received(await part(5, 9)), [409, 0]);
    assert.equal(received(await part(0, 99_999)), [202, 100_000]);
    assert.equal(received(await head(room, name)), [404, 100_000]);
    assert.equal(said(await get(room, name)), [404, 'BLOB_UNKNOWN']);
    for (const [first, last, size] of [
      [0, 9],
      [99_999, 100_005],
      [100_001, 100_005],
      [100_000, 100_005, 999_999],
    ] as const)
      assert.equal(received(await part(first, last, size)), [409, 100_000]);

    const broken = ask({
      method: 'PUT',
      room,
      name,
      part: `bytes 100000-999999/1000000`,
      bytes: bytes.subarray(100_000),
      breakAfter: 300_000,
    });
    await broken.then(
      () => assert.unreachable(),
      () => {},
    );
    const progress = () => ask({ method: 'PUT', room, name, part: 'bytes */1000000' });
    // The relay may still be writing what came before it saw the break.
    let at = await progress();
    while (at.status === 409) at = await progress();
    const [, there] = received(at);
    assert.ok(at.status === 202 && there >= 100_000 && there <= 400_000, `${at.status} ${there}`);
    assert.equal(received(await part(there, 999_999)), [201, 1_000_000]);
    const known = await head(room, name);
    assert.equal([known.status, known.headers['content-length']], [200, '1000000']);
    assert.ok((await get(room, name)).body.equals(bytes));
    assert.equal(received(await put(room, bytes)), [201, 1_000_000], 'again');
    assert.equal(received(await progress()), [201, 1_000_000]);
    assert.is((await part(0, 5, 6)).status, 409);
  }),
);

test(
  '[BL7] [BL12] what is not of its name, too large, or no part at all is refused',
  withBlobs({ blobBytes: 1_000 }, async (world) => {
    const ada = await world.account();
    const room = await makeRoom(ada);
    const { ask, put, head } = clientOf(world, ada);
    const bytes = blobOf(1_000);
    const name = nameOfBlob(Buffer.from('something else'));
    assert.equal(said(await put(room, bytes, name)), [422, 'MALFORMED']);
    assert.is((await head(room, name)).headers['sealwire-received'], undefined);
    assert.equal(said(await put(room, blobOf(1_001))), [413, 'TOO_LARGE']);
    const longer = { method: 'PUT', room, name: nameOfBlob(bytes), part: 'bytes 0-998/999', bytes } as const;
    assert.equal(said(await ask(longer)), [413, 'TOO_LARGE']);
    for (const part of [
      '',
      'bytes 0-9',
      'bytes 9-0/10',
      'bytes 0-10/10',
      'bytes */0',
      'bytes 0-9/*',
      'items 0-9/10',
    ])
      assert.equal(said(await ask({ ...longer, part })), [422, 'MALFORMED'], part);
  }),
);

test(
  '[BL9] ranges of bytes: from, to, the last ones; those that are not there; other forms are the whole',
  withBlobs({}, async (world) => {
    const ada = await world.account();
    const room = await makeRoom(ada);
    const { put, get } = clientOf(world, ada);
    const bytes = blobOf(100_000);
    const name = nameOfBlob(bytes);
    await put(room, bytes);
    for (const [range, start, end] of [
      ['bytes=0-0', 0, 1],
      ['bytes=65576-', 65_576, 100_000],
      ['bytes=99999-200000', 99_999, 100_000],
      ['bytes=-7', 99_993, 100_000],
      ['bytes=-900000', 0, 100_000],
    ] as const) {
      const { status, headers, body } = await get(room, name, range);
      assert.equal([status, headers['content-range']], [206, `bytes ${start}-${end - 1}/100000`]);
      assert.ok(body.equals(bytes.subarray(start, end)), range);
    }
    for (const range of ['bytes=100000-', 'bytes=-0']) {
      const { status, headers } = await get(room, name, range);
      assert.equal([status, headers['content-range']], [416, 'bytes */100000']);
    }
    for (const range of ['bytes=0-1,5-6', 'bytes=5-4', 'bytes=-', 'pages=1-2'])
      assert.is((await get(room, name, range)).status, 200);
  }),
);

test(
  '[BL10] who put it and admins delete it, and a deleted room takes its blobs along',
  withBlobs({}, async (world) => {
    const [ada, bob, cleo] = [await world.account(), await world.account(), await world.account()];
    const room = await makeRoom(ada, bob, cleo);
    const [of, ofBob, ofCleo] = [ada, bob, cleo].map((account) => clientOf(world, account));
    const bytes = blobOf(10);
    const name = nameOfBlob(bytes);
    await ofBob!.put(room, bytes);
    assert.equal(said(await ofCleo!.remove(room, name)), [403, 'NOT_AN_ADMIN']);
    assert.is((await ofBob!.remove(room, name)).status, 204);
    assert.is((await ofCleo!.remove(room, name)).status, 204, 'what is not there');
    await ofBob!.put(room, bytes);
    assert.is((await of!.remove(room, name)).status, 204);
    assert.is((await ofBob!.head(room, name)).status, 404);
    await ofBob!.put(room, bytes);
    answered(await ada.client.request({ type: 'delete-room', room, version: 2 }), 'done');
    assert.equal(said(await ofBob!.get(room, name)), [410, 'ROOM_DELETED']);
  }),
);

test(
  '[BL10] a room that is deleted while the last bytes of a blob come keeps none of it',
  (() => {
    const store = memoryBlobStore();
    let meanwhile = async (): Promise<void> => {};
    const blobs: BlobStore = {
      ...store,
      async write(address, offset, body) {
        const info = await store.write(address, offset, body);
        await meanwhile();
        return info;
      },
    };
    return withRelay({ blobs }, async (world) => {
      const ada = await world.account();
      const room = await makeRoom(ada);
      const bytes = blobOf(1_000);
      meanwhile = async () => {
        answered(await ada.client.request({ type: 'delete-room', room, version: 2 }), 'done');
      };
      // What the deletion removes is there again by the time that it is counted.
      blobs.removeRoom = async () => {};
      assert.equal(said(await clientOf(world, ada).put(room, bytes)), [410, 'ROOM_DELETED']);
      assert.is(await store.find({ room, name: nameOfBlob(bytes) }), undefined);
    });
  })(),
);

test(
  '[BL12] [BL13] blobs count for room and principal from their beginning on; a deletion gives back',
  withBlobs({ bytesPerPrincipal: 2_000, bytesPerRoom: 3_000, blobParts: 2 }, async (world) => {
    const [ada, bob] = [await world.account(), await world.account()];
    const room = await makeRoom(ada, bob);
    const [ofAda, ofBob] = [clientOf(world, ada), clientOf(world, bob)];
    const begin = (of: typeof ofAda, size: number, name = nameOfBlob(blobOf(size))) =>
      of.ask({ method: 'PUT', room, name, part: `bytes 0-9/${size}`, bytes: blobOf(10) });
    const bytes = blobOf(952);
    assert.is((await ofAda.put(room, bytes)).status, 201);
    assert.equal(said(await begin(ofAda, 953)), [507, 'STORE_FULL']);
    const begun = nameOfBlob(blobOf(9));
    assert.is((await begin(ofAda, 952, begun)).status, 202);
    assert.equal(said(await begin(ofAda, 10)), [507, 'STORE_FULL']);
    assert.is((await begin(ofBob, 900)).status, 202);
    assert.equal(said(await begin(ofBob, 600)), [507, 'ROOM_FULL']);
    assert.is((await begin(ofBob, 11)).status, 202);
    assert.equal(said(await begin(ofBob, 11)), [429, 'LIMIT_REACHED']);
    assert.is((await ofAda.remove(room, nameOfBlob(bytes))).status, 204);
    assert.is((await ofAda.remove(room, begun)).status, 204);
    assert.is((await begin(ofAda, 1_900)).status, 202);
  }),
);

test(
  '[BL14] an address asks so often, and hears when to try again',
  withBlobs({ blobRequestsAtOnce: 2, blobRequestsPerSecond: 1e-6 }, async (world) => {
    const ada = await world.account();
    const room = await makeRoom(ada);
    const { head } = clientOf(world, ada);
    const name = nameOfBlob(blobOf(1));
    for (let i = 0; i < 2; i++) assert.is((await head(room, name)).status, 404);
    const answer = await head(room, name);
    assert.equal([answer.status, answer.headers['retry-after']], [429, '1']);
  }),
);

test(
  '[BL6] [BL14] a transfer that stands still is ended, and what came is kept',
  withBlobs({ pingMs: 100 }, async (world) => {
    const ada = await world.account();
    const room = await makeRoom(ada);
    const { ask, head } = clientOf(world, ada);
    const bytes = blobOf(1_000);
    const name = nameOfBlob(bytes);
    const still = { method: 'PUT', room, name, part: 'bytes 0-999/1000', bytes, holdAfter: 400 } as const;
    await ask(still).then(
      () => assert.unreachable(),
      (error: NodeJS.ErrnoException) => assert.is(error.code, 'ECONNRESET'),
    );
    assert.equal(received(await head(room, name)), [404, 400]);
  }),
);

test('[BL15] a relay that stops takes no more, and what is begun goes on at the next one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sealwire-blobs-'));
  try {
    const store = memoryStore();
    const kept = { ...store, close: async () => {} };
    const bytes = blobOf(5_000);
    let key = makeKey();
    let room: Uint8Array = new Uint8Array(32);
    await withRelay({ store: kept, blobs: await fileBlobStore(folder) }, async (world) => {
      const ada = await world.account();
      room = await makeRoom(ada);
      key = ada.client.key;
      const part = { method: 'PUT', room, name: nameOfBlob(bytes), part: 'bytes 0-999/5000' } as const;
      const { ask } = clientOf(world, ada);
      assert.is((await ask({ ...part, bytes: bytes.subarray(0, 1_000) })).status, 202);
    })();
    await withRelay({ store: kept, blobs: await fileBlobStore(folder) }, async ({ relay }) => {
      const { ask, get } = blobClient(relay, key);
      const part = { method: 'PUT', room, name: nameOfBlob(bytes), part: 'bytes 1000-4999/5000' } as const;
      assert.is((await ask({ ...part, bytes: bytes.subarray(1_000) })).status, 201);
      assert.ok((await get(room, nameOfBlob(bytes))).body.equals(bytes));
      await relay.close();
    })();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

const mounts = (folder: string): boolean =>
  spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder]).status === 0;
const probe = await mkdtemp(join(tmpdir(), 'sealwire-blobs-'));
const canMount = mounts(probe);
if (canMount) spawnSync('umount', [probe]);
await rm(probe, { recursive: true, force: true });

(canMount ? test : test.skip)(
  `[BL15] a full disk is said, what is there is given out, and it goes on when there is space${canMount ? '' : ' (no right to mount here)'}`,
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sealwire-blobs-'));
    assert.ok(mounts(folder));
    try {
      await withRelay({ blobs: await fileBlobStore(folder) }, async (world) => {
        const ada = await world.account();
        const room = await makeRoom(ada);
        const { put, get, ask, head, remove } = clientOf(world, ada);
        const [small, large] = [blobOf(1_000_000), blobOf(1_500_000)];
        assert.is((await put(room, small)).status, 201);
        const refused = await put(room, large).catch((error: NodeJS.ErrnoException) => error);
        // An answer that comes before all is sent may be lost with the connection; nothing else may happen.
        if (refused instanceof Error) assert.ok(['EPIPE', 'ECONNRESET'].includes(refused.code ?? ''));
        else assert.equal(said(refused), [507, 'STORE_FULL']);
        assert.ok((await get(room, nameOfBlob(small))).body.equals(small));
        assert.is((await remove(room, nameOfBlob(small))).status, 204);
        const [, there] = received(await head(room, nameOfBlob(large)));
        const rest = { method: 'PUT', room, name: nameOfBlob(large) } as const;
        const part = `bytes ${there}-1499999/1500000`;
        assert.is((await ask({ ...rest, part, bytes: large.subarray(there) })).status, 201);
        assert.ok((await get(room, nameOfBlob(large))).body.equals(large));
      })();
    } finally {
      spawnSync('umount', [folder]);
      await rm(folder, { recursive: true, force: true });
    }
  },
);

test.run();
