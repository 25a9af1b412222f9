// Random membership logs, some by thieves, some with cuts: every order of arrival gives what the plain model gives.
// Rules: spec/membership.md §3, §4.
import { toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sha256 } from '#native';
import { type MembershipLog, membersAt, removalsOf } from '../src/identity/membership.ts';
import {
  add,
  chatOf,
  counted,
  cutOf,
  demote,
  entryOf,
  essence,
  leave,
  merge,
  type Person,
  parentsFirst,
  personOf,
  promote,
  remove,
  rename,
  replayed,
  type Signed,
  type SignedCut,
  withAll,
} from './membership-kit.ts';
import { modelOf } from './membership-model.ts';
import { type Seeded, seeded } from './support.ts';

const test = suite('membership: orders');

const LOGS = process.env.SEALWIRE_SLOW === '1' ? 2_000 : 100;
const PEOPLE = 5;

/** What somebody knows: entries and cuts, the cuts taken for good. */
interface View {
  readonly log: MembershipLog;
  readonly known: readonly (Signed | SignedCut)[];
}

const isCut = (entry: Signed | SignedCut): entry is SignedCut => entry.entry.type === 'cut';

const merged = async (
  people: readonly Person[],
  first: MembershipLog,
  views: readonly View[],
): Promise<View> => {
  const known = [
    ...new Map(views.flatMap((view) => view.known).map((entry) => [toHex(entry.hash), entry])).values(),
  ];
  const { log } = await replayed(first, people, parentsFirst(STILL, known));
  return { log: counted(log, ...known.filter(isCut)), known };
};

/** Chooses nothing: leaves an order as it is. */
const STILL = { shuffled: <T>(items: readonly T[]): T[] => [...items] } as Seeded;

/** One entry by a random device on what somebody knows. Most are proper; some will be refused. */
const anyEntry = (random: Seeded, { log }: View, people: readonly Person[]): Signed | SignedCut => {
  const any = (): Person => people[random.below(people.length)]!;
  const who = (role?: string): Person => {
    const fit = people.filter(
      ({ key }) => log.members.has(key) && (!role || log.members.get(key)!.role === role),
    );
    return fit.length > 0 && random.below(12) > 0 ? fit[random.below(fit.length)]! : any();
  };
  const by = who('admin');
  const changes = { at: random.below(1_000), device: random.below(3) === 0 ? 1 : 0 };
  const kind = random.below(27);
  if (kind < 7) return add(log, by, any(), random.below(2) === 0 ? 'admin' : 'member', changes);
  if (kind < 11) return remove(log, by, who(), changes);
  if (kind < 14) return leave(log, who(), changes);
  if (kind < 16) return promote(log, by, who(), changes);
  if (kind < 18) return demote(log, by, who(), changes);
  if (kind < 19) return rename(log, by, `title ${changes.at}`, changes);
  if (kind < 20) return merge(log, who(), changes);
  if (kind < 21)
    return entryOf(log, by, { action: 'move', room: sha256(Uint8Array.of(changes.at & 0xff)) }, changes);
  if (kind < 22)
    return entryOf(
      log,
      by,
      { action: 'rename', title: 'forged' },
      { ...changes, sign: any().devices[0]!.sign },
    );
  return cutOf(log, who(), log.heads);
};

/** A random log: entries that it takes, and ones that it refuses but whose parents it knows. */
const anyLog = async (random: Seeded, people: readonly Person[]) => {
  const { log: first } = await chatOf(random, 0, people);
  const entries: (Signed | SignedCut)[] = [];
  const bad: (Signed | SignedCut)[] = [];
  const views: View[] = [{ log: first, known: [] }];
  for (let i = 0; i < 14; i++) {
    const recent = views.slice(random.below(3) === 0 ? 0 : -6);
    const tips =
      i < 3 || random.below(6) === 0 ? views : random.shuffled(recent).slice(0, 1 + random.below(2));
    const view = await merged(people, first, tips);
    const entry =
      i < 2
        ? add(view.log, people[0]!, people[i + 1]!, i === 0 ? 'admin' : 'member')
        : anyEntry(random, view, people);
    const { log: after, refused } = await replayed(view.log, people, [entry]);
    (refused.length > 0 ? bad : entries).push(entry);
    if (refused.length > 0) continue;
    const known = [...view.known, entry];
    views.push({ log: counted(after, ...known.filter(isCut)), known });
  }
  const cuts = entries.filter(isCut).filter(() => random.below(6) > 0);
  const log = counted(await withAll(first, people, ...entries), ...cuts);
  return { first, entries, bad, cuts, log, views };
};

