// Random device logs, some by thieves: every order of arrival gives what the plain model gives. Rules:
// spec/device-log.md §4, §5.
import { toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type DeviceLog, revocationsOf } from '../src/identity/device-log.ts';
import { createDirectory } from '../src/identity/directory.ts';
import {
  account,
  addOf,
  codeOf,
  devicesOf,
  essence,
  keyOf,
  modelOf,
  newestRenewals,
  parentsFirst,
  renewalOf,
  replayed,
  revokeOf,
  type Signed,
  withAll,
} from './device-log-kit.ts';
import { type Seeded, seeded, type TestDevice } from './support.ts';

const test = suite('device log: orders');

const LOGS = process.env.SEALWIRE_SLOW === '1' ? 2_000 : 40;
const DEVICES = 7;

/** Logs of those who know one entry and what it follows, by its hash. */
type Views = Map<string, DeviceLog>;

/** The log of somebody who knows only these entries and what they follow. */
const viewOf = async (views: Views, tips: readonly Signed[]): Promise<DeviceLog> => {
  const [most, ...others] = tips
    .map(({ hash }) => views.get(toHex(hash))!)
    .sort((a, b) => b.entries.length - a.entries.length);
  let view = most!;
  for (const other of others) view = (await replayed(view, other.entries)).log;
  return view;
};

/** One entry by a random device on a random part of what there is. Most are proper; some will be refused. */
const anyEntry = (random: Seeded, view: DeviceLog, devices: readonly TestDevice[]): Signed => {
  const any = (): TestDevice => devices[random.below(devices.length)]!;
  const inside = devices.filter(({ logged }) => view.devices.get(toHex(logged.id))?.revokedBy === undefined);
  const members = inside.filter(({ logged }) => view.devices.has(toHex(logged.id)));
  const some = members.length > 0 ? members : devices;
  const author = random.below(12) === 0 ? any() : some[random.below(some.length)]!;
  const at = random.below(1_000);
  const kind = random.below(12);
  if (kind < 4) {
    const strangers = devices.filter(({ logged }) => !view.devices.has(toHex(logged.id)));
    const added = strangers.length > 0 ? strangers[random.below(strangers.length)]! : any();
    return addOf(view, author, added, { rights: random.below(4) === 0 ? 0 : 1, at });
  }
  if (kind < 8)
    return revokeOf(view, author, random.below(4) === 0 ? author : some[random.below(some.length)]!, { at });
  return kind < 10 ? keyOf(view, author, random) : renewalOf(view, author, at);
};

/** A random log: entries that it takes, and ones that it refuses but whose parents it knows. */
const anyLog = async (random: Seeded, devices: readonly TestDevice[]) => {
  const { phone, others, log: first } = await account(random, DEVICES - 1, [...devices]);
  const entries: Signed[] = [first.entries[0]!];
  const bad: Signed[] = [];
  const views: Views = new Map([[toHex(first.root), first]]);
  for (let i = 0; i < 13; i++) {
    const recent = entries.slice(random.below(3) === 0 ? 0 : -6);
    const tips =
      i < 3 || random.below(6) === 0 ? entries : random.shuffled(recent).slice(0, 1 + random.below(2));
    const view = await viewOf(views, tips);
    const entry = i < 3 ? addOf(view, phone, others[i]!, { at: i }) : anyEntry(random, view, devices);
    const { log: after, refused } = await replayed(view, [entry]);
    if (refused.length > 0) bad.push(entry);
    else entries.push(entry);
    views.set(toHex(entry.hash), after);
  }
  const rest = entries.slice(1);
  return { first, entries: rest, bad, log: await withAll(first, ...rest) };
};

