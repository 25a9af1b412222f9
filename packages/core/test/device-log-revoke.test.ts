// Revocations in the device log, one story a test. Rules: spec/device-log.md §3, §4.
import { LIMITS, toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addToDeviceLog, revocationsOf, startDeviceLog } from '../src/identity/device-log.ts';
import {
  type DeviceGenesis,
  decodeEntryBytes,
  encodeEntryBytes,
  type SignedEntry,
  signEntry,
} from '../src/identity/log-entry.ts';
import {
  account,
  addOf,
  codeOf,
  family,
  hashes,
  idOf,
  inEveryOrder,
  keyOf,
  revokeOf,
  revoking,
  type Signed,
  states,
  withAll,
} from './device-log-kit.ts';
import { seeded, type TestDevice, testDevice } from './support.ts';

const test = suite('device log: revocation');

test('[DL6] a device that may link revokes another; the revoked one stays in the log, named as such', async () => {
  const { phone, web, tablet, log } = await family(seeded(701));
  const revocation = revokeOf(log, phone, web);
  const after = await withAll(log, decodeEntryBytes(encodeEntryBytes(revocation)) as Signed);
  assert.equal(states(after, phone, web, tablet), ['active', 'revoked', 'active']);
  assert.equal(after.devices.get(idOf(web))!.revokedBy, revocation.hash);
  assert.equal(after.devices.get(idOf(web))!.keys, web.logged.keys);
  assert.equal(revocationsOf(after), [
    { device: web.logged.id, hash: revocation.hash, entry: revocation.entry },
  ]);
  assert.equal(states(log, web), ['active'], 'the log before it is not changed');
  assert.is(await addToDeviceLog(after, revocation), after, 'twice counts once');
});

test('[DL6] each fault of a revocation is refused', async () => {
  const random = seeded(702);
  const { phone, web, tablet, desk, spare, log, first } = await family(random);
  const weak = spare[0];
  const grown = await withAll(log, addOf(log, phone, weak, { rights: 0 }));
  const after = await withAll(grown, revokeOf(grown, phone, desk));
  const elsewhere = (await account(random, 0)).log;
  const good = revokeOf(after, weak, weak);
  const faults: [string, Signed][] = [
    ['another account', revokeOf(after, phone, web, { account: elsewhere.root })],
    ['no parent', revokeOf(after, phone, web, { parents: [] })],
    ['an unknown parent', revokeOf(after, phone, web, { parents: [...after.heads, random.bytes(32)] })],
    ['an author who is not in the log', revokeOf(after, spare[1], web)],
    ['an author that its past does not know', revokeOf(after, web, phone, { parents: [first.root] })],
    ['an author without the right', revokeOf(after, weak, web)],
    ['a revoked author', revokeOf(after, desk, web)],
    ['a revoked author who ends itself', revokeOf(after, desk, desk)],
    ['a device that is not in the log', revokeOf(after, phone, spare[1])],
    ['a device that its past does not know', revokeOf(after, phone, web, { parents: [first.root] })],
    ['a device that was revoked', revokeOf(after, phone, desk)],
    ['signed by another', revokeOf(after, phone, web, {}, tablet.sign)],
    ['no signature', { ...good, signatures: [] }],
    [
      'a signature of another entry',
      { ...good, signatures: revokeOf(after, weak, weak, { at: 9 }).signatures },
    ],
    ['a genesis', (await account(random, 0)).log.entries[0]!],
  ];
  for (const [fault, entry] of faults)
    assert.is(await codeOf(() => addToDeviceLog(after, entry)), 'LOG_ENTRY_REFUSED', fault);
  assert.equal(states(await withAll(after, good), weak), ['revoked'], 'without a fault it counts');
});

test('[DL3] [DL12] a revoked device adds nobody, and is not added again', async () => {
  const { phone, web, spare, log } = await family(seeded(703));
  const after = await withAll(log, revokeOf(log, phone, web));
  for (const entry of [addOf(after, web, spare[0]), addOf(after, phone, web)])
    assert.is(await codeOf(() => addToDeviceLog(after, entry)), 'LOG_ENTRY_REFUSED');
});

