// The relay as a program: command line, one line on stdout, apps on their own ports, a graceful end, one process a store.
// Rules: spec/relay-protocol.md §10.
import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { LIMITS } from '@sealwire/protocol';
import { RELAY_LIMIT_NAMES } from '@sealwire/relay';
import { connectClient, makePrincipal } from '@sealwire/testkit/relay-client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HELP, parseOptions } from '../src/options.ts';
import { NODE_ARGUMENTS, openSocket, startRelay, withFolder } from './support.ts';

const main = suite('main');

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });

main('[RP108] the command line: usual values, apps, and mistakes by name', () => {
  assert.equal(parseOptions([]), {
    host: '127.0.0.1',
    port: 8787,
    data: './sealwire-data',
    store: undefined,
    apps: [],
    app: undefined,
    address: undefined,
    successor: undefined,
    metrics: undefined,
    tls: undefined,
    blobs: true,
    log: false,
    limits: {},
    proxy: false,
    trusted: undefined,
    origins: [],
  });
  const some = parseOptions(['--port', '0', '--app', '1=a', '--app=2=b=c', '--address', 'wss://x.example']);
  assert.ok(some !== 'help');
  assert.equal(some.apps, [
    { port: 1, directory: 'a' },
    { port: 2, directory: 'b=c' },
  ]);
  assert.is(parseOptions(['--help']), 'help');
  const mistakes: [string[], RegExp][] = [
    [['--port', 'x'], /--port x/],
    [['--port', '65536'], /--port/],
    [['--app', '80'], /--app 80/],
    [['--app', '=x'], /--app/],
    [['--address', 'http://x'], /--address/],
    [['--address', 'nonsense'], /--address/],
    [['--successor', 'http://x'], /--successor/],
    [['--limit', 'connections'], /--limit connections/],
    [['--limit', 'connections=0'], /--limit/],
    [['--limit', 'frameBytes=5'], /--limit frameBytes/],
    [['--trusted-proxy', '10.0.0.0/33'], /--trusted-proxy 10\.0\.0\.0\/33: neither/],
    [['--trusted-proxy', 'proxy.example'], /--trusted-proxy/],
    [['--origin', 'https://app.example/'], /--origin https:\/\/app\.example\/: no origin/],
    [['--nonsense'], /--nonsense/],
    [['stray'], /stray/],
  ];
  for (const [args, names] of mistakes) assert.throws(() => parseOptions(args), names);
  const wrong = spawnSync(process.execPath, [...NODE_ARGUMENTS, '--nonsense'], { encoding: 'utf8' });
  assert.is(wrong.status, 1);
  assert.match(wrong.stderr, /^sealwire relay: .*--nonsense/);
  assert.is(wrong.stdout, '');
});

main('[RP127] limits are settings, and the help names them all with their numbers', () => {
  const some = parseOptions(['--limit', 'connections=5', '--limit=pingMs=900', '--proxy']);
  assert.ok(some !== 'help');
  assert.equal([some.limits, some.proxy], [{ connections: 5, pingMs: 900 }, true]);
  for (const name of RELAY_LIMIT_NAMES) assert.match(HELP, new RegExp(`^  ${name} +${LIMITS[name]}$`, 'm'));
});

main(
  '[RP66] [RP108] the two apps are served on their own ports and told the relay; a signal ends it, and the data stays',
  withFolder(async (folder) => {
    const data = join(folder, 'data');
    const ports = [await freePort(), await freePort()];
    for (const name of ['phone', 'web']) {
      await mkdir(join(folder, name));
      await writeFile(join(folder, name, 'index.html'), name);
    }
    const relay = await startRelay([
      '--data',
      data,
      ...['--app', `${ports[0]}=${join(folder, 'phone')}`],
      ...['--app', `${ports[1]}=${join(folder, 'web')}`],
      ...['--static', join(folder, 'web')],
    ]);
    for (const [i, name] of ['phone', 'web'].entries()) {
      const base = `http://127.0.0.1:${ports[i]}`;
      assert.is(await (await fetch(`${base}/`)).text(), name);
      assert.equal(await (await fetch(`${base}/relay.json`)).json(), { relay: relay.address });
    }
    const own = relay.address.replace('ws:', 'http:');
    assert.is(await (await fetch(`${own}/`)).text(), 'web');
    assert.is((await fetch(`${own}/healthz`)).status, 200);
    const client = await connectClient(openSocket, relay.address);
    const principal = makePrincipal();
    assert.is((await client.putPrincipal(principal, 1, [client.key])).type, 'done');

    const second = spawnSync(process.execPath, [...NODE_ARGUMENTS, '--port', '0', '--data', data], {
      encoding: 'utf8',
    });
    assert.is(second.status, 1);
    assert.match(second.stderr, /Another relay holds this directory/);

    relay.child.kill('SIGTERM');
    assert.is((await client.closed).code, 'SHUTTING_DOWN');
    assert.is(await relay.ended, 0);

    const again = await startRelay(['--data', data]);
    const back = await connectClient(openSocket, again.address, client.key);
    const welcome = back.heard.find((message) => message.type === 'welcome');
    assert.ok(welcome?.type === 'welcome' && welcome.principal !== undefined);
    again.child.kill('SIGINT');
    assert.is(await again.ended, 0);
  }),
);

main.run();
