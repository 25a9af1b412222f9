// The relay suite: our relay as people run it, each append durable, beside servers that store nothing.
// What is measured and what is not: README.md.
import { type Result, toResult } from '../lib/result.ts';
import type { Suite, SuiteRun } from '../lib/suite.ts';
import { broadcast } from './broadcast.ts';
import { buildRelay } from './build.ts';
import { catchUpCase } from './catch-up.ts';
import { flood, paced, takeIn } from './drive.ts';
import { type GrowthLine, growthLines, plotGrowth } from './growth-plot.ts';
import type { Kind } from './kinds.ts';
import { ours } from './ours.ts';
import { comeBack } from './restart.ts';
import { openStage, type Stage } from './stage.ts';
import { appendsPerSecond, grown } from './store-cases.ts';
import { hocuspocus, yWebsocket } from './yjs-peers.ts';

export interface RelaySizes {
  readonly fanOut: readonly number[];
  readonly idle: readonly number[];
  readonly chat: number;
  readonly batches: readonly number[];
  readonly growth: readonly number[];
  /** Devices that come back after a restart: few, and five times as many. */
  readonly restart: readonly [few: number, many: number];
  /** Commits of a hundred appends each that a growth figure is the mean of. */
  readonly growthBatches: number;
  readonly rounds: number;
  readonly forMs: number;
}

export const relaySuite: Suite = {
  name: 'relay',
  /** Five times as many devices may take seven times as long. */
  limits: new Map(['5000-over-1000', '1000-over-200'].map((devices) => [`restart/${devices}`, 7])),
  about: 'the relay, every append durable, beside y-websocket, Hocuspocus and a bare broadcast',
  run: (options) =>
    runRelay(options, {
      fanOut: options.quick ? [10, 100] : [10, 100, 1_000],
      idle: options.quick ? [300] : [1_000, 10_000],
      chat: options.quick ? 1_000 : 100_000,
      batches: [1, 100, 1_000],
      growth: options.quick ? [1_000, 10_000] : [1_000, 10_000, 100_000, 1_000_000],
      restart: options.quick ? [200, 1_000] : [1_000, 5_000],
      growthBatches: options.quick ? 25 : 100,
      rounds: options.quick ? 1 : 5,
      forMs: options.quick ? 400 : 3_000,
    }),
};

/** Updates under way: to more readers fewer, or the slow would have minutes of deliveries before them. */
const windowFor = (readers: number): number => (readers < 1_000 ? 250 : 50);
/** The rate of R2, and how many hear of each update. */
const LIVE = { perSecond: 500, readers: 100 };

export const runRelay = async (
  { say }: SuiteRun,
  sizes: RelaySizes,
): Promise<{ results: Result[]; notes: string[]; pictures: Map<string, string> }> => {
  buildRelay();
  const stage = await openStage([ours, yWebsocket, hocuspocus, broadcast], sizes.rounds, say);
  try {
    const bestRate = await fanOutCases(stage, sizes);
    await liveCases(stage, sizes, bestRate);
    await takeInCase(stage, sizes);
    await catchUpCase(stage, sizes.chat);
    await wireAppendCases(stage, sizes);
  } finally {
    await stage.close();
  }
  for (const connections of sizes.idle) await idleCase(stage, connections);
  await appendCases(stage, sizes);
  await restartCase(stage, sizes);
  const lines = await growthCases(stage, sizes);
  return {
    results: stage.results,
    notes: stage.notes,
    pictures: new Map([['growth.svg', plotGrowth(lines)]]),
  };
};

/** Updates that a peer is given; it is done before it has taken them all. */
const supply = (kind: Kind, readers: number, { forMs }: RelaySizes): number => {
  if (kind === ours || kind === broadcast) return Number.MAX_SAFE_INTEGER;
  const perSecond = readers === 0 ? 25_000 : Math.max(120, Math.min(10_000, 100_000 / readers));
  return Math.ceil((perSecond * forMs * 1.3) / 1000);
};

