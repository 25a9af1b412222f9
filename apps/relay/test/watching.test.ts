// What a relay shows to those who run it: health, readiness, figures, TLS. Rules: spec/relay-protocol.md §10.
import { readFile } from 'node:fs/promises';
import { get } from 'node:https';
import { fileURLToPath } from 'node:url';
import { fromHex } from '@sealwire/protocol';
import { blobClient, nameOfBlob } from '@sealwire/testkit/blob-client';
import { connectClient, makePrincipal } from '@sealwire/testkit/relay-client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocket } from 'ws';
import { openSocket, startRelay, withFolder } from './support.ts';

const test = suite('watching a relay');

/** The value of a sample, by its name with labels. */
const sample = (text: string, name: string): number => {
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  assert.ok(line, `no ${name}`);
  return Number(line!.slice(name.length + 1));
};

test(
  '[RP151] [RP152] [RP192] [BL5] figures count what a device did, and hold nothing of it',
  withFolder(async (folder) => {
    const relay = await startRelay(['--data', folder, '--metrics', '0', '--log']);
    const figures = relay.said().match(/^figures at (\S+)$/m)![1]!;
    const http = relay.address.replace('ws:', 'http:');
    assert.is((await fetch(`${http}/readyz`)).status, 200);
    assert.is((await fetch(`${http}/metrics`)).status, 404, 'not where strangers come');
    assert.is((await fetch(figures.replace('/metrics', '/'))).status, 404);

    const client = await connectClient(openSocket, relay.address);
    const principal = makePrincipal();
    assert.is((await client.putPrincipal(principal, 1, [client.key])).type, 'done');
    const room = new Uint8Array(32).fill(7);
    const admin = { principal: principal.id, admin: true };
    const made = await client.request({ type: 'put-room', room, version: 1, members: [admin] });
    assert.is(made.type, 'done');
    const append = (to: Uint8Array, frame: Uint8Array) =>
      client.request({ type: 'append', room: to, stream: 'page-0', frame });
    for (let i = 0; i < 3; i++) {
      const answer = await append(room, new Uint8Array(100).fill(i));
      assert.is(answer.type, 'appended');
    }
    assert.is((await append(new Uint8Array(32), new Uint8Array(9))).type, 'refused');

    const health = (await (await fetch(`${http}/healthz`)).json()) as { relayId: string };
    const blobs = blobClient({ address: relay.address, relayId: fromHex(health.relayId) }, client.key);
    const put = await blobs.put(room, new Uint8Array(50).fill(9));
    assert.is(put.status, 201);
    assert.is((await fetch(`${http}/blobs`, { method: 'PATCH' })).status, 405);

    const response = await fetch(figures);
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain/);
    const text = await response.text();
    assert.is(sample(text, 'sealwire_relay_connections'), 1);
    assert.is(sample(text, 'sealwire_relay_messages_total{type="append"}'), 4);
    assert.is(sample(text, 'sealwire_relay_refused_total{code="ROOM_UNKNOWN"}'), 1);
    assert.is(sample(text, 'sealwire_relay_durable_seconds_count'), 5);
    assert.ok(sample(text, 'sealwire_relay_received_bytes_total') > 400);
    assert.ok(sample(text, 'sealwire_relay_store_bytes') > 4096);
    assert.is(sample(text, 'sealwire_relay_store_rooms'), 1);
    assert.is(sample(text, 'sealwire_relay_store_principals'), 1);
    assert.is(sample(text, 'sealwire_relay_store_frames'), 3);
    assert.is(sample(text, 'sealwire_relay_connected_total'), 1);
    assert.is(sample(text, 'sealwire_relay_blob_requests_total{method="PUT",status="201"}'), 1);
    assert.is(sample(text, 'sealwire_relay_blob_requests_total{method="other",status="405"}'), 1);
    assert.is(sample(text, 'sealwire_relay_blob_bytes_total{direction="up"}'), 50);
    for (const secret of [principal.id, room, client.key.publicKey])
      assert.not.match(text, new RegExp(Buffer.from(secret).toString('hex'), 'i'));

    relay.child.kill('SIGTERM');
    assert.is(await relay.ended, 0);
    const events = relay
      .said()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));
    assert.ok(events.every(({ at }) => !Number.isNaN(Date.parse(at))));
    assert.equal(events.at(-1).event, 'stopped');
    const lineOf = (event: string) => events.find((line) => line.event === event);
    const { connection } = lineOf('connected');
    assert.equal(
      [lineOf('authenticated').connection, lineOf('closing').connection],
      [connection, connection],
    );
    const number = Number(put.headers['sealwire-request']);
    assert.equal(
      events.flatMap(({ event, request, method, status }) =>
        event === 'blob' && request === number ? [[method, status]] : [],
      ),
      [['PUT', 201]],
    );
    for (const secret of [principal.id, room, client.key.publicKey, nameOfBlob(new Uint8Array(50).fill(9))])
      for (const form of ['hex', 'base64', 'base64url'] as const)
        assert.not.ok(relay.said().includes(Buffer.from(secret).toString(form)));
  }),
);

test(
  '[RP153] with a certificate the relay speaks TLS alone',
  withFolder(async (folder) => {
    const file = (name: string) => fileURLToPath(new URL(`./fixtures/${name}.pem`, import.meta.url));
    const ca = await readFile(file('tls-cert'), 'utf8');
    const relay = await startRelay([
      ...['--data', folder, '--tls-cert', file('tls-cert'), '--tls-key', file('tls-key')],
    ]);
    assert.match(relay.address, /^wss:/);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      get(`${relay.address.replace('wss:', 'https:')}/healthz`, { ca }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on('error', reject);
    });
    assert.is(status, 200);
    const client = await connectClient(
      (address, protocols) => new WebSocket(address, protocols, { perMessageDeflate: false, ca }),
      relay.address,
    );
    assert.is((await client.putPrincipal(makePrincipal(), 1, [client.key])).type, 'done');
    const plain = await fetch(relay.address.replace('wss:', 'http:')).catch((error: unknown) => error);
    assert.instance(plain, Error);
    relay.child.kill('SIGTERM');
    assert.is(await relay.ended, 0);
  }),
);

test.run();
