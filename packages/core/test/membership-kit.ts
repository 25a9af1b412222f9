// What the tests of the membership log share: accounts with devices that write entries, and logs that take them.
import { toHex } from '@sealwire/protocol';
import * as assert from 'uvu/assert';
import { signEd25519 } from '../src/crypto/native.node.ts';
import {
  type ChatGenesis,
  type Cut,
  type MemberChange,
  type MemberEntry,
  type Role,
  type SignedEntry,
  signEntry,
} from '../src/identity/log-entry.ts';
import {
  addToMembershipLog,
  foldWith,
  type MembershipLog,
  removalsOf,
  startMembershipLog,
} from '../src/identity/membership.ts';
import { codeOf } from './device-log-kit.ts';
import { type Seeded, seeded, type TestDevice, testDevice } from './support.ts';

export type Signed = SignedEntry<MemberEntry>;
export type SignedCut = SignedEntry<Cut>;

/** An account with devices; what it writes is written by the first unless told otherwise. */
export interface Person {
  readonly account: Uint8Array;
  readonly key: string;
  readonly devices: readonly TestDevice[];
}

export const personOf = (random: Seeded, devices = 2): Person => {
  const account = random.bytes(32);
  return {
    account,
    key: toHex(account),
    devices: Array.from({ length: devices }, () => testDevice(random, account)),
  };
};

/** A chat of one admin, and people who are not in it. */
export const chatOf = async (random: Seeded, others: number, people?: readonly Person[]) => {
  const [owner, ...rest] = people ?? Array.from({ length: others + 1 }, () => personOf(random));
  const [device] = owner!.devices;
  const genesis = signEntry<ChatGenesis>(
    {
      type: 'chat-genesis',
      nonce: random.bytes(16),
      account: owner!.account,
      author: device!.logged.id,
      at: 0,
    },
    device!.sign,
  );
  const log = await startMembershipLog(genesis, device!.logged);
  return { owner: owner!, others: rest, log, genesis };
};

/** Where an entry deviates from the proper one: its parents are the log's heads, its device the person's first. */
export interface Otherwise {
  readonly parents?: readonly Uint8Array[];
  readonly device?: number;
  readonly at?: number;
  readonly sign?: TestDevice['sign'];
  readonly log?: Uint8Array;
}

export const entryOf = (
  log: MembershipLog,
  person: Person,
  change: MemberChange,
  changes: Otherwise = {},
): Signed => {
  const device = person.devices[changes.device ?? 0]!;
  // As fast as it goes: some logs here are long.
  const own: TestDevice['sign'] = (message) => signEd25519(device.secrets.identity, message);
  const { parents = log.heads, at = 1, sign = own, log: id = log.id } = changes;
  const author = device.logged.id;
  return signEntry({ type: 'member', log: id, parents, author, account: person.account, change, at }, sign);
};

export const add = (
  log: MembershipLog,
  by: Person,
  subject: Person,
  role: Role = 'member',
  changes?: Otherwise,
) => entryOf(log, by, { action: 'add', subject: subject.account, role }, changes);
export const remove = (log: MembershipLog, by: Person, subject: Person, changes?: Otherwise) =>
  entryOf(log, by, { action: 'remove', subject: subject.account, chains: [] }, changes);
export const leave = (log: MembershipLog, by: Person, changes?: Otherwise) =>
  entryOf(log, by, { action: 'leave', chains: [] }, changes);
export const promote = (log: MembershipLog, by: Person, subject: Person, changes?: Otherwise) =>
  entryOf(log, by, { action: 'promote', subject: subject.account }, changes);
export const demote = (log: MembershipLog, by: Person, subject: Person, changes?: Otherwise) =>
  entryOf(log, by, { action: 'demote', subject: subject.account }, changes);
export const rename = (log: MembershipLog, by: Person, title: string, changes?: Otherwise) =>
  entryOf(log, by, { action: 'rename', title }, changes);
export const merge = (log: MembershipLog, by: Person, changes?: Otherwise) =>
  entryOf(log, by, { action: 'merge' }, changes);

/** A cut of the person's second device by the first. */
export const cutOf = (log: MembershipLog, person: Person, heads = log.heads, revoke = log.id): SignedCut => {
  const [author, device] = person.devices.map(({ logged }) => logged.id);
  return signEntry(
    { type: 'cut', log: log.id, revoke, author: author!, device: device!, heads, chains: [] },
    person.devices[0]!.sign,
  );
};

