// What the tests of the device log share: an account whose devices write entries, and a plain model of what counts,
// word for word from spec/device-log.md §4.
import { SealwireError, toHex } from '@sealwire/protocol';
import * as assert from 'uvu/assert';
import { deviceIdOf } from '../src/identity/device-keys.ts';
import {
  activeDevices,
  addToDeviceLog,
  type DeviceLog,
  isActive,
  revocationsOf,
  startDeviceLog,
} from '../src/identity/device-log.ts';
import {
  type AccountKey,
  type DeviceAdd,
  type DeviceLogEntry,
  type DeviceRenew,
  type DeviceRevoke,
  type SignedEntry,
  signEntry,
} from '../src/identity/log-entry.ts';
import { type Seeded, type TestDevice, testDevice } from './support.ts';

export type Signed = SignedEntry<DeviceLogEntry>;

export const idOf = (device: TestDevice): string => toHex(device.logged.id);

export const codeOf = async (run: () => unknown): Promise<string> => {
  try {
    await run();
  } catch (error) {
    assert.instance(error, SealwireError, String(error));
    return (error as SealwireError).code;
  }
  return 'none';
};

export const devicesOf = (random: Seeded, count: number): TestDevice[] =>
  Array.from({ length: count }, () => testDevice(random, new Uint8Array(32)));

/** A log of one phone, and devices that are not in it yet. @param devices - the phone first, if there are some. */
export const account = async (random: Seeded, others: number, devices = devicesOf(random, others + 1)) => {
  const [phone, ...rest] = devices;
  const genesis = signEntry(
    {
      type: 'device-genesis',
      nonce: random.bytes(16),
      device: phone!.logged.keys,
      accountKey: random.bytes(32),
      principal: random.bytes(32),
      at: 0,
    },
    phone!.sign,
  );
  return { phone: phone!, others: rest, log: await startDeviceLog(genesis) };
};

/** An entry that adds a device; with the right to link unless told otherwise. */
export const addOf = (
  log: DeviceLog,
  author: TestDevice,
  added: TestDevice,
  changes: Partial<DeviceAdd> = {},
): SignedEntry<DeviceAdd> =>
  signEntry(
    {
      type: 'device-add',
      account: log.root,
      parents: log.heads,
      author: author.logged.id,
      device: added.logged.keys,
      rights: 1,
      at: 1,
      ...changes,
    },
    author.sign,
    added.sign,
  );

export const revokeOf = (
  log: DeviceLog,
  author: TestDevice,
  device: TestDevice,
  changes: Partial<DeviceRevoke> = {},
  sign = author.sign,
): SignedEntry<DeviceRevoke> =>
  signEntry(
    {
      type: 'device-revoke',
      account: log.root,
      parents: log.heads,
      author: author.logged.id,
      device: device.logged.id,
      at: 2,
      ...changes,
    },
    sign,
  );

export const renewalOf = (
  log: DeviceLog,
  author: TestDevice,
  at: number,
  changes: Partial<DeviceRenew> = {},
  sign = author.sign,
): SignedEntry<DeviceRenew> =>
  signEntry(
    {
      type: 'device-renew',
      account: log.root,
      parents: log.heads,
      author: author.logged.id,
      at,
      ...changes,
    },
    sign,
  );

/** An account key with wraps that nobody can open: the log sees only whom they are for. */
export const keyOf = (
  log: DeviceLog,
  author: TestDevice,
  random: Seeded,
  changes: Partial<AccountKey> = {},
  sign = author.sign,
): SignedEntry<AccountKey> =>
  signEntry(
    {
      type: 'account-key',
      account: log.root,
      parents: log.heads,
      author: author.logged.id,
      accountKey: random.bytes(32),
      wraps: activeDevices(log).map(({ id }) => ({ device: id, wrapped: random.bytes(80) })),
      ...changes,
    },
    sign,
  );

/** The log with entries that it must take. */
export const withAll = async (log: DeviceLog, ...entries: readonly Signed[]): Promise<DeviceLog> => {
  let longer = log;
  for (const entry of entries) longer = await addToDeviceLog(longer, entry);
  return longer;
};

