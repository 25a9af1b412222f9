// A NATS JetStream cluster for tests: real nats-server processes on free ports of loopback, each with a folder of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface NatsCluster {
  /** `127.0.0.1:PORT` of each node. */
  readonly servers: readonly string[];
  /** Process ids of the nodes that run. */
  pids(): number[];
  /** SIGKILL of one node. */
  kill(index: number): Promise<void>;
  /** Starts a node again, on its port and folder. */
  start(index: number): Promise<void>;
  /** Ends all nodes and removes their folders. */
  dispose(): Promise<void>;
}

/** Starts so many nodes; waits until each takes clients. JetStream itself needs a moment more to choose its leader. */
export const startNatsCluster = async (nodes = 3): Promise<NatsCluster> => {
  const program = process.env.SEALWIRE_NATS ?? 'nats-server';
  const folder = await mkdtemp(join(tmpdir(), 'sealwire-nats-'));
  const ports = await freePorts(2 * nodes);
  const routes = ports.slice(nodes).map((port) => `nats-route://127.0.0.1:${port}`);
  const running: (ChildProcess | undefined)[] = [];

  const start = async (index: number): Promise<void> => {
    const config = join(folder, `${index}.conf`);
    const cluster =
      nodes === 1
        ? ''
        : `cluster { name: test, listen: "127.0.0.1:${ports[nodes + index]}", routes: [${routes.map((route) => `"${route}"`).join(', ')}] }`;
    await writeFile(
      config,
      `server_name: n${index}\nlisten: "127.0.0.1:${ports[index]}"\n` +
        `jetstream { store_dir: "${join(folder, String(index))}", max_mem: 64MB, max_file: 4GB }\n${cluster}\n`,
    );
    const child = spawn(program, ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
    running[index] = child;
    let said = '';
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`nats-server ended with ${code}: ${said}`)));
      child.stderr.on('data', (text) => {
        said = `${said}${text}`.slice(-10_000);
        if (said.includes('Server is ready')) resolve();
      });
    });
    child.removeAllListeners('exit');
    // A test that fails before it disposes of its cluster ends all the same.
    child.unref();
    (child.stderr as unknown as Socket).unref();
  };

  const abandon = (): void => {
    for (const child of running) child?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  process.once('exit', abandon);

  const kill = async (index: number): Promise<void> => {
    const child = running[index];
    running[index] = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.ref();
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };

  const dispose = async (): Promise<void> => {
    await Promise.all(ports.slice(0, nodes).map((_, index) => kill(index)));
    process.off('exit', abandon);
    await rm(folder, { recursive: true, force: true });
  };

  try {
    await Promise.all(ports.slice(0, nodes).map((_, index) => start(index)));
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    servers: ports.slice(0, nodes).map((port) => `127.0.0.1:${port}`),
    pids: () => running.flatMap((child) => (child?.pid === undefined ? [] : [child.pid])),
    kill,
    start,
    dispose,
  };
};

/** Ports that are free in the moment of asking, all different. */
const freePorts = async (count: number): Promise<number[]> => {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
};
