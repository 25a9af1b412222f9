// What every store of blobs must do, as one suite that each implementation runs. Rules: spec/blobs.md (BL16).
import { createHash } from 'node:crypto';
import { type ErrorCode, SealwireError } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Random, seededRandom } from './random.ts';

interface Address {
  readonly room: Uint8Array;
  readonly name: Uint8Array;
}

interface Info {
  readonly size: number;
  readonly received: number;
  readonly isWhole: boolean;
  readonly principal: Uint8Array;
}

interface Begun {
  readonly blobs: number;
  readonly bytes: number;
}

/** The relay's `BlobStore`, by shape. */
export interface ContractBlobStore {
  find(address: Address): Promise<Info | undefined>;
  begin(address: Address, size: number, principal: Uint8Array): Promise<Info>;
  write(address: Address, offset: number, body: AsyncIterable<Uint8Array>): Promise<Info>;
  read(address: Address, start: number, end: number): AsyncIterable<Uint8Array>;
  remove(address: Address): Promise<Info | undefined>;
  removeRoom(room: Uint8Array): Promise<void>;
  begunBy(principal: Uint8Array): Begun | Promise<Begun>;
  begunIn(room: Uint8Array): Begun | Promise<Begun>;
  expire(olderThanMs: number): Promise<number>;
  close(): Promise<void>;
}

export interface BlobStoreHarness {
  readonly store: ContractBlobStore;
  /** Opens the same store again after `close`. Absent where nothing outlives the process. */
  reopen?(): Promise<ContractBlobStore>;
  dispose(): Promise<void>;
}

const NOTHING = { blobs: 0, bytes: 0 };