/** The log of entries that come in this order, with what is refused left out. */
export const replayed = async (log: DeviceLog, order: readonly Signed[]) => {
  let longer = log;
  const refused = new Set<string>();
  for (const entry of order)
    if ((await codeOf(async () => (longer = await addToDeviceLog(longer, entry)))) !== 'none')
      refused.add(toHex(entry.hash));
  return { log: longer, refused: [...refused].sort() };
};

export const parentsOf = ({ entry }: Signed): string[] =>
  entry.type === 'device-genesis' ? [] : entry.parents.map(toHex);

/** A random order in which every entry stands behind those of its parents that are among them. */
export const parentsFirst = (random: Seeded, entries: readonly Signed[]): Signed[] => {
  const left = random.shuffled(entries);
  const missing = new Set(left.map(({ hash }) => toHex(hash)));
  const order: Signed[] = [];
  while (left.length > 0) {
    const at = left.findIndex((entry) => !parentsOf(entry).some((parent) => missing.has(parent)));
    const [next] = left.splice(at, 1);
    missing.delete(toHex(next!.hash));
    order.push(next!);
  }
  return order;
};

/** Everything that follows from a log, in a form that tells any two different logs apart. */
export const essence = (log: DeviceLog) => ({
  root: toHex(log.root),
  entries: log.entries.map(({ hash }) => toHex(hash)).sort(),
  renewals: log.renewals.map(({ hash }) => toHex(hash)).sort(),
  heads: log.heads.map(toHex),
  devices: [...log.devices]
    .map(([id, { keys, rights, at, renewedAt, revokedBy }]) =>
      [
        id,
        toHex(keys.identity),
        toHex(keys.hpke),
        rights,
        at,
        renewedAt,
        revokedBy && toHex(revokedBy),
      ].join(),
    )
    .sort(),
  accountKeys: log.accountKeys.map(({ publicKey, hash, covers }) =>
    [toHex(publicKey), toHex(hash), covers].join(),
  ),
  keyOwed: log.keyOwed,
});

/** Of each device: active, revoked, or none if nothing that counts added it. */
export const states = (log: DeviceLog, ...devices: readonly TestDevice[]): string[] =>
  devices.map((device) =>
    isActive(log, idOf(device)) ? 'active' : log.devices.has(idOf(device)) ? 'revoked' : 'none',
  );

export const hashes = (...entries: readonly Signed[]): string[] =>
  entries.map(({ hash }) => toHex(hash)).sort();
export const revoking = (log: DeviceLog): string[] =>
  revocationsOf(log)
    .map(({ hash }) => toHex(hash))
    .sort();

/** The log that these entries give; all orders of them must give the same. */
export const inEveryOrder = async (random: Seeded, log: DeviceLog, ...entries: readonly Signed[]) => {
  const expected = await withAll(log, ...entries);
  for (let i = 0; i < 8; i++) {
    const again = await replayed(log, parentsFirst(random, entries));
    assert.equal(again.refused, []);
    assert.equal(essence(again.log), essence(expected));
  }
  return expected;
};

/** A phone and three devices, each added by the phone after the one before. */
export const family = async (random: Seeded, rights = 1) => {
  const { phone, others, log } = await account(random, 6);
  const [web, tablet, desk, ...spare] = others as [TestDevice, TestDevice, TestDevice, ...TestDevice[]];
  let grown = log;
  for (const device of [web, tablet, desk])
    grown = await withAll(grown, addOf(grown, phone, device, { rights }));
  return {
    phone,
    web,
    tablet,
    desk,
    spare: spare as [TestDevice, TestDevice, TestDevice],
    log: grown,
    first: log,
  };
};

