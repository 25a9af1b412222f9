// The program keeps blobs beside its store, streams them, and copies them with a backup. Rules: spec/blobs.md (BL11).
import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { fromHex } from '@sealwire/protocol';
import { backupStore, checkStore, restoreStore } from '@sealwire/relay';
import { blobAuthority, blobClient } from '@sealwire/testkit/blob-client';
import { connectClient, makePrincipal } from '@sealwire/testkit/relay-client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openSocket, type RelayProcess, startRelay, withFolder } from './support.ts';

const test = suite('blobs of the program');

const MiB = 1024 * 1024;
const SIZE = 96 * MiB;
/** What the process may grow by while several times SIZE passes through it: buffers of a few sockets, and garbage. */
const MOST_GROWTH = 64 * MiB;

/** The most memory that the process ever held, in bytes. */
const peakOf = async ({ child }: RelayProcess): Promise<number> => {
  const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
};

const relayIdOf = async ({ address }: RelayProcess): Promise<Uint8Array> => {
  const health = await fetch(`${address.replace('ws:', 'http:')}/healthz`);
  return fromHex(((await health.json()) as { relayId: string }).relayId);
};

/** An account with a room. */
const member = async (relay: RelayProcess) => {
  const client = await connectClient(openSocket, relay.address);
  const principal = makePrincipal();
  assert.is((await client.putPrincipal(principal, 1, [client.key])).type, 'done');
  const room = new Uint8Array(randomBytes(32));
  const members = [{ principal: principal.id, admin: true }];
  assert.is((await client.request({ type: 'put-room', room, version: 1, members })).type, 'done');
  return { client, room, key: client.key };
};

test(
  '[BL11] large blobs pass through a relay that holds none of them, whoever reads slowly; a restore brings them back',
  withFolder(async (folder) => {
    const data = join(folder, 'data');
    let relay = await startRelay(['--data', data]);
    const { client, room, key } = await member(relay);
    const relayId = await relayIdOf(relay);
    const piece = randomBytes(MiB);
    const hash = createHash('sha256');
    for (let i = 0; i < SIZE / MiB; i++) hash.update(piece);
    const name = new Uint8Array(hash.digest());
    const small = await blobClient({ address: relay.address, relayId }, key).put(room, piece);
    assert.is(small.status, 201);
    const before = await peakOf(relay);

    const headersOf = (method: 'GET' | 'PUT') => ({
      authorization: blobAuthority(key, relayId, { method, room, name }),
    });
    const url = `${relay.address.replace('ws:', 'http:')}/blobs`;
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = {
        ...headersOf('PUT'),
        'content-length': SIZE,
        'content-range': `bytes 0-${SIZE - 1}/${SIZE}`,
      };
      const asked = httpRequest(url, { method: 'PUT', headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      asked.on('error', reject);
      const send = (left: number): void => {
        if (left === 0) asked.end();
        else asked.write(piece, () => send(left - 1));
      };
      send(SIZE / MiB);
    });
    assert.is(status, 201);

    // Six that ask and do not read, then one that does.
    const slow = await Promise.all(
      Array.from(
        { length: 6 },
        () =>
          new Promise<() => void>((resolve, reject) => {
            const asked = httpRequest(url, { headers: headersOf('GET') }, (response) => {
              response.pause();
              resolve(() => asked.destroy());
            });
            asked.on('error', reject);
            asked.end();
          }),
      ),
    );
    const got = createHash('sha256');
    let bytes = 0;
    const answer = await fetch(url, { headers: headersOf('GET') });
    for await (const part of answer.body!) {
      bytes += part.length;
      got.update(part);
    }
    assert.is(bytes, SIZE);
    assert.equal(new Uint8Array(got.digest()), name);
    const grown = (await peakOf(relay)) - before;
    assert.ok(grown < MOST_GROWTH, `grew by ${Math.round(grown / MiB)} MiB`);
    for (const leave of slow) leave();

    await backupStore(data, join(folder, 'copy'));
    relay.child.kill('SIGTERM');
    assert.is(await relay.ended, 0);
    assert.is((await client.closed).code, 'SHUTTING_DOWN');
    await restoreStore(join(folder, 'copy'), join(folder, 'again'), Date.now());
    assert.equal((await checkStore(join(folder, 'again'))).problems, []);
    relay = await startRelay(['--data', join(folder, 'again')]);
    const back = blobClient({ address: relay.address, relayId }, key);
    assert.is((await back.head(room, name)).headers['content-length'], String(SIZE));
    const range = `bytes=${SIZE - 10}-`;
    assert.ok((await back.get(room, name, range)).body.equals(piece.subarray(MiB - 10)));
    relay.child.kill('SIGTERM');
    assert.is(await relay.ended, 0);

    const none = await startRelay(['--data', join(folder, 'again'), '--no-blobs']);
    assert.is((await blobClient({ address: none.address, relayId }, key).head(room, name)).status, 404);
    none.child.kill('SIGTERM');
    assert.is(await none.ended, 0);
  }),
);

test.run();
