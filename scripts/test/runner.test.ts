// The parts of the test runner that start no process: discovery, directives, options, verdicts, pool, sums.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { describeFile, discover, parseDuration, type TestFile } from './discover.ts';
import { judge } from './judge.ts';
import { parseArguments, select } from './options.ts';
import { runAll } from './pool.ts';
import { provide } from './provide.ts';
import { failureText, progressLine, slowestLines, sumLine, sums } from './report.ts';
import type { FileResult } from './run-file.ts';

const test = suite('runner');

// In two parts, or this file would count as one that reads it.
const READS_SLOW = `process.env.${'SEALWIRE_SLOW'}`;

test('finds tests where they belong, and nothing else', () => {
  const root = mkdtempSync(join(tmpdir(), 'sealwire-runner-'));
  const here = [
    'packages/a/test/one.test.ts',
    'packages/a/test/deep/er/two.test.ts',
    'apps/b/test/three.test.ts',
    'test/four.test.ts',
    'test/slow/five.test.ts',
    'bench/merge/six.test.ts',
    'scripts/test/seven.test.ts',
  ];
  const notHere = [
    'packages/a/test/helper.ts',
    'packages/a/dist/test/x.test.ts',
    'packages/a/node_modules/z/test/x.test.ts',
    'node_modules/z/test/x.test.ts',
    'scripts/test/fixtures/x.test.ts',
    'packages/a/test/x.test.js',
  ];
  for (const path of [...here, ...notHere]) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), '// nothing\n');
  }
  assert.equal(
    discover(root).map((file) => file.path),
    here.sort(),
  );
  rmSync(root, { recursive: true });
});

test('reads the directives of the first lines only', () => {
  const text = '// What this is.\n// timeout: 3m\n// exclusive\n// needs: strace, build\nimport x;\n';
  const file = describeFile('test/x.test.ts', text);
  assert.is(file.timeoutMs, 180_000);
  assert.is(file.exclusive, true);
  assert.equal([...file.needs], ['strace', 'build']);
  assert.is(describeFile('test/x.test.ts', `${'//\n'.repeat(20)}// exclusive\n`).exclusive, false);
});

test('knows browser tests by their import, slow ones by path or name or word', () => {
  assert.ok(
    describeFile('test/x.test.ts', "import { chromium } from 'playwright-core';").needs.has('chromium'),
  );
  assert.ok(describeFile('test/slow/x.test.ts', '').slowOnly);
  assert.ok(describeFile('packages/a/test/x.slow.test.ts', '').slowOnly);
  assert.not(describeFile('packages/a/test/x.test.ts', '').slowOnly);
  assert.ok(describeFile('packages/a/test/x.test.ts', READS_SLOW).slowVariant);
  assert.ok(describeFile('packages/a/test/x.test.ts', '// slow: the fuzz runs longer\n').slowVariant);
  assert.not(describeFile('packages/a/test/x.test.ts', '// slowly\n').slowVariant);
});

test('a directive that cannot be understood is an error that names the file', () => {
  assert.throws(() => describeFile('test/x.test.ts', '// timeout: soon\n'), /test\/x\.test\.ts/);
  assert.throws(() => describeFile('test/x.test.ts', '// needs: luck\n'), /needs "luck"/);
  for (const text of ['', '0s', '-1s', '1h', '1.5s'])
    assert.throws(() => parseDuration(text, 'x'), /no duration/);
  assert.is(parseDuration('1500ms', 'x'), 1_500);
});

test('options: filters, slow, timeout, jobs; an unknown one is refused', () => {
  const options = parseArguments(['--', 'frame', '--slow', '--timeout', '90s', '--jobs', '3', 'link']);
  assert.equal(options, { filters: ['frame', 'link'], slow: true, list: false, timeoutMs: 90_000, jobs: 3 });
  assert.is(parseArguments([]).timeoutMs, 120_000);
  assert.throws(() => parseArguments(['--fast']), /no option --fast/);
  assert.throws(() => parseArguments(['--jobs', '0']), /--jobs 0/);
});

