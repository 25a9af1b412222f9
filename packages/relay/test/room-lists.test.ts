// Lists of rooms as they change: races, leaving, members taken off and added. Rules: spec/relay-protocol.md §6.
import { framesHeard } from '@sealwire/testkit/relay-client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { memoryStore } from '../src/index.ts';
import { type Account, answered, append, follow, makeRoom, refusedWith, withRelay } from './support.ts';

const lists = suite('room lists');

const members = (...some: [Account, boolean][]) =>
  some.map(([{ principal }, admin]) => ({ principal: principal.id, admin }));

const put = (by: Account, room: Uint8Array, version: number, ...some: [Account, boolean][]) =>
  by.client.request({ type: 'put-room', room, version, members: members(...some) });

const get = (by: Account, room: Uint8Array) => by.client.request({ type: 'get-room', room });

lists(
  '[RP120] a member learns list and version, others nothing; who lost a race edits what is there',
  withRelay({}, async ({ account, connect }) => {
    const [ada, bob, cleo, eve] = [await account(), await account(), await account(), await account()];
    const room = await makeRoom(ada, bob);
    const known = answered(await get(bob, room), 'room-result');
    assert.is(known.version, 1);
    assert.equal(
      known.members.map(({ principal, admin }) => [[...principal], admin]),
      members([ada, true], [bob, false]).map(({ principal, admin }) => [[...principal], admin]),
    );
    refusedWith(await get(eve, room), 'NOT_A_MEMBER');
    refusedWith(await get(eve, new Uint8Array(32)), 'ROOM_UNKNOWN');
    refusedWith(await (await connect()).request({ type: 'get-room', room }), 'NO_PRINCIPAL');
    answered(await put(ada, room, 2, [ada, true], [bob, true]), 'done');
    // Two admins edit the same version at the same time.
    const [first, second] = await Promise.all([
      put(ada, room, 3, [ada, true], [bob, true], [cleo, false]),
      put(bob, room, 3, [ada, true], [bob, true], [eve, false]),
    ]);
    const [winner, loser] = first.type === 'done' ? [cleo, bob] : [eve, ada];
    refusedWith(first.type === 'done' ? second : first, 'VERSION_CONFLICT');
    const now = answered(await get(loser, room), 'room-result');
    assert.is(now.version, 3);
    const added = [...now.members, ...members([winner === cleo ? eve : cleo, false])];
    const again = { type: 'put-room', room, version: now.version + 1, members: added } as const;
    answered(await loser.client.request(again), 'done');
    for (const one of [ada, bob, cleo, eve]) {
      const result = answered(await get(one, room), 'room-result');
      assert.equal([result.version, result.members.length], [4, 4]);
    }
  }),
);

lists(
  '[RP119] a member leaves by itself, and can change nothing else; the last admin stays until there is another',
  withRelay({}, async ({ account }) => {
    const [ada, bob, cleo] = [await account(), await account(), await account()];
    const room = await makeRoom(ada, bob, cleo);
    refusedWith(await put(bob, room, 2, [ada, true], [bob, false]), 'NOT_AN_ADMIN');
    refusedWith(await put(bob, room, 2, [ada, true]), 'NOT_AN_ADMIN');
    refusedWith(await put(bob, room, 2, [ada, false], [cleo, false]), 'NOT_AN_ADMIN');
    refusedWith(await put(bob, room, 2, [ada, true], [cleo, true]), 'NOT_AN_ADMIN');
    refusedWith(await put(bob, room, 3, [ada, true], [cleo, false]), 'VERSION_CONFLICT');
    answered(await put(bob, room, 1, [ada, true], [bob, false], [cleo, false]), 'done');
    answered(await put(bob, room, 2, [cleo, false], [ada, true]), 'done');
    refusedWith(await get(bob, room), 'NOT_A_MEMBER');
    refusedWith(await put(bob, room, 2, [cleo, false], [ada, true]), 'NOT_A_MEMBER');
    refusedWith(await put(ada, room, 3, [cleo, false]), 'NOT_AN_ADMIN');
    answered(await put(ada, room, 3, [ada, true], [cleo, true]), 'done');
    answered(await put(ada, room, 4, [cleo, true]), 'done');
    assert.is(answered(await get(cleo, room), 'room-result').members.length, 1);
  }),
);

lists(
  '[RP121] [RP50] who is taken off is told on all its connections and reads no more; who is added reads from the start',
  withRelay({}, async ({ account, connect }) => {
    const [ada, bob, cleo] = [await account(), await account(), await account()];
    const room = await makeRoom(ada, bob);
    const [other, elsewhere] = [await makeRoom(ada, bob), await connect()];
    answered(await bob.client.putPrincipal(bob.principal, 2, [bob.client.key, elsewhere.key]), 'done');
    for (const client of [bob.client, elsewhere]) {
      await follow(client, room);
      await follow(client, other);
    }
    await append(ada.client, room, Uint8Array.of(1));
    await follow(ada.client, room, 1);
    answered(await put(ada, room, 2, [ada, true], [cleo, false]), 'done');
    for (const client of [bob.client, elsewhere]) {
      const told = answered(await client.until(({ type }) => type === 'unfollowed'), 'unfollowed');
      assert.equal([[...told.room], told.code], [[...room], 'NOT_A_MEMBER']);
    }
    await append(ada.client, room, Uint8Array.of(2));
    await append(ada.client, other, Uint8Array.of(3));
    for (const client of [bob.client, elsewhere]) {
      refusedWith(
        await client.request({ type: 'read', room, stream: '', after: 0, maxBytes: 1 }),
        'NOT_A_MEMBER',
      );
      assert.equal((await follow(client, room)).refused, [{ index: 0, code: 'NOT_A_MEMBER' }]);
      await client.until(() => framesHeard(client, other).length === 1);
      assert.is(framesHeard(client, room).length, 1, 'what came before, and nothing after');
    }
    assert.not.ok(ada.client.heard.some(({ type }) => type === 'unfollowed'));
    await follow(cleo.client, room);
    await cleo.client.until(() => framesHeard(cleo.client, room).length === 2);
    const all = await cleo.client.request({ type: 'read', room, stream: '', after: 0, maxBytes: 100 });
    assert.is(answered(all, 'read-result').frames.length, 2);
    answered(await put(ada, room, 3, [ada, true], [cleo, false], [bob, false]), 'done');
    assert.equal((await follow(bob.client, room, 1)).news, [{ index: 0, head: 2 }]);
    await bob.client.until(() => framesHeard(bob.client, room).length === 2);
  }),
);

let disk: Promise<void> | undefined;

lists(
  '[RP121] an append that was on its way to the disk when its author was taken off is acknowledged before the end',
  withRelay({ store: memoryStore({ flush: async () => disk }) }, async ({ account }) => {
    const [ada, bob] = [await account(), await account()];
    const room = await makeRoom(ada, bob);
    await follow(bob.client, room);
    let release = (): void => {};
    disk = new Promise((resolve) => {
      release = resolve;
    });
    const own = append(bob.client, room, Uint8Array.of(1));
    await bob.client.sync();
    const edited = put(ada, room, 2, [ada, true]);
    await ada.client.sync();
    disk = undefined;
    release();
    answered(await edited, 'done');
    assert.is(await own, 1);
    await bob.client.until(({ type }) => type === 'unfollowed');
    assert.equal(
      bob.client.heard.map(({ type }) => type).filter((type) => type === 'appended' || type === 'unfollowed'),
      ['appended', 'unfollowed'],
    );
  }),
);

lists.run();
