// What a room may take, how its end comes, and connections that nobody uses. Rules: spec/relay-protocol.md §7, §8 and §12.
import { randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { SUBPROTOCOL, sameBytes } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../src/index.ts';
import { answered, append, follow, makeRoom, refusedWith, withRelay } from './support.ts';

const test = suite('room budgets');

const appending = (room: Uint8Array, bytes: number, stream = 'control') =>
  ({ type: 'append', room, stream, frame: new Uint8Array(bytes) }) as const;

test(
  '[RP183] [RP185] a room that is nearly full is said once a connection, then nobody adds to it; others go on',
  withRelay({ limits: { bytesPerRoom: 1_000, roomWarnPercent: 50 } }, async ({ account, connect }) => {
    const [ada, bob] = [await account(), await account()];
    const room = await makeRoom(ada, bob);
    const warnings = (client: typeof ada.client) =>
      client.heard.filter(({ type }) => type === 'room-nearly-full');
    await append(ada.client, room, new Uint8Array(452));
    assert.equal(warnings(ada.client), []);
    await append(ada.client, room, new Uint8Array(52));
    assert.equal(warnings(ada.client), [{ type: 'room-nearly-full', room, bytes: 500, mostBytes: 1_000 }]);
    await append(ada.client, room, new Uint8Array(252));
    await append(bob.client, room, new Uint8Array(52));
    assert.is(warnings(ada.client).length, 1);
    assert.is(warnings(bob.client).length, 1);
    for (const { client } of [ada, bob]) refusedWith(await client.request(appending(room, 1)), 'ROOM_FULL');
    assert.is((await follow(bob.client, room)).news[0]?.head, 4);
    await append(ada.client, await makeRoom(ada), new Uint8Array(452));
    const again = await connect(ada.client.key);
    refusedWith(await again.request(appending(room, 1)), 'ROOM_FULL');
  }),
);

test(
  '[RP184] a room has so many streams, and those go on',
  withRelay({ limits: { streamsPerRoom: 2 } }, async ({ account }) => {
    const { client, ...ada } = await account();
    const room = await makeRoom({ client, ...ada });
    for (const stream of ['page-0', 'page-1', 'page-0']) await append(client, room, Uint8Array.of(1), stream);
    refusedWith(await client.request(appending(room, 1, 'page-2')), 'ROOM_FULL');
    refusedWith(await client.request(appending(room, 1, 'page')), 'ROOM_FULL');
    await append(client, room, Uint8Array.of(1), 'page-1');
  }),
);

test(
  '[RP182] an address makes so many rooms and a room takes so many appends, and more with time',
  (() => {
    let now = 0;
    const clock = { ...systemClock, now: () => now };
    const limits = { roomsAtOnce: 3, roomMs: 1_000, roomAppendsAtOnce: 2, roomAppendsPerSecond: 10 };
    return withRelay({ limits, clock }, async ({ account }) => {
      const [ada, bob] = [await account(), await account()];
      const room = await makeRoom(ada, bob);
      const other = await makeRoom(ada);
      await makeRoom(bob);
      const members = [{ principal: bob.principal.id, admin: true }];
      const fourth = {
        type: 'put-room',
        room: new Uint8Array(randomBytes(32)),
        version: 1,
        members,
      } as const;
      refusedWith(await bob.client.request(fourth), 'LIMIT_REACHED');
      now += 1_000;
      answered(await bob.client.request(fourth), 'done');

      await append(ada.client, room, Uint8Array.of(1));
      await append(bob.client, room, Uint8Array.of(1));
      for (const { client } of [ada, bob])
        refusedWith(await client.request(appending(room, 1)), 'LIMIT_REACHED');
      await append(ada.client, other, Uint8Array.of(1));
      now += 100;
      await append(bob.client, room, Uint8Array.of(1));
      refusedWith(await ada.client.request(appending(room, 1)), 'LIMIT_REACHED');
    });
  })(),
);

test(
  '[RP182] a room takes so many bytes, and more with time',
  (() => {
    let now = 0;
    const clock = { ...systemClock, now: () => now };
    return withRelay(
      { limits: { roomBytesAtOnce: 100, roomBytesPerSecond: 1_000 }, clock },
      async ({ account }) => {
        const [ada, bob] = [await account(), await account()];
        const room = await makeRoom(ada, bob);
        await append(ada.client, room, new Uint8Array(60));
        refusedWith(await bob.client.request(appending(room, 41)), 'LIMIT_REACHED');
        await append(bob.client, room, new Uint8Array(40));
        now += 41;
        await append(bob.client, room, new Uint8Array(41));
      },
    );
  })(),
);

test(
  '[RP186] an admin deletes a room: followers hear it, nothing is read, and nobody makes it anew',
  withRelay({}, async ({ account, connect }) => {
    const [ada, bob, eve] = [await account(), await account(), await account()];
    const room = await makeRoom(ada, bob);
    const remove = ({ client }: Pick<typeof ada, 'client'>, version: number, id = room) =>
      client.request({ type: 'delete-room', room: id, version });
    await append(ada.client, room, Uint8Array.of(1));
    await follow(bob.client, room);
    refusedWith(await remove({ client: await connect() }, 2), 'NO_PRINCIPAL');
    refusedWith(await remove(eve, 2), 'NOT_A_MEMBER');
    refusedWith(await remove(bob, 2), 'NOT_AN_ADMIN');
    refusedWith(await remove(ada, 1), 'VERSION_CONFLICT');
    refusedWith(await remove(ada, 1, new Uint8Array(32)), 'ROOM_UNKNOWN');
    assert.is(answered(await remove(ada, 2), 'done').version, 2);
    const told = answered(await bob.client.until(({ type }) => type === 'unfollowed'), 'unfollowed');
    assert.ok(told.code === 'ROOM_DELETED' && sameBytes(told.room, room));
    assert.is(answered(await remove(ada, 2), 'done').version, 2, 'a repeat');
    refusedWith(await remove(ada, 3), 'ROOM_DELETED');

    const members = [{ principal: ada.principal.id, admin: true }];
    for (const version of [1, 3])
      refusedWith(await ada.client.request({ type: 'put-room', room, version, members }), 'ROOM_DELETED');
    refusedWith(await ada.client.request(appending(room, 1)), 'ROOM_DELETED');
    refusedWith(await ada.client.request({ type: 'get-room', room }), 'ROOM_DELETED');
    const read = { type: 'read', room, stream: '', after: 0, maxBytes: 1_000 } as const;
    refusedWith(await ada.client.request(read), 'ROOM_DELETED');
    const { refused } = await follow(ada.client, room);
    assert.equal(refused, [{ index: 0, code: 'ROOM_DELETED' }]);
  }),
);

test(
  '[RP125] a deleted room gives its place and bytes back to who made it and to all who wrote there',
  withRelay({ limits: { roomsPerPrincipal: 1, bytesPerPrincipal: 200 } }, async ({ account }) => {
    const [ada, bob] = [await account(), await account()];
    const room = await makeRoom(ada, bob);
    for (const { client } of [ada, bob]) {
      await append(client, room, new Uint8Array(152));
      refusedWith(await client.request(appending(room, 1)), 'STORE_FULL');
    }
    const members = [{ principal: ada.principal.id, admin: true }];
    const next = { type: 'put-room', room: new Uint8Array(randomBytes(32)), version: 1, members } as const;
    refusedWith(await ada.client.request(next), 'LIMIT_REACHED');
    answered(await ada.client.request({ type: 'delete-room', room, version: 2 }), 'done');
    answered(await ada.client.request(next), 'done');
    await append(ada.client, next.room, new Uint8Array(152));
    const ofBob = await makeRoom(bob);
    await append(bob.client, ofBob, new Uint8Array(152));
    refusedWith(await bob.client.request(appending(ofBob, 1)), 'STORE_FULL');
  }),
);

/** Asks for an upgrade. @returns the status and the header `retry-after`. */
const knock = (address: string): Promise<[number | undefined, string | undefined]> =>
  new Promise((resolve, reject) => {
    const headers = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64'),
      'sec-websocket-protocol': SUBPROTOCOL,
    };
    const asked = httpRequest(address.replace('ws:', 'http:'), { headers });
    asked.on('error', reject);
    asked.on('response', (response) => {
      response.resume();
      resolve([response.statusCode, response.headers['retry-after']]);
    });
    asked.end();
  });

