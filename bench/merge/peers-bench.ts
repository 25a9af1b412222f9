// The same catch-up beside other engines than Yjs: each row has one of them, in the ways that it has.
import { type Absent, type Result, ResultsDiffer, toResult } from '../lib/result.ts';
import { type Contender, takeRounds } from '../lib/rounds.ts';
import { sealed } from './contenders.ts';
import { CHAT } from './conversation.ts';
import { automerge } from './peers/automerge.ts';
import { elo } from './peers/elo.ts';
import { loro } from './peers/loro.ts';
import { naive } from './peers/naive.ts';
import type { MergePeer, Way } from './peers/peer.ts';
import { secsync } from './peers/secsync.ts';
import { catchUpInOne } from './plain.ts';
import { scriptOf, sizeName, type Workload } from './workload.ts';

export const PEERS: readonly MergePeer[] = [automerge, loro, secsync, elo, naive];

export interface PeersRun {
  /** At most so many rounds. */
  readonly rounds: number;
  readonly say: (line: string) => void;
  readonly peers?: readonly MergePeer[];
}

/** @param workload - a whole chat as `makeWorkload` plays it, not a part of one. @throws ResultsDiffer */
export const runPeers = async (
  workload: Workload,
  { rounds, say, peers = PEERS }: PeersRun,
): Promise<{ results: Result[]; absent: Absent[] }> => {
  const results: Result[] = [];
  const absent: Absent[] = [];
  for (const peer of peers) {
    const name = sizeName(workload.messages);
    say(`${name}: ${peer.name} ${peer.version} writes the same`);
    let ways: readonly Way[];
    try {
      ways = await makeEqual(peer, workload);
    } catch (error) {
      // A peer that runs and holds something else is a fault of this benchmark; one that does not run is a result.
      if (error instanceof ResultsDiffer) throw error;
      const why = error instanceof Error ? error.message : String(error);
      absent.push({ suite: 'merge', case: `catch-up/${name}/${peer.id}`, ...named(peer), why });
      continue;
    }
    results.push(...(await timePeer(peer, ways, workload, rounds)));
  }
  return { results, absent };
};

const named = ({ name, version }: MergePeer) => ({ name, version });

/** A peer's ways, tried. @throws ResultsDiffer unless every way gives the messages that were written, each once. */
export const makeEqual = async (peer: MergePeer, { messages, plain }: Workload): Promise<readonly Way[]> => {
  const ways = await peer.make({ steps: scriptOf(messages, CHAT), plain });
  const wanted = sorted(catchUpInOne(plain).messages);
  for (const { what, catchUp } of ways) {
    const held = sorted((await catchUp()).messages);
    if (held.length !== wanted.length || held.some((text, i) => text !== wanted[i]))
      throw new ResultsDiffer(`${peer.name}, ${what}: holds other messages than plain Yjs`);
  }
  return ways;
};

const sorted = (messages: readonly unknown[]): string[] =>
  messages.map((message) => JSON.stringify(message)).sort();

const timePeer = async (
  peer: MergePeer,
  ways: readonly Way[],
  workload: Workload,
  rounds: number,
): Promise<Result[]> => {
  const ours = sealed(workload);
  const contenders: Contender[] = ways.map(({ what, catchUp }) => ({
    name: what,
    prepare: () => async () => catchUp(),
  }));
  const options = { least: Math.min(3, rounds), most: rounds, until: 0 };
  const times = await takeRounds([ours, ...contenders], options);
  const rates = (name: string): number[] => times.get(name)!.map((ms) => (workload.messages / ms) * 1000);
  const size = sizeName(workload.messages);
  const ourBytes = workload.sealed.frames.reduce((sum, { frame }) => sum + frame.length, 0);
  const row = (name: string, counted: boolean, from: Way['from']): Result[] => {
    const chosen = ways.filter((way) => way.from === from);
    if (chosen.length === 0) return [];
    const peers = (counted ? chosen.slice(0, 1) : chosen).map(({ what, bytes }) => ({
      name: `${peer.name}, ${counted ? WHAT[from] : what}`,
      version: peer.version,
      samples: counted ? [bytes / workload.messages] : rates(what),
    }));
    const figures = counted ? [ourBytes / workload.messages] : rates(ours.name);
    const kind = counted
      ? ({ unit: 'B/message', better: 'lower' } as const)
      : ({ unit: 'messages/s', better: 'higher' } as const);
    return [toResult({ suite: 'merge', case: name, ...kind }, figures, peers)];
  };
  return [
    ...row(`catch-up/${size}/${peer.id}`, false, 'updates'),
    ...row(`load/${size}/${peer.id}`, false, 'state'),
    ...row(`bytes/${size}/${peer.id}`, true, 'updates'),
    ...row(`bytes/${size}/${peer.id}-state`, true, 'state'),
  ];
};

const WHAT = { updates: 'all that was sent', state: 'saved state' } as const;