/** What the words of the specification say of a log, beside what the log says of itself. */
const agreesWithModel = (
  log: MembershipLog,
  cuts: readonly SignedCut[],
  known: readonly SignedCut[],
  label: string,
) => {
  const model = modelOf(log.entries, cuts, known);
  const { members, heir, counting, counted: endings, pastOf } = model;
  assert.equal(
    [...log.members].map(([account, { role, addedBy }]) => [account, role, toHex(addedBy)]),
    members.map(({ account, isAdmin, by }) => [
      account,
      isAdmin || account === heir ? 'admin' : 'member',
      by,
    ]),
    label,
  );
  const changes = new Map(
    log.entries.map(({ hash, entry }) => [toHex(hash), entry.type === 'member' ? entry.change : undefined]),
  );
  assert.equal(
    removalsOf(log).map(({ hash }) => toHex(hash)),
    endings.filter((hash) => changes.get(hash)!.action !== 'demote'),
    label,
  );
  const heads = [...counting].filter((hash) => ![...counting].some((other) => pastOf(other).has(hash)));
  const cutHashes = new Set(known.map(({ hash }) => toHex(hash)));
  assert.equal(
    log.heads.map(toHex).filter((head) => !cutHashes.has(head)),
    heads.sort(),
    label,
  );
  return model;
};

test('[MB4] [MB5] [MB6] [MB7] every order of a random log gives the same log, which is the model’s', async () => {
  const seen = { void: 0, endings: 0, overruled: 0, crossed: 0, heirs: 0, cutHeads: 0, refused: 0 };
  const first = seeded(9_000);
  const people = Array.from({ length: PEOPLE }, () => personOf(first));
  for (let seed = 0; seed < LOGS; seed++) {
    const random = seeded(9_100 + seed);
    const label = `seed ${9_100 + seed}`;
    const { first: start, log, entries, bad, cuts, views } = await anyLog(random, people);
    const known = entries.filter(isCut);
    const { counting, counted: endings, pastOf, isHeir } = agreesWithModel(log, cuts, known, label);
    const expected = essence(log);
    const order = parentsFirst(random, [...entries, ...bad, ...entries.slice(0, 3)]);
    const again = await replayed(start, people, order);
    assert.equal(essence(counted(again.log, ...cuts)), expected, label);
    assert.equal(again.refused, [...new Set(bad.map(({ hash }) => toHex(hash)))].sort(), label);
    // What somebody knew then is found again from the heads alone, whatever else has come and whichever cuts count.
    for (const view of views)
      assert.equal([...membersAt(log, view.log.heads)!], [...view.log.members], label);
    assert.equal([...membersAt(log, log.heads)!], [...log.members], label);
    for (const { hash, entry } of log.entries) {
      if (entry.type !== 'member') continue;
      const key = toHex(hash);
      if (isHeir(key) && counting.has(key)) seen.heirs++;
      if (counting.has(key)) continue;
      seen[['remove', 'leave', 'demote'].includes(entry.change.action) ? 'overruled' : 'void']++;
    }
    seen.endings += endings.length;
    seen.crossed += endings.filter((one) =>
      endings.some((other) => one !== other && !pastOf(one).has(other) && !pastOf(other).has(one)),
    ).length;
    seen.refused += bad.length;
    if (cuts.some(({ hash }) => log.heads.some((head) => toHex(head) === toHex(hash)))) seen.cutHeads++;
  }
  for (const [what, count] of Object.entries(seen))
    assert.ok(count > LOGS / 20, `${what}: ${JSON.stringify(seen)}`);
});

test.run();
