// Runs one test file in its own process, under a watchdog, and hands back its verdict and its output.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type GuardReport, judge, type Verdict } from './judge.ts';

export interface RunFileOptions {
  /** Absolute; the process starts here and finds tsx here. */
  readonly root: string;
  /** Relative to `root`. */
  readonly path: string;
  readonly timeoutMs: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Time between asking a hung process to end and killing it. Default: 5,000. */
  readonly killAfterMs?: number;
}

export interface FileResult extends Verdict {
  readonly path: string;
  readonly durationMs: number;
  /** Standard output and standard error, in order of arrival. */
  readonly output: string;
}

const GUARD = new URL('./guard.mjs', import.meta.url).href;
const GRACE_MS = 1_000;
const running = new Set<ChildProcess>();

/** Runs the file to its end. Never rejects for a failing test. */
export async function runFile(options: RunFileOptions): Promise<FileResult> {
  const startedAt = performance.now();
  const child = spawn(
    process.execPath,
    ['--conditions=sealwire:source', '--import', 'tsx', '--import', GUARD, options.path],
    {
      cwd: options.root,
      // A group of its own, so that a hung file takes what it started with it.
      detached: true,
      env: { ...withoutColour(process.env), ...options.env, SEALWIRE_TEST_RUNNER: String(process.pid) },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    },
  );
  running.add(child);
  const chunks = { stdout: '', output: '', guard: '' };
  listen(child, chunks);

  let timedOutAfterMs: number | undefined;
  let killer: NodeJS.Timeout | undefined;
  const watchdog = setTimeout(() => {
    timedOutAfterMs = options.timeoutMs;
    endGroup(child, 'SIGTERM');
    killer = setTimeout(() => endGroup(child, 'SIGKILL'), options.killAfterMs ?? 5_000);
  }, options.timeoutMs);

  const { exitCode, signal } = await ended(child);
  clearTimeout(watchdog);
  clearTimeout(killer);
  running.delete(child);
  endGroup(child, 'SIGKILL');

  const verdict = judge({
    exitCode,
    signal,
    timedOutAfterMs,
    stdout: chunks.stdout,
    guard: parseGuard(chunks.guard),
  });
  return { ...verdict, path: options.path, durationMs: performance.now() - startedAt, output: chunks.output };
}

/** Ends every test process that still runs: for Ctrl-C. */
export function endAll(): void {
  for (const child of running) endGroup(child, 'SIGTERM');
}

/** The folder of this runner, for its own tests. */
export const RUNNER_FOLDER = fileURLToPath(new URL('.', import.meta.url));

function listen(child: ChildProcess, into: { stdout: string; output: string; guard: string }): void {
  const [, stdout, stderr, guard] = child.stdio as NodeJS.ReadableStream[];
  for (const stream of [stdout, stderr, guard]) stream?.setEncoding('utf8');
  stdout?.on('data', (text: string) => {
    into.stdout += text;
    into.output += text;
  });
  stderr?.on('data', (text: string) => {
    into.output += text;
  });
  guard?.on('data', (text: string) => {
    into.guard += text;
  });
}

// 'close' waits for the pipes too; a process left behind by the file may hold them open, hence the grace.
function ended(child: ChildProcess): Promise<{ exitCode: number | null; signal: string | null }> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode, signal) => resolve({ exitCode, signal }));
    child.once('exit', (exitCode, signal) => {
      setTimeout(() => resolve({ exitCode, signal }), GRACE_MS).unref();
    });
  });
}

function endGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function parseGuard(text: string): GuardReport | undefined {
  return text === '' ? undefined : (JSON.parse(text) as GuardReport);
}

function withoutColour(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { FORCE_COLOR: _dropped, ...rest } = env;
  return { ...rest, NO_COLOR: '1' };
}
