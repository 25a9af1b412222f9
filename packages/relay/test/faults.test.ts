// What breaks the protocol, and a flood of it, over real sockets. Rules: spec/relay-protocol.md §3 and §8.
import { connect as connectTcp } from 'node:net';
import { codeOfClose, encodeClientMessage, LIMITS } from '@sealwire/protocol';
import { seededRandom } from '@sealwire/testkit/random';
import { hostileBytes } from '@sealwire/testkit/relay-fuzz';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocket } from 'ws';
import { append, follow, makeRoom, withRelay } from './support.ts';

const faults = suite('faults');

faults(
  '[RP2] only sealwire.v1 is spoken, and a full relay says so',
  withRelay({ limits: { connections: 1 } }, async ({ relay, connect }) => {
    const status = (protocols: string[]): Promise<number | undefined> =>
      new Promise((resolve) => {
        const socket = new WebSocket(relay.address, protocols);
        socket.on('error', () => {});
        socket.on('unexpected-response', (request, response) => {
          resolve(response.statusCode);
          request.destroy();
        });
      });
    assert.is(await status([]), 400);
    assert.is(await status(['other', 'sealwire.v2']), 400);
    await connect();
    assert.is(await status(['sealwire.v1']), 503);
  }),
);

faults(
  '[RP86] a text message, a malformed and an oversized one end the connection, each with its code',
  withRelay({}, async ({ connect }) => {
    const cases: [Uint8Array | string, string][] = [
      ['text', 'MALFORMED'],
      [new Uint8Array(), 'MALFORMED'],
      [Uint8Array.of(0x0c, 0), 'MALFORMED'],
      [Uint8Array.of(0x04, 1, 0xff, 0xff, 0x7f), 'TOO_LARGE'],
      [new Uint8Array(LIMITS.messageBytes + 1), 'TOO_LARGE'],
    ];
    for (const [message, code] of cases) {
      const client = await connect();
      client.socket.send(message);
      assert.is((await client.closed).code, code);
    }
  }),
);

faults(
  '[RP87] nothing is heard of a connection after the message that broke the rules',
  withRelay({}, async ({ account }) => {
    const { principal, client } = await account();
    const room = await makeRoom({ principal, client });
    client.socket.send(Uint8Array.of(0xee));
    client.send({ type: 'append', request: 99, room, stream: 'control', frame: Uint8Array.of(1) });
    await client.closed;
    assert.not.ok(client.heard.some((message) => 'request' in message && message.request === 99));
  }),
);

faults(
  '[RP88] bytes that are no HTTP and no WebSocket do no harm',
  withRelay({}, async ({ relay, account }) => {
    const random = seededRandom(1);
    const { principal, client } = await account();
    const room = await makeRoom({ principal, client });
    const upgrade =
      'GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n' +
      'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-protocol: sealwire.v1\r\n\r\n';
    await Promise.all(
      Array.from(
        { length: 200 },
        (_, i) =>
          new Promise<void>((resolve) => {
            const socket = connectTcp(relay.port, relay.host);
            socket.on('error', () => {});
            socket.on('close', () => resolve());
            socket.resume();
            if (i % 2 === 0) socket.write(upgrade);
            socket.end(random.bytes(random.int(3_000)));
          }),
      ),
    );
    assert.is(await append(client, room, Uint8Array.of(1)), 1);
  }),
);

faults(
  '[RP11] 2,000 hostile messages: every end has its code, the honest client goes on, memory stays bounded',
  withRelay({}, async ({ account, connect, stranger }) => {
    const random = seededRandom(Number(process.env.SEALWIRE_SEED ?? 1));
    const honest = await account();
    const room = await makeRoom(honest);
    await follow(honest.client, room);
    const inputs = 2_000;
    const ends: Record<string, number> = {};
    let survived = 0;
    let before = 0;
    for (let round = 0, left = inputs; left > 0; round++) {
      if (round === 20) before = process.memoryUsage().rss;
      const attacker = round % 4 === 0 ? stranger() : await connect();
      await attacker.until(({ type }) => type === 'hello');
      let ended = false;
      void attacker.closed.then(({ code }) => {
        ended = true;
        ends[code] = (ends[code] ?? 0) + 1;
      });
      // Until one of them ends the connection, or four were harmless by chance.
      for (let i = 0; i < 4 && left > 0 && !ended; i++, left--) {
        attacker.socket.send(hostileBytes(random, 'client'));
        await new Promise((resolve) => setImmediate(resolve));
      }
      attacker.send({ type: 'ping' });
      const pong = attacker.until(({ type }) => type === 'pong').catch(() => undefined);
      await Promise.race([attacker.closed, pong]);
      if (!ended) survived++;
      attacker.socket.terminate();
      await attacker.closed;
      if (round % 20 === 0) await append(honest.client, room, Uint8Array.of(round & 255));
    }
    const named = Object.keys(ends).filter((code) => code !== '1006');
    assert.equal(
      named.filter(
        (code) =>
          !['MALFORMED', 'TOO_LARGE', 'AUTH_REQUIRED', 'AUTH_FAILED', 'UNEXPECTED_MESSAGE'].includes(code),
      ),
      [],
    );
    assert.ok((ends.MALFORMED ?? 0) > 200 && (ends.AUTH_REQUIRED ?? 0) > 10, JSON.stringify(ends));
    assert.ok(survived < inputs / 8, `${survived} connections met nothing hostile`);
    const grown = process.memoryUsage().rss - before;
    assert.ok(grown < 150_000_000, `${grown} bytes more than at the start`);
    await honest.client.sync();
  }),
);

faults('[RP89] close codes and error codes name each other', () => {
  assert.is(codeOfClose(4000), 'MALFORMED');
  assert.is(codeOfClose(1009), 'TOO_LARGE');
  assert.is(codeOfClose(1006), undefined);
  assert.is(codeOfClose(4399), undefined);
  assert.ok(encodeClientMessage({ type: 'ping' }).length === 1);
});

faults.run();