test('[RP181] a stop spreads those who are connected, names a successor, and who is turned away hears when to try again', async () => {
  const successor = 'ws://127.0.0.1:9';
  const limits = { comeBackMs: 1_500, connections: 3, reconnectsPerSecond: 1 };
  let closed: Promise<{ readonly code: string; readonly reason: string }>[] = [];
  await withRelay({ limits, successor }, async ({ relay, connect }) => {
    const clients = [await connect(), await connect(), await connect()];
    assert.equal(await knock(relay.address), [503, '2']);
    closed = clients.map((client) => client.closed);
    await relay.close();
  })();
  for (const end of await Promise.all(closed))
    assert.is(end.reason, `SHUTTING_DOWN after=3000 at=${successor}`);
  await withRelay({ limits: { connectsAtOnce: 1, connectsPerSecond: 1e-6 } }, async ({ relay, connect }) => {
    await connect();
    assert.equal(await knock(relay.address), [429, '1']);
  })();
});

const idle = { now: 0, reap: (): void => {} };

test(
  '[RP189] who follows nothing and says nothing is sent away; a follower and who asks stay',
  withRelay(
    {
      limits: { idleMs: 1_000, pingMs: 10 },
      clock: {
        now: () => idle.now,
        soon: systemClock.soon,
        after(ms, run) {
          if (ms === 10) idle.reap = run;
          return () => {};
        },
      },
    },
    async ({ account, connect }) => {
      const ada = await account();
      await follow(ada.client, await makeRoom(ada));
      const [silent, asks] = [await connect(), await connect()];
      idle.now += 999;
      idle.reap();
      await asks.sync();
      await silent.sync();
      idle.now += 999;
      await asks.sync();
      idle.now += 1;
      idle.reap();
      assert.is((await silent.closed).code, 'TIMED_OUT');
      await asks.sync();
      await ada.client.sync();
    },
  ),
);

test.run();
