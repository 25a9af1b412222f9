// Cases that need no socket: durable appends beside LMDB as it is, and what a large store costs. Each runs in a process of
// its own, on the built relay.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Runs a program of servers/ with a new folder and gives what it prints. @throws Error with what it said if it fails. */
const measured = async <T>(
  program: string,
  before: readonly string[],
  after: readonly string[],
): Promise<T> => {
  const folder = await mkdtemp(join(tmpdir(), 'sealwire-bench-'));
  const path = fileURLToPath(new URL(`servers/${program}`, import.meta.url));
  const child = spawn(process.execPath, [path, ...before, folder, ...after], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  let said = '';
  child.stdout.on('data', (text) => {
    printed += text;
  });
  child.stderr.on('data', (text) => {
    said += text;
  });
  const [code] = await once(child, 'close');
  await rm(folder, { recursive: true, force: true });
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${said}`);
  return JSON.parse(printed) as T;
};

/** Durable appends a second, `batch` at a time. */
export const appendsPerSecond = async (
  which: 'store' | 'lmdb',
  batch: number,
  forMs: number,
): Promise<number> => {
  const program = 'appends.mjs';
  const { perSecond } = await measured<{ perSecond: number }>(
    program,
    [which],
    [String(batch), String(forMs)],
  );
  return perSecond;
};

export interface Grown {
  /** Microseconds of an append, a hundred made durable together, each in any room. */
  readonly appendUs: number;
  /** Microseconds of reading the fifty frames that a device has missed. */
  readonly catchUpUs: number;
}

export const grown = (what: 'rooms' | 'frames', many: number, batches: number): Promise<Grown> =>
  measured<Grown>('growth.mjs', [what], [String(many), String(batches)]);
