// Epoch entries: what opens, and which of them a room takes. Rules: spec/epochs.md.
import { SealwireError, toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Evidence } from '../src/api.ts';
import { deriveEpochTag, epochCommitment } from '../src/crypto/kdf.ts';
import { createAccountKey, createOwnAccount } from '../src/identity/account-keys.ts';
import { roomIdOf } from '../src/identity/device-keys.ts';
import { addToDeviceLog, type DeviceLog } from '../src/identity/device-log.ts';
import { createDirectory } from '../src/identity/directory.ts';
import { createEpoch, type EpochMember, openEpoch } from '../src/identity/epoch.ts';
import { type EpochEntry, type SignedEntry, signEntry } from '../src/identity/log-entry.ts';
import { createControl, encodeEntries } from '../src/room/control.ts';
import { createKeyring } from '../src/room/keyring.ts';
import { type TestAccount, testAccount } from './room-support.ts';
import { seeded, testDevice } from './support.ts';

const test = suite('epochs');
const random = seeded(301);

const codeOf = async (run: () => unknown): Promise<string> => {
  try {
    await run();
  } catch (error) {
    assert.instance(error, SealwireError, String(error));
    return (error as SealwireError).code;
  }
  return 'none';
};

const member = (account: TestAccount): EpochMember => ({
  account: account.log.root,
  accountKey: account.log.genesis.accountKey,
});

/** An epoch of the account's own room; by its first device unless told otherwise. */
const epochOf = (
  account: TestAccount,
  changes: Partial<Parameters<typeof createEpoch>[0]> = {},
): Promise<SignedEntry<EpochEntry>> =>
  createEpoch({
    log: account.log.root,
    index: 0,
    parents: [],
    heads: account.log.heads,
    author: account.devices[0]!.logged.id,
    epochKey: account.epochKey,
    members: [member(account)],
    sign: account.devices[0]!.sign,
    ...changes,
  });

test('[EP1] each member opens the entry to the key that it commits to', async () => {
  const people = [await testAccount(random, 1), await testAccount(random, 1)];
  const { entry } = await epochOf(people[0]!, { members: people.map(member) });
  for (const { log, accountKey } of people)
    assert.is(toHex(await openEpoch(entry, log.root, accountKey)), toHex(people[0]!.epochKey));
  assert.is(toHex(entry.commitment), toHex(epochCommitment(entry.log, people[0]!.epochKey)));
  assert.is(entry.recipients[0]!.wrapped.length, 80);
  const stranger = await testAccount(random, 1);
  assert.is(
    await codeOf(() => openEpoch(entry, stranger.log.root, stranger.accountKey)),
    'FRAME_KEY_MISSING',
  );
});

test('[EP1] a key other than the committed one, another log, another recipient: each is refused', async () => {
  const me = await testAccount(random, 1);
  const other = await testAccount(random, 1);
  const { entry } = await epochOf(me, { members: [member(me), member(other)] });
  const [mine, theirs] = entry.recipients as [EpochEntry['recipients'][0], EpochEntry['recipients'][0]];
  const wrapped = (bytes: Uint8Array): EpochEntry => ({
    ...entry,
    recipients: [{ ...mine, wrapped: bytes }],
  });
  const elsewhere = await epochOf(me, { log: other.log.root });
  const anotherKey = await epochOf(me, { epochKey: random.bytes(32) });
  const faults: [string, EpochEntry][] = [
    ['another key under the commitment', { ...anotherKey.entry, commitment: entry.commitment }],
    ['another commitment', { ...entry, commitment: epochCommitment(entry.log, random.bytes(32)) }],
    ['moved to another log', { ...entry, log: other.log.root }],
    ['wrapped for another log', { ...elsewhere.entry, log: entry.log, commitment: entry.commitment }],
    ["another recipient's wrapping", wrapped(theirs.wrapped)],
    [
      'a low-order encapsulated key',
      wrapped(Uint8Array.of(...new Uint8Array(32), ...mine.wrapped.subarray(32))),
    ],
    ['cut short', wrapped(mine.wrapped.subarray(0, 79))],
    ['longer', wrapped(Uint8Array.of(...mine.wrapped, 0))],
  ];
  for (const [fault, bad] of faults)
    assert.is(await codeOf(() => openEpoch(bad, me.log.root, me.accountKey)), 'LOG_ENTRY_REFUSED', fault);
  assert.is(
    await codeOf(() => openEpoch(entry, me.log.root, other.accountKey)),
    'LOG_ENTRY_REFUSED',
    'with the private key of another',
  );
  for (let at = 0; at < mine.wrapped.length; at++) {
    // The top bit of an X25519 point is not used (RFC 7748 §5): HPKE hashes it all the same.
    const changed = mine.wrapped.slice();
    changed[at]! ^= 1 << (at === 31 ? 7 : random.below(8));
    assert.is(
      await codeOf(() => openEpoch(wrapped(changed), me.log.root, me.accountKey)),
      'LOG_ENTRY_REFUSED',
      `byte ${at}`,
    );
  }
});