/** What the words of the specification say of a log, beside what the log says of itself. */
const agreesWithModel = (log: DeviceLog, label: string): ReturnType<typeof modelOf> => {
  const model = modelOf(log.entries);
  const { counting, pasts, revoked, typeOf, adds, authorOf, ends } = model;
  assert.equal(
    revocationsOf(log)
      .map(({ hash }) => toHex(hash))
      .sort(),
    [...revoked].sort(),
    label,
  );
  const added = [...counting].map((hash) => adds(hash)).filter((device) => device !== undefined);
  assert.equal([...log.devices.keys()].sort(), [...new Set(added)].sort(), label);
  for (const [device, { revokedBy }] of log.devices)
    assert.is(
      revokedBy !== undefined,
      revoked.some((hash) => ends(hash) === device),
      label,
    );
  const keys = [...counting].filter((hash) => ['device-genesis', 'account-key'].includes(typeOf(hash)));
  assert.equal(log.accountKeys.map(({ hash }) => toHex(hash)).sort(), keys.sort(), label);
  const best = toHex(log.accountKeys[0]!.hash);
  assert.not(
    keys.some((hash) => pasts.get(hash)!.has(best)),
    label,
  );
  const covering = keys.filter((hash) => revoked.every((revocation) => pasts.get(hash)!.has(revocation)));
  assert.is(log.keyOwed, covering.length === 0, label);
  if (covering.length > 0) assert.ok(covering.includes(best), label);
  const heads = [...counting].filter((hash) => ![...counting].some((other) => pasts.get(other)!.has(hash)));
  assert.equal(log.heads.map(toHex), heads.sort(), label);
  // Said once more without the procedure: what a revoked device did beside its revocation counts for nothing.
  for (const revocation of revoked)
    for (const hash of counting)
      if (authorOf(hash) === ends(revocation) && typeOf(hash) !== 'device-revoke')
        assert.ok(pasts.get(revocation)!.has(hash), label);
  return model;
};

/** A directory that is shown these entries in any order at all; what it says of wrong ones is another test's matter. */
const shown = async (first: DeviceLog, order: readonly Signed[]): Promise<DeviceLog> => {
  const directory = createDirectory([first]);
  for (const entry of order) await codeOf(() => directory.learn(entry));
  return directory.log(toHex(first.root))!;
};

test('[DL4] [DL9] [DL10] [DL14] [DL25] every order of a random log gives the same log, which is the model’s', async () => {
  const seen = { renewed: 0, voided: 0, overruled: 0, ofSenior: 0, owed: 0, refused: 0 };
  const devices = devicesOf(seeded(9_000), DEVICES);
  for (let seed = 0; seed < LOGS; seed++) {
    const random = seeded(9_000 + seed);
    const { first, log, entries, bad } = await anyLog(random, devices);
    const label = `seed ${9_000 + seed}`;
    const { counting, revoked, authorOf, ends, pasts } = agreesWithModel(log, label);
    const expected = essence(log);
    const all = [...entries, ...bad];
    const again = await replayed(first, parentsFirst(random, [...all, ...all.slice(0, 3)]));
    assert.equal(essence(again.log), expected, label);
    assert.equal(again.refused, [...new Set(bad.map(({ hash }) => toHex(hash)))].sort(), label);
    assert.equal(essence(await shown(first, random.shuffled([...all, ...all.slice(0, 3)]))), expected, label);
    for (const { hash, entry } of log.entries)
      if (!counting.has(toHex(hash))) seen[entry.type === 'device-revoke' ? 'overruled' : 'voided']++;
    for (const one of revoked)
      if (
        revoked.some((other) => ends(other) === authorOf(one) && other !== one && !pasts.get(other)!.has(one))
      )
        seen.ofSenior++;
    if (log.keyOwed) seen.owed++;
    if (seed % 4 === 0) assert.equal(expected.renewals, newestRenewals(first, entries), label);
    if (log.renewals.length > 0) seen.renewed++;
    seen.refused += bad.length;
  }
  for (const [what, count] of Object.entries(seen))
    assert.ok(count > LOGS / 10, `${what}: ${JSON.stringify(seen)}`);
});

test.run();
