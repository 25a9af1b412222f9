// The part of the store contract that is about what rooms take, and their end. Rules: spec/relay-protocol.md §7 and §12.
import { SealwireError } from '@sealwire/protocol';
import * as assert from 'uvu/assert';
import { type ContractStore, refused, type Test } from './log-store-harness.ts';
import type { Random } from './random.ts';

const ALL = { stream: '', after: 0, maxBytes: 10_000_000 };

/** A room of one member. */
const makeRoom = async (store: ContractStore, random: Random) => {
  const [room, principal] = [random.bytes(32), random.bytes(32)];
  await store.putRoom({ room, version: 1, members: [{ principal, admin: true }] });
  return { room, principal };
};

export const roomTests = (test: Test): void => {
  test('[RP183] a room counts bytes, over commits and within one', async ({ store, reopen }, random) => {
    const [room, other] = [random.bytes(32), random.bytes(32)];
    assert.is((await store.share(room)).bytes, 0);
    const add = (bytes: number, to = room) =>
      store.append({ room: to, stream: 'a', frame: random.bytes(bytes) });
    await Promise.all([add(10), add(20), add(30), add(5, other)]);
    assert.is((await store.share(room)).bytes, 60 + 3 * 48);
    await add(1);
    await Promise.all([add(1), add(1)]);
    assert.is((await store.share(room)).bytes, 63 + 6 * 48);
    assert.is((await store.share(other)).bytes, 53);
    if (!reopen) return;
    await store.close();
    const again = await reopen();
    assert.is((await again.share(room)).bytes, 63 + 6 * 48);
    await again.append({ room, stream: 'c', frame: random.bytes(1) });
    assert.is((await again.share(room)).bytes, 64 + 7 * 48);
  });

  test(
    '[RP184] a room counts streams, over commits, within one, and after a restart',
    async ({ store, reopen }, random) => {
      const room = random.bytes(32);
      const streams = async (where = store) => (await where.share(room)).streams;
      const add = (stream: string, where = store) => where.append({ room, stream, frame: random.bytes(3) });
      assert.is(await streams(), 0);
      await Promise.all([add('a'), add('a'), add('b'), add('a')]);
      assert.is(await streams(), 2);
      await add('b');
      await Promise.all([add('c'), add('ab')]);
      assert.is(await streams(), 4);
      if (!reopen) return;
      await store.close();
      const again = await reopen();
      await Promise.all([add('c', again), add('d', again)]);
      assert.is(await streams(again), 5);
      if (!again.hasStream) return;
      const known = await Promise.all(
        ['a', 'ab', 'd', 'b', 'e', ''].map((stream) => again.hasStream!(room, stream)),
      );
      assert.equal(known, [true, true, true, true, false, false]);
    },
    'countsStreams',
  );

  test('[RP183] charges count for room and principal, and nothing falls below 0', async ({
    store,
  }, random) => {
    const { room, principal } = await makeRoom(store, random);
    await store.charge({ room, principal, bytes: 500 });
    await store.append({ room, stream: 'a', frame: random.bytes(2), author: principal });
    assert.is((await store.share(room)).bytes, 550);
    assert.is((await store.usage(principal)).bytes, 550);
    await store.charge({ room, principal, bytes: -600 });
    assert.equal([(await store.share(room)).bytes, (await store.usage(principal)).bytes], [0, 0]);
  });

  test('[RP125] [RP186] the end of a room gives back what everybody made and wrote there, and nothing else', async ({
    store,
    reopen,
  }, random) => {
    const { room, principal: ada } = await makeRoom(store, random);
    const [bob, made] = [random.bytes(32), random.bytes(32)];
    const usages = async (where = store) => {
      const both = await Promise.all([ada, bob].map((principal) => where.usage(principal)));
      return both.map(({ rooms, bytes }) => [rooms, bytes]);
    };
    const members = [{ principal: ada, admin: true }];
    await store.putRoom({ room: made, version: 1, members }, ada);
    const add = (to: Uint8Array, author: Uint8Array, bytes: number, where = store) =>
      where.append({ room: to, stream: 'a', frame: random.bytes(bytes), author });
    await Promise.all([add(made, ada, 10), add(made, bob, 20), add(room, ada, 2), add(made, ada, 12)]);
    await store.charge({ room: made, principal: bob, bytes: 1_000 });
    await store.charge({ room: made, principal: bob, bytes: -300 });
    assert.equal(await usages(), [
      [1, 24 + 3 * 48],
      [0, 720 + 48],
    ]);
    let where = store;
    if (reopen) {
      await store.close();
      where = await reopen();
    }
    // In the same moment as the end: counted with it, or after the next deletion that never comes.
    const [last] = await Promise.all([add(made, bob, 5, where), where.deleteRoom(made, 2)]);
    assert.ok(last > 0);
    assert.equal(await usages(where), [
      [0, 2 + 48],
      [0, 0],
    ]);
    await where.charge({ room: made, principal: ada, bytes: -50 });
    assert.equal((await usages(where))[0], [0, 50], 'what went with its room is not given back again');
    await add(room, ada, 1, where);
    assert.equal((await usages(where))[0], [0, 99]);
  });

  test('[RP186] a deleted room is empty for good, its id stays taken, others are not touched', async ({
    store,
    reopen,
  }, random) => {
    const { room } = await makeRoom(store, random);
    const neighbour = Uint8Array.from(room, (byte, i) => (i === 31 ? byte ^ 1 : byte));
    for (const id of [room, neighbour])
      await Promise.all(
        Array.from({ length: 5_000 }, () => store.append({ room: id, stream: 'a', frame: random.bytes(3) })),
      );
    await refused(store.deleteRoom(room, 1), 'VERSION_CONFLICT');
    await refused(store.deleteRoom(random.bytes(32), 1), 'ROOM_UNKNOWN');
    const before = store.append({ room, stream: 'b', frame: random.bytes(3) });
    const deletion = store.deleteRoom(room, 2);
    const after = refused(store.append({ room, stream: 'b', frame: random.bytes(3) }), 'ROOM_DELETED');
    await before;
    await deletion;
    await after;
    const check = async (where: ContractStore): Promise<void> => {
      assert.equal(await where.read({ room, ...ALL }), { frames: [], complete: true });
      assert.equal((await where.read({ room, ...ALL, stream: 'a' })).frames, []);
      assert.equal(await where.share(room), { bytes: 0, streams: 0 });
      const record = await where.room(room);
      assert.equal([record?.version, record?.members], [2, []]);
      assert.is((await where.read({ room: neighbour, ...ALL })).frames.length, 5_000);
      assert.is((await where.read({ room: neighbour, ...ALL, stream: 'a' })).frames.length, 5_000);
    };
    await check(store);
    if (!reopen) return;
    await store.close();
    await check(await reopen());
  });

  test(
    '[RP186] a deletion that fails changes nothing, and the room goes on',
    async ({ store, breakDisk }, random) => {
      const { room } = await makeRoom(store, random);
      await store.append({ room, stream: 'a', frame: random.bytes(3) });
      const repair = breakDisk!();
      const deletion = store.deleteRoom(room, 2).catch((error: unknown) => error);
      assert.instance(await deletion, SealwireError);
      repair();
      assert.is((await store.room(room))?.version, 1);
      assert.is(await store.append({ room, stream: 'a', frame: random.bytes(3) }), 2);
      assert.is((await store.read({ room, ...ALL })).frames.length, 2);
    },
    'breakDisk',
  );
};
