// Heads of a device log, and the directory that takes entries in any order. Rules: spec/device-log.md §4, §5.
import { LIMITS, toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  addToDeviceLog,
  coversRevocations,
  isActive,
  isDeviceLogEntry,
  knows,
  pastOf,
} from '../src/identity/device-log.ts';
import { createDirectory } from '../src/identity/directory.ts';
import {
  type DeviceAdd,
  decodeEntryBytes,
  encodeEntryBytes,
  type SignedEntry,
  signEntry,
} from '../src/identity/log-entry.ts';
import {
  account,
  addOf,
  codeOf,
  essence,
  family,
  hashes,
  idOf,
  inEveryOrder,
  keyOf,
  revokeOf,
  type Signed,
  states,
  withAll,
} from './device-log-kit.ts';
import { seeded } from './support.ts';

const test = suite('device log: heads and directory');

test('[DL13] heads of a flood: at most sixteen, the seniors first, and one revocation ends it', async () => {
  const random = seeded(718);
  const { phone, web, tablet, spare, log } = await family(random);
  const flood = Array.from({ length: 40 }, () => keyOf(log, web, random));
  const honest = spare.map((device) => addOf(log, phone, device));
  const ended = revokeOf(log, tablet, tablet);
  const after = await inEveryOrder(random, log, ...flood, ...honest, ended);
  assert.is(after.heads.length, LIMITS.headsNamed);
  for (const entry of [...honest, ended])
    assert.ok(after.heads.some((head) => toHex(head) === toHex(entry.hash)));
  const revocation = revokeOf(after, phone, web);
  const calm = await withAll(after, decodeEntryBytes(encodeEntryBytes(revocation)) as Signed);
  assert.equal(calm.heads.map(toHex), hashes(revocation));
  assert.is(calm.accountKeys.length, 1 + LIMITS.headsNamed - 4, 'what it does not follow is void');
});

test('[DL13] heads say which revocations their author knew', async () => {
  const random = seeded(719);
  const { phone, web, tablet, desk, log } = await family(random);
  const [one, two] = [revokeOf(log, phone, web), revokeOf(log, phone, tablet)];
  const after = await withAll(log, one, two, revokeOf(log, web, desk));
  assert.ok(coversRevocations(log, []), 'nothing to know');
  assert.ok(coversRevocations(after, after.heads));
  for (const heads of [[], log.heads, [one.hash], [two.hash, random.bytes(32)]])
    assert.not(coversRevocations(after, heads));
  assert.ok(coversRevocations(after, [one.hash, two.hash, random.bytes(32)]));
  const follows = addOf(after, desk, web, { parents: [one.hash, two.hash] });
  assert.is(await codeOf(() => addToDeviceLog(after, follows)), 'LOG_ENTRY_REFUSED');
  assert.equal([...pastOf(after, [one.hash])].sort(), hashes(...log.entries, one));
  assert.is(pastOf(after, [random.bytes(32)]).size, 0);
  assert.ok(knows(after, one.hash));
  assert.not(knows(log, one.hash));
});

test('[DL14] a directory keeps what comes early, up to a bound, and forgets the one that waited longest', async () => {
  const random = seeded(720);
  const { phone, web, spare, log } = await family(random);
  const added = addOf(log, phone, spare[0]);
  const revocation = revokeOf(await withAll(log, added), phone, web);
  const junk = (): Signed => addOf(log, phone, spare[1], { parents: [random.bytes(32)] });
  const isKept = async (others: number): Promise<boolean> => {
    const directory = createDirectory([log]);
    let changes = 0;
    directory.onChange(() => changes++);
    assert.is(await directory.learn(revocation), false);
    assert.is(await directory.learn(revocation), false, 'twice waits once');
    for (let i = 0; i < others; i++) assert.is(await directory.learn(junk()), false);
    assert.ok(isActive(directory.log(toHex(log.root))!, idOf(web)));
    assert.is(changes, 0);
    assert.is(await directory.learn(added), true);
    assert.is(changes, 1);
    assert.ok(directory.device(idOf(web)), 'a revoked device is still found');
    return directory.device(idOf(web))!.revokedBy !== undefined;
  };
  assert.ok(await isKept(255));
  assert.not(await isKept(256));
});

test('[DL14] entries that come while others are checked are all kept', async () => {
  const random = seeded(724);
  const { phone, web, tablet, spare, log } = await family(random);
  const directory = createDirectory([log]);
  const entries = [
    revokeOf(log, phone, web),
    ...spare.map((device) => addOf(log, phone, device)),
    keyOf(log, tablet, random),
  ];
  const learned = await Promise.all([...entries, ...entries].map((entry) => directory.learn(entry)));
  assert.is(learned.filter(Boolean).length, entries.length, 'each is news once');
  assert.equal(essence(directory.log(toHex(log.root))!), essence(await withAll(log, ...entries)));
});

test('[DL14] what waited and is wrong is forgotten; what concerns other logs is left alone', async () => {
  const random = seeded(721);
  const { phone, web, desk, spare, log } = await family(random);
  const directory = createDirectory([log]);
  const added = addOf(log, phone, spare[0]);
  const grown = await withAll(log, added);
  const forged = revokeOf(grown, phone, web, {}, desk.sign);
  assert.is(await directory.learn(forged), false);
  const both = await Promise.all([directory.learn(revokeOf(grown, phone, desk)), directory.learn(added)]);
  assert.equal(both, [false, true]);
  assert.equal(states(directory.log(toHex(log.root))!, web, desk), ['active', 'revoked']);
  assert.is(await codeOf(() => directory.learn(forged)), 'LOG_ENTRY_REFUSED');
  const elsewhere = await account(random, 1);
  const strange: SignedEntry<DeviceAdd> = addOf(elsewhere.log, elsewhere.phone, elsewhere.others[0]!);
  const chat: SignedEntry = signEntry(
    { type: 'chat-genesis', nonce: random.bytes(16), account: log.root, author: phone.logged.id, at: 5 },
    phone.sign,
  );
  for (const entry of [strange, chat, elsewhere.log.entries[0]!, log.entries[0]!])
    assert.is(await directory.learn(entry), false);
  assert.equal([isDeviceLogEntry(strange), isDeviceLogEntry(chat)], [true, false]);
});

test.run();
