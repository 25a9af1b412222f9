// The merge suite: a device that was away catches up on a sealed chat, beside plain Yjs on the same messages.
// What is measured and what is not: README.md.
import { createRequire } from 'node:module';
import { type Absent, type Measured, type Result, ResultsDiffer, toResult } from '../lib/result.ts';
import { type Contender, type RoundOptions, takeRounds } from '../lib/rounds.ts';
import type { Suite, SuiteRun } from '../lib/suite.ts';
import { countRuns, loadCounting, loadUnchecked } from './checks.ts';
import { inOne, intoSealedVault, oneByOne, rateRow, sealed, takeRates } from './contenders.ts';
import { CHAT, ONE_BY_ONE } from './conversation.ts';
import { memoryVault } from './device.ts';
import { runPeers } from './peers-bench.ts';
import { stateOf } from './plain.ts';
import { type CaughtUp, deliveries } from './sealed.ts';
import { runTrace } from './trace-bench.ts';
import { cut, histogramLines, makeWorkload, requireEqual, sizeName, type Workload } from './workload.ts';

const FRAMES_OF = { messages: 10_000, sizes: [1, 3, 10, 32, 256] };
const QUICK_MS = 20_000;
const FULL_MS = 150_000;
/** A sample of a smaller workload is the mean of several runs, of about so many messages together. */
const SAMPLE_MESSAGES = 30_000;
const QUICK_SAMPLE_MESSAGES = 6_000;
/** What making a message of a chat takes beside making one that has a frame of its own. */
const BURST_SHARE = 0.8;
/** How much of the time that is left may go into making a workload, which devices do in earnest. */
const MAKING_PART = 0.7;

export interface MergeSizes {
  /** Messages of each catch-up, rising; the smaller ones are the beginning of the largest. */
  readonly catchUp: readonly number[];
  readonly worst: number;
  /** Messages in each frame, for the rows that show what frames cost. Only in a full run. */
  readonly framesOf?: { readonly messages: number; readonly sizes: readonly number[] };
  /** Messages of the catch-up beside other engines. */
  readonly peers?: number;
  /** At most so many rounds. */
  readonly rounds?: number;
  /** False leaves out what checking costs. Default: true. */
  readonly checks?: boolean;
}

export const mergeSuite: Suite = {
  name: 'merge',
  about: 'a fresh device catches up on a sealed chat (M1, M2), beside plain Yjs',
  limits: new Map(['2k', '10k'].map((size) => [`catch-up/${size}/checked-over-unchecked`, 1.5])),
  run: (options) =>
    options.trace !== undefined
      ? runTrace(options.trace, options)
      : runMerge(
          options,
          options.quick
            ? { catchUp: [10_000], worst: 2_000, peers: 1_000 }
            : { catchUp: [10_000, 100_000], worst: 10_000, framesOf: FRAMES_OF, peers: 10_000 },
        ),
};

export const runMerge = async (
  { quick, say }: SuiteRun,
  sizes: MergeSizes,
): Promise<{ results: Result[]; notes: string[]; absent: Absent[] }> => {
  const end = performance.now() + (quick ? QUICK_MS : FULL_MS);
  const started = performance.now();
  const hard = await makeWorkload('worst', sizes.worst, ONE_BY_ONE, say);
  const messageMs = (BURST_SHARE * (performance.now() - started)) / sizes.worst;
  // The smallest is there in every run, however busy the machine.
  const counts = sizes.catchUp.filter(
    (count, i) => i === 0 || count * messageMs < (end - performance.now()) * MAKING_PART,
  );
  const leftOut = sizes.catchUp.filter((count) => !counts.includes(count));
  const largest = Math.max(...counts);
  const chat = await makeWorkload(sizeName(largest), largest, CHAT, say);
  const workloads = [...counts.map((count) => cut(chat, count)), hard];
  for (const workload of workloads) await requireEqual(workload);
  say('all sides hold the same messages; timing');

  const timed = new Map<Workload, Result[]>();
  let messagesLeft = workloads.reduce((sum, { messages }) => sum + messages, 0);
  // The largest first: after it everybody's code is as fast as it gets.
  for (const workload of workloads.toSorted((a, b) => b.messages - a.messages)) {
    const { name, messages } = workload;
    say(`${name}: ${messages} messages, ${workload.sealed.frames.length} frames`);
    // What is left of the time is shared out by size, but nobody gets less than a tenth.
    const left = end - performance.now();
    const until = performance.now() + left * Math.max(0.1, messages / messagesLeft);
    messagesLeft -= messages;
    const repeat = Math.ceil(Math.min(SAMPLE_MESSAGES, largest) / messages);
    const rounds = { least: 3, most: sizes.rounds ?? 15, until, repeat, say };
    const time = workload === hard ? timeWorst : timeCatchUp;
    timed.set(workload, await time(workload, rounds));
  }
  const results = workloads.flatMap((workload) => timed.get(workload)!);
  if (sizes.checks ?? true)
    results.push(await timeChecks(hard, sizes.rounds ?? (quick ? 5 : 11), quick, say));
  results.push(countBytes(`bytes/${chat.name}`, chat));
  if (!quick && sizes.framesOf) results.push(...(await timeFrames(sizes.framesOf, sizes.rounds ?? 5, say)));
  const absent: Absent[] = [];
  if (sizes.peers !== undefined) {
    const whole = chat.messages === sizes.peers;
    const shared = whole ? chat : await makeWorkload(sizeName(sizes.peers), sizes.peers, CHAT, say);
    if (!whole) await requireEqual(shared);
    const beside = await runPeers(shared, { rounds: sizes.rounds ?? (quick ? 3 : 5), say });
    results.push(...beside.results);
    absent.push(...beside.absent);
  }
  const notes = [...histogramLines(chat), ...histogramLines(hard)];
  for (const count of leftOut)
    notes.push(
      `${sizeName(count)}: left out, making the messages would take ${Math.round((count * messageMs) / 1000)} s`,
    );
  return { results, notes, absent };
};

