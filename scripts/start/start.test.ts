// `pnpm start`: its options, its choice of ports, and the whole of it: two apps on two origins, a clean end.
// needs: build
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { choosePorts, freePort, HOST, parseOptions } from './options.ts';

const test = suite('start');

test('options: defaults, values in both spellings, folders from where one stands', () => {
  const none = { relayPort: undefined, phonePort: undefined, webPort: undefined };
  assert.equal(parseOptions([], '/here'), { ...none, data: '/here/.sealwire', help: false });
  assert.is(parseOptions([], '/here/deeper', '/here').data, '/here/.sealwire');
  assert.equal(
    parseOptions(
      ['--', '--port', '1', '--phone-port=2', '--web-port', '0', '--data', 'x', '--help'],
      '/here',
    ),
    { relayPort: 1, phonePort: 2, webPort: 0, data: '/here/x', help: true },
  );
});

test('options: what is wrong is named', () => {
  assert.throws(() => parseOptions(['--prot', '1'], '/'), /no option --prot/);
  assert.throws(() => parseOptions(['--port', '70000'], '/'), /--port 70000 is no port/);
  assert.throws(() => parseOptions(['--web-port'], '/'), /--web-port {2}is no port/);
  assert.throws(() => parseOptions(['--data'], '/'), /--data needs a folder/);
});

test('ports: the usual ones when free, others when not, an error for one that was asked for', async () => {
  const server = createServer().listen(0, HOST);
  await new Promise((resolve) => server.once('listening', resolve));
  const busy = (server.address() as { port: number }).port;
  const free = (await freePort(0)) as number;
  try {
    const options = parseOptions([], '/');
    const ports = await choosePorts(options, { relay: busy, phone: free, web: free });
    assert.is(ports.phone, free);
    assert.is.not(ports.relay, busy);
    assert.is(new Set(Object.values(ports)).size, 3);
    const asked = await choosePorts({ ...options, webPort: busy }).catch((error: Error) => error.message);
    assert.is(asked, `--web-port ${busy} is in use; choose another one`);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

test('it serves both apps on two origins and ends cleanly when asked', async () => {
  const data = mkdtempSync(join(tmpdir(), 'sealwire-start-'));
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const ports = ['--port', '0', '--phone-port', '0', '--web-port', '0'];
  const child = spawn(process.execPath, ['--import', 'tsx', main, ...ports, '--data', data]);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  await Promise.race([until(() => output.includes('Ctrl-C')), ended.then(() => assert.unreachable(output))]);

  const phone = /Phone +(\S+)/.exec(output)?.[1] ?? '';
  const web = /Web +(\S+)/.exec(output)?.[1] ?? '';
  assert.is.not(new URL(phone).origin, new URL(web).origin);
  for (const address of [phone, web]) {
    const answer = await fetch(address);
    assert.is(answer.status, 200);
    assert.match(await answer.text(), /<script/);
  }
  child.kill('SIGINT');
  assert.is(await ended, 0);
  const refused = await fetch(phone).then(
    () => 'answers',
    () => 'refused',
  );
  assert.is(refused, 'refused');
  rmSync(data, { recursive: true });
});

test.run();

/** Looks again and again; the runner's watchdog ends a wait in vain. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
}