test('[DL3] an account has at most 64 active devices', async () => {
  const random = seeded(704);
  const { phone, log } = await account(random, 0);
  let grown = log;
  for (let i = 1; i < LIMITS.principalKeys; i++)
    grown = await withAll(grown, addOf(grown, phone, testDevice(random, log.root)));
  const [next, last] = [testDevice(random, log.root), [...grown.devices.values()].at(-1)!];
  assert.is(await codeOf(() => addToDeviceLog(grown, addOf(grown, phone, next))), 'LOG_ENTRY_REFUSED');
  const fewer = await withAll(grown, revokeOf(grown, phone, phone, { device: last.id }));
  assert.equal(states(await withAll(fewer, addOf(fewer, phone, next)), next), ['active']);
});

test('[DL8] keys of low order are refused wherever something would be wrapped to them', async () => {
  const random = seeded(705);
  const { phone, spare, log } = await family(random);
  const one = new Uint8Array(32);
  one[0] = 1;
  const genesis = log.entries[0] as SignedEntry<DeviceGenesis>;
  for (const key of [new Uint8Array(32), one]) {
    const device = { ...spare[0].logged.keys, hpke: key };
    const starts = [
      { ...genesis.entry, accountKey: key },
      { ...genesis.entry, device: { ...genesis.entry.device, hpke: key } },
    ];
    for (const start of starts)
      assert.is(await codeOf(() => startDeviceLog(signEntry(start, phone.sign))), 'LOG_ENTRY_REFUSED');
    for (const entry of [
      addOf(log, phone, spare[0], { device }),
      keyOf(log, phone, random, { accountKey: key }),
    ])
      assert.is(await codeOf(() => addToDeviceLog(log, entry)), 'LOG_ENTRY_REFUSED');
  }
});

test('[DL9] revocation wins: what a device adds while it is revoked is void, with all that follows from it', async () => {
  const random = seeded(706);
  const { phone, web, spare, log } = await family(random);
  const revocation = revokeOf(log, phone, web);
  const thief = addOf(log, web, spare[0]);
  const branch = await withAll(log, thief);
  const second = addOf(branch, spare[0], spare[1]);
  const third = addOf(await withAll(branch, second), spare[1], spare[2]);
  const after = await inEveryOrder(random, log, revocation, thief, second, third);
  assert.equal(states(after, web, ...spare), ['revoked', 'none', 'none', 'none']);
  assert.equal(after.heads.map(toHex), hashes(revocation), 'nothing void is a head');
  assert.is(after.entries.length, log.entries.length + 4, 'void entries are kept');
});

test('[DL9] [DL10] a void addition brings no revocation either, where the one who voids it is senior', async () => {
  const random = seeded(722);
  const { phone, web, tablet, desk, spare, log } = await family(random);
  const added = addOf(log, web, spare[0]);
  const branch = await withAll(log, added);
  const revocation = revokeOf(log, phone, web);
  const puppets = [
    revokeOf(branch, spare[0], tablet),
    revokeOf(branch, spare[0], phone),
    keyOf(branch, spare[0], random),
  ];
  const after = await inEveryOrder(random, log, revocation, added, ...puppets);
  assert.equal(states(after, phone, tablet, desk, spare[0]), ['active', 'active', 'active', 'none']);
  assert.equal(revoking(after), hashes(revocation));
  assert.is(after.accountKeys.length, 1);
});

test('[DL4] of two additions of one device that do not know of each other the senior gives its keys and rights', async () => {
  const random = seeded(723);
  const { phone, web, spare, log } = await family(random);
  const other = { ...spare[0].logged.keys, hpke: testDevice(random, log.root).logged.keys.hpke };
  for (let at = 0; at < 6; at++) {
    const near = addOf(log, phone, spare[0], { rights: 0, at });
    const between = addOf(log, phone, spare[1], { at });
    const far = addOf(await withAll(log, between), web, spare[0], { device: other, at });
    const after = await inEveryOrder(random, log, near, between, far);
    const { keys, rights } = after.devices.get(idOf(spare[0]))!;
    assert.equal([keys, rights], [spare[0].logged.keys, 0]);
    const left = await inEveryOrder(random, log, near, between, far, revokeOf(log, phone, web));
    assert.equal(left.devices.get(idOf(spare[0]))!.keys, spare[0].logged.keys);
    const right = await withAll(log, between, far, revokeOf(log, web, phone));
    assert.equal(right.devices.get(idOf(spare[0]))!.keys, other);
  }
});

