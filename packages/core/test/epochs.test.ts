// Epoch entries: what opens, and which of them a room takes. Rules: spec/epochs.md §1 and §2.
import { toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { epochCommitment } from '../src/crypto/kdf.ts';
import { openEpoch } from '../src/identity/epoch.ts';
import { type EpochEntry, type SignedEntry, signEntry } from '../src/identity/log-entry.ts';
import { encodeEntries } from '../src/room/control.ts';
import { codeOf, controlOf, epochOf, hashOf, member, rotation } from './epochs-kit.ts';
import { testAccount } from './room-support.ts';
import { seeded } from './support.ts';

const test = suite('epochs');
const random = seeded(302);

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

test.run();