const timeCatchUp = async (workload: Workload, rounds: RoundOptions): Promise<Result[]> => {
  const { name } = workload;
  const rates = await takeRates(
    workload,
    [sealed(workload), oneByOne(workload), inOne(workload), intoSealedVault(workload)],
    rounds,
  );
  const ours = rates('sealed');
  const peer = yjs('one update at a time', rates('one by one'));
  return [
    rateRow(`catch-up/${name}/one-by-one`, ours, peer),
    rateRow(`catch-up/${name}/one-transaction`, ours, yjs('one transaction', rates('one transaction'))),
    rateRow(`catch-up/${name}/sealed-vault`, rates('sealed vault'), peer),
  ];
};

const timeWorst = async (workload: Workload, rounds: RoundOptions): Promise<Result[]> => {
  const rates = await takeRates(workload, [sealed(workload), oneByOne(workload)], rounds);
  const peer = yjs('one update at a time', rates('one by one'));
  return [rateRow('worst/one-frame-an-update', rates('sealed'), peer)];
};

/** A catch-up with and without signatures and hash chains: frames of one message each, where they weigh most. */
const timeChecks = async (
  workload: Workload,
  most: number,
  quick: boolean,
  say: SuiteRun['say'],
): Promise<Result> => {
  const name = `catch-up/${sizeName(workload.messages)}/checked-over-unchecked`;
  say(`${name}: ${workload.sealed.frames.length} frames`);
  const { verified, messages } = await (await loadCounting())(workload.sealed);
  const runs = countRuns(workload.sealed);
  if (verified !== runs) throw new ResultsDiffer(`${name}: ${verified} signatures for ${runs} runs`);
  const unchecked = await loadUnchecked();
  const chunks = deliveries(workload.sealed.frames);
  const catchUpUnchecked: Contender = {
    name: 'unchecked',
    async prepare() {
      const device = await unchecked.freshDevice(workload.sealed.account, memoryVault());
      return () => unchecked.catchUpSealed(device, chunks);
    },
  };
  const other = (await (await catchUpUnchecked.prepare())()) as CaughtUp;
  if (JSON.stringify(other.messages) !== JSON.stringify(messages))
    throw new ResultsDiffer(`${name}: other messages without checks`);
  const repeat = Math.ceil(
    (quick ? QUICK_SAMPLE_MESSAGES : SAMPLE_MESSAGES) / Math.max(workload.messages, 1_000),
  );
  const options = { least: 3, most, until: Number.POSITIVE_INFINITY, repeat };
  const times = await takeRounds([sealed(workload), catchUpUnchecked], options);
  const version = process.versions.node;
  return toResult({ suite: 'merge', case: name, unit: 'ms', better: 'lower' }, times.get('sealed')!, [
    { name: 'ours, nothing verified', version, samples: times.get('unchecked')! },
  ]);
};

/** The same messages in frames of several sizes. */
const timeFrames = async (
  { messages, sizes }: NonNullable<MergeSizes['framesOf']>,
  most: number,
  say: SuiteRun['say'],
): Promise<Result[]> => {
  const results: Result[] = [];
  for (const size of sizes) {
    const name = `frames-of-${size}`;
    const workload = await makeWorkload(name, messages, CHAT, say, size);
    await requireEqual(workload);
    const rounds = { least: 1, most, until: Number.POSITIVE_INFINITY, repeat: 3 };
    const rates = await takeRates(workload, [sealed(workload), oneByOne(workload), inOne(workload)], rounds);
    const ours = rates('sealed');
    results.push(
      rateRow(`${name}/one-by-one`, ours, yjs('one update at a time', rates('one by one'))),
      rateRow(`${name}/one-transaction`, ours, yjs('one transaction', rates('one transaction'))),
      countBytes(`${name}/bytes`, workload),
    );
  }
  return results;
};

/** What travels to the device that catches up, without the envelope of either transport. */
const countBytes = (name: string, { messages, sealed, plain }: Workload): Result => {
  const each = (bytes: number): number[] => [bytes / messages];
  const ours = sealed.frames.reduce((sum, { frame }) => sum + frame.length, 0);
  const updates = plain.reduce((sum, update) => sum + update.length, 0);
  return toResult({ suite: 'merge', case: name, unit: 'B/message', better: 'lower' }, each(ours), [
    yjs('all updates', each(updates)),
    yjs('whole state as one update', each(stateOf(plain).length)),
  ]);
};

const yjs = (what: string, samples: readonly number[]): Measured => ({
  name: `yjs, ${what}`,
  version: YJS_VERSION,
  samples,
});

const YJS_VERSION = (createRequire(import.meta.url)('yjs/package.json') as { version: string }).version;