/** The control stream of the account's own room, as one of its devices reads it; knows no epoch yet. */
const controlOf = async (
  account: TestAccount,
  options: {
    readonly epochKeys?: readonly Uint8Array[];
    readonly log?: DeviceLog;
    readonly accountKeys?: readonly Uint8Array[];
    readonly device?: number;
    readonly now?: () => number;
    readonly position?: () => number;
  } = {},
) => {
  const room = roomIdOf(account.secret);
  const logId = account.log.root;
  const keyring = createKeyring(room, account.secret, logId);
  const directory = createDirectory([options.log ?? account.log]);
  const own = await createOwnAccount(logId, options.accountKeys ?? [account.accountKey]);
  const device = account.devices[options.device ?? 0]!;
  const evidence: Omit<Evidence, 'room'>[] = [];
  const control = createControl({
    logId,
    account: own,
    device: device.logged,
    directory,
    keyring,
    epochKeys: options.epochKeys ?? [],
    sign: device.sign,
    randomBytes: random.bytes,
    now: options.now ?? (() => 0),
    position: options.position ?? (() => 0),
    epochLimits: { ageMs: 100, frames: 10 },
    report: (item) => evidence.push(item),
  });
  const tagOf = (epochKey: Uint8Array) => deriveEpochTag(epochCommitment(logId, epochKey), room);
  const opens = (epochKey: Uint8Array): boolean => keyring.opening('page-0', tagOf(epochKey)) !== undefined;
  const accept = (...entries: SignedEntry[]) => control.accept(encodeEntries(entries));
  return { control, opens, accept, directory, own, keyring, evidence, tagOf };
};

const hashOf = (bytes: Uint8Array | undefined): string => (bytes ? toHex(bytes) : 'none');

test('[EP2] an epoch of exactly the members by a device of theirs gives its key', async () => {
  const account = await testAccount(random, 2);
  for (const device of account.devices) {
    const { control, opens, accept } = await controlOf(account);
    const epoch = await epochOf(account, { author: device.logged.id, sign: device.sign });
    assert.not(opens(account.epochKey));
    await accept(...account.log.entries, epoch);
    assert.ok(opens(account.epochKey));
    assert.ok(control.holds(epoch.hash));
    assert.is(hashOf(control.current()), toHex(epoch.entry.commitment));
  }
});

test('[EP2] recipients that are not exactly the members, authors and signatures that are not theirs: refused', async () => {
  const me = await testAccount(random, 2);
  const other = await testAccount(random, 1);
  const good = await epochOf(me);
  const faults: [string, SignedEntry<EpochEntry>][] = [
    ['nobody', await epochOf(me, { members: [] })],
    ['somebody else', await epochOf(me, { members: [member(other)] })],
    ['somebody else besides', await epochOf(me, { members: [member(me), member(other)] })],
    ['somebody else in front', await epochOf(me, { members: [member(other), member(me)] })],
    ['a member twice', await epochOf(me, { members: [member(me), member(me)] })],
    ['another log', await epochOf(me, { log: other.log.root })],
    ['no heads', await epochOf(me, { heads: [] })],
    ['a number that nothing leads to', await epochOf(me, { index: 1 })],
    ['signed by another device of the account', await epochOf(me, { sign: me.devices[1]!.sign })],
    ['signed by nobody', { ...good, signatures: [random.bytes(64)] }],
  ];
  for (const [fault, epoch] of faults) {
    // With the key known from elsewhere nothing is unwrapped, and everything is checked all the same.
    for (const epochKeys of [[], [me.epochKey]]) {
      const { control, opens, accept } = await controlOf(me, { epochKeys });
      assert.is(await codeOf(() => accept(epoch)), 'LOG_ENTRY_REFUSED', fault);
      assert.not(control.holds(epoch.hash), fault);
      assert.is(opens(me.epochKey), epochKeys.length > 0, fault);
      assert.is(control.current(), undefined, fault);
    }
  }
});

test('[EP2] a device of an account that is no member makes no epoch', async () => {
  const me = await testAccount(random, 1);
  const other = await testAccount(random, 1);
  const { accept, directory } = await controlOf(me);
  await directory.adopt(other.log.entries[0] as Parameters<typeof directory.adopt>[0]);
  const [stranger] = other.devices;
  const epoch = await epochOf(me, { author: stranger!.logged.id, sign: stranger!.sign });
  assert.is(await codeOf(() => accept(epoch)), 'LOG_ENTRY_REFUSED');
});

