// Budgets of addresses, connections and principals. Time is the test's own; one flood goes over a real socket.
// Rules: spec/relay-protocol.md §12.
import { randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import {
  authenticateStatement,
  type ClientMessage,
  decodeRelayMessage,
  encodeClientMessage,
  type RelayMessage,
  SUBPROTOCOL,
  sameBytes,
} from '@sealwire/protocol';
import { makeKey, makePrincipal, type TestClient } from '@sealwire/testkit/relay-client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type Clock,
  createRelayCore,
  forwardedFor,
  memoryStore,
  type RelayLimits,
  relayLimits,
  systemClock,
} from '../src/index.ts';
import { answered, append, makeRoom, refusedWith, type World, withRelay } from './support.ts';

const budgets = suite('budgets');

/** A clock that stands still until it is told to go on. */
const createTestClock = (): Clock & { goOn(ms: number): void; readonly timers: number } => {
  const timers = new Map<number, { at: number; run: () => void }>();
  let now = 0;
  let ids = 0;
  return {
    now: () => now,
    after(ms, run) {
      const id = ids++;
      timers.set(id, { at: now + ms, run });
      return () => void timers.delete(id);
    },
    soon: (run) => run(),
    goOn(ms) {
      now += ms;
      for (const [id, { at, run }] of [...timers].sort(([, a], [, b]) => a.at - b.at)) {
        if (at <= now && timers.delete(id)) run();
      }
    },
    get timers() {
      return timers.size;
    },
  };
};

/** A core and links to it, without sockets. */
const createStage = (limits: Partial<RelayLimits>) => {
  const clock = createTestClock();
  const core = createRelayCore({
    store: memoryStore(),
    clock,
    limits: relayLimits(limits),
    random: (length) => new Uint8Array(randomBytes(length)),
    log: () => {},
  });
  const connect = (address?: string) => {
    const heard: RelayMessage[] = [];
    const state = { isPaused: false, closed: '' };
    const key = makeKey();
    const events = core.connect(
      {
        send: (bytes) => void heard.push(decodeRelayMessage(bytes)),
        close(code) {
          state.closed = code;
        },
        buffered: () => 0,
        pause() {
          state.isPaused = true;
        },
        resume() {
          state.isPaused = false;
        },
      },
      address,
    );
    const say = (message: ClientMessage): void => events.received(encodeClientMessage(message));
    return {
      heard,
      state,
      say,
      leave: () => events.ended(),
      authenticate() {
        const hello = heard[0]!;
        if (hello.type !== 'hello') throw new Error('no hello');
        const statement = authenticateStatement({ ...hello, relayKey: key.publicKey });
        say({ type: 'authenticate', relayKey: key.publicKey, signature: key.sign(statement) });
      },
      count: (type: string) => heard.filter((message) => message.type === type).length,
    };
  };
  return { clock, core, connect };
};

budgets('[RP122] an address has its connections, strangers and attempts; others are not touched', () => {
  const { core, connect, clock } = createStage({
    connectionsPerAddress: 5,
    strangersPerAddress: 3,
    connectsAtOnce: 8,
    connectsPerSecond: 2,
  });
  const [home, other] = ['192.0.2.1', '192.0.2.2'];
  const links = [];
  for (let i = 0; i < 3; i++) {
    assert.ok(core.admits(home));
    links.push(connect(home));
  }
  assert.not.ok(core.admits(home), 'three have not authenticated');
  assert.ok(core.admits(other));
  for (const link of links) link.authenticate();
  for (let i = 3; i < 5; i++) {
    assert.ok(core.admits(home));
    links.push(connect(home));
  }
  assert.not.ok(core.admits(home), 'five are connected');
  links[0]!.leave();
  links[4]!.leave();
  for (let i = 0; i < 3; i++) assert.ok(core.admits(home));
  assert.not.ok(core.admits(home), 'eight attempts at once');
  clock.goOn(500);
  assert.ok(core.admits(home), 'one more each half second');
  assert.not.ok(core.admits(home));
  for (const link of links.slice(1, 4)) link.leave();
  clock.goOn(60_000);
  for (let i = 0; i < 3; i++) connect(home);
  assert.not.ok(core.admits(home), 'who left is not counted twice');
});

