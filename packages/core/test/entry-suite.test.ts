// Log entries, account keys and epochs of suite 2: their round trip, and that nothing mixes with suite 1. Rules:
// spec/device-log.md §1, spec/keys.md §1.
import { SealwireError, toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hpkeKeyPair, hpkeKeyPairOf } from '../src/crypto/hpke.ts';
import { isUsablePublicKey } from '../src/crypto/public-key.ts';
import { SUITE_BYTES } from '../src/crypto/suites.ts';
import { createAccountKey, openAccountKey } from '../src/identity/account-keys.ts';
import { addToDeviceLog, startDeviceLog } from '../src/identity/device-log.ts';
import { suiteOfEntry, suiteOfKeys } from '../src/identity/entry-suite.ts';
import { createEpoch, openEpoch } from '../src/identity/epoch.ts';
import {
  type DeviceGenesis,
  decodeEntryBytes,
  type EpochEntry,
  encodeEntryBytes,
  encodeUnsigned,
  type LogEntry,
  type Share,
  type SignedEntry,
  signEntry,
} from '../src/identity/log-entry.ts';
import { createShare, openShare } from '../src/room/share.ts';
import { addOf, codeOf } from './device-log-kit.ts';
import { seeded, type TestDevice, testDevice } from './support.ts';

const test = suite('entry suite');
const random = seeded(2025);
const ACCOUNT = await hpkeKeyPairOf(2, random.bytes(32));
const ENC = SUITE_BYTES[2].enc;

/** A device with an HPKE key of suite 2. */
const device = async (): Promise<TestDevice & { readonly hpkeSeed: Uint8Array }> => {
  const made = testDevice(random, new Uint8Array(32));
  const hpkeSeed = random.bytes(32);
  const { publicKey } = await hpkeKeyPairOf(2, hpkeSeed);
  return { ...made, hpkeSeed, logged: { ...made.logged, keys: { ...made.logged.keys, hpke: publicKey } } };
};
const [phone, laptop] = [await device(), await device()];

const genesisOf = (changes: Partial<DeviceGenesis> = {}): DeviceGenesis => ({
  type: 'device-genesis',
  nonce: new Uint8Array(16),
  device: phone.logged.keys,
  accountKey: ACCOUNT.publicKey,
  principal: new Uint8Array(32),
  at: 0,
  ...changes,
});
const family = async () => {
  const log = await startDeviceLog(signEntry(genesisOf(), phone.sign));
  return addToDeviceLog(log, addOf(log, phone, laptop));
};

const again = (signed: SignedEntry): SignedEntry => {
  const bytes = encodeEntryBytes(signed);
  const decoded = decodeEntryBytes(bytes);
  assert.is(toHex(encodeEntryBytes(decoded)), toHex(bytes));
  assert.equal(decoded.entry, signed.entry);
  return decoded;
};

test('[DL17] an account of suite 2: its log, a new account key for each device, an epoch', async () => {
  const log = await family();
  assert.is(log.devices.size, 2);
  for (const entry of log.entries) {
    assert.is(again(entry).unsigned[1], 2);
    assert.is(suiteOfEntry(entry.entry), 2);
  }
  const made = await createAccountKey({
    log,
    author: phone.logged.id,
    sign: phone.sign,
    randomBytes: random.bytes,
  });
  again(made.entry);
  const after = await addToDeviceLog(log, made.entry);
  assert.is(after.accountKeys.length, 2);
  for (const each of [phone, laptop]) {
    const opened = await openAccountKey(made.entry.entry, log.root, each.logged.id, each.hpkeSeed);
    assert.equal(opened, made.privateKey);
  }
  const other = await codeOf(() =>
    openAccountKey(made.entry.entry, log.root, laptop.logged.id, phone.hpkeSeed),
  );
  assert.is(other, 'LOG_ENTRY_REFUSED');
  const epochKey = random.bytes(32);
  const epoch = await createEpoch({
    log: log.root,
    index: 0,
    parents: [],
    heads: after.heads,
    author: phone.logged.id,
    epochKey,
    members: [{ account: log.root, accountKey: made.entry.entry.accountKey }],
    sign: phone.sign,
  });
  const { entry } = again(epoch) as SignedEntry<EpochEntry>;
  assert.equal(await openEpoch(entry, log.root, made.privateKey), epochKey);
  assert.is(await codeOf(() => openEpoch(entry, log.root, ACCOUNT.privateKey)), 'LOG_ENTRY_REFUSED');
  const [mine] = entry.recipients;
  for (const at of [0, 1087, 1088, ENC - 1, ENC, mine!.wrapped.length - 1]) {
    const wrapped = mine!.wrapped.slice();
    wrapped[at]! ^= 1;
    const changed = { ...entry, recipients: [{ ...mine!, wrapped }] };
    assert.is(await codeOf(() => openEpoch(changed, log.root, made.privateKey)), 'LOG_ENTRY_REFUSED');
  }
});

test('[DL17] older epoch keys are shared with an account of suite 2', async () => {
  const keys = [random.bytes(32), random.bytes(32), random.bytes(32)];
  const share = await createShare({
    log: random.bytes(32),
    author: phone.logged.id,
    account: random.bytes(32),
    accountKey: ACCOUNT.publicKey,
    keys,
    sign: phone.sign,
  });
  const { entry } = again(share) as SignedEntry<Share>;
  assert.is(share.unsigned[1], 2);
  assert.equal(await openShare(entry, ACCOUNT.privateKey), keys);
  assert.is(await codeOf(() => openShare(entry, phone.hpkeSeed)), 'LOG_ENTRY_REFUSED');
  for (const at of [0, 1088, ENC, entry.sealed.length - 1]) {
    const sealed = entry.sealed.slice();
    sealed[at]! ^= 1;
    const code = await codeOf(() => openShare({ ...entry, sealed }, ACCOUNT.privateKey));
    assert.is(code, 'LOG_ENTRY_REFUSED', `byte ${at}`);
  }
});