/** Registers and runs the suite for one implementation. */
export const blobStoreContract = (name: string, makeHarness: () => Promise<BlobStoreHarness>): void => {
  const contract = suite(`${name}: blob store contract`);
  const test = (title: string, run: (harness: BlobStoreHarness, random: Random) => Promise<void>): void =>
    contract(title, async () => {
      const harness = await makeHarness();
      try {
        await run(harness, seededRandom(7));
      } finally {
        await harness.dispose();
      }
    });

  test('[BL16] a blob comes back byte for byte, from any place to any other, whole after a restart too', async ({
    store,
    reopen,
  }, random) => {
    const { bytes, address, principal } = sample(random, 200_000);
    assert.is(await store.find(address), undefined);
    await store.begin(address, bytes.length, principal);
    const info = await store.write(address, 0, pieces(bytes, 30_000));
    assert.equal(plain(info), { size: 200_000, received: 200_000, isWhole: true, principal: [...principal] });
    const check = async (where: ContractBlobStore): Promise<void> => {
      assert.equal(plain((await where.find(address))!), plain(info));
      for (const [start, end] of [
        [0, 200_000],
        [0, 1],
        [199_999, 200_000],
        [65_535, 65_537],
        [7, 7],
      ] as const)
        assert.ok(bytes.subarray(start, end).equals(await whole(where.read(address, start, end))));
    };
    await check(store);
    assert.equal([await store.begunBy(principal), await store.begunIn(address.room)], [NOTHING, NOTHING]);
    if (!reopen) return;
    await store.close();
    await check(await reopen());
  });

  test('[BL16] a blob is sent in parts, over breaks and restarts, and is not read before it is whole', async ({
    store: first,
    reopen,
  }, random) => {
    let store = first;
    const { bytes, address, principal } = sample(random, 100_000);
    await store.begin(address, bytes.length, principal);
    assert.equal(
      plain(await store.begin(address, 5, random.bytes(32))).size,
      100_000,
      'it stays as it was begun',
    );
    await refusedWith(store.write(address, 1, pieces(bytes, 10)), 'UNEXPECTED_MESSAGE');
    const broken = store.write(address, 0, breaking(bytes.subarray(0, 30_000), 10_000));
    await broken.then(
      () => assert.unreachable(),
      (error: Error) => assert.is(error.message, 'the line broke'),
    );
    assert.is((await store.find(address))?.received, 30_000);
    if (reopen) {
      await store.close();
      store = await reopen();
    }
    assert.equal(plain((await store.find(address))!), {
      size: 100_000,
      received: 30_000,
      isWhole: false,
      principal: [...principal],
    });
    assert.equal(await store.begunBy(principal), { blobs: 1, bytes: 100_000 });
    assert.equal(await store.begunIn(address.room), { blobs: 1, bytes: 100_000 });
    await refusedWith(whole(store.read(address, 0, 10)), 'BLOB_UNKNOWN');
    await refusedWith(store.write(address, 0, pieces(bytes, 10)), 'UNEXPECTED_MESSAGE');
    assert.not.ok((await store.write(address, 30_000, pieces(bytes.subarray(30_000, 40_000), 999))).isWhole);
    assert.ok((await store.write(address, 40_000, pieces(bytes.subarray(40_000), 999))).isWhole);
    assert.ok(bytes.equals(await whole(store.read(address, 0, bytes.length))));
  });

  test('[BL6] [BL9] [BL16] parts of any length make one blob, of which any range comes back', async ({
    store: first,
    reopen,
  }, random) => {
    let store = first;
    const { bytes, address, principal } = sample(random, 700_001);
    await store.begin(address, bytes.length, principal);
    for (let at = 0, part = 0; at < bytes.length; part++) {
      const to = Math.min(bytes.length, at + [1, 50_000, 131_072, 131_071, 200_000][part % 5]!);
      assert.is((await store.write(address, at, pieces(bytes.subarray(at, to), 65_536))).received, to);
      at = to;
      if (!reopen || part % 2 === 0) continue;
      await store.close();
      store = await reopen();
    }
    assert.ok((await store.find(address))?.isWhole);
    for (let i = 0; i < 40; i++) {
      const start = random.int(bytes.length);
      const end = start + random.int(bytes.length - start + 1);
      assert.ok(bytes.subarray(start, end).equals(await whole(store.read(address, start, end))));
    }
    for await (const piece of store.read(address, 0, bytes.length)) {
      assert.ok(piece.length > 0);
      break;
    }
  });

  test('[BL7] [BL16] what is not of its name is gone; more than its size is not taken; only one writes', async ({
    store,
  }, random) => {
    const { bytes, address, principal } = sample(random, 10_000);
    await refusedWith(store.write(address, 0, pieces(bytes, 10)), 'BLOB_UNKNOWN');
    await store.begin(address, bytes.length, principal);
    const wrong = Buffer.from(bytes);
    wrong[5_000]! ^= 1;
    await refusedWith(store.write(address, 0, pieces(wrong, 1_000)), 'MALFORMED');
    assert.is(await store.find(address), undefined);
    assert.equal(await store.begunBy(principal), NOTHING);

    await store.begin(address, bytes.length, principal);
    const longer = Buffer.concat([bytes, Buffer.from('more')]);
    await refusedWith(store.write(address, 0, pieces(longer, 1_000)), 'TOO_LARGE');
    const received = (await store.find(address))!.received;
    assert.ok(received <= bytes.length);
    let go = (): void => {};
    const waits = new Promise<void>((resolve) => {
      go = resolve;
    });
    const slow = async function* (): AsyncGenerator<Uint8Array> {
      await waits;
      yield bytes.subarray(received);
    };
    const writing = store.write(address, received, slow());
    await refusedWith(
      store.write(address, received, pieces(bytes.subarray(received), 10)),
      'UNEXPECTED_MESSAGE',
    );
    assert.is(await store.expire(-1), 0, 'not while it is written');
    go();
    assert.ok((await writing).isWhole);
  });

  test('[BL10] [BL13] what is removed or expired is gone; rooms do not touch each other', async ({
    store,
  }, random) => {
    const one = sample(random, 100);
    const room = random.bytes(32);
    const there = { ...one.address, room };
    const begun = sample(random, 50, room);
    for (const address of [one.address, there]) {
      await store.begin(address, 100, one.principal);
      await store.write(address, 0, pieces(one.bytes, 100));
    }
    await store.begin(begun.address, 50, begun.principal);
    await store.write(begun.address, 0, pieces(begun.bytes.subarray(0, 10), 10));
    assert.is(await store.expire(60_000), 0);
    await store.removeRoom(room);
    assert.equal([await store.find(there), await store.find(begun.address)], [undefined, undefined]);
    assert.equal([await store.begunIn(room), await store.begunBy(begun.principal)], [NOTHING, NOTHING]);
    await refusedWith(whole(store.read(there, 0, 1)), 'BLOB_UNKNOWN');

    await store.begin(begun.address, 50, begun.principal);
    assert.is(await store.expire(-1), 1);
    assert.is(await store.find(begun.address), undefined);
    assert.ok((await store.remove(one.address))?.isWhole);
    assert.is(await store.remove(one.address), undefined);
    assert.is(await store.find(one.address), undefined);
  });

  contract.run();
};

const sample = (random: Random, size: number, room = random.bytes(32)) => {
  const bytes = Buffer.from(random.bytes(size));
  const name = new Uint8Array(createHash('sha256').update(bytes).digest());
  return { bytes, address: { room, name }, principal: random.bytes(32) };
};

async function* pieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

async function* breaking(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  yield* pieces(bytes, length);
  throw new Error('the line broke');
}

const whole = async (body: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const all: Uint8Array[] = [];
  for await (const piece of body) all.push(piece);
  return Buffer.concat(all);
};

const plain = ({ size, received, isWhole, principal }: Info) => ({
  size,
  received,
  isWhole,
  principal: [...principal],
});

const refusedWith = async (promise: Promise<unknown>, code: ErrorCode): Promise<void> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, SealwireError);
  assert.is((error as SealwireError).code, code);
};
