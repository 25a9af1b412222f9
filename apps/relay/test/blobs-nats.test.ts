// Relay processes keep blobs at NATS: one is killed in the middle of a transfer, another goes on with it, and none holds what
// passes through it. Rules: spec/blobs.md, spec/relay-protocol.md §13 (RP169, RP170).
// needs: nats
// timeout: 120s
import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { fromHex } from '@sealwire/protocol';
import { blobAuthority, blobClient } from '@sealwire/testkit/blob-client';
import { startNatsCluster } from '@sealwire/testkit/nats-cluster';
import { connectClient, makePrincipal } from '@sealwire/testkit/relay-client';
import { type RelayProcess, startRelayProcess } from '@sealwire/testkit/relay-process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openSocket } from './support.ts';

const nodes = process.env.SEALWIRE_SLOW ? 3 : 1;
const MiB = 1024 * 1024;
const SIZE = 96 * MiB;
/** What a process may grow by while SIZE passes through it twice: chunks that are under way, and garbage. */
const MOST_GROWTH = 64 * MiB;

const test = suite('blobs of relay processes on NATS');

/** The most memory that the process ever held, in bytes. */
const peakOf = async ({ process: { pid } }: RelayProcess): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
};

test('[BL6] [BL11] [RP169] [RP170] a killed relay costs a transfer nothing that was received; memory does not grow with it', async () => {
  const cluster = await startNatsCluster(nodes);
  const args = ['--store', `nats://${cluster.servers.join(',')}/blobs?shards=1&replicas=${nodes}`];
  const relays = [await startRelayProcess({ args }), await startRelayProcess({ args })];
  const [first, second] = relays as [RelayProcess, RelayProcess];
  try {
    const client = await connectClient(openSocket, second.address);
    const { key } = client;
    const principal = makePrincipal();
    assert.is((await client.putPrincipal(principal, 1, [key])).type, 'done');
    const room = new Uint8Array(randomBytes(32));
    const members = [{ principal: principal.id, admin: true }];
    assert.is((await client.request({ type: 'put-room', room, version: 1, members })).type, 'done');
    const health = await fetch(`${second.address.replace('ws:', 'http:')}/healthz`);
    const relayId = fromHex(((await health.json()) as { relayId: string }).relayId);
    const piece = randomBytes(MiB);
    const hash = createHash('sha256');
    for (let i = 0; i < SIZE / MiB; i++) hash.update(piece);
    const name = new Uint8Array(hash.digest());
    const { put, head } = blobClient({ address: second.address, relayId }, key);
    assert.is((await put(room, piece)).status, 201);
    const before = await peakOf(second);

    /** Sends the blob from a place on. @returns the status. */
    const send = (
      { address }: RelayProcess,
      from: number,
      sent: (bytes: number) => void,
    ): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const headers = {
          authorization: blobAuthority(key, relayId, { method: 'PUT', room, name }),
          'content-length': SIZE - from,
          'content-range': `bytes ${from}-${SIZE - 1}/${SIZE}`,
        };
        const url = `${address.replace('ws:', 'http:')}/blobs`;
        const asked = httpRequest(url, { method: 'PUT', headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        });
        asked.on('error', reject);
        const next = (at: number): void => {
          sent(at);
          if (at === SIZE) asked.end();
          else {
            const to = at - (at % MiB) + MiB;
            asked.write(piece.subarray(at % MiB, to - at + (at % MiB)), () => next(to));
          }
        };
        next(from);
      });
    let killing: Promise<void> | undefined;
    const broken = send(first, 0, (bytes) => {
      if (bytes >= SIZE / 3) killing ??= first.kill();
    });
    await broken.then(
      () => assert.unreachable(),
      () => {},
    );
    await killing;
    const received = Number((await head(room, name)).headers['sealwire-received']);
    assert.ok(received > SIZE / 10, `${received} bytes were received`);
    assert.is(await send(second, received, () => {}), 201);

    const got = createHash('sha256');
    const headers = { authorization: blobAuthority(key, relayId, { method: 'GET', room, name }) };
    const answer = await fetch(`${second.address.replace('ws:', 'http:')}/blobs`, { headers });
    for await (const part of answer.body!) got.update(part);
    assert.equal(new Uint8Array(got.digest()), name);
    const grown = (await peakOf(second)) - before;
    assert.ok(grown < MOST_GROWTH, `grew by ${Math.round(grown / MiB)} MiB`);
    client.socket.terminate();
  } finally {
    for (const relay of relays) await relay.stop();
    await cluster.dispose();
  }
});

test.run();
