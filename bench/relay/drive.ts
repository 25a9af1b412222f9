// Drives one room: as fast as it takes updates, or at a pace, and checks that each reader gets each update once, in order.
import { ResultsDiffer } from '../lib/result.ts';
import type { Heard, Kind, Room } from './kinds.ts';
import type { ServerProcess } from './server-process.ts';

export interface DriveOptions {
  readonly readers: number;
  /** Updates that may be under way: not answered, or not delivered to all. */
  readonly window: number;
  /** Updates that may be written in all. */
  readonly updates: number;
  readonly warmMs: number;
  readonly forMs: number;
}

export interface Flooded {
  readonly deliveriesPerSecond: number;
  /** By each second of CPU of the server, all its threads together. */
  readonly deliveriesPerCpu: number;
  readonly updatesPerSecond: number;
  /** CPU of the server for one update, in microseconds. */
  readonly cpuUs: number;
}

/** Writes as much as the window allows. @throws ResultsDiffer if a reader misses, repeats or reorders anything. */
export const flood = async (kind: Kind, server: ServerProcess, options: DriveOptions): Promise<Flooded> => {
  const { readers, window, warmMs, forMs } = options;
  const run = await openRun(kind, server, options);
  let writing = true;
  run.onProgress = () => {
    const free = window - (run.written - run.done());
    const count = Math.min(free, run.room.most - run.written);
    // A few at a time would be a write each.
    if (writing && count >= Math.min(window / 4, run.room.most - run.written) && count > 0) run.write(count);
  };
  run.onProgress();
  await sleep(warmMs);
  const from = { ms: performance.now(), cpu: await server.cpuMs(), done: run.done(), all: run.delivered };
  // A slow server may answer nothing for longer than that: then the time runs until it has worked off a whole window.
  const isOver = (): boolean => performance.now() - from.ms >= forMs && run.done() - from.done >= window;
  await until(() => isOver() || run.done() >= run.room.most);
  const to = { ms: performance.now(), cpu: await server.cpuMs(), done: run.done(), all: run.delivered };
  writing = false;
  await run.finish();
  const seconds = (to.ms - from.ms) / 1000;
  const cpuMs = to.cpu - from.cpu;
  const deliveries = readers === 0 ? to.done - from.done : to.all - from.all;
  return {
    deliveriesPerSecond: deliveries / seconds,
    deliveriesPerCpu: (deliveries / cpuMs) * 1000,
    updatesPerSecond: (to.done - from.done) / seconds,
    cpuUs: (cpuMs / (to.done - from.done)) * 1000,
  };
};

export interface Paced {
  /** Milliseconds from handing an update to the writer's socket to a reader's having it. */
  readonly p50: number;
  readonly p99: number;
}

/** Writes `perSecond` updates, evenly. @throws ResultsDiffer as {@link flood}. */
export const paced = async (
  kind: Kind,
  server: ServerProcess,
  { perSecond, ...options }: Omit<DriveOptions, 'window' | 'updates'> & { readonly perSecond: number },
): Promise<Paced> => {
  const { warmMs, forMs } = options;
  const updates = Math.ceil(((warmMs + forMs) * perSecond) / 1000);
  const run = await openRun(kind, server, { ...options, updates });
  const sentAt = new Float64Array(updates);
  const delays = new Float64Array(updates * options.readers);
  const first = Math.ceil((warmMs * perSecond) / 1000);
  let count = 0;
  run.onDelivery = (sequence) => {
    if (sequence >= first) delays[count++] = performance.now() - sentAt[sequence]!;
  };
  const from = performance.now();
  while (run.written < updates) {
    const due = Math.min(updates, Math.ceil(((performance.now() - from) * perSecond) / 1000)) - run.written;
    if (due > 0) {
      sentAt.fill(performance.now(), run.written, run.written + due);
      run.write(due);
    }
    await sleep(1);
  }
  await run.finish();
  const kept = delays.subarray(0, count).sort();
  return { p50: kept[Math.floor(count * 0.5)]!, p99: kept[Math.floor(count * 0.99)]! };
};