test('the usual run leaves slow files out; the slow run repeats nothing that it would do the same way', () => {
  const files = [
    describeFile('test/a.test.ts', ''),
    describeFile('test/b.test.ts', READS_SLOW),
    describeFile('test/slow/c.test.ts', ''),
  ];
  const paths = (slow: boolean, filters: string[] = []): string[] =>
    select(files, { slow, filters }).map((file) => file.path);
  assert.equal(paths(false), ['test/a.test.ts', 'test/b.test.ts']);
  assert.equal(paths(true), ['test/b.test.ts', 'test/slow/c.test.ts']);
  assert.equal(paths(false, ['a.t', 'nothing']), ['test/a.test.ts']);
});

const SUMMARY = (total: number, passed: number, skipped = 0): string =>
  `\n  Total:     ${total}\n  Passed:    ${passed}\n  Skipped:   ${skipped}\n  Duration:  1.00ms\n\n`;
const GREEN = { exitCode: 0, signal: null, timedOutAfterMs: undefined, guard: { registered: 3, only: 0 } };

test('judge: green is exit 0, all that was registered has passed, one summary', () => {
  assert.equal(judge({ ...GREEN, stdout: SUMMARY(3, 3, 1) }), {
    passed: 3,
    failed: 0,
    skipped: 1,
    reasons: [],
  });
  const red = [
    { ...GREEN, stdout: SUMMARY(3, 3), exitCode: 1 },
    { ...GREEN, stdout: SUMMARY(3, 3), exitCode: null, signal: 'SIGSEGV' },
    { ...GREEN, stdout: SUMMARY(3, 3), guard: undefined },
    { ...GREEN, stdout: SUMMARY(3, 3), guard: { registered: 3, only: 1 } },
    { ...GREEN, stdout: SUMMARY(3, 3), guard: { registered: 4, only: 0 } },
    { ...GREEN, stdout: SUMMARY(3, 3) + SUMMARY(3, 3) },
    { ...GREEN, stdout: SUMMARY(3, 2) },
    { ...GREEN, stdout: SUMMARY(0, 0) },
    { ...GREEN, stdout: '' },
    { ...GREEN, stdout: SUMMARY(3, 3), timedOutAfterMs: 5 },
  ];
  for (const ended of red) {
    const verdict = judge(ended);
    assert.ok(verdict.failed >= 1, JSON.stringify(ended));
    assert.ok(verdict.reasons.length >= 1);
  }
});

test('judge: sees a summary through colours', () => {
  const stdout = SUMMARY(3, 3).replace('  Passed:    3', '\u001b[32m  Passed:    3\u001b[39m');
  assert.is(judge({ ...GREEN, stdout }).failed, 0);
});

const result = (path: string, over: Partial<FileResult> = {}): FileResult => ({
  path,
  durationMs: 10,
  output: 'out\n',
  passed: 1,
  failed: 0,
  skipped: 0,
  reasons: [],
  ...over,
});

test('pool: as many at once as allowed, exclusive files alone and last, each exactly once', async () => {
  const files: TestFile[] = ['a', 'b', 'c', 'd'].map((name) => describeFile(`test/${name}.test.ts`, ''));
  files.unshift(describeFile('test/alone.test.ts', '// exclusive\n'));
  let now = 0;
  let most = 0;
  const withAlone: number[] = [];
  const done: string[] = [];
  await runAll(files, {
    jobs: 2,
    run: async (file) => {
      most = Math.max(most, ++now);
      if (file.exclusive) withAlone.push(now);
      await new Promise((resolve) => setImmediate(resolve));
      now--;
      return result(file.path);
    },
    onDone: (ended) => done.push(ended.path),
  });
  assert.is(most, 2);
  assert.equal(withAlone, [1]);
  assert.is(done.at(-1), 'test/alone.test.ts');
  assert.equal([...done].sort(), files.map((file) => file.path).sort());
});

test('pool: files that ask for the most time start first', async () => {
  const files = [describeFile('test/a.test.ts', ''), describeFile('test/b.test.ts', '// timeout: 5m\n')];
  const started: string[] = [];
  const run = async (file: TestFile): Promise<FileResult> => {
    started.push(file.path);
    return result(file.path);
  };
  await runAll(files, { jobs: 1, run, onDone: () => {} });
  assert.equal(started, ['test/b.test.ts', 'test/a.test.ts']);
});

