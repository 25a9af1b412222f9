// Servers that are measured: each a process of its own, asked what it used. No spec rules here.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface ServerProcess {
  /** `ws://127.0.0.1:PORT`. */
  readonly address: string;
  readonly child: ChildProcess;
  /** Milliseconds of CPU that it has used, all its threads together. */
  cpuMs(): Promise<number>;
  /** Bytes resident after a garbage collection. */
  memory(): Promise<number>;
  /** Ends it, and waits for that. */
  stop(): Promise<void>;
}

const PROBE = new URL('servers/probe.mjs', import.meta.url).href;

/**
 * Starts a program and waits until it says where it listens.
 *
 * @param program - of this folder, or an absolute path.
 * @throws Error with what it said, if it ends before it listens.
 */
export const startServer = async (
  program: string,
  args: readonly string[] = [],
  nodeArgs: readonly string[] = [],
): Promise<ServerProcess> => {
  const path = fileURLToPath(new URL(program, import.meta.url));
  const node = ['--expose-gc', '--import', PROBE];
  const child = spawn(process.execPath, [...node, ...nodeArgs, path, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let said = '';
  child.stderr!.on('data', (text) => {
    said = (said + text).slice(-2_000);
  });
  const ask = async <T>(wish: 'cpu' | 'memory'): Promise<T> => {
    child.send(wish);
    const [answer] = await once(child, 'message');
    return answer as T;
  };
  for await (const line of createInterface({ input: child.stdout! })) {
    const address = /listening on (ws:\S+)/.exec(line)?.[1];
    if (address === undefined) continue;
    child.stdout!.resume();
    return {
      address,
      child,
      cpuMs: async () => (await ask<{ cpuMs: number }>('cpu')).cpuMs,
      memory: async () => (await ask<{ rss: number }>('memory')).rss,
      async stop() {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const ended = once(child, 'exit');
        child.kill('SIGTERM');
        const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
        await ended;
        clearTimeout(late);
      },
    };
  }
  throw new Error(`it ended before it listened: ${said.trim().split('\n').at(-1) ?? ''}`);
};