/** @returns the updates a second that the better peer takes with `LIVE.readers` readers. */
const fanOutCases = async (stage: Stage, sizes: RelaySizes): Promise<number> => {
  let bestRate = 0;
  for (const readers of sizes.fanOut) {
    const name = `fan-out/${readers}`;
    const all = await stage.rounds(name, stage.kinds, (kind, server) =>
      flood(kind, server, {
        readers,
        window: windowFor(readers),
        updates: supply(kind, readers, sizes),
        warmMs: sizes.forMs / 4,
        forMs: sizes.forMs,
      }),
    );
    const perCpu = stage.pick(all, ({ deliveriesPerCpu }) => deliveriesPerCpu);
    const wall = stage.pick(all, ({ deliveriesPerSecond }) => deliveriesPerSecond);
    const peers = [yWebsocket, hocuspocus];
    stage.row({ case: name, unit: 'deliveries/CPU s', better: 'higher' }, perCpu, peers);
    stage.row({ case: `${name}/wall`, unit: 'deliveries/s', better: 'higher' }, wall, peers);
    stage.row({ case: `${name}/over-bare`, unit: 'deliveries/CPU s', better: 'higher' }, perCpu, [broadcast]);
    stage.row({ case: `${name}/over-bare/wall`, unit: 'deliveries/s', better: 'higher' }, wall, [broadcast]);
    for (const kind of peers)
      for (const { updatesPerSecond } of all.get(kind) ?? [])
        if (readers === LIVE.readers) bestRate = Math.max(bestRate, updatesPerSecond);
  }
  return bestRate;
};

const liveCases = async (stage: Stage, { forMs }: RelaySizes, bestRate: number): Promise<void> => {
  const { readers } = LIVE;
  const rates = [
    { suffix: '', perSecond: LIVE.perSecond },
    ...(bestRate > 0 ? [{ suffix: '/30-percent', perSecond: Math.max(1, bestRate * 0.3) }] : []),
  ];
  for (const { suffix, perSecond } of rates) {
    const options = { readers, perSecond, warmMs: forMs / 3, forMs };
    const name = `${readers}${suffix}`;
    const all = await stage.rounds(`latency/${name}`, stage.kinds, (kind, server) =>
      paced(kind, server, options),
    );
    for (const part of ['p50', 'p99'] as const) {
      const delays = stage.pick(all, (delay) => delay[part]);
      const row = { case: `${part}/${name}`, unit: 'ms', better: 'lower' } as const;
      stage.row(row, delays, [yWebsocket, hocuspocus]);
      stage.row({ ...row, case: `${part}/${name}/over-bare` }, delays, [broadcast]);
    }
    if (suffix) stage.notes.push(`latency/${name}: ${Math.round(perSecond)} updates/s`);
  }
};

const takeInCase = async (stage: Stage, sizes: RelaySizes): Promise<void> => {
  const all = await stage.rounds('take-in', stage.kinds, (kind, server) =>
    takeIn(kind, server, {
      writers: 50,
      window: 5,
      updates: Math.ceil(supply(kind, 0, sizes) / 50),
      warmMs: sizes.forMs / 4,
      forMs: sizes.forMs,
    }),
  );
  const cpu = stage.pick(all, ({ cpuUs }) => cpuUs);
  stage.row({ case: 'take-in', unit: 'µs CPU an update', better: 'lower' }, cpu, [yWebsocket, hocuspocus]);
};

const LMDB = { name: 'lmdb, one table', version: '3.5.6' };

