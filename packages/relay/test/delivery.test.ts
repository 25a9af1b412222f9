// Appends, acknowledgements and live delivery over real sockets. Rules: spec/relay-protocol.md §7.
import type { RelayMessage } from '@sealwire/protocol';
import { seededRandom } from '@sealwire/testkit/random';
import { framesHeard, type TestClient } from '@sealwire/testkit/relay-client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { memoryStore } from '../src/index.ts';
import { type Account, answered, append, follow, makeRoom, refusedWith, withRelay } from './support.ts';

const delivery = suite('delivery');

/** Positions as the connection learned of them: in frames of others and in acknowledgements of its own. */
const learned = (client: TestClient): number[] =>
  client.heard.flatMap((message) => {
    if (message.type === 'frames') return message.frames.map(({ position }) => position);
    return message.type === 'appended' ? [message.position] : [];
  });

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

delivery(
  '[RP70] an append reaches the other followers and the sender’s other connections, not the one that sent it',
  withRelay({}, async ({ account, connect }) => {
    const [ada, bob] = [await account(), await account()];
    const room = await makeRoom(ada, bob);
    const second = await connect(ada.client.key);
    for (const client of [ada.client, bob.client, second]) await follow(client, room);
    const position = await append(ada.client, room, Uint8Array.of(1, 2, 3), 'page-0');
    for (const client of [bob.client, second]) {
      const { frames } = answered(await client.until(({ type }) => type === 'frames'), 'frames');
      assert.equal(
        frames.map((one) => ({ ...one, frame: [...one.frame] })),
        [{ position, stream: 'page-0', frame: [1, 2, 3] }],
      );
    }
    await ada.client.sync();
    assert.is(framesHeard(ada.client, room).length, 0);
    await follow(ada.client, room, 0);
    await ada.client.until(({ type }) => type === 'frames');
    assert.is(framesHeard(ada.client, room).length, 1, 'a later resume brings own frames too');
  }),
);

delivery(
  '[RP71] with everybody appending at once, each connection learns of every position once, in order',
  withRelay({}, async ({ account, connect }) => {
    const random = seededRandom(1);
    const accounts: Account[] = [];
    for (let i = 0; i < 4; i++) accounts.push(await account());
    const room = await makeRoom(accounts[0]!, ...accounts.slice(1));
    const clients = accounts.map(({ client }) => client);
    clients.push(await connect(clients[0]!.key));
    for (const client of clients) await follow(client, room);
    const total = 600;
    const appends = Array.from({ length: total }, async (_, i) => {
      // Several ticks, so that commits, passes and appends overlap.
      for (let turns = random.int(20); turns > 0; turns--)
        await new Promise((resolve) => setImmediate(resolve));
      const client = clients[i % 3]!;
      return { i, position: await append(client, room, Uint8Array.of(i & 255, i >> 8)) };
    });
    const placed = await Promise.all(appends);
    for (const client of clients) {
      await client.until(() => learned(client).length >= total);
      assert.equal(learned(client), upTo(total));
      for (const { position, bytes } of framesHeard(client, room)) {
        const { i } = placed.find((one) => one.position === position)!;
        assert.equal([...bytes], [i & 255, i >> 8]);
      }
    }
    assert.is(framesHeard(clients[4]!, room).length, total, 'who appends nothing hears everything');
  }),
);

delivery(
  '[RP72] an acknowledgement comes after every frame before it, even when those still wait in the backlog',
  withRelay({ limits: { readBytes: 4_000, socketPauseBytes: 4_000 } }, async ({ account }) => {
    const [ada, bob] = [await account(), await account()];
    const room = await makeRoom(ada, bob);
    const backlog = 200;
    await Promise.all(upTo(backlog).map(() => append(ada.client, room, new Uint8Array(500))));
    const resumed = follow(bob.client, room);
    const position = await append(bob.client, room, new Uint8Array(1));
    await resumed;
    assert.is(position, backlog + 1);
    assert.equal(learned(bob.client), upTo(backlog + 1));
  }),
);

