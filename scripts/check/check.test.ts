// The parts of `pnpm check` that can be tried without doing it all.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runExamples } from './examples.ts';
import { command, runChecks, table } from './run.ts';

const test = suite<{ folder: string }>('check');
test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'sealwire-check-'));
});
test.after.each((context) => rmSync(context.folder, { recursive: true }));

test('every check runs, a failing or throwing one does not stop the next, and only failures talk', async () => {
  const said: string[] = [];
  const outcomes = await runChecks(
    [
      { name: 'bad', run: async () => 'it is bad' },
      { name: 'broken', run: () => Promise.reject(new Error('it broke')) },
      { name: 'good', run: async () => undefined },
    ],
    (line) => said.push(line),
  );
  assert.equal(
    outcomes.map((outcome) => outcome.problem === undefined),
    [false, false, true],
  );
  assert.match(said.join('\n'), /it is bad/);
  assert.match(said.join('\n'), /it broke/);
  assert.equal(table(outcomes).filter((line) => line.includes('FAILED')).length, 2);
});

test('a program fails by its exit code, and shows what it printed', async ({ folder }) => {
  assert.is(await command(folder, [process.execPath, '-e', ''])(), undefined);
  const problem = await command(folder, [process.execPath, '-e', 'console.log("so"); process.exit(3)'])();
  assert.match(problem ?? '', /so[\s\S]*exit code 3/);
});

test('examples: none, too long, failing, silent and good ones', async ({ folder }) => {
  const tryOne = async (text: string): Promise<string | undefined> => {
    writeFileSync(join(folder, 'x.mjs'), text);
    return runExamples(folder, folder);
  };
  assert.match((await runExamples(folder, folder)) ?? '', /there is no example/);
  assert.match((await runExamples(folder, join(folder, 'gone'))) ?? '', /there is no example/);
  assert.is(await tryOne('console.log(1);\n'), undefined);
  assert.match((await tryOne('console.log(1);\n'.repeat(61))) ?? '', /61 lines/);
  assert.match((await tryOne('throw new Error("no");\n')) ?? '', /exit code 1[\s\S]*no/);
  assert.match((await tryOne('// nothing\n')) ?? '', /printed nothing/);
});

test.run();