/** A chat of four people and two who are not in it; the owner and Ann are admins, the owner the more senior. */
export const four = async (seed: number) => {
  const random = seeded(seed);
  const { owner, others, log: first } = await chatOf(random, 5);
  const [ann, bob, cid, dan, eve] = others as [Person, Person, Person, Person, Person];
  const people = [owner, ...others];
  let log = first;
  for (const [person, role] of [
    [ann, 'admin'],
    [bob, 'member'],
    [cid, 'member'],
  ] as const)
    log = await take(log, people, add(log, owner, person, role));
  return { random, owner, ann, bob, cid, dan, eve, people, log, first };
};

/** What the entries' signers are, for logs that take them. */
export type Signers = ReadonlyMap<string, TestDevice>;

export const signersOf = (people: readonly Person[]): Signers =>
  new Map(people.flatMap(({ devices }) => devices.map((device) => [toHex(device.logged.id), device])));

export const take = (
  log: MembershipLog,
  people: readonly Person[],
  entry: Signed | SignedCut,
): Promise<MembershipLog> =>
  addToMembershipLog(log, entry, signersOf(people).get(toHex(entry.entry.author))!.logged);

/** The log with entries that it must take. */
export const withAll = async (
  log: MembershipLog,
  people: readonly Person[],
  ...entries: readonly (Signed | SignedCut)[]
): Promise<MembershipLog> => {
  let longer = log;
  for (const entry of entries) longer = await take(longer, people, entry);
  return longer;
};

/** The log of entries that come in this order, with what is refused left out. */
export const replayed = async (
  log: MembershipLog,
  people: readonly Person[],
  order: readonly (Signed | SignedCut)[],
) => {
  let longer = log;
  const refused = new Set<string>();
  for (const entry of order)
    if ((await codeOf(async () => (longer = await take(longer, people, entry)))) !== 'none')
      refused.add(toHex(entry.hash));
  return { log: longer, refused: [...refused].sort() };
};

export const parentsOf = ({ entry }: SignedEntry<ChatGenesis | MemberEntry | Cut>): string[] =>
  (entry.type === 'cut' ? entry.heads : entry.type === 'member' ? entry.parents : []).map(toHex);

/** A random order in which every entry stands behind those that it follows and that are among them. */
export const parentsFirst = <E extends Signed | SignedCut>(random: Seeded, entries: readonly E[]): E[] => {
  const left = random.shuffled(entries);
  const missing = new Set(left.map(({ hash }) => toHex(hash)));
  const order: E[] = [];
  while (left.length > 0) {
    const at = left.findIndex((entry) => !parentsOf(entry).some((parent) => missing.has(parent)));
    const [next] = left.splice(at, 1);
    missing.delete(toHex(next!.hash));
    order.push(next!);
  }
  return order;
};

/** Everything that follows from a log, in a form that tells any two different logs apart. */
export const essence = (log: MembershipLog) => ({
  id: toHex(log.id),
  entries: log.entries.map(({ hash }) => toHex(hash)).sort(),
  heads: log.heads.map(toHex),
  members: [...log.members].map(([key, { role, addedBy, at }]) => [key, role, toHex(addedBy), at].join()),
  title: log.title,
  room: log.move && toHex(log.move.room),
  removals: removalsOf(log).map(({ account, hash }) => [toHex(account), toHex(hash)].join()),
  mergeOwed: log.mergeOwed,
});

/** Of each person: admin, member, or none. */
export const roles = (log: MembershipLog, ...people: readonly Person[]): string[] =>
  people.map(({ key }) => log.members.get(key)?.role ?? 'none');

export const hashes = (...entries: readonly { readonly hash: Uint8Array }[]): string[] =>
  entries.map(({ hash }) => toHex(hash)).sort();

export const counted = (log: MembershipLog, ...cuts: readonly SignedCut[]): MembershipLog =>
  foldWith(log, new Set(hashes(...cuts)));

/** The log that these entries give; all orders of them must give the same. */
export const inEveryOrder = async (
  random: Seeded,
  log: MembershipLog,
  people: readonly Person[],
  ...entries: readonly (Signed | SignedCut)[]
): Promise<MembershipLog> => {
  const cuts = entries.filter((entry): entry is SignedCut => entry.entry.type === 'cut');
  const expected = counted(await withAll(log, people, ...entries), ...cuts);
  for (let i = 0; i < 8; i++) {
    const again = await replayed(log, people, parentsFirst(random, entries));
    assert.equal(again.refused, []);
    assert.equal(essence(counted(again.log, ...cuts)), essence(expected));
  }
  return expected;
};