const NEEDY = [
  describeFile('test/browser.test.ts', '// needs: chromium, build\n'),
  describeFile('test/strace.test.ts', '// needs: strace\n'),
  describeFile('test/nats.test.ts', '// needs: nats\n'),
  describeFile('test/clock.test.ts', '// needs: faketime\n'),
  describeFile('test/plain.test.ts', ''),
];

test('provide: what is there is handed to the tests', () => {
  const said: string[] = [];
  const provided = provide({
    root: '/',
    files: NEEDY,
    say: (line) => said.push(line),
    noBrowser: false,
    tool: (tool) => ({ path: `/there/${tool.aptPackage}` }),
    build: () => undefined,
  });
  assert.equal(provided.env, {
    SEALWIRE_CHROMIUM: '/there/chromium',
    SEALWIRE_STRACE: '/there/strace',
    SEALWIRE_FAKETIME: '/there/faketime',
    SEALWIRE_NATS: '/there/nats-server',
  });
  assert.equal(
    NEEDY.map((file) => provided.instead(file)),
    [undefined, undefined, undefined, undefined, undefined],
  );
});

test('provide: no browser and no NATS are failures that say what to install; no strace is a skip that says so', async () => {
  const said: string[] = [];
  const options = { root: '/', files: NEEDY, say: (line: string) => said.push(line), build: () => undefined };
  const provided = provide({
    ...options,
    noBrowser: false,
    tool: (tool) => ({ path: undefined, missing: `install ${tool.aptPackage}` }),
  });
  const [browser, strace, nats, clock, plain] = await Promise.all(
    NEEDY.map((file) => provided.instead(file)),
  );
  assert.equal([browser?.failed, browser?.skipped, browser?.reasons], [1, 0, ['install chromium']]);
  assert.equal([strace?.failed, strace?.skipped], [0, 1]);
  assert.equal([nats?.failed, nats?.reasons], [1, ['install nats-server']]);
  assert.equal([clock?.failed, clock?.skipped], [0, 1]);
  assert.is(plain, undefined);
  assert.match(said.join('\n'), /need strace are skipped: install strace/);
});

test('provide: SEALWIRE_NO_BROWSER skips browser tests, says so, and neither installs nor builds for them', async () => {
  const said: string[] = [];
  const asked: string[] = [];
  const provided = provide({
    root: '/',
    files: NEEDY,
    say: (line) => said.push(line),
    noBrowser: true,
    tool: (tool) => {
      asked.push(tool.aptPackage);
      return { path: '/x' };
    },
    build: () => {
      throw new Error('must not build');
    },
  });
  const browser = await provided.instead(NEEDY[0] as TestFile);
  assert.equal([browser?.failed, browser?.skipped], [0, 1]);
  assert.match(said.join('\n'), /SEALWIRE_NO_BROWSER=1/);
  assert.equal(asked, ['strace', 'faketime', 'nats-server']);
});

test('provide: a failed build fails the tests that need it, with its output', async () => {
  const provided = provide({
    root: '/',
    files: NEEDY,
    say: () => {},
    noBrowser: false,
    tool: () => ({ path: '/x' }),
    build: () => 'error TS1',
  });
  const browser = await provided.instead(NEEDY[0] as TestFile);
  assert.is(browser?.failed, 1);
  assert.match(browser?.reasons.join() ?? '', /error TS1/);
});

test('report: sums, lines, and silence about what passing files printed', () => {
  const results = [result('a'), result('b', { failed: 2, skipped: 1, reasons: ['why'] })];
  assert.is(sumLine(sums(results)), '2 passed, 2 failed, 1 skipped');
  assert.not.match(progressLine(results[0] as FileResult, 1, 2), /out/);
  assert.match(progressLine(results[1] as FileResult, 2, 2), /FAIL/);
  assert.match(failureText(results[1] as FileResult), /out\n!! why/);
  assert.is(slowestLines(results, 1).length, 2);
});

test.run();
