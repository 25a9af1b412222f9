// A real relay process that also serves the built phone and web app, on ports of its own, with a store of its own.
// For the end-to-end tests; the program is apps/relay.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const HOST = '127.0.0.1';
const ASK_AGAIN_MS = 25;

export interface Relay {
  /** Origins of the two apps: two ports, so two of everything that a browser keeps. */
  readonly phoneUrl: string;
  readonly webUrl: string;
  /** Ends the process with SIGKILL, as a crash would; nothing answers any more, neither relay nor apps. */
  kill(): Promise<void>;
  /** Starts it again on the same ports and store. */
  restart(): Promise<void>;
  /** Ends it and removes its store. */
  close(): Promise<void>;
}

/** @param flags - more command line options of the relay. */
export async function startRelay(flags: readonly string[] = []): Promise<Relay> {
  const data = await mkdtemp(join(tmpdir(), 'sealwire-e2e-'));
  const [relay, phone, web] = await freePorts(3);
  const args = ['--host', HOST, '--port', `${relay}`, '--data', data, ...flags];
  args.push('--app', `${phone}=${join(ROOT, 'apps/phone/dist')}`);
  args.push('--app', `${web}=${join(ROOT, 'apps/web/dist')}`);
  let running = await run(args, [relay!, phone!, web!]);
  const end = async () => {
    const gone = new Promise((resolve) => running.once('exit', resolve));
    if (running.exitCode === null && running.signalCode === null && running.kill('SIGKILL')) await gone;
  };
  return {
    phoneUrl: `http://${HOST}:${phone}/`,
    webUrl: `http://${HOST}:${web}/`,
    kill: end,
    async restart() {
      running = await run(args, [relay!, phone!, web!]);
    },
    async close() {
      await end();
      await rm(data, { recursive: true, force: true });
    },
  };
}

/** Starts the program and resolves once all its ports answer. */
async function run(args: readonly string[], ports: readonly number[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, [join(ROOT, 'apps/relay/dist/main.js'), ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said = `${said}${chunk}`.slice(-4_000);
  });
  const ended = new Promise<never>((_, reject) => {
    child.once('exit', (code) => reject(new Error(`the relay ended with exit code ${code}: ${said}`)));
  });
  // After the start an exit is the test's own doing.
  ended.catch(() => undefined);
  await Promise.race([Promise.all(ports.map(answers)), ended]);
  return child;
}

async function answers(port: number): Promise<void> {
  while (!(await accepts(port))) await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
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

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listenAnywhere));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function listenAnywhere(): Promise<ReturnType<typeof createServer>> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, HOST, () => resolve(server));
  });
}
