// Rows of an editing trace: shared documents beside plain Yjs, equal before they are timed. Rules: README.md, "Editing traces".
import { createRequire } from 'node:module';
import { type Result, ResultsDiffer, toResult } from '../lib/result.ts';
import { takeRounds } from '../lib/rounds.ts';
import type { SuiteRun } from '../lib/suite.ts';
import { editsIn, makeTrace, readTrace, type Trace } from './trace.ts';
import { prepareSealed, type Replayed, replayPlain, replaySealed } from './trace-sides.ts';

/** Edits of one turn: about 5 ms of plain editing, and less than a millisecond. */
const TURN = 256;
const SHORT_TURN = 32;
/** Edits of the rows in which each has a frame of its own. */
const ALONE = 10_000;
const MADE = 'b4-shape';

/** @param file - a trace, or `b4-shape` for one that is made. @throws RangeError, ResultsDiffer */
export const runTrace = async (
  file: string,
  { quick, say }: SuiteRun,
): Promise<{ results: Result[]; notes: string[] }> => {
  const trace = file === MADE ? makeTrace(1) : readTrace(file);
  return timeTrace(trace, quick ? 3 : 5, say);
};

export const timeTrace = async (
  trace: Trace,
  rounds: number,
  say: SuiteRun['say'],
): Promise<{ results: Result[]; notes: string[] }> => {
  const edits = editsIn(trace);
  say(`${trace.name}: ${edits} edits by ${trace.agents}`);
  const { sealed, plain, isAsExpected } = await requireSameText(trace);
  const results = [
    await timeOne(trace, `trace/${trace.name}`, TURN, rounds, say),
    bytesRow(trace.name, edits, sealed, plain),
  ];
  const frames = Math.round((10 * edits) / sealed.messages) / 10;
  const notes = [
    `${trace.name}: ${edits} edits, ${sealed.messages} frames, ${frames} edits a frame in the mean`,
  ];
  if (!isAsExpected)
    notes.push(
      `${trace.name}: both sides agree on a text, which is not the file's: others order rivals otherwise`,
    );
  // Of several agents, who hears of what decides about frames.
  if (trace.agents > 1) return { results, notes };
  results.push(await timeOne(trace, `trace/${trace.name}/${SHORT_TURN}-a-turn`, SHORT_TURN, rounds, say));
  const few = firstEdits(trace, ALONE);
  await requireSameText(few, 1);
  results.push(await timeOne(few, `trace/${trace.name}/one-frame-an-edit`, 1, rounds, say));
  return { results, notes };
};

/** @throws ResultsDiffer unless all sides end in the same text, and that is the trace's where one writes alone. */
export const requireSameText = async (
  trace: Trace,
  turn = TURN,
): Promise<{ sealed: Replayed; plain: Replayed; isAsExpected: boolean }> => {
  const stage = await prepareSealed(trace);
  // Who stands first of two at one place follows from the clientIDs.
  const clientIds = stage.members.map(({ document }) => document.clientId);
  const sealed = await replaySealed(trace, stage, turn);
  stage.end();
  const plain = replayPlain(trace, clientIds);
  const [expected] = plain.texts;
  for (const text of [...plain.texts, ...sealed.texts])
    if (text !== expected) throw new ResultsDiffer(`${trace.name}: the sides end in different texts`);
  const isAsExpected = expected === trace.endContent;
  if (trace.agents === 1 && !isAsExpected)
    throw new ResultsDiffer(`${trace.name}: the text is another than the trace's endContent`);
  return { sealed, plain, isAsExpected };
};

const firstEdits = (trace: Trace, count: number): Trace => {
  const steps = trace.steps.slice(0, count);
  let text = trace.startContent;
  for (const { patches } of steps)
    for (const [at, deleted, inserted] of patches)
      text = text.slice(0, at) + inserted + text.slice(at + deleted);
  return { ...trace, steps, endContent: text };
};

const timeOne = async (
  trace: Trace,
  name: string,
  turn: number,
  most: number,
  say: SuiteRun['say'],
): Promise<Result> => {
  const times = await takeRounds(
    [
      {
        name: 'sealed',
        async prepare() {
          const stage = await prepareSealed(trace);
          return async () => {
            await replaySealed(trace, stage, turn);
            stage.end();
          };
        },
      },
      { name: 'plain', prepare: () => async () => replayPlain(trace) },
    ],
    { least: Math.min(3, most), most, until: Number.POSITIVE_INFINITY, say },
  );
  return toResult({ suite: 'merge', case: name, unit: 'ms', better: 'lower' }, times.get('sealed')!, [
    { name: 'yjs, update listener and receiver', version: YJS_VERSION, samples: times.get('plain')! },
  ]);
};

const bytesRow = (name: string, edits: number, sealed: Replayed, plain: Replayed): Result =>
  toResult(
    { suite: 'merge', case: `trace/${name}/bytes`, unit: 'B/edit', better: 'lower' },
    [sealed.bytes / edits],
    [{ name: 'yjs, all updates', version: YJS_VERSION, samples: [plain.bytes / edits] }],
  );

const YJS_VERSION = (createRequire(import.meta.url)('yjs/package.json') as { version: string }).version;
