// timeout: 60s
// The size suite on a few messages: the form of its rows, and that bytes are those that really travel.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type WebSocket from 'ws';
import { WebSocketServer } from 'ws';
import { runSize } from './bench.ts';
import { relayBytes } from './disk.ts';
import { onSocket } from './wire.ts';

const test = suite('bench size');

test('every case counts ours beside peers, and more for a message alone than for one of many', async () => {
  const { results, notes, absent } = await runSize({ quick: true, say: () => undefined }, 120);
  assert.equal(absent, []);
  assert.equal(
    results.map((result) => result.case),
    [
      'live/frame',
      'live/sent',
      'live/received',
      'catch-up/120',
      'relay/120',
      'vault/120',
      'vault/120/as-written',
      'catch-up/120/other-engines',
      'vault/120/other-engines',
    ],
  );
  const ours = new Map(results.map((result) => [result.case, result.ours]));
  assert.ok(ours.get('live/sent')! > ours.get('live/frame')!);
  assert.ok(ours.get('live/frame')! > ours.get('catch-up/120')! - 80);
  for (const { unit, better, peers } of results) {
    assert.is(`${unit} ${better}`, 'B/message lower');
    assert.ok(peers.length > 0);
  }
  assert.match(notes.join('\n'), /frame is \d+ B above its plain update/);
});

test('a WebSocket message takes what RFC 6455 says: counted on a real connection', async () => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  for (const length of [1, 125, 126, 65_535, 65_536]) {
    const raw = connect(port, '127.0.0.1');
    let received = 0;
    raw.on('data', (bytes) => {
      received += bytes.length;
    });
    const connected = once(server, 'connection');
    raw.write(
      `GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
    );
    const [socket] = (await connected) as [WebSocket];
    await once(raw, 'data');
    const before = received;
    socket.send(new Uint8Array(length));
    while (received - before < onSocket(length, 'server')) await once(raw, 'data');
    assert.is(received - before, onSocket(length, 'server'));
    raw.destroy();
  }
  server.close();
  await once(server, 'close');
  assert.is(onSocket(200, 'client') - onSocket(200, 'server'), 4);
});

test("the relay's disk grows by at least what it was given", async () => {
  const frames = Array.from({ length: 300 }, (_, i) => ({
    position: i + 1,
    stream: 'page-0',
    frame: new Uint8Array(randomBytes(200)),
  }));
  assert.ok((await relayBytes(frames)) > 300 * 200);
});

test.run();