test('[EP4] parent, head, account key or author not known: it waits, whatever the order, and counts in the end', async () => {
  const me = await testAccount(random, 1);
  const { rotated, revoked, newKey, newPublic, epochs } = await rotation(me);
  const all = [...revoked, ...epochs];
  for (let round = 0; round < 20; round++) {
    const { control, opens, accept, own, evidence } = await controlOf(me);
    own.add(newPublic, newKey);
    for (const entry of random.shuffled(all)) await accept(entry);
    assert.ok(epochs.every(({ hash }) => control.holds(hash)));
    assert.ok(opens(rotated) && opens(me.epochKey), `round ${round}`);
    assert.is(hashOf(control.current()), toHex(epochs[1]!.entry.commitment));
    assert.equal(evidence, []);
  }
});

test('[EP4] what waits is bounded: entries of frames that were not accepted go first', async () => {
  const me = await testAccount(random, 1);
  const { control, accept, opens } = await controlOf(me);
  const [first] = me.devices;
  const next = await epochOf(me, { index: 1, parents: [(await epochOf(me)).hash] });
  await accept(next);
  const strangers = await Promise.all(Array.from({ length: 5 }, () => testAccount(random, 1)));
  for (let i = 0; i < 400; i++) {
    const genesis = strangers[i % 5]!.log.genesis;
    await control.preview(encodeEntries([signEntry({ ...genesis, at: i }, first!.sign)]));
  }
  assert.not(opens(me.epochKey));
  const parent = await control.epochs.make({
    index: 0,
    parents: [],
    heads: me.log.heads,
    members: [member(me)],
  });
  await accept(parent);
  assert.ok(control.holds(next.hash));
});

/** Of an account of two devices, one more of which is revoked: the entries, the new key, and epochs before and after. */
const rotation = async (account: TestAccount) => {
  const [phone] = account.devices;
  const web = testDevice(random, account.log.root);
  const { root, heads } = account.log;
  const add = signEntry(
    {
      type: 'device-add',
      account: root,
      parents: heads,
      author: phone!.logged.id,
      device: web.logged.keys,
      rights: 0,
      at: 3,
    },
    phone!.sign,
    web.sign,
  );
  const longer = await addToDeviceLog(account.log, add);
  const revoke = signEntry(
    {
      type: 'device-revoke',
      account: root,
      parents: longer.heads,
      author: phone!.logged.id,
      device: web.logged.id,
      at: 4,
    },
    phone!.sign,
  );
  const ended = await addToDeviceLog(longer, revoke);
  const made = await createAccountKey({
    log: ended,
    author: phone!.logged.id,
    sign: phone!.sign,
    randomBytes: random.bytes,
  });
  const log = await addToDeviceLog(ended, made.entry);
  const rotated = random.bytes(32);
  const before = await epochOf(account);
  const after = await epochOf(account, {
    index: 1,
    parents: [before.hash],
    heads: log.heads,
    epochKey: rotated,
    members: [{ account: root, accountKey: made.entry.entry.accountKey }],
  });
  const revoked = [add, revoke, made.entry];
  return {
    rotated,
    revoked,
    log,
    newKey: made.privateKey,
    newPublic: made.entry.entry.accountKey,
    epochs: [before, after],
    web,
    longer,
  };
};

test('[EP6] frames of an epoch that was not wrapped to this account are passed over, unless another one is', async () => {
  const me = await testAccount(random, 1);
  const other = await testAccount(random, 1);
  const { keyring, tagOf, accept } = await controlOf(me);
  const theirs = random.bytes(32);
  const tag = tagOf(theirs);
  assert.not(keyring.isForOthers('page-0', tag));
  keyring.addOther(epochCommitment(me.log.root, theirs));
  assert.ok(keyring.isForOthers('page-0', tag));
  assert.not(keyring.isForOthers('control', tag));
  await accept(await epochOf(me, { epochKey: theirs }));
  assert.not(keyring.isForOthers('page-0', tag));
  assert.ok(other.log);
});

