// The open suite: from a file to the newest screen of a chat, by how long the chat is, beside a plain Yjs document.
// What is measured and what is not: README.md.
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChild } from '../lib/child.ts';
import { plotGrowth } from '../lib/growth-plot.ts';
import { median, type Result, ResultsDiffer, toResult } from '../lib/result.ts';
import type { Suite, SuiteResult, SuiteRun } from '../lib/suite.ts';
import { sizeName } from '../merge/workload.ts';
import type { Opened } from './open.ts';

export interface OpenSizes {
  /** Messages in the chat, rising. */
  readonly messages: readonly number[];
  readonly rounds: number;
  /** Rounds of a chat of 100,000 messages, of which each takes seconds. */
  readonly longRounds: number;
}

/** A chat of a million takes minutes to open today. */
const roundsOf = (messages: number, { rounds, longRounds }: OpenSizes): number =>
  messages >= 1_000_000 ? 1 : messages >= LONG ? longRounds : rounds;

export const openSuite: Suite = {
  name: 'open',
  about: 'from a file to the newest screen of a chat of any length (O1), beside a plain Yjs document',
  run: (options) =>
    runOpen(
      options,
      options.quick
        ? { messages: [1_000, 10_000], rounds: 3, longRounds: 1 }
        : { messages: [100, 1_000, 10_000, 100_000, 1_000_000], rounds: 7, longRounds: 3 },
    ),
};

const LONG = 100_000;
/** From here on a plain document holds enough to be told from what a collector happens to leave. */
const WEIGHTY = 10_000;
/** Growth is told against a chat of this length: what is fixed weighs more in a shorter one. */
const SHORT = 1_000;

const SIDES = ['ours', 'yjs'] as const;
type Side = (typeof SIDES)[number];

interface Measured {
  readonly messages: number;
  readonly samples: Readonly<Record<Side, readonly Opened[]>>;
}

export const runOpen = async ({ say }: SuiteRun, sizes: OpenSizes): Promise<SuiteResult> => {
  const measured: Measured[] = [];
  for (const messages of sizes.messages)
    measured.push(await measure(messages, roundsOf(messages, sizes), say));
  const results = measured.flatMap((each) =>
    WHAT.filter((what) => what === 'cpuMs' || each.messages >= WEIGHTY).map((what) => besideYjs(each, what)),
  );
  const short = measured.find(({ messages }) => messages === SHORT) ?? measured[0]!;
  const long = measured.at(-1)!;
  if (long !== short) results.push(...WHAT.map((what) => growth(long, short, what)));
  return {
    results,
    notes: [
      'at most 20 CPU ms are wanted for the newest screen, and at most 1.2 times from 1,000 messages to 1,000,000',
    ],
    pictures: new Map([['growth.svg', plot(measured)]]),
  };
};

/** @throws ResultsDiffer unless both sides show the same messages in the same order. */
const measure = async (messages: number, rounds: number, say: SuiteRun['say']): Promise<Measured> => {
  const folder = await mkdtemp(join(tmpdir(), 'sealwire-bench-'));
  const program = (name: string): string => new URL(name, import.meta.url).href;
  try {
    say(`${messages} messages: written to a disk`);
    const { chatId } = await runChild<{ chatId: string }>(program('build.ts'), folder, String(messages));
    const samples: Record<Side, Opened[]> = { ours: [], yjs: [] };
    for (let round = 0; round < rounds; round++)
      for (const side of round % 2 === 0 ? SIDES : SIDES.toReversed())
        samples[side].push(await runChild<Opened>(program('open.ts'), side, folder, chatId));
    requireEqual(messages, [...samples.ours, ...samples.yjs]);
    const [ours, yjs] = [samples.ours[0]!, samples.yjs[0]!];
    say(`  ours ${Math.round(ours.cpuMs)} ms, yjs ${Math.round(yjs.cpuMs)} ms`);
    return { messages, samples };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const requireEqual = (messages: number, opened: readonly Opened[]): void => {
  const [first] = opened;
  for (const { held, screen, all } of opened)
    if (held !== messages || screen !== first!.screen || all !== first!.all)
      throw new ResultsDiffer(`open: a chat of ${messages} messages shows others, or ${held}`);
};

const WHAT = ['cpuMs', 'memoryMb'] as const;
type What = (typeof WHAT)[number];

const row = (name: string, what: What) =>
  ({
    suite: 'open',
    case: what === 'cpuMs' ? name : `${name}/memory`,
    unit: what === 'cpuMs' ? 'CPU ms' : 'MB',
    better: 'lower',
  }) as const;

const figures = ({ samples }: Measured, side: Side, what: What): number[] =>
  samples[side].map((each) => each[what]);

const besideYjs = (each: Measured, what: What): Result =>
  toResult(row(`open/${nameOf(each.messages)}`, what), figures(each, 'ours', what), [
    { name: 'yjs, state as one update in a file', version: YJS, samples: figures(each, 'yjs', what) },
  ]);

const growth = (long: Measured, short: Measured, what: What): Result => {
  const name = `open/${nameOf(long.messages)}-over-${nameOf(short.messages)}`;
  return toResult(row(name, what), figures(long, 'ours', what), [
    {
      name: `ours, ${nameOf(short.messages)} messages`,
      version: OURS,
      samples: figures(short, 'ours', what),
    },
  ]);
};

const plot = (measured: readonly Measured[]): string =>
  plotGrowth({
    title: 'From a file to the newest screen',
    across: 'messages in the chat',
    unit: 'CPU ms',
    lines: SIDES.map((side) => ({
      name: side === 'ours' ? 'ours' : 'plain Yjs',
      points: measured.map((each) => ({
        many: each.messages,
        cost: median(figures(each, side, 'cpuMs')),
      })),
    })),
  });

/** 1_000_000 as `1m`. */
const nameOf = (count: number): string =>
  count % 1_000_000 === 0 ? `${count / 1_000_000}m` : sizeName(count);

const require = createRequire(import.meta.url);
const YJS = (require('yjs/package.json') as { version: string }).version;
const OURS = (require('../package.json') as { version: string }).version;
