// `pnpm test [FILTER…] [--slow] [--timeout 120s] [--jobs N] [--list]`: runs the test files of the workspace.
// The last line is always "N passed, N failed, N skipped"; the exit code is 0 only when nothing failed.
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { discover, type TestFile } from './discover.ts';
import { parseArguments, select } from './options.ts';
import { runAll } from './pool.ts';
import { provide } from './provide.ts';
import { failureText, progressLine, slowestLines, sumLine, sums } from './report.ts';
import { endAll, type FileResult, runFile } from './run-file.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

async function main(): Promise<void> {
  const options = parseArguments(process.argv.slice(2));
  const files = select(discover(root), options);
  if (options.list) return listOnly(files);
  if (files.length === 0) throw new RangeError('no test file matches (slow ones need --slow)');

  const provided = provide({ root, files, say });
  const env = { ...provided.env, ...(options.slow ? { SEALWIRE_SLOW: '1' } : {}) };
  // One more than there are cores: many wait for a browser, a relay or a clock. Of the slow ones many measure how time grows.
  const jobs = options.jobs ?? availableParallelism() + (options.slow ? 0 : 1);
  const startedAt = performance.now();
  say(`${files.length} test files, ${jobs} at once`);
  let done = 0;
  const results = await runAll(files, {
    jobs,
    run: (file) =>
      provided.instead(file) ?? runFile({ root, path: file.path, timeoutMs: timeoutOf(file), env }),
    onDone: (result) => {
      done += 1;
      say(progressLine(result, done, files.length));
      if (result.failed > 0) say(failureText(result));
    },
  });
  finish(results, performance.now() - startedAt);

  function timeoutOf(file: TestFile): number {
    return Math.max(options.timeoutMs, file.timeoutMs ?? 0);
  }
}

function finish(results: readonly FileResult[], durationMs: number): void {
  for (const line of slowestLines(results)) say(line);
  const failing = results.filter((result) => result.failed > 0);
  if (failing.length > 0) say(`\nnot green:\n${failing.map((result) => `  ${result.path}`).join('\n')}`);
  say(`\n${results.length} files in ${(durationMs / 1000).toFixed(1)} s`);
  const total = sums(results);
  process.exitCode = total.failed === 0 ? 0 : 1;
  say(sumLine(total));
}

function listOnly(files: readonly TestFile[]): void {
  for (const file of files) say(file.path);
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => {
    endAll();
    process.exit(code);
  });
}

main().catch((error: unknown) => {
  const usage = error instanceof RangeError;
  say(usage ? `test: ${error.message}` : `test: ${error instanceof Error ? error.stack : String(error)}`);
  process.exitCode = usage ? 2 : 1;
  say(sumLine({ passed: 0, failed: 1, skipped: 0 }));
});
