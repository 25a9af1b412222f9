// Several relays on one NATS store: what one does, those who are connected to another see. Rules: spec/relay-protocol.md §13.
// needs: nats
// timeout: 120s
import { randomBytes } from 'node:crypto';
import { startNatsCluster } from '@sealwire/testkit/nats-cluster';
import {
  connectClient,
  framesHeard,
  makePrincipal,
  type TestClient,
  type TestKey,
} from '@sealwire/testkit/relay-client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createRelay, type Relay, type RelayOptions } from '../src/index.ts';
import { natsStore } from '../src/nats/index.ts';
import { type Account, answered, append, follow, makeRoom, openSocket, refusedWith } from './support.ts';

const relays = suite('relays on NATS');
const cluster = await startNatsCluster(1);
let stores = 0;

interface World {
  readonly relays: readonly Relay[];
  connect(relay: number, key?: TestKey): Promise<TestClient>;
  account(relay: number): Promise<Account>;
}

/** Runs a test with two relays of a new store. */
const withRelays =
  (test: (world: World) => Promise<void>, options: Partial<RelayOptions> = {}) =>
  async (): Promise<void> => {
    const at = { servers: cluster.servers, prefix: `relays-${++stores}`, shards: 1, replicas: 1 };
    const running = [
      await createRelay({ store: await natsStore(at), ...options }),
      await createRelay({ store: await natsStore(at), ...options }),
    ];
    const clients: TestClient[] = [];
    const connect = async (relay: number, key?: TestKey): Promise<TestClient> => {
      const client = await connectClient(openSocket, running[relay]!.address, key);
      clients.push(client);
      return client;
    };
    try {
      await test({
        relays: running,
        connect,
        async account(relay) {
          const principal = makePrincipal();
          const client = await connect(relay);
          answered(await client.putPrincipal(principal, 1, [client.key]), 'done');
          return { principal, client };
        },
      });
    } finally {
      for (const client of clients) client.socket.terminate();
      await Promise.all(running.map((relay) => relay.close()));
    }
  };

/** Positions as a connection learned of them: in frames of others and in acknowledgements of its own. */
const learned = (client: TestClient): number[] =>
  client.heard.flatMap((message) => {
    if (message.type === 'frames') return message.frames.map(({ position }) => position);
    return message.type === 'appended' ? [message.position] : [];
  });

const rises = (positions: readonly number[]): boolean =>
  positions.every((position, i) => i === 0 || position > positions[i - 1]!);

relays(
  '[RP160] [RP66] relays of one store have one id, and an append at one reaches the followers at the other',
  withRelays(async ({ relays: [first, second], account }) => {
    assert.equal([...first!.relayId], [...second!.relayId]);
    const [ada, bob] = [await account(0), await account(1)];
    const room = await makeRoom(ada, bob);
    await follow(bob.client, room);
    const position = await append(ada.client, room, Uint8Array.of(1, 2, 3));
    await bob.client.until(({ type }) => type === 'frames');
    assert.equal(
      framesHeard(bob.client, room).map((one) => [one.position, [...one.bytes]]),
      [[position, [1, 2, 3]]],
    );
  }),
);

relays(
  '[RP184] [RP165] streams are counted over relays, and those that a full room has go on',
  withRelays(
    async ({ relays: [first], account, connect }) => {
      const ada = await account(0);
      const room = await makeRoom(ada);
      const asking = (stream: string) => ({ type: 'append', room, stream, frame: Uint8Array.of(1) }) as const;
      for (const stream of ['page-0', 'page-1', 'page-0'])
        await append(ada.client, room, Uint8Array.of(1), stream);
      refusedWith(await ada.client.request(asking('page-2')), 'ROOM_FULL');
      await first!.close();
      const again = await connect(1, ada.client.key);
      refusedWith(await again.request(asking('page-2')), 'ROOM_FULL');
      refusedWith(await again.request(asking('page')), 'ROOM_FULL');
      answered(await again.request(asking('page-1')), 'appended');
    },
    { limits: { streamsPerRoom: 2 } },
  ),
);

relays(
  '[RP161] [RP71] [RP72] with everybody appending at both relays, each connection learns of every position once, in order',
  withRelays(async ({ connect, account }) => {
    const accounts = [await account(0), await account(1)];
    const room = await makeRoom(accounts[0]!, accounts[1]!);
    const clients = [
      accounts[0]!.client,
      accounts[1]!.client,
      await connect(1, accounts[0]!.client.key),
      await connect(0, accounts[1]!.client.key),
    ];
    // Two of them resume in the middle of it.
    for (const client of clients.slice(0, 2)) await follow(client, room);
    const total = 400;
    const appends = Array.from({ length: total }, async (_, i) => {
      await new Promise((resolve) => setTimeout(resolve, i / 4));
      return append(clients[i % 2]!, room, Uint8Array.of(i & 255, i >> 8));
    });
    await Promise.all(appends.slice(0, total / 4));
    for (const client of clients.slice(2)) await follow(client, room);
    const positions = (await Promise.all(appends)).sort((a, b) => a - b);
    assert.ok(rises(positions));
    for (const client of clients) {
      await client.until(() => learned(client).length >= total);
      assert.equal(learned(client), positions);
    }
  }),
);

