// Runs checks one after the other and tabulates how they ended. A check is quiet unless it fails.
import { spawn } from 'node:child_process';

export interface Check {
  readonly name: string;
  /** Resolves with what a person must read when it fails, with undefined when all is well. */
  readonly run: () => Promise<string | undefined>;
}

export interface Outcome {
  readonly name: string;
  readonly durationMs: number;
  readonly problem: string | undefined;
}

/** Runs every check, whatever becomes of the ones before. A check that throws has failed. */
export async function runChecks(checks: readonly Check[], say: (line: string) => void): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const check of checks) {
    const startedAt = performance.now();
    const problem = await check.run().catch((error: Error) => error.stack ?? String(error));
    const durationMs = performance.now() - startedAt;
    say(`${problem === undefined ? 'ok  ' : 'FAIL'} ${check.name} (${seconds(durationMs)})`);
    if (problem !== undefined) say(`---- ${check.name}\n${problem.trimEnd()}\n----`);
    outcomes.push({ name: check.name, durationMs, problem });
  }
  return outcomes;
}

export function table(outcomes: readonly Outcome[]): string[] {
  const width = Math.max(5, ...outcomes.map((outcome) => outcome.name.length));
  const row = (name: string, time: string, state: string): string =>
    `${name.padEnd(width)}  ${time.padStart(8)}  ${state}`;
  return [
    '',
    row('check', 'time', 'result'),
    ...outcomes.map(({ name, durationMs, problem }) =>
      row(name, seconds(durationMs), problem === undefined ? 'ok' : 'FAILED'),
    ),
    '',
  ];
}

/** A check that is a program: it fails when the program's exit code is not 0, and shows all that it printed. */
export function command(
  cwd: string,
  [program = '', ...args]: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Check['run'] {
  return async () => {
    const { code, output } = await run(cwd, [program, ...args], env);
    return code === 0 ? undefined : `${[program, ...args].join(' ')}\n${output}\nexit code ${code}`;
  };
}

/** Runs a program to its end. @returns its exit code (1 if a signal ended it) and both its outputs. */
export function run(
  cwd: string,
  [program = '', ...args]: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
