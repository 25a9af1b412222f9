// `pnpm start`: builds, runs a relay that also serves the phone and the web app, says where they are.
// Ctrl-C lets the relay finish what it holds and ends; a second one ends it at once.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { choosePorts, HELP, HOST, type Ports, parseOptions, USUAL } from './options.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const say = (line: string): boolean => process.stdout.write(`${line}\n`);
const START_WITHIN_MS = 30_000;

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2), process.env.INIT_CWD ?? process.cwd(), root);
  if (options.help) {
    say(HELP);
    return;
  }
  const ports = await choosePorts(options);
  build();
  const relay = startRelay(ports, options.data);
  const ended = new Promise<number>((resolve) => {
    relay.once('exit', (code, signal) => resolve(signal === null ? (code ?? 1) : 1));
  });
  endWith(relay);
  await Promise.race([
    Promise.all([ports.relay, ports.phone, ports.web].map(listening)),
    ended.then((code) =>
      Promise.reject(new Error(`the relay ended with exit code ${code} before it was ready`)),
    ),
  ]);
  for (const line of greeting(ports, options.data)) say(line);
  process.exitCode = await ended;
  if (process.exitCode !== 0)
    say(`The relay ended with exit code ${process.exitCode}; what it said stands above.`);
}

function build(): void {
  say('Building (the first time takes a while) …');
  const result = spawnSync(
    join(root, 'node_modules/.bin/turbo'),
    ['run', 'build', '--output-logs=errors-only'],
    {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' },
    },
  );
  if (result.status !== 0) throw new Error(`the build failed:\n${result.stdout ?? ''}${result.stderr ?? ''}`);
}

function startRelay(ports: Ports, data: string): ChildProcess {
  const program = join(root, 'apps/relay/dist/main.js');
  const apps = { [ports.phone]: join(root, 'apps/phone/dist'), [ports.web]: join(root, 'apps/web/dist') };
  for (const path of [program, ...Object.values(apps)]) {
    if (!existsSync(path)) throw new Error(`the build left no ${path}`);
  }
  const args = ['--host', HOST, '--port', String(ports.relay), '--data', data];
  for (const [port, folder] of Object.entries(apps)) args.push('--app', `${port}=${folder}`);
  // A group of its own: Ctrl-C reaches this program alone, which then asks the relay once.
  return spawn(process.execPath, [program, ...args], {
    cwd: root,
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

function endWith(relay: ChildProcess): void {
  let asked = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      relay.kill(asked ? 'SIGKILL' : 'SIGTERM');
      asked = true;
    });
  }
  process.once('exit', () => relay.kill('SIGKILL'));
}

async function listening(port: number): Promise<void> {
  for (const end = Date.now() + START_WITHIN_MS; Date.now() < end; ) {
    if (await accepts(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing listens on ${HOST}:${port} after ${START_WITHIN_MS / 1000} s`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST);
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

function greeting(ports: Ports, data: string): string[] {
  const moved = ports.phone !== USUAL.phone || ports.web !== USUAL.web;
  return [
    '',
    'Sealwire runs.',
    '',
    `  Phone  http://${HOST}:${ports.phone}`,
    `  Web    http://${HOST}:${ports.web}`,
    '',
    '1. Open the phone and create your account.',
    '2. Open the web app in another window: it shows a code.',
    '3. On the phone choose "Linked devices", "Link a device", and paste the code, or scan it with the camera.',
    '4. Type the six digits that the phone shows into the web app.',
    '',
    ...(moved ? ['These are not the usual addresses: what you made under others stays with those.', ''] : []),
    `Relay: ws://${HOST}:${ports.relay}, its sealed frames in ${data}. Ctrl-C stops it all.`,
  ];
}

main().catch((error: unknown) => {
  process.stderr.write(`start: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
