// Health and the graceful end of a relay. Rules: spec/relay-protocol.md §10.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LIMITS, toHex } from '@sealwire/protocol';
import { connectClient, makePrincipal } from '@sealwire/testkit/relay-client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createRelay, memoryStore, type RelayEvent } from '../src/index.ts';
import { append, follow, makeRoom, openSocket, refusedWith, withRelay } from './support.ts';

const stop = suite('stop');

stop(
  '[RP100] /healthz answers while the relay runs, everything else is not found',
  withRelay({}, async ({ relay }) => {
    const base = relay.address.replace('ws:', 'http:');
    const health = await fetch(`${base}/healthz`);
    assert.is(health.status, 200);
    assert.equal(await health.json(), { status: 'ok', relayId: toHex(relay.relayId) });
    assert.is((await fetch(`${base}/other`)).status, 404);
  }),
);

let release = (): void => {};
let disk: Promise<void> | undefined;

stop(
  '[RP101] a stop finishes the appends on their way to the disk, acknowledges and delivers them, and takes no new ones',
  withRelay({ store: memoryStore({ flush: async () => disk }) }, async ({ relay, account }) => {
    const [ada, bob] = [await account(), await account()];
    const room = await makeRoom(ada, bob);
    await follow(bob.client, room);
    disk = new Promise((resolve) => {
      release = resolve;
    });
    const waiting = append(ada.client, room, Uint8Array.of(1));
    await ada.client.sync();
    const closing = relay.close();
    refusedWith(
      await ada.client.request({ type: 'append', room, stream: 'control', frame: Uint8Array.of(2) }),
      'SHUTTING_DOWN',
    );
    refusedWith(await ada.client.putPrincipal(ada.principal, 2, [ada.client.key]), 'SHUTTING_DOWN');
    release();
    assert.is(await waiting, 1);
    await bob.client.until(({ type }) => type === 'frames');
    assert.equal(await ada.client.closed, { code: 'SHUTTING_DOWN', reason: 'SHUTTING_DOWN after=1000' });
    assert.is((await bob.client.closed).code, 'SHUTTING_DOWN');
    await closing;
  }),
);

stop(
  '[RP102] a stop does not wait for ever: not for the disk, not for a peer that does not close',
  async () => {
    let repair = (): void => {};
    let stuck: Promise<void> | undefined;
    const store = memoryStore({ flush: async () => stuck });
    const events: RelayEvent[] = [];
    const relay = await createRelay({
      // A store that waits for its disk when it is closed would hide what is tested here.
      store: { ...store, close: async () => {} },
      limits: { drainMs: 20, closeMs: 20 },
      log: (event) => events.push(event),
    });
    const client = await connectClient(openSocket, relay.address);
    stuck = new Promise((resolve) => {
      repair = resolve;
    });
    const principal = makePrincipal();
    const edit = client.putPrincipal(principal, 1, [client.key]).catch((error: Error) => error.message);
    await client.sync();
    client.socket.pause();
    await relay.close();
    assert.equal(
      events.map(({ event }) => event),
      ['listening', 'connected', 'authenticated', 'stopping', 'closing', 'disconnected', 'stopped'],
    );
    client.socket.resume();
    assert.match(String(await edit), /closed with/);
    repair();
    await store.close();
  },
);

stop('[RP102] all waits of a stop together take less than ten seconds', () => {
  assert.ok(2 * LIMITS.drainMs + LIMITS.closeMs < 10_000);
});

stop('[RP103] a relay can share a server of its host, which keeps its own pages', async () => {
  const server = createServer((_request, response) => response.end('page'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const relay = await createRelay({ store: memoryStore(), server });
  assert.is(relay.port, (server.address() as AddressInfo).port);
  const client = await connectClient(openSocket, relay.address);
  assert.is(await (await fetch(`http://127.0.0.1:${relay.port}/`)).text(), 'page');
  await relay.close();
  assert.is((await client.closed).code, 'SHUTTING_DOWN');
  assert.is(await (await fetch(`http://127.0.0.1:${relay.port}/`)).text(), 'page', 'the server lives on');
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

stop.run();