test('[DL17] keys and wraps of two suites in one entry are a mistake of the caller', async () => {
  const short = hpkeKeyPair(random.bytes(32)).publicKey;
  const wrapped = { 1: random.bytes(80), 2: random.bytes(SUITE_BYTES[2].wrapped) };
  const [log, author, account] = [random.bytes(32), random.bytes(16), random.bytes(32)];
  const key = { type: 'account-key', account, parents: [], author } as const;
  const epoch = { type: 'epoch', log, index: 0, parents: [], heads: [], author, commitment: log } as const;
  const longOne = { account, accountKey: ACCOUNT.publicKey, wrapped: wrapped[2] };
  const mixed: LogEntry[] = [
    genesisOf({ accountKey: short }),
    genesisOf({ device: { ...phone.logged.keys, hpke: short } }),
    genesisOf({ accountKey: new Uint8Array(1184) }),
    { ...key, accountKey: ACCOUNT.publicKey, wraps: [{ device: author, wrapped: wrapped[1] }] },
    { ...key, accountKey: short, wraps: [{ device: author, wrapped: wrapped[2] }] },
    { ...epoch, recipients: [longOne, { account, accountKey: short, wrapped: wrapped[1] }] },
    { ...epoch, recipients: [{ ...longOne, wrapped: wrapped[1] }] },
  ];
  for (const entry of mixed)
    assert.throws(
      () => encodeUnsigned(entry),
      (error: unknown) => error instanceof RangeError && /suite/.test(error.message),
    );
  assert.is(encodeUnsigned({ ...epoch, recipients: [] })[1], 1, 'without a key it is of suite 1');
});

test('[DL17] accounts of two suites share no epoch, and no log takes a key of another suite', async () => {
  const { publicKey: short } = hpkeKeyPair(random.bytes(32));
  const members = [ACCOUNT.publicKey, short].map((accountKey) => ({ account: random.bytes(32), accountKey }));
  const epoch = {
    log: random.bytes(32),
    index: 0,
    parents: [],
    heads: [],
    author: phone.logged.id,
    epochKey: random.bytes(32),
    sign: phone.sign,
  };
  assert.is(await codeOf(() => createEpoch({ ...epoch, members })), 'UNSUPPORTED_VERSION');
  const odd = [{ account: random.bytes(32), accountKey: random.bytes(33) }];
  assert.is(await codeOf(() => createEpoch({ ...epoch, members: odd })), 'MALFORMED');
  assert.is(suiteOfKeys([]), 1);
  const log = await family();
  const older = testDevice(random, new Uint8Array(32));
  assert.is(await codeOf(() => addToDeviceLog(log, addOf(log, phone, older))), 'LOG_ENTRY_REFUSED');
  const first = signEntry(genesisOf({ device: older.logged.keys, accountKey: short }), older.sign);
  const oldLog = await startDeviceLog(first);
  const tooNew = addOf(oldLog, older, laptop);
  assert.is(await codeOf(() => addToDeviceLog(oldLog, tooNew)), 'LOG_ENTRY_REFUSED');
});

test('[KY6] a key is usable exactly if the library would seal to it', async () => {
  const good = ACCOUNT.publicKey;
  assert.ok(isUsablePublicKey(good));
  for (const length of [0, 31, 33, 1184, 1215, 1217]) assert.not(isUsablePublicKey(new Uint8Array(length)));
  const { wrapKey } = await import('../src/crypto/hpke.ts');
  const seals = (key: Uint8Array): Promise<boolean> =>
    wrapKey(key, new Uint8Array(32), new Uint8Array(0), 2).then(
      () => true,
      (error: unknown) => {
        assert.instance(error, SealwireError);
        return false;
      },
    );
  let refused = 0;
  for (let run = 0; run < 120; run++) {
    const key = good.slice();
    // A coefficient around q, at any of the 768 places, or random bytes anywhere.
    const place = random.below(768);
    const value = [3327, 3328, 3329, 3330, 4095][run % 5]!;
    const at = (place >> 1) * 3;
    if (place % 2 === 0) key.set([value & 255, (key[at + 1]! & 0xf0) | (value >> 8)], at);
    else key.set([(key[at + 1]! & 15) | ((value & 15) << 4), value >> 4], at + 1);
    if (run % 7 === 0) key.set(random.bytes(8), random.below(1208));
    const verdict = isUsablePublicKey(key);
    assert.is(verdict, await seals(key), toHex(key));
    if (!verdict) refused += 1;
  }
  assert.ok(refused > 40 && refused < 110, `${refused} refused`);
  const low = good.slice();
  low.fill(0, 1184);
  assert.not(isUsablePublicKey(low));
});

test('[DL17] any changed suite byte, and any cut, is refused or another entry', async () => {
  const log = await family();
  for (const entry of log.entries) {
    const bytes = encodeEntryBytes(entry);
    for (const byte of [0, 1, 3, 255]) {
      const changed = bytes.slice();
      changed[1] = byte;
      const code = await codeOf(() => decodeEntryBytes(changed));
      assert.ok(['MALFORMED', 'UNSUPPORTED_VERSION'].includes(code), `${byte}: ${code}`);
    }
    for (let length = 0; length < bytes.length; length += 97)
      assert.is(await codeOf(() => decodeEntryBytes(bytes.subarray(0, length))), 'MALFORMED');
  }
});

test.run();