const appendCases = async (stage: Stage, { batches, forMs, rounds }: RelaySizes): Promise<void> => {
  for (const batch of batches) {
    const samples: number[] = [];
    const raw: number[] = [];
    for (let round = 0; round < rounds; round++) {
      samples.push(await appendsPerSecond('store', batch, forMs));
      raw.push(await appendsPerSecond('lmdb', batch, forMs));
    }
    stage.say(`appends/${batch}: ${Math.round(samples[0]!)} of ${Math.round(raw[0]!)} a second`);
    const row = { suite: 'relay', unit: 'durable appends/s', better: 'higher' } as const;
    const peer = { ...LMDB, samples: raw };
    stage.results.push(toResult({ ...row, case: `appends/${batch}` }, samples, [peer]));
    const wire = stage.wire.get(batch);
    if (wire) stage.results.push(toResult({ ...row, case: `appends/${batch}/wire` }, wire, [peer]));
  }
};

/** The same through sockets: so many under way on a hundred connections. */
const wireAppendCases = async (stage: Stage, sizes: RelaySizes): Promise<void> => {
  for (const batch of sizes.batches.filter((each) => each >= 100)) {
    const all = await stage.rounds(`appends/${batch}/wire`, [ours], (kind, server) =>
      takeIn(kind, server, {
        writers: 100,
        window: batch / 100,
        updates: Number.MAX_SAFE_INTEGER,
        warmMs: sizes.forMs / 4,
        forMs: sizes.forMs,
      }),
    );
    stage.wire.set(
      batch,
      all.get(ours)!.map(({ perSecond }) => perSecond),
    );
  }
};

const idleCase = async (stage: Stage, connections: number): Promise<void> => {
  const all = await stage.alone(`idle/${connections}`, async (kind, server) => {
    // The first connections pay for what all share.
    const first = await kind.idle(server, 50);
    const before = await server.memory();
    const end = await kind.idle(server, connections);
    const bytes = (await server.memory()) - before;
    end();
    first();
    return bytes / connections / 1000;
  });
  const kilobytes = stage.pick(all, (value) => value);
  const row = { case: `idle/${connections}`, unit: 'kB a connection', better: 'lower' } as const;
  stage.row(row, kilobytes, [yWebsocket, hocuspocus]);
};

/** Everybody at once, after the relay was killed. */
const restartCase = async (stage: Stage, { restart: [few, many], rounds }: RelaySizes): Promise<void> => {
  const times: { readonly few: number; readonly many: number }[] = [];
  for (let round = 0; round < Math.min(rounds, 3); round++) {
    stage.say(`restart: ${few} and ${many} devices`);
    times.push({ few: await comeBack(few, 'kill'), many: await comeBack(many, 'kill') });
  }
  const row = { suite: 'relay', case: `restart/${many}-over-${few}`, unit: 'ms', better: 'lower' } as const;
  const peer = {
    name: `ours, ${few} devices`,
    version: ours.version,
    samples: times.map((time) => time.few),
  };
  stage.results.push(
    toResult(
      row,
      times.map((time) => time.many),
      [peer],
    ),
  );
};

const growthCases = async (stage: Stage, { growth, growthBatches }: RelaySizes): Promise<GrowthLine[]> => {
  const lines: GrowthLine[] = [];
  for (const what of ['rooms', 'frames'] as const) {
    const costs = [];
    for (const many of growth) {
      stage.say(`growth: ${many} ${what}`);
      costs.push(await grown(what, many, growthBatches));
    }
    lines.push(...growthLines(what, growth, costs));
    const [least, most] = [growth[0]!, growth.at(-1)!];
    const version = ours.version;
    for (const cost of ['appendUs', 'catchUpUs'] as const) {
      const name = `growth/${what}/${cost === 'appendUs' ? 'append' : 'catch-up'}/${most}-over-${least}`;
      const peer = { name: `ours, ${least} ${what}`, version, samples: [costs[0]![cost]] };
      const row = { suite: 'relay', case: name, unit: 'µs', better: 'lower' } as const;
      stage.results.push(toResult(row, [costs.at(-1)![cost]], [peer]));
    }
  }
  return lines;
};
