// Blobs fetched by a web page in a real Chromium from a relay on another origin: under the policy that the app is served with, and
// only where the relay lets its origin in. Rules: spec/blobs.md §4 (BL17, BL18), spec/relay-protocol.md §10 (RP106).
// needs: chromium
// timeout: 120s
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  allowOrigins,
  type BlobStore,
  createRelay,
  memoryBlobStore,
  memoryStore,
  serveApp,
} from '@sealwire/relay';
import { type BlobAsk, blobAuthority, nameOfBlob } from '@sealwire/testkit/blob-client';
import { launchChromium } from '@sealwire/testkit/chromium';
import { connectClient, makePrincipal } from '@sealwire/testkit/relay-client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocket } from 'ws';

const test = suite('blobs in a browser');
const browser = await launchChromium();

/** What a page sees of an answer. `failed` is the name of what fetch rejected with. */
interface Seen {
  readonly status?: number;
  readonly received?: string | null;
  readonly length?: string | null;
  readonly range?: string | null;
  readonly body?: string;
  readonly failed?: string;
  /** Directives of the page's own policy that were against it. */
  readonly against: string[];
}

interface World {
  /** Fetches in the page, with a member's right. */
  fetchIn(wanted: Omit<BlobAsk, 'room'>): Promise<Seen>;
  readonly room: Uint8Array;
  readonly blobs: BlobStore;
}

/** A relay with a room, and an app on a port of its own that was told of `told`. */
const withPage = async (
  options: { readonly isLetIn: boolean; readonly told?: string },
  run: (world: World) => Promise<void>,
): Promise<void> => {
  const directory = await mkdtemp(join(tmpdir(), 'sealwire-app-'));
  await writeFile(join(directory, 'index.html'), '<!doctype html><title>app</title>');
  const ports: number[] = [];
  const blobs = memoryBlobStore();
  const mayAsk = allowOrigins({ listed: [], ports });
  const relay = await createRelay({ store: memoryStore(), blobs, mayAsk });
  const app = await serveApp({
    directory,
    relay: options.told ?? relay.address,
    host: '127.0.0.1',
    port: 0,
  });
  if (options.isLetIn) ports.push(app.port);
  const client = await connectClient(
    (address, protocols) => new WebSocket(address, protocols),
    relay.address,
  );
  try {
    const principal = makePrincipal();
    assert.is((await client.putPrincipal(principal, 1, [client.key])).type, 'done');
    const room = new Uint8Array(randomBytes(32));
    const members = [{ principal: principal.id, admin: true }];
    assert.is((await client.request({ type: 'put-room', room, version: 1, members })).type, 'done');
    const page = await browser.context.newPage();
    await page.goto(`http://127.0.0.1:${app.port}/`);
    const fetchIn = (wanted: Omit<BlobAsk, 'room'>): Promise<Seen> => {
      const { method, range, part, bytes } = wanted;
      const headers = {
        authorization: blobAuthority(client.key, relay.relayId, { ...wanted, room }),
        ...(range && { range }),
        ...(part && { 'content-range': part }),
      };
      const url = `${relay.address.replace('ws:', 'http:')}/blobs`;
      const content = bytes && Buffer.from(bytes).toString('latin1');
      return page.evaluate(inPage, { url, method, headers, content });
    };
    await run({ fetchIn, room, blobs });
    await page.close();
  } finally {
    client.socket.terminate();
    await app.close();
    await relay.close();
    await rm(directory, { recursive: true, force: true });
  }
};

/** Runs in the page. Without functions of its own, since the loader of tests names those by a helper that no page has. */
const inPage = async (wanted: {
  url: string;
  method: string;
  headers: Record<string, string>;
  content: string | undefined;
}): Promise<Seen> => {
  const violations: SecurityPolicyViolationEvent[] = [];
  const stop = new AbortController();
  document.addEventListener('securitypolicyviolation', (event) => violations.push(event), {
    signal: stop.signal,
  });
  const { url, method, headers, content } = wanted;
  try {
    const body = content === undefined ? null : Uint8Array.from(content, (char) => char.charCodeAt(0));
    const answer = await fetch(url, { method, headers, body });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    return {
      status: answer.status,
      received: answer.headers.get('sealwire-received'),
      length: answer.headers.get('content-length'),
      range: answer.headers.get('content-range'),
      body: Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''),
      against: violations.map((event) => event.effectiveDirective),
    };
  } catch (error) {
    // The event comes in a task of its own.
    await new Promise((resolve) => setTimeout(resolve, 50));
    return {
      failed: (error as Error).name,
      against: violations.map((event) => event.effectiveDirective),
    };
  } finally {
    stop.abort();
  }
};

test('[BL6] [BL9] [BL17] [RP106] an app of the relay puts a blob in parts, reads all and a range of it, and removes it', () =>
  withPage({ isLetIn: true }, async ({ fetchIn }) => {
    const bytes = randomBytes(50_000);
    const name = nameOfBlob(bytes);
    const text = bytes.toString('latin1');
    const part = { method: 'PUT', name, part: 'bytes 0-29999/50000' } as const;
    const first = await fetchIn({ ...part, bytes: bytes.subarray(0, 30_000) });
    assert.equal([first.status, first.received], [202, '30000']);
    assert.equal((await fetchIn({ method: 'HEAD', name })).received, '30000');
    const rest = await fetchIn({ ...part, part: 'bytes 30000-49999/50000', bytes: bytes.subarray(30_000) });
    assert.equal([rest.status, rest.received], [201, '50000']);
    assert.is((await fetchIn({ method: 'HEAD', name })).length, '50000');
    assert.is((await fetchIn({ method: 'GET', name })).body, text);
    const range = await fetchIn({ method: 'GET', name, range: 'bytes=1000-1999' });
    assert.equal(
      [range.status, range.range, range.body],
      [206, 'bytes 1000-1999/50000', text.slice(1_000, 2_000)],
    );
    assert.is((await fetchIn({ method: 'DELETE', name })).status, 204);
    const gone = await fetchIn({ method: 'GET', name });
    assert.equal([gone.status, gone.body, gone.against], [404, '{"code":"BLOB_UNKNOWN"}', []]);
  }));

test('[BL17] a page of another origin reads no answer and changes nothing, whatever right it shows', () =>
  withPage({ isLetIn: false }, async ({ fetchIn, room, blobs }) => {
    const bytes = randomBytes(1_000);
    const name = nameOfBlob(bytes);
    const put = { method: 'PUT', name, part: 'bytes 0-999/1000', bytes } as const;
    for (const wanted of [put, { method: 'GET', name }, { method: 'DELETE', name }] as const)
      assert.equal(await fetchIn(wanted), { failed: 'TypeError', against: [] });
    assert.is(await blobs.find({ room, name }), undefined);
    await blobs.begin({ room, name }, 10, new Uint8Array(32));
    assert.equal(await fetchIn({ method: 'DELETE', name }), { failed: 'TypeError', against: [] });
    assert.ok(await blobs.find({ room, name }));
  }));

test('[RP106] the policy of an app lets it speak to its own relay and to no other', () =>
  withPage({ isLetIn: true, told: 'ws://127.0.0.1:9' }, async ({ fetchIn }) => {
    const name = new Uint8Array(randomBytes(32));
    assert.equal(await fetchIn({ method: 'HEAD', name }), { failed: 'TypeError', against: ['connect-src'] });
  }));

test.after(() => browser.close());
test.run();