test('[DL9] what a device added before is not lost with it', async () => {
  const random = seeded(707);
  const { phone, web, spare, log } = await family(random);
  const added = addOf(log, web, spare[0]);
  const grown = await withAll(log, added);
  const next = addOf(grown, spare[0], spare[1]);
  const after = await inEveryOrder(random, log, added, revokeOf(grown, phone, web), next);
  assert.equal(states(after, web, spare[0], spare[1]), ['revoked', 'active', 'active']);
});

test('[DL9] to follow a void entry does not revive it', async () => {
  const random = seeded(708);
  const { phone, web, tablet, spare, log } = await family(random);
  const revocation = revokeOf(log, phone, web);
  const thief = addOf(log, web, spare[0]);
  const both = await withAll(log, revocation, thief);
  // Whoever knows both follows the void entry or not: the device stays unknown.
  const merge = addOf(both, tablet, spare[1], { parents: [revocation.hash, thief.hash] });
  const after = await inEveryOrder(random, log, revocation, thief, merge);
  assert.equal(states(after, spare[0], spare[1]), ['none', 'active']);
  const next = addOf(after, spare[0], spare[2], { parents: [merge.hash] });
  assert.is(await codeOf(() => addToDeviceLog(after, next)), 'LOG_ENTRY_REFUSED');
});

test('[DL10] of two devices that revoke each other the senior stays', async () => {
  const random = seeded(709);
  const { phone, web, tablet, log } = await family(random);
  for (const [senior, junior] of [
    [phone, web],
    [web, tablet],
    [phone, tablet],
  ] as const) {
    const wins = revokeOf(log, senior, junior);
    const after = await inEveryOrder(random, log, revokeOf(log, junior, senior), wins);
    assert.equal(states(after, senior, junior), ['active', 'revoked']);
    assert.equal(revoking(after), hashes(wins));
  }
});

test('[DL10] of equally deep devices the lesser hash is senior', async () => {
  const random = seeded(710);
  const { phone, others, log } = await account(random, 2);
  const [one, two] = others as [TestDevice, TestDevice];
  const [a, b] = [addOf(log, phone, one), addOf(log, phone, two)];
  const grown = await withAll(log, a, b);
  const after = await inEveryOrder(random, grown, revokeOf(grown, one, two), revokeOf(grown, two, one));
  const [senior, junior] = toHex(a.hash) < toHex(b.hash) ? [one, two] : [two, one];
  assert.equal(states(after, senior, junior), ['active', 'revoked']);
});

test('[DL10] a chain of revocations: who was ended by a senior ends nobody, who was ended by that one lives', async () => {
  const random = seeded(711);
  const { phone, web, tablet, desk, log } = await family(random);
  const first = revokeOf(log, phone, web);
  const third = revokeOf(log, tablet, desk);
  const after = await inEveryOrder(random, log, first, revokeOf(log, web, tablet), third);
  assert.equal(states(after, phone, web, tablet, desk), ['active', 'revoked', 'active', 'revoked']);
  assert.equal(revoking(after), hashes(first, third));
});

test('[DL10] a junior ends a senior, who in the meantime ended a third: both count; what it added does not', async () => {
  const random = seeded(712);
  const { web, tablet, desk, spare, log } = await family(random);
  const [upward, down] = [revokeOf(log, tablet, web), revokeOf(log, web, desk)];
  const after = await inEveryOrder(random, log, upward, down, addOf(log, web, spare[0]));
  assert.equal(states(after, web, tablet, desk, spare[0]), ['revoked', 'active', 'revoked', 'none']);
  assert.equal(revoking(after), hashes(upward, down));
});

