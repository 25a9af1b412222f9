// timeout: 240s
// The demo as a person runs it: converged and unreadable; three builds that leak on purpose are caught.
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('demo');
const program = fileURLToPath(new URL('../../scripts/demo/main.ts', import.meta.url));

const demo = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--conditions=sealwire:source', '--import', 'tsx', program, ...args],
      (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }),
    );
  });

test('two devices converge and nothing readable is found; the timelines are left', async () => {
  const out = await mkdtemp(join(tmpdir(), 'sealwire-out-'));
  try {
    const { code, stdout, stderr } = await demo('--json', '--edits', '120', '--out', out);
    assert.is(code, 0, stderr);
    const result = JSON.parse(stdout);
    assert.is(result.converged, true);
    assert.is(result.plaintextFoundOnRelay, false);
    for (const figure of ['linkMs', 'firstChatMs', 'convergeMs', 'framesSent', 'bytesUp', 'bytesDown'])
      assert.ok(Number.isFinite(result[figure]) && result[figure] > 0, figure);
    const [phone, web] = await Promise.all(
      ['phone.json', 'web.json'].map(async (file) => JSON.parse(await readFile(join(out, file), 'utf8'))),
    );
    assert.ok(phone.length > 300);
    assert.equal(phone, web);
    assert.equal(Object.keys(phone[0]), ['id', 'author', 'text', 'time']);
    assert.ok((await readdir(join(out, 'relay'))).length > 0);
  } finally {
    await rm(out, { recursive: true });
  }
});

for (const kind of ['header', 'log', 'deflate'])
  test(`a build that leaks by ${kind} is caught`, async () => {
    const { code, stdout, stderr } = await demo('--json', '--edits', '20', '--sabotage', kind);
    assert.is(code, 1, stderr);
    assert.is(JSON.parse(stdout).plaintextFoundOnRelay, true);
  });

test('a wrong option is said, not guessed', async () => {
  const { code, stderr } = await demo('--sabotage', 'everything');
  assert.is(code, 1);
  assert.match(stderr, 'header, log, deflate');
});

test.run();
