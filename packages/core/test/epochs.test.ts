// Epoch entries: what opens, and which of them a room takes. Rules: spec/epochs.md §1.
import { x25519 } from '@noble/curves/ed25519.js';
import { SealwireError, toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { deriveEpochTag } from '../src/crypto/kdf.ts';
import { roomIdOf } from '../src/identity/device-keys.ts';
import { createDirectory } from '../src/identity/directory.ts';
import { createEpoch, type EpochMember, epochCommitment, openEpoch } from '../src/identity/epoch.ts';
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
const controlOf = (account: TestAccount, epochKeys: readonly Uint8Array[] = []) => {
  const room = roomIdOf(account.secret);
  const keyring = createKeyring(room, account.secret);
  const control = createControl({
    logId: account.log.root,
    account: {
      id: account.log.root,
      publicKey: account.log.genesis.accountKey,
      privateKey: account.accountKey,
    },
    directory: createDirectory([account.log]),
    keyring,
    epochKeys,
  });
  const opens = (epochKey: Uint8Array): boolean =>
    keyring.opening('page-0', deriveEpochTag(epochKey, room)) !== undefined;
  return { control, opens };
};

test('[EP2] an epoch of exactly the members by a device of theirs gives its key', async () => {
  const account = await testAccount(random, 2);
  for (const device of account.devices) {
    const { control, opens } = controlOf(account);
    const epoch = await epochOf(account, { author: device.logged.id, sign: device.sign });
    assert.not(opens(account.epochKey));
    await control.accept(encodeEntries([...account.log.entries, epoch]));
    assert.ok(opens(account.epochKey));
    assert.ok(control.holds(epoch.hash));
  }
});

test('[EP2] recipients that are not exactly the members, authors and signatures that are not theirs: refused', async () => {
  const me = await testAccount(random, 2);
  const other = await testAccount(random, 1);
  const stranger = testDevice(random, me.log.root);
  const foreignKey = { account: me.log.root, accountKey: x25519.getPublicKey(random.bytes(32)) };
  const good = await epochOf(me);
  const faults: [string, SignedEntry<EpochEntry>][] = [
    ['nobody', await epochOf(me, { members: [] })],
    ['somebody else', await epochOf(me, { members: [member(other)] })],
    ['somebody else besides', await epochOf(me, { members: [member(me), member(other)] })],
    ['somebody else in front', await epochOf(me, { members: [member(other), member(me)] })],
    ['a member twice', await epochOf(me, { members: [member(me), member(me)] })],
    ['a member under another key', await epochOf(me, { members: [foreignKey] })],
    ['another log', await epochOf(me, { log: other.log.root })],
    ['an author that nobody knows', await epochOf(me, { author: stranger.logged.id, sign: stranger.sign })],
    [
      "another account's device",
      await epochOf(me, { author: other.devices[0]!.logged.id, sign: other.devices[0]!.sign }),
    ],
    ['signed by another device of the account', await epochOf(me, { sign: me.devices[1]!.sign })],
    ['signed by nobody', { ...good, signatures: [random.bytes(64)] }],
    ['a signature of other bytes', { ...(await epochOf(me, { index: 1 })), signatures: good.signatures }],
  ];
  for (const [fault, epoch] of faults) {
    // With the key known from elsewhere nothing is unwrapped, and everything is checked all the same.
    for (const known of [[], [me.epochKey]]) {
      const { control, opens } = controlOf(me, known);
      assert.is(await codeOf(() => control.accept(encodeEntries([epoch]))), 'LOG_ENTRY_REFUSED', fault);
      assert.not(control.holds(epoch.hash), fault);
      assert.is(opens(me.epochKey), known.length > 0, fault);
    }
  }
});

test('[EP2] a signed epoch whose key is not the committed one gives nothing', async () => {
  const me = await testAccount(random, 1);
  const device = me.devices[0]!;
  const { entry } = await epochOf(me);
  const lying = signEntry(
    { ...entry, commitment: epochCommitment(entry.log, random.bytes(32)) },
    device.sign,
  );
  const { control, opens } = controlOf(me);
  assert.is(await codeOf(() => control.accept(encodeEntries([lying]))), 'LOG_ENTRY_REFUSED');
  assert.not(opens(me.epochKey));
  assert.not(control.holds(lying.hash));
});

test.run();
