// A real relay process for tests and the demo: the program apps/relay, from sources, on a free port of loopback.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface RelayProcess {
  /** `ws://127.0.0.1:PORT`. */
  readonly address: string;
  /** `http://…/metrics`, if it was asked for with `--metrics`. */
  readonly figures: string | undefined;
  readonly process: ChildProcess;
  /** SIGTERM, and waits for the end. */
  stop(): Promise<void>;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
}

const PROGRAM = fileURLToPath(new URL('../../../apps/relay/src/main.ts', import.meta.url));

/**
 * Starts the relay on `data` and waits until it listens.
 *
 * @param options.port - 0, the default, is any free one.
 * @param options.args - more flags of the program.
 * @throws Error with what the program said, if it ends before it listens.
 */
export const startRelayProcess = async (options: {
  /** Folder of the store; not for a relay that has its store elsewhere. */
  readonly data?: string;
  readonly port?: number;
  readonly args?: readonly string[];
}): Promise<RelayProcess> => {
  const { port = 0, data, args: more = [] } = options;
  const args = ['--port', String(port), ...(data === undefined ? [] : ['--data', data]), ...more];
  const child = spawn(
    process.execPath,
    ['--conditions=sealwire:source', '--import', 'tsx', PROGRAM, ...args],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  };
  let figures: string | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    figures ??= /figures at (http:\S+)/.exec(line)?.[1];
    const address = /listening on (ws:\S+)/.exec(line)?.[1];
    const stop = () => end('SIGTERM');
    if (address) return { address, figures, process: child, stop, kill: () => end('SIGKILL') };
  }
  throw new Error(`the relay ended before it listened: ${said}`);
};
