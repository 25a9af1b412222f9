// The runner against files that uvu alone calls green, and some that it calls red.
// timeout: 180s
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type FileResult, RUNNER_FOLDER, runFile } from './run-file.ts';

const test = suite('run-file');

const run = (name: string, timeoutMs = 60_000, env: Record<string, string> = {}): Promise<FileResult> =>
  runFile({
    root: `${RUNNER_FOLDER}../..`,
    path: `scripts/test/fixtures/${name}.fixture.ts`,
    timeoutMs,
    killAfterMs: 200,
    env,
  });

const counts = ({ passed, failed, skipped }: FileResult): number[] => [passed, failed, skipped];

test('a green file is green, with what it skipped', async () => {
  const result = await run('green');
  assert.equal(result.reasons, []);
  assert.equal(counts(result), [2, 0, 1]);
  assert.ok(result.durationMs > 0);
});

test('threads and processes that a test starts do not report for it', async () => {
  const result = await run('starts-others');
  assert.equal(result.reasons, [], result.output);
  assert.equal(counts(result), [1, 0, 0]);
});

test('the environment reaches the file', async () => {
  assert.equal(counts(await run('environment', 60_000, { SEALWIRE_SLOW: '1' })), [1, 0, 0]);
  assert.equal(counts(await run('environment', 60_000, { SEALWIRE_SLOW: '' })), [0, 1, 0]);
});

const treacheries: [name: string, counts: number[], reason: RegExp][] = [
  ['assertion', [1, 1, 0], /exit code 1/],
  ['run-forgotten', [0, 1, 0], /\.run\(\)/],
  ['one-run-forgotten', [1, 1, 0], /1 registered tests never ran/],
  ['registered-late', [1, 1, 0], /1 registered tests never ran/],
  ['rejects-string', [1, 2, 0], /2 of 3 did not pass/],
  ['rejects-nothing', [0, 1, 0], /1 of 1 did not pass/],
  ['before-throws', [0, 1, 0], /1 of 1 did not pass/],
  ['after-throws', [0, 1, 0], /exit code 1/],
  ['only', [1, 1, 1], /\.only is used/],
  ['pending-promise', [0, 1, 0], /exit code/],
  ['unhandled-later', [1, 1, 0], /exit code 1/],
  ['exits-zero', [0, 1, 0], /printed no summary/],
  ['all-skipped', [0, 1, 1], /ran no test/],
];

for (const [name, expected, reason] of treacheries) {
  test(`${name} is not green`, async () => {
    const result = await run(name);
    assert.equal(counts(result), expected);
    assert.match(result.reasons.join('\n'), reason);
  });
}

test('a failing file hands over what it printed', async () => {
  assert.match((await run('assertion')).output, /does not hold/);
});

test('a file that never ends is ended by the watchdog', async () => {
  const result = await run('hangs', 1_500);
  assert.equal(counts(result), [0, 1, 0]);
  assert.match(
    result.reasons[0] ?? '',
    /^hung: ended by the watchdog after 1500 ms \(its tests did not end\)/,
  );
});

test('a file that neither yields nor obeys is killed', async () => {
  const result = await run('hangs-busy', 1_500);
  assert.match(result.reasons[0] ?? '', /^hung/);
});

test('an open handle is a failure, and is told apart from a test that hangs', async () => {
  const result = await run('open-handle', 2_500);
  assert.equal(counts(result), [1, 1, 0]);
  assert.match(result.reasons[0] ?? '', /^hung: .*something keeps the process alive/);
});

test('what a file leaves behind is ended with it', async () => {
  const result = await run('orphan');
  const pid = Number(/orphan (\d+)/.exec(result.output)?.[1]);
  assert.ok(pid > 0);
  assert.not(await isAliveAfter(pid, 5_000), 'the orphan still runs');
});

test.run();

/** A killed process is gone a moment later; one that nobody reaps stays as a zombie, which is as good. */
async function isAliveAfter(pid: number, withinMs: number): Promise<boolean> {
  const { readFile } = await import('node:fs/promises');
  for (const end = Date.now() + withinMs; Date.now() < end; ) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => 'gone) Z');
    if (/\) [ZX]/.test(stat)) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}
