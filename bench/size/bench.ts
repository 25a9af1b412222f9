// The size suite: bytes a message on the wire, at the relay and in the vault, beside plain Yjs and other engines.
// What is counted and what is not: README.md.
import { createRequire } from 'node:module';
import { type Absent, type Measured, type Result, ResultsDiffer, toResult } from '../lib/result.ts';
import type { Suite, SuiteResult, SuiteRun } from '../lib/suite.ts';
import { CHAT, ONE_BY_ONE } from '../merge/conversation.ts';
import { type MergePeer, versionOf } from '../merge/peers/peer.ts';
import { makeEqual, PEERS } from '../merge/peers-bench.ts';
import { stateOf } from '../merge/plain.ts';
import { makeWorkload, requireEqual, sizeName, type Workload } from '../merge/workload.ts';
import { relayBytes, vaultBytes } from './disk.ts';
import { appendBytes, backlogBytes, deliverBytes, updateBytes } from './wire.ts';

export const sizeSuite: Suite = {
  name: 'size',
  about: 'bytes a message on the wire, at the relay and in the vault (S1, S2), beside y-websocket and others',
  run: (options) => runSize(options, options.quick ? 2_000 : 10_000),
};

export const runSize = async (
  { say }: SuiteRun,
  messages: number,
  peers: readonly MergePeer[] = PEERS,
): Promise<SuiteResult> => {
  const live = await makeWorkload('live', messages, ONE_BY_ONE, say);
  const chat = await makeWorkload(sizeName(messages), messages, CHAT, say);
  for (const workload of [live, chat]) await requireEqual(workload);
  const others = await sizesOfPeers(chat, peers, say);
  say('writing both to disks');
  const vault = await vaultBytes(chat.sealed);
  const state = stateOf(chat.plain);
  const name = sizeName(messages);
  const each = (bytes: number): number[] => [bytes / messages];
  const row = (what: string, ours: number, peers: readonly Measured[]): Result =>
    toResult({ suite: 'size', case: what, unit: 'B/message', better: 'lower' }, each(ours), peers);
  const yjs = (what: string, bytes: number): Measured => ({
    name: `yjs, ${what}`,
    version: YJS,
    samples: each(bytes),
  });
  const ws = (what: string, bytes: number): Measured => ({
    name: `y-websocket, ${what}`,
    version: Y_WEBSOCKET,
    samples: each(bytes),
  });

  const { frames } = live.sealed;
  const backlog = backlogBytes(chat.sealed.frames);
  const wholeState = ws('sync step 2', updateBytes([state], 'server'));
  const allUpdates = ws('one update at a time', updateBytes(chat.plain, 'server'));
  const stored = [yjs('state as one update', state.length), yjs('all updates', total(chat.plain))];
  const results = [
    row('live/frame', frameBytes(live), [yjs('one update', total(live.plain))]),
    row('live/sent', appendBytes(frames), [ws('update', updateBytes(live.plain, 'client'))]),
    row('live/received', deliverBytes(frames), [ws('update', updateBytes(live.plain, 'server'))]),
    row(`catch-up/${name}`, backlog, [wholeState, allUpdates]),
    row(`relay/${name}`, await relayBytes(chat.sealed.frames), stored),
    row(`vault/${name}`, vault.reopened, stored),
    row(`vault/${name}/as-written`, vault.written, stored),
  ];
  const of = (from: 'updates' | 'state'): Measured[] =>
    others.sizes
      .filter((size) => size.from === from)
      .map(({ bytes, ...peer }) => ({ ...peer, samples: each(bytes) }));
  if (of('updates').length > 0) results.push(row(`catch-up/${name}/other-engines`, backlog, of('updates')));
  if (of('state').length > 0) results.push(row(`vault/${name}/other-engines`, vault.reopened, of('state')));
  return { results, notes: notesOf(live), absent: others.absent };
};

const notesOf = (live: Workload): string[] => {
  const above = (frameBytes(live) - total(live.plain)) / live.messages;
  return [
    `a live message's frame is ${above.toFixed(0)} B above its plain update, padding included; at most 160 are wanted before padding`,
    'there are no snapshots yet: relay and vault keep every frame, and what S2 wants is for after compaction',
  ];
};

interface PeerSize {
  readonly name: string;
  readonly version: string;
  readonly from: 'updates' | 'state';
  readonly bytes: number;
}

const sizesOfPeers = async (
  chat: Workload,
  peers: readonly MergePeer[],
  say: SuiteRun['say'],
): Promise<{ sizes: PeerSize[]; absent: Absent[] }> => {
  const sizes: PeerSize[] = [];
  const absent: Absent[] = [];
  for (const peer of peers) {
    const { name, version, id } = peer;
    say(`${chat.name}: ${name} writes the same`);
    try {
      const ways = await makeEqual(peer, chat);
      for (const from of ['updates', 'state'] as const) {
        const way = ways.find((each) => each.from === from);
        if (way)
          sizes.push({
            name: `${name}, ${from === 'updates' ? 'all that was sent' : 'saved state'}`,
            version,
            from,
            bytes: way.bytes,
          });
      }
    } catch (error) {
      if (error instanceof ResultsDiffer) throw error;
      const why = error instanceof Error ? error.message : String(error);
      absent.push({ suite: 'size', case: `catch-up/${chat.name}/${id}`, name, version, why });
    }
  }
  return { sizes, absent };
};

const total = (pieces: readonly Uint8Array[]): number => pieces.reduce((sum, { length }) => sum + length, 0);

const frameBytes = ({ sealed }: Workload): number => total(sealed.frames.map(({ frame }) => frame));

const YJS = (createRequire(import.meta.url)('yjs/package.json') as { version: string }).version;
const Y_WEBSOCKET = versionOf('@y/websocket-server');