delivery(
  '[RP73] a resume in the middle of appends loses nothing and doubles nothing',
  withRelay({}, async ({ account, connect }) => {
    const [ada, bob] = [await account(), await account()];
    const room = await makeRoom(ada, bob);
    const total = 400;
    const appends = upTo(total).map(async (i) => {
      for (let turns = i >> 2; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
      await append(ada.client, room, Uint8Array.of(7));
    });
    const readers = [];
    for (let i = 0; i < 8; i++) {
      const reader = await connect(bob.client.key);
      const cursor = i * 5;
      readers.push({ reader, cursor });
      await follow(reader, room, cursor);
    }
    await Promise.all(appends);
    for (const { reader, cursor } of readers) {
      await reader.until(() => learned(reader).at(-1) === total);
      assert.equal(learned(reader), upTo(total).slice(cursor));
    }
  }),
);

delivery(
  '[RP74] a repeated resume starts again from its cursor',
  withRelay({}, async ({ account }) => {
    const { principal, client } = await account();
    const room = await makeRoom({ principal, client });
    for (let i = 0; i < 3; i++) await append(client, room, Uint8Array.of(1));
    await follow(client, room, 2);
    await client.until(() => learned(client).length === 4);
    assert.equal(learned(client), [1, 2, 3, 3]);
    await follow(client, room, 0);
    await client.until(() => learned(client).length === 7);
    assert.equal(learned(client), [1, 2, 3, 3, 1, 2, 3]);
    assert.is(await append(client, room, Uint8Array.of(1)), 4);
    await client.sync();
    assert.is(learned(client).length, 8);
  }),
);

delivery(
  '[RP75] an idle return of a hundred rooms is one request and one answer, at most 50 bytes a room each way',
  withRelay({}, async ({ account }) => {
    const { principal, client } = await account();
    const rooms = [];
    for (let i = 0; i < 100; i++) {
      const room = await makeRoom({ principal, client });
      rooms.push({ room, cursor: await append(client, room, Uint8Array.of(1)) });
    }
    let received = 0;
    client.socket.on('message', (data) => {
      received += data.length;
    });
    let sent = 0;
    const send = client.socket.send.bind(client.socket);
    client.socket.send = (data) => {
      sent += data.length;
      send(data);
    };
    const resumed = answered(await client.request({ type: 'resume', rooms }), 'resumed');
    assert.equal([resumed.news, resumed.refused], [[], []]);
    assert.ok(sent <= 50 * 100, `${sent} bytes sent`);
    assert.ok(received <= 50 * 100, `${received} bytes received`);
    assert.ok(received < 100, 'no news costs nothing a room');
    client.socket.send = send;
    const heard = client.heard.length;
    await client.sync();
    assert.is(client.heard.length, heard + 1, 'nothing but the pong follows');
  }),
);

delivery(
  '[RP76] a cursor above the head is news too: the relay was rolled back; later frames below it are not sent',
  withRelay({}, async ({ account }) => {
    const [ada, bob] = [await account(), await account()];
    const room = await makeRoom(ada, bob);
    await append(ada.client, room, Uint8Array.of(1));
    const resumed = await follow(bob.client, room, 3);
    assert.equal(resumed.news, [{ index: 0, head: 1 }]);
    for (let i = 2; i <= 5; i++) await append(ada.client, room, Uint8Array.of(i));
    await bob.client.until(() => learned(bob.client).includes(5));
    assert.equal(learned(bob.client), [4, 5]);
  }),
);

delivery(
  '[RP77] a read gives one stream or all, page by page, and says whether more follows',
  withRelay({}, async ({ account }) => {
    const { principal, client } = await account();
    const room = await makeRoom({ principal, client });
    for (let i = 1; i <= 40; i++)
      await append(client, room, new Uint8Array(100).fill(i), i % 4 === 0 ? 'page-1' : 'control');
    for (const stream of ['', 'page-1', 'control', 'page-2']) {
      const positions: number[] = [];
      let pages = 0;
      for (let after = 0, complete = false; !complete; pages++) {
        const page = answered(
          await client.request({ type: 'read', room, stream, after, maxBytes: 1_000 }),
          'read-result',
        );
        assert.is(page.head, 40);
        for (const { position, frame } of page.frames) {
          assert.is(frame[0], position);
          positions.push(position);
        }
        after = positions.at(-1) ?? 0;
        complete = page.complete;
      }
      const expected = upTo(40).filter(
        (i) => stream === '' || (i % 4 === 0 ? 'page-1' : 'control') === stream,
      );
      assert.equal(positions, expected);
      if (stream === '') assert.ok(pages > 4);
    }
  }),
);

delivery(
  '[RP78] a signal reaches the other followers and is not stored',
  withRelay({}, async ({ account, connect }) => {
    const [ada, bob] = [await account(), await account()];
    const room = await makeRoom(ada, bob);
    const second = await connect(ada.client.key);
    for (const client of [ada.client, bob.client, second]) await follow(client, room);
    ada.client.send({ type: 'signal', room, payload: Uint8Array.of(5) });
    for (const client of [bob.client, second]) {
      const signal = answered(await client.until(({ type }) => type === 'signal'), 'signal');
      assert.equal([[...signal.room], [...signal.payload]], [[...room], [5]]);
    }
    await ada.client.sync();
    assert.not.ok(ada.client.heard.some(({ type }) => type === 'signal'));
    const { frames } = answered(
      await bob.client.request({ type: 'read', room, stream: '', after: 0, maxBytes: 100 }),
      'read-result',
    );
    assert.equal(frames, []);
  }),
);

let release = (): void => {};
let disk: Promise<void> | undefined;

delivery(
  '[RP67] while nothing reaches the disk, nothing is acknowledged and nobody hears of it; edits wait too',
  withRelay({ store: memoryStore({ flush: async () => disk }) }, async ({ account }) => {
    const [ada, bob] = [await account(), await account()];
    const room = await makeRoom(ada, bob);
    await follow(bob.client, room);
    disk = new Promise((resolve) => {
      release = resolve;
    });
    const answers: RelayMessage[] = [];
    const ask = [
      ada.client.request({ type: 'append', room, stream: 'control', frame: Uint8Array.of(1) }),
      ada.client.putPrincipal(ada.principal, 2, [ada.client.key]),
    ];
    for (const answer of ask) void answer.then((message) => answers.push(message));
    // The relay has worked off these requests, and ten more round trips, and has not answered them.
    for (let i = 0; i < 10; i++) {
      await ada.client.sync();
      await bob.client.sync();
    }
    assert.equal(answers, []);
    assert.is(framesHeard(bob.client, room).length, 0);
    release();
    await Promise.all(ask);
    assert.equal(answers.map(({ type }) => type).sort(), ['appended', 'done']);
    await bob.client.until(({ type }) => type === 'frames');
  }),
);

let broken: Promise<void> | undefined;

delivery(
  '[RP67] a full disk refuses appends, tells nobody of them, and takes later ones',
  withRelay({ store: memoryStore({ flush: async () => broken }) }, async ({ account }) => {
    const { SealwireError } = await import('@sealwire/protocol');
    const [ada, bob] = [await account(), await account()];
    const room = await makeRoom(ada, bob);
    await follow(bob.client, room);
    broken = Promise.reject(new SealwireError('STORE_FULL', 'No room.'));
    broken.catch(() => {});
    const frame = Uint8Array.of(9);
    refusedWith(await ada.client.request({ type: 'append', room, stream: 'control', frame }), 'STORE_FULL');
    broken = undefined;
    assert.is(await append(ada.client, room, Uint8Array.of(1)), 1);
    await bob.client.until(({ type }) => type === 'frames');
    assert.equal(
      framesHeard(bob.client, room).map(({ bytes }) => [...bytes]),
      [[1]],
    );
  }),
);

delivery.run();
