// The idle suite: what it takes to come back when nothing has happened, by the number of rooms, beside y-websocket.
// What is measured and what is not: README.md.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GrowthLine, plotGrowth } from '../lib/growth-plot.ts';
import { type Result, toResult } from '../lib/result.ts';
import type { Suite, SuiteResult, SuiteRun } from '../lib/suite.ts';
import { versionOf } from '../merge/peers/peer.ts';
import { openOurs } from './ours.ts';
import type { Return, Side } from './sides.ts';
import { openYjs } from './yjs.ts';

export interface IdleSizes {
  readonly rooms: readonly number[];
  /** In each room. */
  readonly messages: number;
  /** Returns of each side. They are counted, so they hardly differ. */
  readonly returns: number;
}

export const idleSuite: Suite = {
  name: 'idle',
  about: 'a return when nothing is new: bytes and round trips (I1), beside y-websocket',
  run: (options) =>
    runIdle(
      options,
      options.quick
        ? { rooms: [10, 100], messages: 20, returns: 2 }
        : { rooms: [10, 100, 1_000], messages: 20, returns: 3 },
    ),
};

export const runIdle = async ({ say }: SuiteRun, sizes: IdleSizes): Promise<SuiteResult> => {
  const counted: { rooms: number; ours: readonly Return[]; yjs: readonly Return[] }[] = [];
  for (const rooms of sizes.rooms) {
    say(`${rooms} rooms`);
    const folder = await mkdtemp(join(tmpdir(), 'sealwire-bench-'));
    try {
      const ours = await returns(() => openOurs(folder, rooms, sizes.messages), sizes.returns);
      const yjs = await returns(() => openYjs(rooms, sizes.messages), sizes.returns);
      counted.push({ rooms, ours, yjs });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  const results = counted.flatMap(({ rooms, ours, yjs }) =>
    WHAT.map(
      ({ name, unit, of }): Result =>
        toResult(
          { suite: 'idle', case: `idle/${rooms}/${name}`, unit, better: 'lower' },
          ours.map((each) => of(each, rooms)),
          [{ ...PEER, samples: yjs.map((each) => of(each, rooms)) }],
        ),
    ),
  );
  return { results, notes: NOTES, pictures: new Map([['growth.svg', plot(results, sizes.rooms)]]) };
};

const PEER = { name: 'y-websocket, a connection a document', version: versionOf('y-websocket') };

const NOTES = [
  'ours are all bytes of the connection: hello, authentication, inbox and the account’s own room included, shared by the rooms',
  'round trips after the connection is there: ours authenticates first, y-websocket does not',
];

const WHAT: readonly { name: string; unit: string; of: (each: Return, rooms: number) => number }[] = [
  { name: 'sent', unit: 'B/room', of: ({ sent }, rooms) => sent / rooms },
  { name: 'received', unit: 'B/room', of: ({ received }, rooms) => received / rooms },
  { name: 'round-trips', unit: 'round trips', of: ({ roundTrips }) => roundTrips },
  { name: 'connections', unit: 'connections', of: ({ connections }) => connections },
];

const returns = async (open: () => Promise<Side>, count: number): Promise<Return[]> => {
  const side = await open();
  try {
    const all: Return[] = [];
    while (all.length < count) all.push(await side.comeBack());
    return all;
  } finally {
    await side.end();
  }
};

const plot = (results: readonly Result[], rooms: readonly number[]): string => {
  const line = (what: string, of: (result: Result) => number, who: string): GrowthLine => ({
    name: `${what}, ${who}`,
    points: rooms.map((many) => ({
      many,
      cost: of(results.find((result) => result.case === `idle/${many}/${what}`)!),
    })),
  });
  const lines = ['sent', 'received'].flatMap((what) => [
    line(what, ({ ours }) => ours, 'ours'),
    line(what, ({ peers }) => peers[0]!.value, 'y-websocket'),
  ]);
  return plotGrowth({ title: 'A return when nothing is new', across: 'rooms', unit: 'B/room', lines });
};
