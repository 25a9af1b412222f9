// What every store of a relay must do with principals, rooms' lists and farewells; a part of the store contract.
// Rules: spec/relay-protocol.md §6 (RP52) and §7 (RP64, RP65).
import * as assert from 'uvu/assert';
import { bytesOf, type Five, refused, type Test } from './log-store-harness.ts';

export const recordTests = (test: Test): void => {
  test('[RP64] edits of rooms and principals are compare-and-set, also within one tick', async ({
    store,
  }, random) => {
    const [room, id, manageKey] = [random.bytes(32), random.bytes(32), random.bytes(32)];
    const members = [{ principal: id, admin: true }];
    await refused(store.putRoom({ room, version: 2, members }), 'VERSION_CONFLICT');
    await store.putRoom({ room, version: 1, members });
    await refused(store.putRoom({ room, version: 1, members }), 'VERSION_CONFLICT');
    const [first, second, third] = await Promise.allSettled([
      store.putRoom({ room, version: 2, members }),
      store.putRoom({ room, version: 2, members: [] }),
      store.putRoom({ room, version: 3, members: [] }),
    ]);
    assert.equal([first.status, second.status, third.status], ['fulfilled', 'rejected', 'fulfilled']);
    assert.is((await store.room(room))!.version, 3);
    const principal = { id, manageKey, relayKeys: [random.bytes(32)] };
    await refused(store.putPrincipal({ ...principal, version: 2 }), 'VERSION_CONFLICT');
    await store.putPrincipal({ ...principal, version: 1 });
    await refused(store.putPrincipal({ ...principal, version: 1 }), 'VERSION_CONFLICT');
    await store.putPrincipal({ ...principal, version: 2 });
    assert.is((await store.principal(id))!.version, 2);
  });

  test('[RP65] a relay key belongs to at most one principal, and is free again when it leaves', async ({
    store,
  }, random) => {
    const [a, b, manageKey, key, other] = Array.from({ length: 5 }, () => random.bytes(32)) as Five;
    await store.putPrincipal({ id: a, manageKey, version: 1, relayKeys: [key] });
    assert.equal(bytesOf((await store.principalOf(key))!), bytesOf(a));
    await refused(
      store.putPrincipal({ id: b, manageKey, version: 1, relayKeys: [other, key] }),
      'LIMIT_REACHED',
    );
    assert.is(await store.principalOf(other), undefined);
    const moved = await Promise.allSettled([
      store.putPrincipal({ id: a, manageKey, version: 2, relayKeys: [] }),
      store.putPrincipal({ id: b, manageKey, version: 1, relayKeys: [other, key] }),
    ]);
    assert.equal(
      moved.map((put) => put.status),
      ['fulfilled', 'fulfilled'],
    );
    assert.equal(bytesOf((await store.principalOf(key))!), bytesOf(b));
    assert.equal((await store.principal(a))!.relayKeys, []);
    assert.equal((await store.principal(b))!.relayKeys.map(bytesOf), [other, key].map(bytesOf));
  });
  usageTests(test);
  farewellTests(test);
};

const usageTests = (test: Test): void => {
  test('[RP125] rooms and bytes are counted for whom they are said to be of, in the same step', async ({
    store,
  }, random) => {
    const [a, b, room, other, third] = Array.from({ length: 5 }, () => random.bytes(32)) as Five;
    assert.equal(await store.usage(a), { rooms: 0, bytes: 0 });
    await Promise.all([
      store.putRoom({ room, version: 1, members: [] }, a),
      store.putRoom({ room, version: 2, members: [] }, b),
      store.putRoom({ room: other, version: 1, members: [] }, a),
      store.putRoom({ room: third, version: 1, members: [] }),
    ]);
    await refused(store.putRoom({ room, version: 1, members: [] }, b), 'VERSION_CONFLICT');
    const append = (length: number, author?: Uint8Array) =>
      store.append({ room, stream: 'control', frame: random.bytes(length), author });
    await Promise.all([append(100, a), append(7, b), append(900)]);
    await append(1, a);
    assert.equal(await store.usage(a), { rooms: 2, bytes: 101 + 2 * 48 });
    assert.equal(await store.usage(b), { rooms: 0, bytes: 7 + 48 });
  });

  test(
    '[RP125] what was counted is there after closing and opening again',
    async (harness, random) => {
      const [principal, room] = Array.from({ length: 5 }, () => random.bytes(32)) as Five;
      await harness.store.putRoom({ room, version: 1, members: [] }, principal);
      const frame = { room, stream: 'control', frame: random.bytes(70_000), author: principal };
      await harness.store.append(frame);
      await harness.store.close();
      const store = await harness.reopen!();
      await store.append(frame);
      assert.equal(await store.usage(principal), { rooms: 1, bytes: 2 * (70_000 + 48) });
    },
    'reopen',
  );

  test(
    '[RP125] [RP67] a commit that fails counts nothing',
    async (harness, random) => {
      const [principal, room] = Array.from({ length: 5 }, () => random.bytes(32)) as Five;
      const frame = { room, stream: 'control', frame: random.bytes(5), author: principal };
      const repair = harness.breakDisk!();
      await refused(harness.store.append(frame), 'STORE_FULL');
      repair();
      assert.is((await harness.store.usage(principal)).bytes, 0);
    },
    'breakDisk',
  );
};