relays(
  '[RP162] a device that moves from relay to relay in mid-stream misses nothing and is never told of a rollback',
  withRelays(async ({ connect, account }) => {
    const ada = await account(0);
    const room = await makeRoom(ada);
    const watcher = await connect(1, ada.client.key);
    await follow(watcher, room);
    let cursor = 0;
    for (let round = 0; round < 30; round++) {
      const client = await connect(round % 2, ada.client.key);
      const { news } = await follow(client, room, cursor);
      assert.equal(news, [], `round ${round}`);
      cursor = await append(client, room, Uint8Array.of(round));
      client.socket.terminate();
    }
    await watcher.until(() => framesHeard(watcher, room).length === 30);
    assert.equal(
      framesHeard(watcher, room).map(({ bytes }) => bytes[0]),
      Array.from({ length: 30 }, (_, i) => i),
    );
  }),
);

relays(
  '[RP163] [RP121] an edit of a room at one relay holds at the other: who is taken off hears nothing more',
  withRelays(async ({ account }) => {
    const [ada, bob] = [await account(0), await account(1)];
    const room = await makeRoom(ada, bob);
    await follow(bob.client, room);
    const members = [{ principal: ada.principal.id, admin: true }];
    answered(await ada.client.request({ type: 'put-room', room, version: 2, members }), 'done');
    const { code } = answered(await bob.client.until(({ type }) => type === 'unfollowed'), 'unfollowed');
    assert.is(code, 'NOT_A_MEMBER');
    await append(ada.client, room, Uint8Array.of(1));
    await bob.client.sync();
    assert.is(framesHeard(bob.client, room).length, 0);
    const frame = Uint8Array.of(2);
    refusedWith(await bob.client.request({ type: 'append', room, stream: 'control', frame }), 'NOT_A_MEMBER');
    const both = [...members, { principal: bob.principal.id, admin: false }].sort((a, b) =>
      Buffer.compare(a.principal, b.principal),
    );
    const refusedEdit = await bob.client.request({ type: 'put-room', room, version: 3, members: both });
    refusedWith(refusedEdit, 'NOT_A_MEMBER');
  }),
);

relays(
  '[RP163] [RP48] [RP53] a principal edited at one relay: at the other, new keys act for it and keys that left are cut off',
  withRelays(async ({ connect, account }) => {
    const ada = await account(0);
    const room = await makeRoom(ada);
    const companion = await connect(1);
    refusedWith(await companion.request({ type: 'get-room', room }), 'NO_PRINCIPAL');
    answered(await ada.client.putPrincipal(ada.principal, 2, [ada.client.key, companion.key]), 'done');
    // There is no message that tells a connection of it, so it asks until it may.
    for (let may = false; !may; )
      may = (await companion.request({ type: 'get-room', room })).type === 'room-result';
    await follow(companion, room);
    const note = new Uint8Array(randomBytes(50));
    const farewells = [{ relayKey: companion.key.publicKey, note }];
    answered(await ada.client.putPrincipal(ada.principal, 3, [ada.client.key], farewells), 'done');
    assert.is((await companion.closed).code, 'AUTH_FAILED');
    const back = await connect(1, companion.key);
    const welcome = answered(await back.until(({ type }) => type === 'welcome'), 'welcome');
    assert.is(welcome.principal, undefined);
    assert.equal([...welcome.farewell!], [...note]);
  }),
);

relays(
  '[RP163] [RP115] a message for an inbox that is left at one relay comes to the owner at the other',
  withRelays(async ({ account, connect }) => {
    const ada = await account(0);
    const token = new Uint8Array(randomBytes(16));
    const { tokenHashOf } = await import('../src/signatures.ts');
    const tokens = [tokenHashOf(token)];
    answered(await ada.client.request({ type: 'put-inbox', version: 1, tokens }), 'done');
    const stranger = await connect(1);
    const { id } = ada.principal;
    const payload = Uint8Array.of(4, 5, 6);
    answered(await stranger.request({ type: 'inbox-append', principal: id, token, payload }), 'accepted');
    const told = answered(await ada.client.until(({ type }) => type === 'inbox'), 'inbox');
    assert.equal([told.number, [...told.payload]], [1, [4, 5, 6]]);
  }),
);

relays(
  '[RP166] a signal crosses relays and is not stored',
  withRelays(async ({ account }) => {
    const [ada, bob] = [await account(0), await account(1)];
    const room = await makeRoom(ada, bob);
    await follow(ada.client, room);
    await follow(bob.client, room);
    ada.client.send({ type: 'signal', room, payload: Uint8Array.of(9) });
    const signal = answered(await bob.client.until(({ type }) => type === 'signal'), 'signal');
    assert.equal([...signal.payload], [9]);
    await ada.client.sync();
    assert.not.ok(ada.client.heard.some(({ type }) => type === 'signal'));
    const read = { type: 'read', room, stream: '', after: 0, maxBytes: 100 } as const;
    assert.equal(answered(await bob.client.request(read), 'read-result').frames, []);
  }),
);

