// What the cases of the relay suite share: servers that run side by side, rounds in turn, rows with their peers.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Result, ResultsDiffer, toResult } from '../lib/result.ts';
import { flood } from './drive.ts';
import type { Kind } from './kinds.ts';
import { ours } from './ours.ts';
import type { ServerProcess } from './server-process.ts';

export interface Stage {
  /** Those that run here. */
  readonly kinds: readonly Kind[];
  readonly results: Result[];
  readonly notes: string[];
  /** Durable appends a second through sockets, by how many are under way. */
  readonly wire: Map<number, number[]>;
  readonly say: (line: string) => void;
  /** Measures each in turn, as often as there are rounds, on servers that stay up. */
  rounds<T>(
    name: string,
    kinds: readonly Kind[],
    run: (kind: Kind, server: ServerProcess) => Promise<T>,
  ): Promise<Map<Kind, T[]>>;
  /** Measures each in turn, on a server that is started for it. */
  alone<T>(name: string, run: (kind: Kind, server: ServerProcess) => Promise<T>): Promise<Map<Kind, T[]>>;
  /** One figure of each measurement. */
  pick<T>(all: ReadonlyMap<Kind, readonly T[]>, figure: (one: T) => number): Map<Kind, number[]>;
  /** Adds a row beside those of `peers` that run here; none if none does. */
  row(
    row: Pick<Result, 'case' | 'unit' | 'better'>,
    samples: ReadonlyMap<Kind, readonly number[]>,
    peers: readonly Kind[],
  ): void;
  close(): Promise<void>;
}

/** What everybody must get right before anything is timed. */
const PROOF = { readers: 3, window: 20, updates: 300, warmMs: 0, forMs: 60_000 };

/**
 * Starts all servers and lets each prove that its readers get all updates, once, in order.
 *
 * @throws ResultsDiffer if one does not. A peer that cannot be started is left out, and a note says why.
 */
export const openStage = async (
  kinds: readonly Kind[],
  rounds: number,
  say: (line: string) => void,
): Promise<Stage> => {
  const folder = await mkdtemp(join(tmpdir(), 'sealwire-bench-'));
  const servers = new Map<Kind, ServerProcess>();
  const notes: string[] = [];
  const close = async (): Promise<void> => {
    for (const server of servers.values()) await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
  const prove = async (kind: Kind): Promise<void> => {
    const server = await kind.start(folder);
    servers.set(kind, server);
    await flood(kind, server, PROOF);
  };
  try {
    for (const kind of kinds) {
      await prove(kind).catch((error: Error) => {
        if (kind === ours || error instanceof ResultsDiffer) throw error;
        servers.delete(kind);
        notes.push(`${kind.name} ${kind.version} does not run here: ${error.message}`);
      });
    }
  } catch (error) {
    await close();
    throw error;
  }
  const results: Result[] = [];
  const running = [...servers.keys()];
  const inRounds = async <T>(
    name: string,
    of: readonly Kind[],
    run: (kind: Kind) => Promise<T>,
  ): Promise<Map<Kind, T[]>> => {
    const all = new Map<Kind, T[]>(of.map((kind) => [kind, []]));
    for (let round = 0; round < rounds; round++) {
      // Each goes first as often as any other.
      for (let i = 0; i < of.length; i++) {
        const kind = of[(i + round) % of.length]!;
        all.get(kind)!.push(await run(kind));
      }
      say(`${name}: round ${round + 1} of ${rounds}`);
    }
    return all;
  };
  return {
    kinds: running,
    results,
    notes,
    wire: new Map(),
    say,
    rounds: (name, of, run) => inRounds(name, of, (kind) => run(kind, servers.get(kind)!)),
    alone: (name, run) =>
      inRounds(name, running, async (kind) => {
        const own = await mkdtemp(join(tmpdir(), 'sealwire-bench-'));
        const server = await kind.start(own);
        try {
          return await run(kind, server);
        } finally {
          await server.stop();
          await rm(own, { recursive: true, force: true });
        }
      }),
    pick: (all, figure) => new Map([...all].map(([kind, each]) => [kind, each.map(figure)])),
    row(row, samples, peers) {
      const measured = peers.flatMap(({ name, version }, i) => {
        const each = samples.get(peers[i]!);
        return each === undefined ? [] : [{ name, version, samples: each }];
      });
      if (measured.length > 0)
        results.push(toResult({ suite: 'relay', ...row }, samples.get(ours)!, measured));
    },
    close,
  };
};
