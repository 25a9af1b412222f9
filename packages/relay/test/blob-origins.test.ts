// Which web pages may ask for blobs, as a browser is told. Rules: spec/blobs.md §4. In a browser: test/blobs-browser.
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { allowOrigins, memoryBlobStore } from '../src/index.ts';
import { type World, withRelay } from './support.ts';

const test = suite('origins of pages');

/** Asks without a right, as a page of an origin would. @returns the headers of the answer. */
const askFrom = (
  { relay }: World,
  method: 'OPTIONS' | 'GET',
  origin: string,
  host?: string,
): Promise<IncomingHttpHeaders> =>
  new Promise((resolve, reject) => {
    const headers = { origin, ...(host && { host }) };
    const url = `${relay.address.replace('ws:', 'http:')}/blobs`;
    const asked = httpRequest(url, { method, headers }, (response) => {
      response.resume();
      resolve(response.headers);
    });
    asked.on('error', reject);
    asked.end();
  });

const ALLOWED = 'access-control-allow-origin';

test(
  '[BL17] [BL18] pages of no other origin may ask unless they are named, and no answer is good for anything but bytes',
  withRelay({ blobs: memoryBlobStore() }, async (world) => {
    for (const method of ['OPTIONS', 'GET'] as const) {
      const headers = await askFrom(world, method, 'https://app.example');
      assert.equal(
        Object.keys(headers).filter((name) => name.startsWith('access-control')),
        [],
      );
      assert.is(headers.vary, 'origin');
      assert.is(headers['x-content-type-options'], 'nosniff');
      assert.is(headers['cross-origin-resource-policy'], 'same-origin');
      assert.match(String(headers['content-security-policy']), /^default-src 'none'; sandbox;/);
    }
  }),
);

test('[BL17] origins that are named, and apps on ports of the same host, are let in, and nobody else', async () => {
  const mayAsk = allowOrigins({ listed: ['https://app.example'], ports: [8_080, 443] });
  await withRelay({ blobs: memoryBlobStore(), mayAsk }, async (world) => {
    for (const origin of ['https://app.example', 'http://127.0.0.1:8080', 'https://127.0.0.1']) {
      assert.is((await askFrom(world, 'GET', origin))[ALLOWED], origin);
      const preflight = await askFrom(world, 'OPTIONS', origin);
      assert.is(preflight[ALLOWED], origin);
      assert.match(preflight['access-control-allow-headers'] ?? '', /authorization/);
    }
    for (const origin of [
      'http://app.example',
      'https://app.example:444',
      'https://app.example.evil',
      'https://evil.app.example',
      'http://127.0.0.1:8081',
      'http://127.0.0.1',
      'http://127.0.0.2:8080',
      'null',
      'HTTP://127.0.0.1:8080',
      'http://127.0.0.1:8080/',
      '*',
    ])
      for (const method of ['GET', 'OPTIONS'] as const)
        assert.is((await askFrom(world, method, origin))[ALLOWED], undefined, origin);
    const app = 'http://chat.home:8080';
    assert.is((await askFrom(world, 'GET', app, 'chat.home:8787'))[ALLOWED], app);
    assert.is((await askFrom(world, 'GET', app, 'chat.home.evil:8787'))[ALLOWED], undefined);
  })();
  await withRelay({ blobs: memoryBlobStore(), mayAsk: allowOrigins({ listed: ['*'] }) }, async (world) => {
    assert.is((await askFrom(world, 'GET', 'https://any.example'))[ALLOWED], 'https://any.example');
  })();
  for (const listed of [
    'app.example',
    'https://app.example/',
    'ws://app.example',
    'https://app.example/x',
    '',
  ])
    assert.throws(() => allowOrigins({ listed: [listed] }), /no origin/);
});

test.run();