relays(
  '[RP167] [RP90] [RP92] [RP95] a cell that is opened at one relay is joined at the other, and passes payloads both ways',
  withRelays(async ({ connect }) => {
    const [opener, joiner, third] = [await connect(0), await connect(1), await connect(1)];
    const id = new Uint8Array(randomBytes(16));
    const open = { type: 'rendezvous-open', id, payload: Uint8Array.of(1) } as const;
    refusedWith(await joiner.request({ type: 'rendezvous-join', id }), 'RENDEZVOUS_UNKNOWN');
    answered(await opener.request(open), 'rendezvous-opened');
    refusedWith(await third.request(open), 'RENDEZVOUS_EXISTS');
    const found = answered(await joiner.request({ type: 'rendezvous-join', id }), 'rendezvous-found');
    assert.equal([...found.payload], [1]);
    await opener.until(({ type }) => type === 'rendezvous-joined');
    for (let i = 2; i < 20; i++) joiner.send({ type: 'rendezvous-send', id, payload: Uint8Array.of(i) });
    opener.send({ type: 'rendezvous-send', id, payload: Uint8Array.of(99) });
    const payloads = (client: TestClient): number[] =>
      client.heard.flatMap((message) => (message.type === 'rendezvous-message' ? [message.payload[0]!] : []));
    await opener.until(() => payloads(opener).length === 18);
    assert.equal(
      payloads(opener),
      Array.from({ length: 18 }, (_, i) => i + 2),
    );
    await joiner.until(() => payloads(joiner).length === 1);
    refusedWith(await third.request({ type: 'rendezvous-join', id }), 'RENDEZVOUS_SECOND_JOINER');
    for (const client of [opener, joiner]) {
      const { code } = answered(
        await client.until(({ type }) => type === 'rendezvous-closed'),
        'rendezvous-closed',
      );
      assert.is(code, 'RENDEZVOUS_SECOND_JOINER');
    }
  }),
);

relays(
  '[RP167] [RP95] who takes part in a cell of another relay and goes is missed there, and the other way round',
  withRelays(async ({ connect }) => {
    for (const goes of ['opener', 'joiner'] as const) {
      const parties = { opener: await connect(0), joiner: await connect(1) };
      const id = new Uint8Array(randomBytes(16));
      const opened = await parties.opener.request({ type: 'rendezvous-open', id, payload: Uint8Array.of(1) });
      answered(opened, 'rendezvous-opened');
      answered(await parties.joiner.request({ type: 'rendezvous-join', id }), 'rendezvous-found');
      parties[goes].socket.terminate();
      const stays = parties[goes === 'opener' ? 'joiner' : 'opener'];
      const closed = await stays.until(({ type }) => type === 'rendezvous-closed');
      assert.is(answered(closed, 'rendezvous-closed').code, 'RENDEZVOUS_PEER_LEFT');
    }
  }),
);

relays(
  '[RP164] [RP64] edits of one room and one principal at two relays at a time: of each version there is one',
  async () => {
    const at = { servers: cluster.servers, prefix: `relays-${++stores}`, shards: 1, replicas: 1 };
    const both = [await natsStore(at), await natsStore(at)];
    try {
      const [room, id, manageKey] = [randomBytes(32), randomBytes(32), randomBytes(32)];
      for (let version = 1; version <= 30; version++) {
        const edits = await Promise.allSettled(
          both.flatMap((store) => [
            store.putRoom({ room, version, members: [] }),
            store.putPrincipal({ id, manageKey, version, relayKeys: [randomBytes(32)] }),
          ]),
        );
        assert.is(edits.filter(({ status }) => status === 'fulfilled').length, 2, `version ${version}`);
      }
      for (const store of both) {
        assert.is((await store.room(room))!.version, 30);
        const { version, relayKeys } = (await store.principal(id))!;
        assert.is(version, 30);
        assert.equal([...(await store.principalOf(relayKeys[0]!))!], [...id]);
      }
    } finally {
      for (const store of both) await store.close();
    }
  },
);

relays('[RP165] [RP125] what was counted at one relay is known to another', async () => {
  const at = { servers: cluster.servers, prefix: `relays-${++stores}`, shards: 1, replicas: 1 };
  const [first, second] = [await natsStore(at), await natsStore(at)];
  const [author, room] = [randomBytes(32), randomBytes(32)];
  await first.putRoom({ room, version: 1, members: [] }, author);
  for (const store of [first, second]) {
    await store.append({ room, stream: 'control', frame: new Uint8Array(100), author });
  }
  await first.close();
  assert.equal(await second.usage(author), { rooms: 1, bytes: 2 * 148 });
  await second.close();
});

relays.run();
