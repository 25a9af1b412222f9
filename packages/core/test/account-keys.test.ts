// Account keys: who gets a new one, which one is used, when one is owed. Rules: spec/device-log.md §3, §6.
import { createHash } from 'node:crypto';
import { LIMITS, toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { concat, utf8 } from '../src/bytes.ts';
import { hpkeKeyPair, wrapKey } from '../src/crypto/hpke.ts';
import { createAccountKey, openAccountKey } from '../src/identity/account-keys.ts';
import { activeDevices, addToDeviceLog, type DeviceLog } from '../src/identity/device-log.ts';
import {
  type AccountKey,
  decodeEntryBytes,
  encodeEntryBytes,
  type SignedEntry,
} from '../src/identity/log-entry.ts';
import {
  account,
  addOf,
  codeOf,
  inEveryOrder,
  keyOf,
  revokeOf,
  type Signed,
  withAll,
} from './device-log-kit.ts';
import { type Seeded, seeded, type TestDevice } from './support.ts';

const test = suite('account keys');

/** A phone with three devices that may not link, and one more that is not in the log. */
const family = async (random: Seeded) => {
  const { phone, others, log } = await account(random, 4);
  const [web, tablet, desk, spare] = others as [TestDevice, TestDevice, TestDevice, TestDevice];
  let grown = log;
  for (const device of [web, tablet, desk])
    grown = await withAll(grown, addOf(grown, phone, device, { rights: 0 }));
  return { phone, web, tablet, desk, spare, log: grown };
};

const newKey = (log: DeviceLog, author: TestDevice, random: Seeded, devices?: readonly TestDevice[]) =>
  createAccountKey({
    log,
    author: author.logged.id,
    sign: author.sign,
    randomBytes: random.bytes,
    ...(devices && { devices: devices.map(({ logged }) => logged) }),
  });

const open = (entry: AccountKey, log: DeviceLog, { logged, secrets }: TestDevice) =>
  openAccountKey(entry, log.root, logged.id, secrets.hpke);

const current = (log: DeviceLog): string => toHex(log.accountKeys[0]!.publicKey);

test('[DL15] a revocation makes a new key due; whichever device is left makes it, and only those left open it', async () => {
  const random = seeded(801);
  const { phone, web, tablet, desk, spare, log } = await family(random);
  assert.not(log.keyOwed);
  assert.is(current(log), toHex(log.genesis.accountKey));
  const revoked = await withAll(log, revokeOf(log, phone, web));
  assert.ok(revoked.keyOwed);
  assert.equal(
    revoked.accountKeys.map(({ covers }) => covers),
    [false],
  );

  const { entry, privateKey } = await newKey(revoked, tablet, random);
  const received = decodeEntryBytes(encodeEntryBytes(entry)) as SignedEntry<AccountKey>;
  const renewed = await withAll(revoked, received);
  assert.not(renewed.keyOwed);
  assert.equal(renewed.accountKeys, [
    { publicKey: entry.entry.accountKey, hash: entry.hash, wraps: entry.entry.wraps, covers: true },
    { publicKey: log.genesis.accountKey, hash: log.root, wraps: [], covers: false },
  ]);
  assert.equal(hpkeKeyPair(privateKey).publicKey, entry.entry.accountKey);
  for (const device of [phone, tablet, desk])
    assert.equal(await open(received.entry, log, device), privateKey);
  for (const device of [web, spare]) assert.is(await open(received.entry, log, device), undefined);

  const grown = await withAll(renewed, addOf(renewed, phone, spare));
  assert.not(grown.keyOwed, 'who is linked afterwards gets the key by linking');
  const again = await withAll(grown, revokeOf(grown, desk, desk));
  assert.ok(again.keyOwed, 'each revocation makes one due');
  assert.is(current(again), toHex(entry.entry.accountKey), 'until there is one, the last is used');
});

test('[DL15] a key may be renewed without a revocation; the later one is used', async () => {
  const random = seeded(802);
  const { phone, desk, log } = await family(random);
  let grown = log;
  for (const author of [phone, desk, phone]) {
    const { entry } = await newKey(grown, author, random);
    grown = await withAll(grown, entry);
    assert.is(current(grown), toHex(entry.entry.accountKey));
    assert.not(grown.keyOwed);
  }
  assert.is(grown.accountKeys.length, 4);
  assert.equal(grown.accountKeys.at(-1)!.hash, log.root);
});

test('[DL15] of two keys made at once every device uses the same', async () => {
  const random = seeded(803);
  const { phone, web, tablet, desk, log } = await family(random);
  const revoked = await withAll(log, revokeOf(log, phone, web));
  const [one, two] = [keyOf(revoked, tablet, random), keyOf(revoked, desk, random)];
  const after = await inEveryOrder(random, revoked, one, two);
  const lesser = toHex(one.hash) < toHex(two.hash) ? one : two;
  assert.is(current(after), toHex(lesser.entry.accountKey));
  assert.not(after.keyOwed);
});

test('[DL15] a key that knows every revocation is used before one that does not, however deep that lies', async () => {
  const random = seeded(804);
  const { phone, web, tablet, desk, log } = await family(random);
  const revocation = revokeOf(log, phone, web);
  let elsewhere = log;
  const blind: Signed[] = [];
  for (let i = 0; i < 4; i++) {
    blind.push(keyOf(elsewhere, desk, random));
    elsewhere = await withAll(elsewhere, blind[i]!);
  }
  const partly = await inEveryOrder(random, log, revocation, ...blind);
  assert.ok(partly.keyOwed, 'the revoked device can open the later keys');
  const knowing = keyOf(await withAll(log, revocation), tablet, random);
  const after = await inEveryOrder(random, log, revocation, knowing, ...blind);
  assert.not(after.keyOwed);
  assert.is(current(after), toHex(knowing.entry.accountKey));
});

test('[DL15] two revocations, each with a key that does not know the other: one is owed', async () => {
  const random = seeded(805);
  const { phone, web, tablet, desk, log } = await family(random);
  const [one, two] = [revokeOf(log, phone, web), revokeOf(log, desk, desk)];
  const [a, b] = [await withAll(log, one), await withAll(log, two)];
  const keys = [keyOf(a, tablet, random), keyOf(b, tablet, random)];
  const after = await inEveryOrder(random, log, one, two, ...keys);
  assert.ok(after.keyOwed);
  const { entry } = await newKey(after, tablet, random);
  assert.is(entry.entry.wraps.length, 2);
  assert.not((await withAll(after, entry)).keyOwed);
});

test('[DL9] the key of a revoked device, made beside its revocation, is void; one made before stays', async () => {
  const random = seeded(806);
  const { phone, web, log } = await family(random);
  const before = keyOf(log, web, random);
  const grown = await withAll(log, before);
  const revocation = revokeOf(grown, phone, web);
  const beside = keyOf(grown, web, random);
  const after = await inEveryOrder(random, log, before, revocation, beside);
  assert.equal(
    after.accountKeys.map(({ hash }) => toHex(hash)),
    [toHex(before.hash), toHex(log.root)],
  );
  assert.ok(after.keyOwed);
  const late = keyOf(await withAll(grown, revocation), web, random);
  assert.is(await codeOf(() => addToDeviceLog(after, late)), 'LOG_ENTRY_REFUSED');
});

test('[DL7] a key is wrapped to exactly the active devices, each once; each fault is refused', async () => {
  const random = seeded(807);
  const { phone, web, tablet, desk, spare, log } = await family(random);
  const revoked = await withAll(log, revokeOf(log, phone, web));
  const good = keyOf(revoked, tablet, random);
  const [first, ...rest] = good.entry.wraps;
  const to = (device: TestDevice) => ({ device: device.logged.id, wrapped: random.bytes(80) });
  const wrapping = (...wraps: AccountKey['wraps']) => keyOf(revoked, tablet, random, { wraps });
  const elsewhere = (await account(random, 0)).log;
  const faults: [string, Signed][] = [
    ['nobody', wrapping()],
    ['one too few', wrapping(...rest)],
    ['one twice', wrapping(first!, ...good.entry.wraps)],
    ['one twice and one left out', wrapping(rest[0]!, ...rest)],
    ['the revoked device as well', wrapping(...good.entry.wraps, to(web))],
    ['the revoked device in the place of another', wrapping(to(web), ...rest)],
    ['a stranger', wrapping(...good.entry.wraps, to(spare))],
    ['the devices that its past knows no end of', keyOf(revoked, desk, random, { parents: log.heads })],
    ['another account', keyOf(revoked, tablet, random, { account: elsewhere.root })],
    ['no parent', keyOf(revoked, tablet, random, { parents: [] })],
    ['an unknown parent', keyOf(revoked, tablet, random, { parents: [random.bytes(32)] })],
    ['a revoked author', keyOf(revoked, web, random)],
    ['an author who is not in the log', keyOf(revoked, spare, random)],
    ['signed by another', keyOf(revoked, tablet, random, {}, desk.sign)],
    ['no signature', { ...good, signatures: [] }],
  ];
  for (const [fault, entry] of faults)
    assert.is(await codeOf(() => addToDeviceLog(revoked, entry)), 'LOG_ENTRY_REFUSED', fault);
  assert.not((await withAll(revoked, good)).keyOwed, 'without a fault it counts');
  const { entry } = await newKey(revoked, phone, random, [phone, web, tablet, desk]);
  assert.is(await codeOf(() => addToDeviceLog(revoked, entry)), 'LOG_ENTRY_REFUSED');
});

test('[DL16] a wrap that does not open, or gives another key, is refused by the device that it is for', async () => {
  const random = seeded(808);
  const { phone, tablet, desk, log } = await family(random);
  const { entry, privateKey } = await newKey(log, phone, random);
  const info = concat(utf8('sealwire/v1/account-key'), log.root);
  const withWrap = (wrapped: Uint8Array): AccountKey => ({
    ...entry.entry,
    wraps: entry.entry.wraps.map((wrap) =>
      toHex(wrap.device) === toHex(tablet.logged.id) ? { ...wrap, wrapped } : wrap,
    ),
  });
  const { hpke } = tablet.logged.keys;
  assert.equal(await open(withWrap(await wrapKey(hpke, privateKey, info)), log, tablet), privateKey);
  const mine = entry.entry.wraps.find(({ device }) => toHex(device) === toHex(tablet.logged.id))!.wrapped;
  const changed = mine.slice();
  changed[79]! ^= 1;
  const faults: [string, Uint8Array][] = [
    ['another key', await wrapKey(hpke, random.bytes(32), info)],
    ['wrapped to another device', await wrapKey(desk.logged.keys.hpke, privateKey, info)],
    ['wrapped for another purpose', await wrapKey(hpke, privateKey, utf8('sealwire/v1/account-key'))],
    ['changed', changed],
    ['noise', random.bytes(80)],
    ['nothing', new Uint8Array(80)],
  ];
  for (const [fault, wrapped] of faults) {
    assert.is(await codeOf(() => open(withWrap(wrapped), log, tablet)), 'LOG_ENTRY_REFUSED', fault);
    assert.equal(await open(withWrap(wrapped), log, desk), privateKey, 'the others open theirs');
  }
  assert.is(
    await codeOf(() => openAccountKey(entry.entry, random.bytes(32), tablet.logged.id, tablet.secrets.hpke)),
    'LOG_ENTRY_REFUSED',
    'of another account',
  );
});

test('[DL16] two keys share no secret, and none is written in clear', async () => {
  const random = seeded(809);
  const { phone, log } = await family(random);
  const made = [await newKey(log, phone, random), await newKey(log, phone, random)];
  assert.is.not(toHex(made[0]!.privateKey), toHex(made[1]!.privateKey));
  for (const { entry, privateKey } of made)
    assert.not(toHex(encodeEntryBytes(entry)).includes(toHex(privateKey)));
});

test('[DL7] more recipients than an entry may hold are a mistake of the caller', async () => {
  const random = seeded(810);
  const { phone, log } = await family(random);
  const crowd = Array.from({ length: LIMITS.principalKeys + 1 }, () => phone);
  let thrown: unknown;
  await newKey(log, phone, random, crowd).catch((error: unknown) => {
    thrown = error;
  });
  assert.instance(thrown, RangeError);
});

test('[DL1] revocations and account keys come back from their bytes; any bytes decode to them or to a code', async () => {
  const random = seeded(811);
  const { phone, web, log } = await family(random);
  const good = [revokeOf(log, phone, web), keyOf(log, phone, random)].map((entry) => {
    const bytes = encodeEntryBytes(entry as SignedEntry);
    const back = decodeEntryBytes(bytes);
    assert.equal({ ...back.entry }, { ...entry.entry });
    const hash = createHash('sha256').update('sealwire/v1/log-entry').update(entry.unsigned).digest('hex');
    assert.is(toHex(back.hash), hash);
    return bytes;
  });
  for (const bytes of good)
    for (let length = 0; length < bytes.length; length++)
      assert.is(await codeOf(() => decodeEntryBytes(bytes.subarray(0, length))), 'MALFORMED', `${length}`);
  const seen = new Map<string, number>();
  for (let run = 0; run < (process.env.SEALWIRE_SLOW === '1' ? 200_000 : 20_000); run++) {
    let bytes: Uint8Array = good[random.below(2)]!.slice();
    for (let i = random.below(4); i > 0; i--)
      bytes[random.below(random.below(2) === 0 ? 120 : bytes.length)] = random.below(256);
    if (random.below(8) === 0)
      bytes = concat(Uint8Array.of(5 + random.below(2), 1), random.bytes(random.below(400)));
    if (random.below(8) === 0) bytes = bytes.subarray(0, random.below(bytes.length + 1));
    let decoded: SignedEntry | undefined;
    const code = await codeOf(() => {
      decoded = decodeEntryBytes(bytes);
    });
    assert.ok(['none', 'MALFORMED', 'TOO_LARGE', 'UNSUPPORTED_VERSION'].includes(code), code);
    if (decoded) {
      assert.is(toHex(encodeEntryBytes(decoded)), toHex(bytes), 'one entry has one spelling');
      const unchanged = good.some((whole) => toHex(whole) === toHex(bytes));
      if (!unchanged && run % 20 === 0)
        assert.is(await codeOf(() => addToDeviceLog(log, decoded as Signed)), 'LOG_ENTRY_REFUSED');
    }
    seen.set(code, (seen.get(code) ?? 0) + 1);
  }
  for (const code of ['none', 'MALFORMED', 'UNSUPPORTED_VERSION'])
    assert.ok(seen.get(code)! > 100, `${code}: ${seen.get(code)}`);
  assert.is(activeDevices(log).length, 4);
});

test.run();