budgets('[RP122] an IPv6 address counts with its first half, IPv4 within IPv6 as IPv4', () => {
  const groups: [string, string][] = [
    ['2001:db8::1', '2001:db8:0:0:ffff:1:2:3'],
    ['2001:0DB8:1:2::', '2001:db8:1:2:3:4:5:6'],
    ['fe80::1%eth0', 'fe80::2'],
    ['::1', '0:0:0:0::2'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
  ];
  for (const [one, same] of groups) {
    const { core } = createStage({ connectsAtOnce: 1 });
    assert.ok(core.admits(one));
    assert.not.ok(core.admits(same), `${one} and ${same}`);
    for (const other of ['2001:db8:9::1', '198.51.100.7', '::ffff:203.0.113.9'])
      assert.ok(core.admits(other));
  }
});

budgets(
  '[RP122] over sockets the upgrade is refused with 429, by the address that the proxy tells if it is asked',
  async () => {
    const status = (address: string, from: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const headers = {
          connection: 'Upgrade',
          upgrade: 'websocket',
          'sec-websocket-version': '13',
          'sec-websocket-key': randomBytes(16).toString('base64'),
          'sec-websocket-protocol': SUBPROTOCOL,
          'x-forwarded-for': `198.51.100.9, ${from}`,
        };
        const asked = httpRequest(address.replace('ws:', 'http:'), { headers });
        asked.on('error', reject);
        asked.on('response', (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        });
        asked.on('upgrade', (_response, socket) => {
          socket.destroy();
          resolve(101);
        });
        asked.end();
      });
    const limits = { connectsAtOnce: 2, connectsPerSecond: 1e-6 };
    const three = async ({ relay }: World): Promise<number[]> => [
      await status(relay.address, '192.0.2.1'),
      await status(relay.address, '192.0.2.1'),
      await status(relay.address, '192.0.2.1'),
      await status(relay.address, '192.0.2.2'),
    ];
    await withRelay({ limits }, async (world) => {
      assert.equal(await three(world), [101, 101, 429, 429]);
    })();
    await withRelay({ limits, addressOf: forwardedFor }, async (world) => {
      assert.equal(await three(world), [101, 101, 429, 101]);
    })();
  },
);

budgets('[RP123] who sends too many messages is not read until that has evened out, and none is lost', () => {
  const { connect, clock } = createStage({ messagesAtOnce: 10, messagesPerSecond: 100 });
  const link = connect();
  link.authenticate();
  for (let i = 0; i < 10; i++) link.say({ type: 'ping' });
  assert.not.ok(link.state.isPaused);
  for (let i = 0; i < 5; i++) link.say({ type: 'ping' });
  assert.ok(link.state.isPaused);
  assert.is(link.count('pong'), 15);
  clock.goOn(49);
  assert.ok(link.state.isPaused);
  clock.goOn(1);
  assert.not.ok(link.state.isPaused);
  clock.goOn(1_000);
  link.say({
    type: 'resume',
    request: 1,
    rooms: Array.from({ length: 40 }, (_, i) => ({ room: new Uint8Array(32).fill(i), cursor: 0 })),
  });
  assert.ok(link.state.isPaused, 'a room in resume is a quarter');
  clock.goOn(9);
  assert.ok(link.state.isPaused);
  clock.goOn(1);
  assert.not.ok(link.state.isPaused);
  link.say({ type: 'ping' });
  assert.ok(link.state.isPaused);
  link.leave();
  assert.is(clock.timers, 0, 'nothing of it is left behind');
});

budgets('[RP123] bytes are paced as messages are', () => {
  const { connect, clock } = createStage({ bytesAtOnce: 1_000, bytesPerSecond: 1_000 });
  const link = connect();
  link.authenticate();
  const say = (): void =>
    link.say({ type: 'signal', room: new Uint8Array(32), payload: new Uint8Array(465) });
  say();
  say();
  assert.not.ok(link.state.isPaused);
  say();
  assert.ok(link.state.isPaused);
  clock.goOn(499);
  assert.ok(link.state.isPaused);
  clock.goOn(1);
  assert.not.ok(link.state.isPaused);
});

const flood = createTestClock();