/** What counts, by the words of the specification and without regard for cost. Entries are named by their hashes. */
export const modelOf = (entries: readonly Signed[]) => {
  const byHash = new Map(entries.map((signed) => [toHex(signed.hash), signed]));
  const depths = new Map<string, number>();
  const pasts = new Map<string, Set<string>>();
  for (const signed of parentsFirst(STILL, entries)) {
    const hash = toHex(signed.hash);
    const parents = parentsOf(signed);
    depths.set(hash, Math.max(-1, ...parents.map((parent) => depths.get(parent)!)) + 1);
    pasts.set(hash, new Set(parents.flatMap((parent) => [parent, ...pasts.get(parent)!])));
  }
  const rank = (a: string, b: string) => depths.get(a)! - depths.get(b)! || (a < b ? -1 : 1);
  const typeOf = (hash: string) => byHash.get(hash)!.entry.type;
  const adds = (hash: string): string | undefined => {
    const { entry } = byHash.get(hash)!;
    if (entry.type !== 'device-genesis' && entry.type !== 'device-add') return undefined;
    return toHex(deviceIdOf(entry.device.identity));
  };
  const authorOf = (hash: string): string => {
    const { entry } = byHash.get(hash)!;
    return entry.type === 'device-genesis' ? adds(hash)! : toHex(entry.author);
  };
  const ends = (hash: string): string => toHex((byHash.get(hash)!.entry as DeviceRevoke).device);
  const endsItself = (hash: string) => typeOf(hash) === 'device-revoke' && ends(hash) === authorOf(hash);
  const sponsors = new Map<string, string | undefined>();
  const sponsorOf = (hash: string): string | undefined => {
    if (!sponsors.has(hash)) {
      const past = [...pasts.get(hash)!];
      const counting = past.length > 0 ? countingIn(past) : new Set<string>();
      sponsors.set(
        hash,
        past.filter((other) => adds(other) === authorOf(hash) && counting.has(other)).sort(rank)[0],
      );
    }
    return sponsors.get(hash);
  };
  const voids = (revocation: string, hash: string): boolean =>
    ends(revocation) === authorOf(hash) &&
    revocation !== hash &&
    !pasts.get(revocation)!.has(hash) &&
    !(endsItself(revocation) && endsItself(hash));
  const countingIn = (set: readonly string[]): Set<string> => {
    const order = set
      .filter((hash) => typeOf(hash) === 'device-revoke')
      .sort((a, b) => {
        const [x, y] = [sponsorOf(a)!, sponsorOf(b)!];
        if (x !== y) return rank(x, y);
        return endsItself(a) !== endsItself(b) ? (endsItself(a) ? -1 : 1) : rank(a, b);
      });
    const chainOf = (hash: string): string[] => {
      const sponsor = sponsorOf(hash);
      return sponsor === undefined ? [hash] : [hash, ...chainOf(sponsor)];
    };
    const counts: string[] = [];
    for (const hash of order)
      if (!chainOf(hash).some((link) => counts.some((other) => voids(other, link)))) counts.push(hash);
    const rest = set.filter(
      (hash) =>
        typeOf(hash) !== 'device-revoke' &&
        !chainOf(hash).some((link) => counts.some((other) => voids(other, link))),
    );
    return new Set([...counts, ...rest]);
  };
  const counting = countingIn([...byHash.keys()]);
  const revoked = [...counting].filter((hash) => typeOf(hash) === 'device-revoke');
  return { counting, pasts, revoked, typeOf, adds, authorOf, ends, sponsorOf, rank };
};

/** Of renewals with one sponsor the newest, of equals the one with the lesser hash: hashes, ascending. */
export const newestRenewals = (first: DeviceLog, entries: readonly Signed[]): string[] => {
  const { sponsorOf } = modelOf([...first.entries, ...entries]);
  const newest = new Map<string | undefined, { readonly hash: string; readonly at: number }>();
  for (const { hash, entry } of entries) {
    if (entry.type !== 'device-renew') continue;
    const one = { hash: toHex(hash), at: entry.at };
    const other = newest.get(sponsorOf(one.hash));
    if (!other || one.at > other.at || (one.at === other.at && one.hash < other.hash))
      newest.set(sponsorOf(one.hash), one);
  }
  return [...newest.values()].map(({ hash }) => hash).sort();
};

/** Chooses nothing: leaves an order as it is. */
const STILL = { shuffled: <T>(items: readonly T[]): T[] => [...items] } as Seeded;
