// The rotation suite: a new epoch key for all member accounts of a room, beside an MLS group that removes a member.
// What is measured and what is not: README.md.
import { readFileSync } from 'node:fs';
import { type Measured, type Result, ResultsDiffer, toResult } from '../lib/result.ts';
import { type Contender, takeRounds } from '../lib/rounds.ts';
import type { Suite, SuiteRun } from '../lib/suite.ts';
import { createMlsGroup, type Group, LIKE_SUITE_1, LIKE_SUITE_2, type Removal, type Tree } from './mls.ts';
import { createRoom, type Room } from './ours.ts';

export interface RotationSizes {
  readonly members: readonly number[];
  /** Growing a warm tree takes time with the square of its members: not for more than this. */
  readonly warm: number;
  /** The same for suite 2; 0 leaves it out. */
  readonly suite2: number;
  readonly rounds: number;
}

export const rotationSuite: Suite = {
  name: 'rotation',
  about: 'a new key for all members of a room, beside MLS (ts-mls) removing a member',
  run: (options) =>
    runRotation(options, {
      members: [8, 32, 128, 512],
      warm: options.quick ? 32 : 128,
      suite2: options.quick ? 32 : 128,
      rounds: options.quick ? 5 : 9,
    }),
};

export const runRotation = async (
  { say }: SuiteRun,
  { members, warm, suite2, rounds }: RotationSizes,
): Promise<{ results: Result[]; notes: string[] }> => {
  const results: Result[] = [];
  for (const count of members) {
    const trees: Tree[] = count <= warm ? ['fresh', 'warm'] : ['fresh'];
    say(`${count} members: growing MLS groups, ${trees.join(' and ')}`);
    results.push(...(await measure(`rotation/${count}`, { count, suite: 1, trees, rounds })));
    if (count <= suite2)
      results.push(
        ...(await measure(`rotation/${count}/suite-2`, { count, suite: 2, trees: ['fresh'], rounds })),
      );
  }
  return { results, notes: bytesTable(results) };
};

interface Case {
  readonly count: number;
  readonly suite: 1 | 2;
  readonly trees: readonly Tree[];
  readonly rounds: number;
}

const measure = async (name: string, { count, suite, trees, rounds }: Case): Promise<Result[]> => {
  const room = await createRoom(count, suite);
  const entry = await room.rotate();
  const groups: [Tree, Group, Removal][] = [];
  for (const tree of trees) {
    const group = await createMlsGroup(count, tree, suite === 1 ? LIKE_SUITE_1 : LIKE_SUITE_2);
    groups.push([tree, group, await group.remove()]);
  }
  await requireAllAgree(room, entry, count);
  for (const [tree, group, removal] of groups) await requireAgreement(tree, group, removal);

  const options = { least: rounds, most: rounds, until: 0 };
  const makers: Contender[] = [
    { name: 'ours', prepare: () => () => room.rotate() },
    ...groups.map(([name, group]) => ({ name, prepare: () => () => group.remove() })),
  ];
  const takers: Contender[] = [
    { name: 'ours', prepare: () => () => room.take(entry, count - 1) },
    ...groups.map(([name, group, removal]) => ({ name, prepare: () => () => group.take(removal) })),
  ];
  const made = await takeRounds(makers, options);
  const taken = await takeRounds(takers, { ...options, repeat: 3 });
  const sizes = new Map([
    ['ours', [entry.length]],
    ...groups.map(([tree, , { bytes }]) => [tree, [bytes.length]] as [string, number[]]),
  ]);
  return [
    row(name, 'ms', made, trees),
    row(`${name}/receive`, 'ms', taken, trees),
    row(`${name}/bytes`, 'B', sizes, trees),
  ];
};

/** @throws ResultsDiffer unless each member gets the very key that was made, and nobody else's key opens it. */
const requireAllAgree = async (room: Room, entry: Uint8Array, members: number): Promise<void> => {
  for (let member = 0; member < members; member++) {
    const key = await room.take(entry, member);
    if (Buffer.compare(key, room.key()) !== 0) throw new ResultsDiffer(`member ${member} got another key`);
  }
};

const requireAgreement = async (tree: Tree, group: Group, removal: Removal): Promise<void> => {
  const authenticator = await group.take(removal);
  if (Buffer.compare(authenticator, removal.authenticator) !== 0)
    throw new ResultsDiffer(`members of the ${tree} MLS group are in different epochs`);
};

const row = (
  name: string,
  unit: string,
  samples: ReadonlyMap<string, number[]>,
  trees: readonly Tree[],
): Result => {
  const peers = trees.map(
    (tree): Measured => ({ name: `ts-mls, ${tree} tree`, version: MLS, samples: samples.get(tree)! }),
  );
  return toResult({ suite: 'rotation', case: name, unit, better: 'lower' }, samples.get('ours')!, peers);
};

const manifest = new URL('../../package.json', import.meta.resolve('ts-mls'));
const MLS = (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;

const bytesTable = (results: readonly Result[]): string[] =>
  results
    .filter(({ unit }) => unit === 'B')
    .map(({ case: name, ours, peers }) => {
      const members = Number(name.split('/')[1]);
      const each = (bytes: number): string => (bytes / members).toFixed(0);
      const others = peers.map((peer) => `${peer.name} ${each(peer.value)}`);
      return `${name}: bytes a member: ours ${each(ours)}, ${others.join(', ')}`;
    });
