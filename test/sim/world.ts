// A run's time, dice and log: one seed decides every event of it.
// How a run stays the same for one seed: CONTRIBUTING.md, "The simulator".
import { createHash } from 'node:crypto';
import { type Random, seededRandom } from '@sealwire/testkit/relay-fuzz';
import { leavePlatform, settle, usePlatform } from './platform.ts';

export interface Dice extends Random {
  /** True with this probability, from 0 to 1. */
  chance(probability: number): boolean;
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number;
  shuffled<T>(items: readonly T[]): T[];
}

/** What a run is about: it went wrong. The message says what, for a person. */
export class SimFailure extends Error {}

/** Milliseconds since 1970 at which every run begins, for devices' wall clocks. */
export const BEGINNING = 1_750_000_000_000;

interface Planned {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
  off: boolean;
}

/** More than any run needs: beyond it somebody asks and is answered for ever. */
const MOST_STEPS = 60_000;

export const createWorld = (seed: number, { keepLog = false } = {}) => {
  const planned: Planned[] = [];
  const counts = new Map<string, number>();
  const lines: string[] = [];
  const hash = createHash('sha256');
  const failures: Error[] = [];
  let now = 0;
  let order = 0;
  let steps = 0;

  const note = (who: string, what: string): void => {
    const line = `${(now / 1000).toFixed(3).padStart(9)} ${who} ${what}`;
    hash.update(line);
    if (keepLog) {
      lines.push(line);
      if (process.env.SIM_TRACE) process.stderr.write(`${line}\n`);
    }
  };

  const after = (ms: number, run: () => void): (() => void) => {
    const item = { at: now + Math.max(0, Math.ceil(ms)), order: order++, run, off: false };
    push(planned, item);
    return () => {
      item.off = true;
    };
  };

  return {
    seed,
    dice: (name: string): Dice => diceOf(seed, name),
    /** Milliseconds since the run began. */
    now: () => now,
    after,
    note,
    /** Bytes that crossed a wire or a disk: part of the log's hash, not of its text. */
    noteBytes: (bytes: Uint8Array) => void hash.update(bytes),
    count: (kind: string, by = 1) => void counts.set(kind, (counts.get(kind) ?? 0) + by),
    counts: counts as ReadonlyMap<string, number>,
    fail: (message: string) => void failures.push(new SimFailure(message)),
    failures: failures as readonly Error[],
    lines: lines as readonly string[],
    steps: () => steps,
    /** SHA-256 over every event so far, hexadecimal. */
    digest: () => hash.copy().digest('hex'),
    /** Runs events until `until` milliseconds, or until one after which `enough` holds. @returns whether it held. */
    async run(until: number, enough: () => boolean = () => false): Promise<boolean> {
      await settle();
      for (;;) {
        if (failures[0]) throw failures[0];
        if (steps > MOST_STEPS) throw new SimFailure(`${MOST_STEPS} events, and no end`);
        if (enough()) return true;
        const next = planned[0];
        if (!next || next.at > until) break;
        pop(planned);
        if (next.off) continue;
        now = Math.max(now, next.at);
        steps += 1;
        next.run();
        await settle();
      }
      now = until;
      return false;
    },
    /** Runs what is still planned for `ms` milliseconds, whatever comes of it: the run is over. */
    async wind(ms: number): Promise<void> {
      const until = now + ms;
      for (let next = planned[0]; next && next.at <= until && steps++ < 2 * MOST_STEPS; next = planned[0]) {
        pop(planned);
        now = Math.max(now, next.at);
        if (!next.off) next.run();
        await settle();
      }
    },
    /** Lets everything that is already under way come to rest without time passing. */
    settle,
    /** From here on, bugs that nobody awaits are failures of this run. @returns the way back. */
    begin(): () => void {
      usePlatform(diceOf(seed, 'platform'));
      const caught = (error: unknown): void => {
        failures.push(error instanceof Error ? error : new SimFailure(`thrown: ${String(error)}`));
      };
      process.on('uncaughtException', caught);
      process.on('unhandledRejection', caught);
      // Every provider of every device adds one.
      process.setMaxListeners(0);
      return () => {
        process.off('uncaughtException', caught);
        process.off('unhandledRejection', caught);
        leavePlatform();
      };
    },
  };
};

export type World = ReturnType<typeof createWorld>;

const diceOf = (seed: number, name: string): Dice => {
  const bytes = createHash('sha256').update(`${seed}/${name}`).digest();
  const random = seededRandom(bytes.readUInt32LE(0));
  const dice: Dice = {
    ...random,
    chance: (probability) => random.int(1_000_000) < probability * 1_000_000,
    between: (low, high) => low + random.int(high - low + 1),
    shuffled: (items) => {
      const out = [...items];
      for (let i = out.length - 1; i > 0; i--) {
        const j = random.int(i + 1);
        [out[i], out[j]] = [out[j]!, out[i]!];
      }
      return out;
    },
  };
  return dice;
};

const isBefore = (a: Planned, b: Planned): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

const push = (heap: Planned[], item: Planned): void => {
  heap.push(item);
  for (let i = heap.length - 1; i > 0; ) {
    const parent = (i - 1) >> 1;
    if (!isBefore(heap[i]!, heap[parent]!)) return;
    [heap[i], heap[parent]] = [heap[parent]!, heap[i]!];
    i = parent;
  }
};

const pop = (heap: Planned[]): void => {
  const last = heap.pop()!;
  if (heap.length === 0) return;
  heap[0] = last;
  for (let i = 0; ; ) {
    let least = i;
    for (const child of [2 * i + 1, 2 * i + 2])
      if (child < heap.length && isBefore(heap[child]!, heap[least]!)) least = child;
    if (least === i) return;
    [heap[i], heap[least]] = [heap[least]!, heap[i]!];
    i = least;
  }
};
