// The server of built apps: paths, types, caching and the security policy. Rules: spec/relay-protocol.md §10.
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type AppServer, serveApp } from '../src/index.ts';

const files = suite('static files');
let folder = '';
let app: AppServer;

files.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealwire-app-'));
  await mkdir(join(folder, 'app/assets'), { recursive: true });
  await writeFile(join(folder, 'secret.txt'), 'secret');
  await writeFile(join(folder, 'app/index.html'), '<!doctype html>');
  await writeFile(join(folder, 'app/sw.js'), '1');
  await writeFile(join(folder, 'app/assets/main-abc123.js'), '2');
  await writeFile(join(folder, 'app/manifest.webmanifest'), '{}');
  await writeFile(join(folder, 'app/.env'), 'secret');
  await symlink(join(folder, 'secret.txt'), join(folder, 'app/link.txt'));
  app = await serveApp({
    directory: join(folder, 'app'),
    relay: 'ws://127.0.0.1:9999',
    host: '127.0.0.1',
    port: 0,
  });
});

files.after(async () => {
  await app.close();
  await rm(folder, { recursive: true });
});

/** fetch tidies paths up; this sends them as they are. */
const get = (path: string, method = 'GET', headers: Record<string, string> = {}) =>
  new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: string }>(
    (resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port: app.port, path, method, headers }, (response) => {
        let body = '';
        response.on('data', (chunk) => {
          body += chunk;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        );
      });
      asked.on('error', reject);
      asked.end();
    },
  );

files(
  '[RP104] files come with their type; the page and the worker are asked for anew, hashed files never',
  async () => {
    const expected: [string, string, string][] = [
      ['/', 'text/html; charset=utf-8', 'no-cache'],
      ['/index.html?x=1', 'text/html; charset=utf-8', 'no-cache'],
      ['/sw.js', 'text/javascript; charset=utf-8', 'no-cache'],
      ['/manifest.webmanifest', 'application/manifest+json', 'no-cache'],
      ['/assets/main-abc123.js', 'text/javascript; charset=utf-8', 'public, max-age=31536000, immutable'],
    ];
    for (const [path, type, cache] of expected) {
      const { status, headers } = await get(path);
      assert.equal([status, headers['content-type'], headers['cache-control']], [200, type, cache], path);
      const again = await get(path, 'GET', { 'if-none-match': String(headers.etag) });
      assert.equal([again.status, again.body], [304, '']);
      const head = await get(path, 'HEAD');
      assert.equal([head.status, head.body, head.headers['content-type']], [200, '', type]);
    }
  },
);

files('[RP105] nothing outside the folder, no dot file, nothing but GET and HEAD', async () => {
  const paths = [
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/assets/..%2f..%2fsecret.txt',
    '/link.txt',
  ];
  paths.push(
    '/.env',
    '/%2eenv',
    '/assets',
    '/assets/',
    '/absent',
    '/..%5csecret.txt',
    '/index.html%00.txt',
    '/%ff',
    '//etc/passwd',
  );
  for (const path of paths) {
    const { status, body } = await get(path);
    assert.ok(status === 404 || status === 400, `${path}: ${status}`);
    assert.is(body, '');
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) assert.is((await get('/', method)).status, 405);
});

files(
  '[RP106] every answer carries the policy: own scripts alone, and the relay as only foreign address',
  async () => {
    for (const path of ['/', '/absent', '/relay.json', '/assets/main-abc123.js']) {
      const { headers } = await get(path);
      const policy = String(headers['content-security-policy']).split('; ');
      assert.ok(policy.includes("default-src 'none'") && policy.includes("script-src 'self'"));
      assert.ok(policy.includes("connect-src 'self' ws://127.0.0.1:9999 http://127.0.0.1:9999"));
      assert.ok(policy.includes("frame-ancestors 'none'") && policy.includes("base-uri 'none'"));
      assert.not.match(policy.join(), /unsafe|\*/);
      assert.is(headers['x-content-type-options'], 'nosniff');
      assert.is(headers['referrer-policy'], 'no-referrer');
      assert.match(String(headers['permissions-policy']), /camera=\(self\)/);
    }
  },
);

files('[RP107] /relay.json tells the app where its relay is', async () => {
  const { headers, body } = await get('/relay.json');
  assert.is(headers['cache-control'], 'no-store');
  assert.equal(JSON.parse(body), { relay: 'ws://127.0.0.1:9999' });
});

files.run();