test('[EP7] a signed epoch whose key is not the committed one gives nothing, is said, and a new one is owed', async () => {
  const me = await testAccount(random, 1);
  const device = me.devices[0]!;
  const { entry } = await epochOf(me);
  const commitment = epochCommitment(entry.log, random.bytes(32));
  const lying = signEntry({ ...entry, commitment }, device.sign);
  const { control, opens, accept, evidence } = await controlOf(me);
  await accept(lying);
  assert.equal(
    evidence.map(({ code, deviceId }) => [code, deviceId]),
    [['LOG_ENTRY_REFUSED', toHex(device.logged.id)]],
  );
  assert.not(opens(me.epochKey));
  assert.is(control.current(), undefined);
  const owed = control.epochs.owed();
  assert.is(owed.state, 'possible');
  assert.equal(owed.state === 'possible' && [owed.plan.index, owed.plan.parents.map(toHex)], [
    1,
    [toHex(lying.hash)],
  ]);
});

test('[EP8] after a revocation the old epoch is not current, nor is a new one under the old key', async () => {
  const me = await testAccount(random, 1);
  const { revoked, newKey, newPublic, epochs, rotated, log } = await rotation(me);
  const { control, accept, own } = await controlOf(me);
  await accept(epochs[0]!);
  assert.is(hashOf(control.current()), toHex(epochs[0]!.entry.commitment));
  await accept(revoked[0]!);
  assert.ok(control.current(), 'a device more changes nothing');
  await accept(revoked[1]!);
  assert.is(control.current(), undefined);
  assert.equal(
    control.epochs.owed(),
    { state: 'impossible', waitsFor: [me.log.root] },
    'EP11: no account key',
  );
  await accept(revoked[2]!);
  own.add(newPublic, newKey);
  assert.is(control.epochs.owed().state, 'possible');
  await accept(await epochOf(me, { index: 1, parents: [epochs[0]!.hash], heads: log.heads }));
  assert.is(control.current(), undefined, 'wrapped to the key that the revoked device holds');
  await accept(epochs[1]!);
  assert.is(hashOf(control.current()), toHex(epochCommitment(me.log.root, rotated)));
});

test('[EP9] two rotations at once: all come to write under one, and read both', async () => {
  const me = await testAccount(random, 2);
  const first = await epochOf(me);
  const keys = [random.bytes(32), random.bytes(32)];
  const rivals = await Promise.all(
    keys.map((epochKey, i) =>
      epochOf(me, {
        index: 1,
        parents: [first.hash],
        epochKey,
        author: me.devices[i]!.logged.id,
        sign: me.devices[i]!.sign,
      }),
    ),
  );
  const winner = [...rivals].sort((a, b) => (toHex(a.hash) < toHex(b.hash) ? -1 : 1))[0]!;
  for (const order of [rivals, [...rivals].reverse()]) {
    const { control, accept, opens } = await controlOf(me);
    await accept(first);
    for (const rival of order) await accept(rival);
    assert.is(hashOf(control.current()), toHex(winner.entry.commitment));
    assert.ok(keys.every(opens) && opens(me.epochKey));
  }
});

test('[EP10] what is owed follows all that there is, for today’s members and heads', async () => {
  const me = await testAccount(random, 2);
  const first = await epochOf(me);
  const left = await epochOf(me, { index: 1, parents: [first.hash], epochKey: random.bytes(32) });
  const right = await epochOf(me, { index: 1, parents: [first.hash], epochKey: random.bytes(32) });
  let now = 0;
  const { control, accept } = await controlOf(me, { now: () => now });
  await accept(first, left, right);
  assert.equal(control.epochs.owed(), { state: 'nothing' });
  now = 1_000;
  const owed = control.epochs.owed();
  if (owed.state !== 'possible') throw new Error(owed.state);
  assert.is(owed.plan.index, 2);
  assert.equal(owed.plan.parents.map(toHex).sort(), [left, right].map(({ hash }) => toHex(hash)).sort());
  const next = await control.epochs.make(owed.plan);
  await accept(next);
  assert.is(hashOf(control.current()), toHex(next.entry.commitment));
});

test('[EP13] an epoch wears out by age and by volume, for its maker first, and nothing has to hurry then', async () => {
  const me = await testAccount(random, 2);
  const epoch = await epochOf(me);
  for (const [device, age, frames, state] of [
    [0, 99, 9, 'nothing'],
    [0, 100, 0, 'possible'],
    [0, 0, 10, 'possible'],
    [1, 199, 19, 'nothing'],
    [1, 200, 0, 'possible'],
    [1, 0, 20, 'possible'],
  ] as const) {
    let now = 50;
    let position = 7;
    const { control, accept } = await controlOf(me, { device, now: () => now, position: () => position });
    await accept(epoch);
    now += age;
    position += frames;
    const owed = control.epochs.owed();
    assert.is(owed.state, state, `${device} ${age} ${frames}`);
    if (owed.state === 'possible') assert.ok(owed.late);
    assert.ok(control.current());
  }
});

test.run();
