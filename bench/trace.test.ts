// Editing traces: the file format, the small ones beside the suite, and that nothing is timed that is not equal. What the
// benchmark promises: merge/README.md.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseOptions } from './lib/options.ts';
import { ResultsDiffer } from './lib/result.ts';
import { editsIn, makeTrace, parseTrace, readTrace } from './merge/trace.ts';
import { requireSameText, timeTrace } from './merge/trace-bench.ts';
import { replayPlain } from './merge/trace-sides.ts';
import { smallTraces } from './merge/traces/make.ts';

const test = suite('editing traces');
const path = (name: string): string => fileURLToPath(new URL(`merge/traces/${name}`, import.meta.url));

test('the small traces are what their program makes', () => {
  for (const { name, bytes } of smallTraces()) {
    assert.is(gunzipSync(readFileSync(path(name))).toString(), gunzipSync(bytes).toString(), name);
  }
});

test('a sequential trace ends in its text on both sides, by the turn and one by one', async () => {
  const trace = readTrace(path('small.json.gz'));
  const folder = await mkdtemp(join(tmpdir(), 'sealwire-trace-'));
  await writeFile(join(folder, 'small.json'), gunzipSync(readFileSync(path('small.json.gz'))));
  assert.equal(readTrace(join(folder, 'small.json')), trace);
  await rm(folder, { recursive: true });
  assert.is(editsIn(trace), 600);
  for (const turn of [1, 32, 1_000]) {
    const { sealed, isAsExpected } = await requireSameText(trace, turn);
    assert.ok(isAsExpected);
    assert.equal(sealed.texts, [trace.endContent, trace.endContent]);
    assert.is(sealed.messages, Math.ceil(600 / turn));
  }
});

test('a concurrent trace, gzipped: each hears of what it had seen, and both sides agree', async () => {
  const trace = readTrace(path('small-concurrent.json.gz'));
  assert.is(trace.agents, 3);
  const { sealed } = await requireSameText(trace);
  assert.is(sealed.texts.length, 1);
  // Under the clientIDs of its maker the text is the file's.
  assert.equal(replayPlain(trace, [1, 2, 3]).texts, [trace.endContent]);
});

test('rows have the documented names; what starts with content is edited on', async () => {
  const trace = parseTrace('begun', {
    startContent: 'Hello',
    endContent: 'Hello, world',
    txns: [
      { patches: [[5, 0, ', worl']] },
      {
        patches: [
          [11, 0, 'd!'],
          [12, 1, ''],
        ],
      },
    ],
  });
  const { results, notes } = await timeTrace(trace, 1, () => undefined);
  assert.equal(
    results.map((result) => result.case),
    ['trace/begun', 'trace/begun/bytes', 'trace/begun/32-a-turn', 'trace/begun/one-frame-an-edit'],
  );
  for (const { ours, peers } of results) assert.ok(ours > 0 && peers[0]!.value > 0);
  assert.match(notes.join('\n'), /begun: 3 edits/);
});

test('a trace whose text is another is refused before anything is timed', async () => {
  const trace = { ...makeTrace(3, 50), endContent: 'another' };
  try {
    await requireSameText(trace);
    assert.unreachable('was taken');
  } catch (error) {
    assert.instance(error, ResultsDiffer, String(error));
  }
});

test('what is no trace is refused with its name, and the option is of one suite', () => {
  const wrong: unknown[] = [
    {},
    { endContent: '', txns: 1 },
    { endContent: '', txns: [{}] },
    { endContent: '', txns: [{ patches: [[0, 'x', '']] }] },
    { kind: 'concurrent', endContent: '', txns: [{ patches: [], agent: 0, parents: [0] }] },
  ];
  for (const value of wrong) assert.throws(() => parseTrace('wrong', value), /wrong/);
  const known = ['merge', 'rotation'];
  assert.is(parseOptions(['--trace', 'a.json'], known, '/here').trace, '/here/a.json');
  assert.equal(parseOptions(['--trace=b4-shape'], known, '/here').suites, ['merge']);
  assert.throws(() => parseOptions(['rotation', '--trace', 'x'], known, '/'), /merge suite alone/);
  assert.throws(() => parseOptions(['--trace'], known, '/'), /needs a file/);
});

test('a made trace has the shape of B4', () => {
  const trace = makeTrace(1, 20_000);
  const deletions = trace.steps.filter(({ patches }) => patches[0]![1] === 1).length;
  assert.ok(Math.abs(deletions / 20_000 - 0.298) < 0.01, `${deletions} deletions`);
  assert.is(replayPlain(trace).texts[0], trace.endContent);
});

test.run();