test('[DL10] revocations that void each other in a ring are decided by seniority', async () => {
  const random = seeded(713);
  const { phone, others, log } = await account(random, 4);
  const [stranger, filler, middle, last] = others as [TestDevice, TestDevice, TestDevice, TestDevice];
  const strangerAdded = addOf(log, phone, stranger);
  const fillerAdded = addOf(log, phone, filler);
  const withFiller = await withAll(log, fillerAdded);
  const middleAdded = addOf(withFiller, phone, middle);
  const branch = await withAll(withFiller, middleAdded);
  const lastAdded = addOf(branch, phone, last);
  const tip = [lastAdded.hash];
  // The last ends the phone that added the stranger, the stranger ends the middle, the middle ends the last.
  const endsPhone = revokeOf(log, last, phone, { parents: tip });
  const endsMiddle = revokeOf(log, stranger, middle, { parents: [strangerAdded.hash, middleAdded.hash] });
  const endsLast = revokeOf(log, middle, last, { parents: tip });
  const all = [strangerAdded, fillerAdded, middleAdded, lastAdded, endsPhone, endsMiddle, endsLast];
  const after = await inEveryOrder(random, log, ...all);
  assert.equal(revoking(after), hashes(endsMiddle, endsPhone));
  assert.equal(states(after, phone, stranger, filler, middle, last), [
    'revoked',
    'none',
    'active',
    'revoked',
    'active',
  ]);
});

test('[DL10] a revocation that was void counts again once its own judge falls', async () => {
  const random = seeded(714);
  const { phone, web, tablet, desk, log } = await family(random);
  const low = revokeOf(log, tablet, desk);
  const middle = revokeOf(log, web, tablet);
  const top = revokeOf(log, phone, web);
  const two = await withAll(log, low, middle);
  assert.equal(states(two, web, tablet, desk), ['active', 'revoked', 'active']);
  const three = await inEveryOrder(random, log, low, middle, top);
  assert.equal(states(three, web, tablet, desk), ['revoked', 'active', 'revoked']);
});

test('[DL11] any device may end itself; of what it did elsewhere nothing counts', async () => {
  const random = seeded(715);
  const { phone, spare, desk, log } = await family(random);
  const weak = spare[0];
  const grown = await withAll(log, addOf(log, phone, weak, { rights: 0 }));
  assert.equal(states(await withAll(grown, revokeOf(grown, weak, weak)), weak), ['revoked']);

  const leaving = revokeOf(grown, desk, desk);
  const again = revokeOf(grown, desk, desk, { at: 3 });
  const copies = [addOf(grown, desk, spare[1]), revokeOf(grown, desk, weak), keyOf(grown, desk, random)];
  const after = await inEveryOrder(random, grown, leaving, again, ...copies);
  assert.equal(states(after, desk, spare[1], weak), ['revoked', 'none', 'active']);
  assert.equal(revoking(after), hashes(leaving, again));
  assert.is(after.accountKeys.length, 1);
});

test('[DL11] a device that a senior ends cannot, by ending itself, undo what it did before', async () => {
  const random = seeded(716);
  const { phone, web, spare, log } = await family(random);
  const webAdded = log.entries.find(({ entry }) => 'device' in entry && entry.device === web.logged.keys)!;
  const added = addOf(log, web, spare[0]);
  const grown = await withAll(log, added);
  const own = revokeOf(log, web, web, { parents: [webAdded.hash] });
  const after = await inEveryOrder(random, log, added, revokeOf(grown, phone, web), own);
  assert.equal(states(after, web, spare[0]), ['revoked', 'active']);
});

test('[DL12] of several revocations of one device all count, and the most senior names its end', async () => {
  const random = seeded(717);
  const { phone, web, tablet, log } = await family(random);
  const [high, low] = [revokeOf(log, phone, tablet), revokeOf(log, web, tablet)];
  const after = await inEveryOrder(random, log, low, high);
  assert.equal(revoking(after), hashes(high, low));
  assert.equal(after.devices.get(idOf(tablet))!.revokedBy, high.hash);
});

test.run();
