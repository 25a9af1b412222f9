// Log entries, which of them count, and the ids that name things. Rules: spec/device-log.md, spec/keys.md §2.
import { createHash, hkdfSync } from 'node:crypto';
import { SealwireError, toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { deriveEpochTag, deriveStreamKey } from '../src/crypto/kdf.ts';
import { deviceIdOf, principalIdOf, roomIdOf } from '../src/identity/device-keys.ts';
import { addToDeviceLog, type DeviceLog, startDeviceLog } from '../src/identity/device-log.ts';
import {
  type DeviceAdd,
  type DeviceGenesis,
  decodeEntryBytes,
  encodeEntryBytes,
  type SignedEntry,
  signEntry,
} from '../src/identity/log-entry.ts';
import { type Seeded, seeded, type TestDevice, testDevice } from './support.ts';

const test = suite('device log');

const codeOf = async (run: () => unknown): Promise<string> => {
  try {
    await run();
  } catch (error) {
    assert.instance(error, SealwireError, String(error));
    return (error as SealwireError).code;
  }
  return 'none';
};

const genesisOf = (random: Seeded, device: TestDevice, sign = device.sign): SignedEntry<DeviceGenesis> =>
  signEntry(
    {
      type: 'device-genesis',
      nonce: random.bytes(16),
      device: device.logged.keys,
      accountKey: random.bytes(32),
      principal: random.bytes(32),
      at: 1_700_000_000_000,
    },
    sign,
  );

const addOf = (
  log: DeviceLog,
  author: TestDevice,
  added: TestDevice,
  changes: Partial<DeviceAdd> = {},
  ...signers: TestDevice['sign'][]
): SignedEntry<DeviceAdd> =>
  signEntry(
    {
      type: 'device-add',
      account: log.root,
      parents: log.heads,
      author: author.logged.id,
      device: added.logged.keys,
      rights: 0,
      at: 1_700_000_000_001,
      ...changes,
    },
    ...(signers.length > 0 ? signers : [author.sign, added.sign]),
  );

const people = (random: Seeded, count: number): TestDevice[] =>
  Array.from({ length: count }, () => testDevice(random, new Uint8Array(32)));

/** Everything that follows from a log, in a form that tells any two different logs apart. */
const essence = (log: DeviceLog) => ({
  root: toHex(log.root),
  entries: log.entries.map(({ hash }) => toHex(hash)).sort(),
  heads: log.heads.map(toHex),
  devices: [...log.devices.entries()]
    .map(([id, { keys, rights, at, account }]) =>
      [id, toHex(keys.identity), toHex(keys.relay), toHex(keys.hpke), rights, at, toHex(account)].join(),
    )
    .sort(),
});

test('[DL2] a log starts with a genesis that its own device signed; its hash is the account', async () => {
  const random = seeded(204);
  const [phone, other] = people(random, 2) as [TestDevice, TestDevice];
  const genesis = genesisOf(random, phone);
  const log = await startDeviceLog(genesis);
  assert.is(toHex(log.root), toHex(genesis.hash));
  assert.equal([...log.devices.keys()], [toHex(phone.logged.id)]);
  const device = log.devices.get(toHex(phone.logged.id))!;
  assert.is(device.rights, 1, 'the first device may link others');
  assert.is(toHex(device.account), toHex(genesis.hash));
  for (const bad of [
    genesisOf(random, phone, other.sign),
    { ...genesis, signatures: [] },
    { ...genesis, signatures: [random.bytes(64)] },
    { ...genesis, signatures: genesisOf(random, phone).signatures },
  ])
    assert.is(await codeOf(() => startDeviceLog(bad)), 'LOG_ENTRY_REFUSED');
});

test('[DL3] a device counts if all that is asked of its entry holds', async () => {
  const random = seeded(205);
  const [phone, web, tablet] = people(random, 3) as [TestDevice, TestDevice, TestDevice];
  const first = await startDeviceLog(genesisOf(random, phone));
  const second = await addToDeviceLog(first, addOf(first, phone, web, { rights: 1 }));
  const third = await addToDeviceLog(second, addOf(second, web, tablet));
  assert.equal(
    [phone, web, tablet].map(({ logged }) => third.devices.get(toHex(logged.id))?.rights),
    [1, 1, 0],
  );
  assert.is(first.entries.length, 1, 'the log before it is not changed');
  assert.equal(third.heads.map(toHex), [toHex(third.entries[2]!.hash)]);
});

test('[DL3] each fault is refused', async () => {
  const random = seeded(206);
  const [phone, web, tablet, stranger] = people(random, 4) as [
    TestDevice,
    TestDevice,
    TestDevice,
    TestDevice,
  ];
  const first = await startDeviceLog(genesisOf(random, phone));
  const webAdded = addOf(first, phone, web);
  const log = await addToDeviceLog(first, webAdded);
  const elsewhere = await startDeviceLog(genesisOf(random, stranger));
  const good = addOf(log, phone, tablet);
  const [author, own] = good.signatures as [Uint8Array, Uint8Array];
  const faults: [string, SignedEntry<DeviceAdd>][] = [
    ['another account', addOf(log, phone, tablet, { account: elsewhere.root })],
    ['an entry of another account', addOf(elsewhere, stranger, tablet)],
    ['an unknown parent', addOf(log, phone, tablet, { parents: [random.bytes(32)] })],
    [
      'an unknown parent beside a known one',
      addOf(log, phone, tablet, { parents: [log.root, random.bytes(32)] }),
    ],
    ['no parent', addOf(log, phone, tablet, { parents: [] })],
    ['an author who is not in the log', addOf(log, stranger, tablet)],
    ['an author without the right', addOf(log, web, tablet)],
    ['a device that adds itself', addOf(log, tablet, tablet)],
    ['a device that is in the log', addOf(log, phone, web)],
    ['the first device once more', addOf(log, phone, phone)],
    ['an author that its parents do not know', addOf(log, web, tablet, { parents: [log.root] })],
    ['no signatures', { ...good, signatures: [] }],
    ["the author's signature alone", { ...good, signatures: [author] }],
    ['signatures swapped', { ...good, signatures: [own, author] }],
    ["the author's signature twice", { ...good, signatures: [author, author] }],
    ["the new device's signature twice", { ...good, signatures: [own, own] }],
    ['signed by another than the author', addOf(log, phone, tablet, {}, stranger.sign, tablet.sign)],
    ['signed by another than the new device', addOf(log, phone, tablet, {}, phone.sign, stranger.sign)],
    ['signatures of another entry', { ...good, signatures: webAdded.signatures }],
    ['signed over other bytes', { ...addOf(log, phone, tablet, { rights: 1 }), signatures: good.signatures }],
  ];
  for (const [fault, entry] of faults) {
    const asReceived = entry.signatures.length === 2 ? decodeEntryBytes(encodeEntryBytes(entry)) : entry;
    assert.is(
      await codeOf(() => addToDeviceLog(log, asReceived as SignedEntry<DeviceAdd>)),
      'LOG_ENTRY_REFUSED',
      fault,
    );
  }
  assert.is((await addToDeviceLog(log, good)).devices.size, 3, 'without a fault it counts');
});

/** Entries of a log with branches; all of them count in some order, many in any. */
const branching = async (random: Seeded) => {
  const devices = people(random, 9);
  const first = await startDeviceLog(genesisOf(random, devices[0]!));
  let log = first;
  const entries: SignedEntry<DeviceAdd>[] = [];
  for (const [i, added] of devices.slice(1).entries()) {
    const inLog = devices.filter(({ logged }) => log.devices.get(toHex(logged.id))?.rights === 1);
    const author = inLog[random.below(inLog.length)]!;
    const authorEntry = log.entries.find(
      ({ entry }) =>
        'device' in entry &&
        'identity' in entry.device &&
        toHex(deviceIdOf(entry.device.identity)) === toHex(author.logged.id),
    )!;
    // On all that is known, or only on what brought the author in: then branches arise.
    const parents = random.below(2) === 0 ? log.heads : [authorEntry.hash];
    const entry = addOf(log, author, added, { parents, rights: random.below(2), at: i });
    log = await addToDeviceLog(log, entry);
    entries.push(entry);
  }
  return { devices, first, log, entries };
};

/** A random order in which every entry stands behind its parents. */
const anyOrder = (random: Seeded, root: Uint8Array, entries: readonly SignedEntry<DeviceAdd>[]) => {
  const placed = new Set([toHex(root)]);
  const left = random.shuffled(entries);
  const order: SignedEntry<DeviceAdd>[] = [];
  while (left.length > 0) {
    const ready = left.filter(({ entry }) => entry.parents.every((parent) => placed.has(toHex(parent))));
    const next = ready[random.below(ready.length)]!;
    left.splice(left.indexOf(next), 1);
    order.push(next);
    placed.add(toHex(next.hash));
  }
  return order;
};

/** The log of entries that come in this order, with what is refused left out. */
const replayed = async (first: DeviceLog, order: readonly SignedEntry<DeviceAdd>[]) => {
  let log = first;
  const refused: string[] = [];
  for (const entry of order)
    try {
      log = await addToDeviceLog(log, entry);
    } catch (error) {
      assert.instance(error, SealwireError);
      refused.push(toHex(entry.hash));
    }
  return { log, refused: refused.sort() };
};

test('[DL4] every order that puts parents first gives the same log, and twice counts once', async () => {
  const random = seeded(207);
  for (let round = 0; round < 5; round++) {
    const { first, log, entries } = await branching(random);
    const expected = essence(log);
    assert.is(expected.devices.length, 9);
    for (let i = 0; i < 4; i++) {
      const order = anyOrder(random, first.root, entries);
      const twice = order.flatMap((entry) => (random.below(3) === 0 ? [entry, entry] : [entry]));
      const { log: again, refused } = await replayed(first, [...twice, ...random.shuffled(order)]);
      assert.equal(refused, []);
      assert.equal(essence(again), expected);
    }
  }
});

test('[DL4] entries that contradict each other give the same log in every order', async () => {
  const random = seeded(208);
  let contradictions = 0;
  for (let round = 0; round < 4; round++) {
    const { devices, first, log, entries } = await branching(random);
    const hostile: SignedEntry<DeviceAdd>[] = [];
    for (let i = 0; i < 6; i++) {
      // One device added by two entries that do not know of each other, with other keys and rights; and an author who is
      // in the log, but in no entry that this one follows.
      const author = devices[random.below(3)]!;
      const added = devices[1 + random.below(8)]!;
      const parent = log.entries[random.below(log.entries.length)]!.hash;
      const other = { ...added.logged.keys, relay: random.bytes(32), hpke: random.bytes(32) };
      hostile.push(addOf(log, author, added, { parents: [parent], rights: random.below(2), device: other }));
    }
    const all = [...entries, ...hostile];
    const results = [];
    for (let i = 0; i < 5; i++) results.push(await replayed(first, anyOrder(random, first.root, all)));
    for (const { log: other, refused } of results) {
      assert.equal(essence(other), essence(results[0]!.log));
      assert.equal(refused, results[0]!.refused);
    }
    contradictions += results[0]!.log.entries.length - results[0]!.log.devices.size;
  }
  assert.ok(contradictions > 3, `only ${contradictions} entries added a device that another added as well`);
});

test('[KY2] ids and keys are the hashes of the table, for fixed input', () => {
  const bytes = Uint8Array.from({ length: 32 }, (_, i) => i);
  const room = Uint8Array.from({ length: 32 }, (_, i) => 255 - i);
  const known: [Uint8Array, string][] = [
    [deviceIdOf(bytes), 'a951da210e3f42ca88010cb6b05c2f82'],
    [principalIdOf(bytes), '2dae19de341b338a3e5729980281b176510f6ac4c5d5a31a2d749f296a8c0026'],
    [roomIdOf(bytes), 'd56ee4bf3881e1f67c8f042ffd15a3d8a9978b4d2da116e40020d3ae09adb776'],
    [
      deriveStreamKey(bytes, room, 'page-0'),
      '8214c25a8ca3faf847d5441972784b2243b6485867e014559498af9ab298c223',
    ],
    [deriveEpochTag(bytes, room), '3dd85c2a241ea9a2'],
  ];
  for (const [actual, expected] of known) assert.is(toHex(actual), expected);
  // The same by way of node:crypto, in the words of the table.
  const hash = (label: string): string => createHash('sha256').update(label).update(bytes).digest('hex');
  assert.is(toHex(deviceIdOf(bytes)), hash('sealwire/v1/device-id').slice(0, 32));
  assert.is(toHex(principalIdOf(bytes)), hash('sealwire/v1/principal-id'));
  assert.is(toHex(roomIdOf(bytes)), hash('sealwire/v1/room-id'));
  const tag = createHash('sha256').update('sealwire/v1/epoch-tag').update(room).update(bytes).digest('hex');
  assert.is(toHex(deriveEpochTag(bytes, room)), tag.slice(0, 16));
  const info = Buffer.concat([Buffer.from('sealwire/v1/frame-key\u0001'), room, Buffer.from('page-0')]);
  const derived = hkdfSync('sha256', bytes, new Uint8Array(0), info, 32);
  assert.is(toHex(deriveStreamKey(bytes, room, 'page-0')), Buffer.from(derived).toString('hex'));
});

test.run();
