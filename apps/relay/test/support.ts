// Starts the relay as a process of its own, for tests of what only a process shows. Rules: spec/relay-protocol.md §10.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { OpenSocket } from '@sealwire/testkit/relay-client';
import { WebSocket } from 'ws';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
export const NODE_ARGUMENTS = ['--conditions=sealwire:source', '--import', 'tsx', MAIN];

export const openSocket: OpenSocket = (address, protocols) =>
  new WebSocket(address, protocols, { perMessageDeflate: false });

export interface RelayProcess {
  readonly child: ChildProcess;
  readonly address: string;
  /** Everything on stdout and stderr so far. */
  said(): string;
  /** The exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
}

/** @param wrapper - a program and its arguments that run the relay, such as strace. */
export const startRelay = async (
  options: readonly string[],
  wrapper: readonly string[] = [],
): Promise<RelayProcess> => {
  const [program, ...before] = [...wrapper, process.execPath];
  const child = spawn(program!, [...before, ...NODE_ARGUMENTS, '--port', '0', ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? code ?? -1));
  });
  let said = '';
  const address = await new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.stdout!.on('data', (chunk) => {
      said += chunk;
      const line = /^sealwire relay listening on (wss?:\S+)$/m.exec(said);
      if (line) resolve(line[1]!);
    });
    child.stderr!.on('data', (chunk) => {
      said += chunk;
    });
    void ended.then((how) => reject(new Error(`the relay ended with ${how} and said: ${said}`)));
  });
  return { child, address, ended, said: () => said };
};

/** Runs `test` with a new folder that is gone afterwards. */
export const withFolder = (test: (folder: string) => Promise<void>) => async (): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'sealwire-relay-'));
  try {
    await test(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