budgets(
  '[RP123] a flood over a real socket is read at its pace, holds up nobody and is worked off whole',
  withRelay(
    {
      limits: { messagesAtOnce: 100, messagesPerSecond: 1_000 },
      clock: { ...flood, soon: systemClock.soon },
    },
    async ({ account, connect }) => {
      const [sender, other] = [await account(), await connect()];
      const room = await makeRoom(sender);
      const payload = new Uint8Array(1_000);
      // Two megabytes: many times what the relay takes from a socket at once.
      for (let i = 0; i < 2_000; i++) sender.client.send({ type: 'signal', room, payload });
      let isDone = false;
      const done = append(sender.client, room, payload).then(() => {
        isDone = true;
      });
      for (let i = 0; i < 20; i++) await other.sync();
      assert.not.ok(isDone, 'time stands still, and so does the reading');
      for (let turns = 0; !isDone && turns < 10_000; turns++) {
        flood.goOn(10);
        // It is read, and let others be served in between.
        if (turns % 20 === 0) await other.sync();
        else await new Promise((resolve) => setImmediate(resolve));
      }
      await done;
    },
  ),
);

budgets(
  '[RP124] an address makes so many principals, and one more with time',
  (() => {
    let now = 0;
    const clock = { ...systemClock, now: () => now };
    const limits = { principalsAtOnce: 2, principalMs: 1_000 };
    return withRelay({ limits, clock }, async ({ connect, account }) => {
      const { principal, client } = await account();
      await account();
      const late = await connect();
      refusedWith(await late.putPrincipal(makePrincipal(), 1, [late.key]), 'LIMIT_REACHED');
      answered(await client.putPrincipal(principal, 2, [client.key, makeKey()]), 'done');
      now += 1_000;
      answered(await late.putPrincipal(makePrincipal(), 1, [late.key]), 'done');
    });
  })(),
);

budgets(
  '[RP125] a principal makes so many rooms and stores so many bytes; what others write is theirs',
  withRelay({ limits: { roomsPerPrincipal: 2, bytesPerPrincipal: 1_000 } }, async ({ account }) => {
    const [ada, bob] = [await account(), await account()];
    const room = await makeRoom(ada, bob);
    await makeRoom(ada);
    const members = [{ principal: ada.principal.id, admin: true }];
    const third = { type: 'put-room', room: new Uint8Array(randomBytes(32)), version: 1, members } as const;
    refusedWith(await ada.client.request(third), 'LIMIT_REACHED');
    const again = [...members, { principal: bob.principal.id, admin: true }];
    answered(await ada.client.request({ type: 'put-room', room, version: 2, members: again }), 'done');
    await makeRoom(bob);
    for (let i = 0; i < 2; i++) await append(ada.client, room, new Uint8Array(452));
    const frame = Uint8Array.of(1);
    refusedWith(await ada.client.request({ type: 'append', room, stream: 'control', frame }), 'STORE_FULL');
    await append(bob.client, room, frame);
  }),
);

budgets(
  '[RP126] an address opens so many cells at a time, over all its connections',
  withRelay({ limits: { rendezvousPerAddress: 3, rendezvousPerConnection: 9 } }, async ({ connect }) => {
    const [first, second] = [await connect(), await connect()];
    const ids = Array.from({ length: 6 }, () => new Uint8Array(randomBytes(16)));
    const open = (client: TestClient, i: number) =>
      client.request({ type: 'rendezvous-open', id: ids[i]!, payload: Uint8Array.of(i) });
    for (let i = 0; i < 3; i++) answered(await open(first, i), 'rendezvous-opened');
    refusedWith(await open(second, 3), 'LIMIT_REACHED');
    for (const id of [ids[0]!, ids[1]!]) {
      answered(await second.request({ type: 'rendezvous-join', id }), 'rendezvous-found');
    }
    refusedWith(await open(second, 3), 'LIMIT_REACHED');
    first.send({ type: 'rendezvous-close', id: ids[0]! });
    await first.sync();
    answered(await open(second, 3), 'rendezvous-opened');
    refusedWith(await open(second, 4), 'LIMIT_REACHED');
    await first.close();
    await second.until((message) => message.type === 'rendezvous-closed' && sameBytes(message.id, ids[1]!));
    for (const i of [4, 5]) answered(await open(second, i), 'rendezvous-opened');
  }),
);

budgets.run();