const farewellTests = (test: Test): void => {
  test('[RP52] a farewell is kept for its key, one each, until a principal lists the key again', async ({
    store,
  }, random) => {
    const [a, b, manageKey, key, other] = Array.from({ length: 5 }, () => random.bytes(32)) as Five;
    const [first, second, third] = [random.bytes(4_096), random.bytes(1), random.bytes(80)] as const;
    const put = (id: Uint8Array, version: number, relayKeys: Uint8Array[], note?: Uint8Array) => {
      const farewells = note ? [{ relayKey: key, note }] : [];
      return store.putPrincipal({ id, manageKey, version, relayKeys, farewells });
    };
    const note = async (): Promise<number[] | undefined> => plain(await store.farewell(key));
    await put(a, 1, [key, other]);
    assert.is(await note(), undefined);
    const kept = first.slice();
    await put(a, 2, [other], first);
    first.fill(0);
    assert.equal(await note(), bytesOf(kept), 'the bytes were only borrowed');
    (await store.farewell(key))!.fill(0);
    assert.equal(await note(), bytesOf(kept), 'what a read gave is the reader’s own');
    assert.is(await store.farewell(other), undefined);
    await put(a, 3, [other]);
    assert.equal(await note(), bytesOf(kept), 'an edit that is not about the key leaves its note');
    await put(b, 1, [key]);
    assert.is(await note(), undefined, 'another principal lists the key');
    await put(b, 2, [], second);
    assert.equal(await note(), bytesOf(second));
    await put(a, 4, [key, other]);
    await put(a, 5, [other]);
    assert.is(await note(), undefined, 'it was dropped, not hidden');
    await put(a, 6, [key]);
    await put(a, 7, [], third);
    assert.equal(await note(), bytesOf(third));
  });

  test('[RP52] a refused edit leaves no farewell and drops none; edits of one tick act in their order', async ({
    store,
  }, random) => {
    const [a, b, manageKey, key, other] = Array.from({ length: 5 }, () => random.bytes(32)) as Five;
    const note = random.bytes(50);
    const farewells = [{ relayKey: key, note }];
    await store.putPrincipal({ id: a, manageKey, version: 1, relayKeys: [key, other] });
    await refused(
      store.putPrincipal({ id: a, manageKey, version: 3, relayKeys: [other], farewells }),
      'VERSION_CONFLICT',
    );
    assert.is(await store.farewell(key), undefined);
    await store.putPrincipal({ id: a, manageKey, version: 2, relayKeys: [other], farewells });
    await refused(
      store.putPrincipal({ id: b, manageKey, version: 1, relayKeys: [key, other] }),
      'LIMIT_REACHED',
    );
    assert.equal(plain(await store.farewell(key)), bytesOf(note));
    await Promise.all([
      store.putPrincipal({ id: b, manageKey, version: 1, relayKeys: [key] }),
      store.putPrincipal({ id: b, manageKey, version: 2, relayKeys: [], farewells }),
      store.putPrincipal({
        id: a,
        manageKey,
        version: 3,
        relayKeys: [],
        farewells: [{ relayKey: other, note }],
      }),
      store.putPrincipal({ id: b, manageKey, version: 3, relayKeys: [other] }),
    ]);
    assert.equal(plain(await store.farewell(key)), bytesOf(note), 'taken out last');
    assert.is(await store.farewell(other), undefined, 'listed last');
  });

  test(
    '[RP52] [RP66] farewells are there after closing and opening again, and dropped ones are not',
    async (harness, random) => {
      const [id, manageKey, key, other] = Array.from({ length: 5 }, () => random.bytes(32)) as Five;
      const farewells = [key, other].map((relayKey) => ({ relayKey, note: random.bytes(700) }));
      const edit = { id, manageKey };
      await harness.store.putPrincipal({ ...edit, version: 1, relayKeys: [key, other] });
      await harness.store.putPrincipal({ ...edit, version: 2, relayKeys: [], farewells });
      await harness.store.putPrincipal({ ...edit, version: 3, relayKeys: [other] });
      await harness.store.close();
      const store = await harness.reopen!();
      assert.equal(plain(await store.farewell(key)), bytesOf(farewells[0]!.note));
      assert.is(await store.farewell(other), undefined);
      await store.putPrincipal({ ...edit, version: 4, relayKeys: [key, other] });
      assert.is(await store.farewell(key), undefined);
    },
    'reopen',
  );

  test(
    '[RP52] [RP67] a commit that fails leaves no farewell and no edit, and drops none',
    async (harness, random) => {
      const { store } = harness;
      const [id, manageKey, key, other] = Array.from({ length: 5 }, () => random.bytes(32)) as Five;
      const note = random.bytes(9);
      const edit = { id, manageKey };
      await store.putPrincipal({ ...edit, version: 1, relayKeys: [key, other] });
      const farewell = (relayKey: Uint8Array) => [{ relayKey, note }];
      await store.putPrincipal({ ...edit, version: 2, relayKeys: [other], farewells: farewell(key) });
      const repair = harness.breakDisk!();
      await refused(
        store.putPrincipal({ ...edit, version: 3, relayKeys: [key], farewells: farewell(other) }),
        'STORE_FULL',
      );
      repair();
      assert.is((await store.principal(id))!.version, 2);
      assert.equal(plain(await store.farewell(key)), bytesOf(note));
      assert.is(await store.farewell(other), undefined);
    },
    'breakDisk',
  );
};

const plain = (bytes: Uint8Array | undefined): number[] | undefined => bytes && bytesOf(bytes);