interface Run {
  readonly room: Room;
  written: number;
  delivered: number;
  onProgress: () => void;
  onDelivery: (sequence: number) => void;
  write(count: number): void;
  /** Updates that are answered and have reached all readers. */
  done(): number;
  /** Waits until everything written is done, and ends the room. */
  finish(): Promise<void>;
}

const openRun = async (
  kind: Kind,
  server: ServerProcess,
  { readers, updates }: Pick<DriveOptions, 'readers' | 'updates'>,
): Promise<Run> => {
  const expected = new Uint32Array(readers);
  let fault: string | undefined;
  let taken = 0;
  let scheduled = false;
  const progress = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      run.onProgress();
    });
  };
  const heard: Heard = {
    delivered(reader, sequence) {
      if (expected[reader] !== sequence)
        fault ??= `reader ${reader} got ${sequence} instead of ${expected[reader]}`;
      expected[reader] = sequence + 1;
      run.delivered++;
      run.onDelivery(sequence);
      progress();
    },
    taken(count) {
      taken += count;
      progress();
    },
    strange(what) {
      fault ??= what;
    },
  };
  const check = (): void => {
    if (fault !== undefined) throw new ResultsDiffer(`${kind.name}: ${fault}`);
  };
  const room = await kind.open(server, readers, updates, heard);
  const run: Run = {
    room,
    written: 0,
    delivered: 0,
    onProgress: () => {},
    onDelivery: () => {},
    write(count) {
      room.write(count);
      run.written += count;
    },
    done: () => (readers === 0 ? taken : Math.min(taken, Math.floor(run.delivered / readers))),
    async finish() {
      await until(() => fault !== undefined || run.done() === run.written);
      check();
      room.close();
    },
  };
  return run;
};

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Longest time without any progress: what is missing then is lost. */
const STALLED_MS = 60_000;

const until = async (reached: () => boolean): Promise<void> => {
  for (const from = performance.now(); !reached(); ) {
    if (performance.now() - from > STALLED_MS)
      throw new ResultsDiffer('updates were written and never arrived everywhere');
    await sleep(5);
  }
};

export interface TakenIn {
  /** CPU of the server for one update, in microseconds. */
  readonly cpuUs: number;
  readonly perSecond: number;
}

/** Many rooms, a writer and no reader in each, `window` updates of each under way. */
export const takeIn = async (
  kind: Kind,
  server: ServerProcess,
  { writers, ...options }: Omit<DriveOptions, 'readers'> & { readonly writers: number },
): Promise<TakenIn> => {
  const { window, warmMs, forMs } = options;
  let writing = true;
  const runs: Run[] = [];
  for (let i = 0; i < writers; i++) {
    const run = await openRun(kind, server, { readers: 0, updates: options.updates });
    run.onProgress = () => {
      const count = Math.min(window - (run.written - run.done()), run.room.most - run.written);
      if (writing && count > 0) run.write(count);
    };
    runs.push(run);
  }
  const done = (): number => runs.reduce((sum, run) => sum + run.done(), 0);
  const most = runs.reduce((sum, run) => sum + run.room.most, 0);
  for (const run of runs) run.onProgress();
  await sleep(warmMs);
  const from = { ms: performance.now(), cpu: await server.cpuMs(), done: done() };
  await until(() => performance.now() - from.ms >= forMs || done() >= most * 0.9);
  const to = { ms: performance.now(), cpu: await server.cpuMs(), done: done() };
  writing = false;
  for (const run of runs) await run.finish();
  const count = to.done - from.done;
  return { cpuUs: ((to.cpu - from.cpu) / count) * 1000, perSecond: (count / (to.ms - from.ms)) * 1000 };
};
