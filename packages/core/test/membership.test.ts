// The membership log, one story a test. Rules: spec/membership.md §2, §3.
import { toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeEntryBytes, encodeEntryBytes } from '../src/identity/log-entry.ts';
import {
  addToMembershipLog,
  createMemberEntry,
  DEVICE_ENTRIES,
  startMembershipLog,
} from '../src/identity/membership.ts';
import { codeOf } from './device-log-kit.ts';
import {
  add,
  chatOf,
  demote,
  four,
  hashes,
  inEveryOrder,
  leave,
  merge,
  promote,
  remove,
  rename,
  roles,
  type Signed,
  take,
  withAll,
} from './membership-kit.ts';
import { seeded, testDevice } from './support.ts';

const test = suite('membership');

test('[MB1] a log starts with a genesis by a device of its account, which is the first member and an admin', async () => {
  const random = seeded(801);
  const { owner, log, genesis } = await chatOf(random, 0);
  assert.equal(log.id, genesis.hash);
  assert.equal([...log.members.keys()], [owner.key]);
  assert.equal(log.members.get(owner.key), {
    ...{ account: owner.account, role: 'admin', addedBy: genesis.hash, at: 0 },
  });
  assert.equal(log.heads, [genesis.hash]);
  assert.is(log.title, undefined);
  const [device, other] = owner.devices;
  for (const [signed, signer] of [
    [genesis, other!.logged],
    [genesis, { ...device!.logged, account: random.bytes(32) }],
    [genesis, { ...device!.logged, keys: other!.logged.keys }],
    [{ ...genesis, signatures: [] }, device!.logged],
  ] as const)
    assert.is(await codeOf(() => startMembershipLog(signed, signer)), 'LOG_ENTRY_REFUSED');
});

test('[MB2] an entry is taken from any device of the account that names it, also from its bytes', async () => {
  const { owner, bob, people, log } = await four(802);
  for (const device of [0, 1]) {
    const entry = remove(log, owner, bob, { device });
    const after = await take(log, people, decodeEntryBytes(encodeEntryBytes(entry)) as Signed);
    assert.equal(roles(after, bob), ['none']);
    assert.equal(roles(log, bob), ['member'], 'the log before it is not changed');
    assert.is(await take(after, people, entry), after, 'twice counts once');
  }
});

test('[MB2] [MB5] each fault of an entry is refused', async () => {
  const { random, owner, ann, bob, cid, dan, people, log, first } = await four(803);
  const elsewhere = (await chatOf(random, 0)).log;
  const good = remove(log, owner, cid);
  const stranger = { ...dan, account: owner.account, key: owner.key };
  const faults: [string, Signed][] = [
    ['another chat', remove(log, owner, cid, { log: elsewhere.id })],
    ['no parent', remove(log, owner, cid, { parents: [] })],
    ['an unknown parent', remove(log, owner, cid, { parents: [...log.heads, random.bytes(32)] })],
    ['an author who is no member', add(log, dan, dan)],
    ['an author whom its past does not know', leave(log, bob, { parents: [first.id] })],
    ['an admin whom its past does not know', rename(log, ann, 'Ours', { parents: [first.id] })],
    ['a member who adds', add(log, bob, dan)],
    ['a member who removes', remove(log, bob, cid)],
    ['a member who promotes itself', promote(log, bob, bob)],
    ['a member who demotes', demote(log, bob, ann)],
    ['a member who renames', rename(log, bob, 'Mine')],
    ['a removal of somebody who was never a member', remove(log, owner, dan)],
    ['a promotion of somebody who was never a member', promote(log, owner, dan)],
    ['a demotion of somebody whom its past does not know', demote(log, owner, cid, { parents: [first.id] })],
    ['a removal of its own account', remove(log, owner, owner)],
    ['signed by another', remove(log, owner, cid, { sign: ann.devices[0]!.sign })],
    ['signed by another device of the account', remove(log, owner, cid, { sign: owner.devices[1]!.sign })],
    ['no signature', { ...good, signatures: [] }],
    ['a signature of another entry', { ...good, signatures: remove(log, owner, cid, { at: 9 }).signatures }],
    ['a device of another account', remove(log, stranger, cid)],
  ];
  for (const [fault, entry] of faults)
    assert.is(await codeOf(() => take(log, people, entry)), 'LOG_ENTRY_REFUSED', fault);
  const other = owner.devices[1]!.logged;
  assert.is(await codeOf(() => addToMembershipLog(log, good, other)), 'LOG_ENTRY_REFUSED', 'another device');
  assert.equal(roles(await take(log, people, good), cid), ['none'], 'without a fault it counts');
});

test('[MB2] an entry is made to follow the heads; a title that is no name is a mistake of the caller', async () => {
  const { owner, people, log } = await four(804);
  const { logged, sign } = owner.devices[0]!;
  const make = (title: string) =>
    createMemberEntry({ log, device: logged, change: { action: 'rename', title }, at: 5, sign });
  const after = await take(log, people, make('Trip 🏔️'));
  assert.is(after.title, 'Trip 🏔️');
  for (const title of ['', ' ', 'x'.repeat(101), 'a\nb']) assert.throws(() => make(title), /title/);
});

test('[MB3] an entry that follows 4,096 of its device is refused; others go on', async () => {
  const { owner, ann, people, log } = await four(805);
  const [device, other] = owner.devices;
  let grown = log;
  const written = log.entries.length;
  for (let i = written, parents = log.heads; i < DEVICE_ENTRIES; i++) {
    const entry = merge(log, owner, { parents, at: i });
    grown = await addToMembershipLog(grown, entry, device!.logged);
    parents = [entry.hash];
  }
  assert.is(grown.entries.length, DEVICE_ENTRIES);
  assert.is(await codeOf(() => take(grown, people, merge(grown, owner))), 'LIMIT_REACHED');
  const beside = remove(log, owner, ann);
  assert.equal(
    roles(await take(grown, people, beside), ann),
    ['none'],
    'what does not follow them is judged alone',
  );
  const rest = await addToMembershipLog(grown, remove(grown, owner, ann, { device: 1 }), other!.logged);
  assert.equal(roles(rest, ann), ['none']);
});

test('[MB5] an addition as an admin, a promotion, a demotion, a leave, a removal', async () => {
  const { owner, ann, bob, cid, dan, people, log } = await four(806);
  assert.equal(roles(log, owner, ann, bob, cid, dan), ['admin', 'admin', 'member', 'member', 'none']);
  let grown = await take(log, people, promote(log, ann, bob));
  grown = await take(grown, people, demote(grown, bob, ann));
  grown = await take(grown, people, leave(grown, cid));
  grown = await take(grown, people, add(grown, bob, dan, 'admin'));
  grown = await take(grown, people, remove(grown, dan, owner));
  assert.equal(roles(grown, owner, ann, bob, cid, dan), ['none', 'member', 'admin', 'none', 'admin']);
});

test('[MB4] additions of one account that do not know of each other: the higher role, the more senior entry', async () => {
  const { random, owner, ann, dan, people, log } = await four(807);
  const [low, high] = [add(log, owner, dan), add(log, ann, dan, 'admin')];
  const after = await inEveryOrder(random, log, people, low, high);
  assert.equal(roles(after, dan), ['admin']);
  assert.is(toHex(after.members.get(dan.key)!.addedBy), hashes(low, high)[0]);
});

test('[MB6] removal wins: what an admin does while it is removed is void, with all that follows from it', async () => {
  const { random, owner, ann, bob, dan, eve, people, log } = await four(808);
  const removal = remove(log, owner, ann);
  const added = add(log, ann, dan, 'admin');
  const branch = await take(log, people, added);
  const second = add(branch, dan, eve, 'admin');
  const third = rename(await take(branch, people, second), eve, 'Taken');
  const puppets = [added, second, third, promote(log, ann, bob)];
  const after = await inEveryOrder(random, log, people, removal, ...puppets);
  assert.equal(roles(after, ann, bob, dan, eve), ['none', 'member', 'none', 'none']);
  assert.is(after.title, undefined);
  assert.equal(after.heads.map(toHex), hashes(removal), 'nothing void is a head');
  assert.is(after.entries.length, log.entries.length + 5, 'void entries are kept');
});

test('[MB6] what is given to an account beside its removal is void; what it did before stands', async () => {
  const { random, owner, ann, bob, dan, people, log } = await four(809);
  const before = add(log, ann, dan);
  const grown = await take(log, people, before);
  const after = await inEveryOrder(
    ...([random, log, people, before, remove(grown, owner, ann)] as const),
    ...[promote(log, owner, ann), add(log, owner, ann, 'admin'), remove(log, ann, bob)],
  );
  assert.equal(roles(after, ann, bob, dan), ['none', 'member', 'member']);
});

test('[MB6] to follow a void entry does not revive it, nor spoil what follows', async () => {
  const { random, owner, ann, bob, dan, people, log } = await four(810);
  const [removal, void_] = [remove(log, owner, ann), add(log, ann, dan, 'admin')];
  const both = await withAll(log, people, removal, void_);
  const next = promote(both, owner, bob, { parents: [removal.hash, void_.hash] });
  const puppet = rename(both, dan, 'Taken', { parents: [next.hash] });
  const after = await inEveryOrder(random, log, people, removal, void_, next, puppet);
  assert.equal([roles(after, ann, bob, dan), after.title], [['none', 'admin', 'none'], undefined]);
});

test('[MB7] of two admins who end each other the senior stays, whether they remove or demote', async () => {
  const { random, owner, ann, bob, people, log } = await four(811);
  const grown = await take(log, people, promote(log, owner, bob));
  for (const [senior, junior] of [
    [owner, ann],
    [ann, bob],
    [owner, bob],
  ] as const)
    for (const high of [remove, demote])
      for (const low of [remove, demote]) {
        const after = await inEveryOrder(
          ...([random, grown, people, low(grown, junior, senior), high(grown, senior, junior)] as const),
        );
        assert.equal(roles(after, senior, junior), ['admin', high === remove ? 'none' : 'member']);
      }
});

test('[MB7] of equally deep additions the lesser hash is senior, however its author ground it', async () => {
  const { random, owner, ann, people, log } = await four(812);
  const { others } = await chatOf(random, 2);
  const all = [...people, ...others];
  const [fay, gus] = others as [typeof ann, typeof ann];
  let ground = add(log, ann, gus, 'admin');
  for (let at = 2; at < 200; at++) {
    const again = add(log, ann, gus, 'admin', { at });
    if (toHex(again.hash) < toHex(ground.hash)) ground = again;
  }
  const added = add(log, owner, fay, 'admin');
  const grown = await withAll(log, all, added, ground);
  const crossed = await inEveryOrder(random, grown, all, remove(grown, fay, gus), remove(grown, gus, fay));
  const [senior, junior] = toHex(added.hash) < toHex(ground.hash) ? [fay, gus] : [gus, fay];
  assert.equal(roles(crossed, senior, junior), ['admin', 'none']);
  // Against the one who ground it, and whoever is senior to that one, it gains nothing.
  for (const other of [ann, owner]) {
    const after = await inEveryOrder(
      random,
      grown,
      all,
      remove(grown, gus, other),
      remove(grown, other, gus),
    );
    assert.equal(roles(after, other, gus), ['admin', 'none']);
  }
});

test('[MB7] a chain: who was ended by a senior ends nobody; who was ended by that one lives', async () => {
  const { random, owner, ann, bob, cid, people, log } = await four(813);
  const grown = await withAll(log, people, promote(log, owner, bob));
  const links = [remove(grown, owner, ann), remove(grown, ann, bob), remove(grown, bob, cid)];
  const after = await inEveryOrder(random, grown, people, ...links);
  assert.equal(roles(after, owner, ann, bob, cid), ['admin', 'none', 'admin', 'none']);
  const without = await inEveryOrder(random, grown, people, ...links.slice(1));
  assert.equal(roles(without, owner, ann, bob, cid), ['admin', 'admin', 'none', 'member']);
});

test('[MB7] a junior ends a senior, who in the meantime ended a third: both count; what it added does not', async () => {
  const { random, ann, bob, cid, dan, owner, people, log } = await four(814);
  const grown = await take(log, people, promote(log, owner, bob));
  const entries = [remove(grown, bob, ann), remove(grown, ann, cid), add(grown, ann, dan)];
  const after = await inEveryOrder(random, grown, people, ...entries);
  assert.equal(roles(after, ann, bob, cid, dan), ['none', 'admin', 'none', 'none']);
});

test('[MB7] an ending that loses its senior grant is judged as senior as the next one', async () => {
  const { random, owner, ann, bob, cid, people, log } = await four(824);
  const early = promote(log, ann, bob);
  const removal = remove(log, owner, ann);
  const between = await take(log, people, rename(log, owner, 'Between'));
  const late = promote(between, owner, bob);
  const both = await withAll(between, people, late, early);
  const grown = await take(both, people, promote(both, owner, cid));
  const crossed = [remove(grown, cid, bob), remove(grown, bob, cid)];
  const after = await inEveryOrder(random, grown, people, removal, ...crossed);
  assert.equal(roles(after, ann, bob, cid), ['none', 'admin', 'none']);
});

test('[MB8] a removed account returns by an addition that follows the removal, junior to all', async () => {
  const { random, owner, ann, bob, people, log } = await four(815);
  const grown = await take(log, people, promote(log, owner, bob));
  const gone = await take(grown, people, remove(grown, owner, ann));
  const back = await take(gone, people, add(gone, owner, ann, 'admin'));
  assert.equal(roles(back, ann), ['admin']);
  const after = await inEveryOrder(random, back, people, remove(back, ann, bob), remove(back, bob, ann));
  assert.equal(roles(after, ann, bob), ['none', 'admin'], 'it was senior before');
  const old = remove(grown, ann, bob);
  assert.equal(
    roles(await take(back, people, old), bob),
    ['admin'],
    'under the old grant nothing more counts',
  );
  const member = await take(gone, people, add(gone, owner, ann));
  assert.equal(roles(member, ann), ['member'], 'rights of before do not return');
});

test('[MB8] a return that one removal precedes and another does not', async () => {
  const { random, owner, ann, bob, people, log } = await four(816);
  const first = remove(log, owner, bob);
  const gone = await take(log, people, first);
  const again = add(gone, owner, bob);
  const late = remove(log, ann, bob);
  const after = await inEveryOrder(random, log, people, first, again, late);
  assert.equal(roles(after, bob), ['none'], 'the second did not know of the return');
  const all = await take(after, people, promote(after, owner, bob));
  assert.equal(roles(all, bob), ['admin']);
});

test('[MB9] who is demoted beside what it does as an admin stays a member; the rest is void', async () => {
  const { random, owner, ann, bob, cid, dan, people, log } = await four(817);
  const demotion = demote(log, owner, ann);
  const beside = [
    add(log, ann, dan),
    rename(log, ann, 'Mine'),
    promote(log, ann, bob),
    remove(log, ann, cid),
  ];
  const after = await inEveryOrder(random, log, people, demotion, ...beside, promote(log, owner, ann));
  assert.equal(roles(after, ann, bob, cid, dan), ['member', 'member', 'member', 'none']);
  assert.is(after.title, undefined);
  const left = await inEveryOrder(random, log, people, demotion, leave(log, ann));
  assert.equal(roles(left, ann), ['none'], 'it may still leave');
  const again = await take(after, people, promote(after, owner, ann));
  assert.equal(roles(again, ann), ['admin']);
  assert.is(await codeOf(() => take(after, people, rename(after, ann, 'Mine'))), 'none');
  assert.is((await take(after, people, rename(after, ann, 'Mine'))).title, undefined, 'taken, and void');
});

test('[MB10] any member leaves; nothing counts that it did not know then, but for other leaves of it', async () => {
  const { random, owner, ann, bob, dan, people, log } = await four(818);
  assert.equal(roles(await take(log, people, leave(log, bob)), bob), ['none']);
  const leaves = [leave(log, ann), leave(log, ann, { device: 1 })];
  const beside = [add(log, ann, dan, 'member', { device: 1 }), promote(log, owner, ann)];
  const after = await inEveryOrder(random, log, people, ...leaves, ...beside);
  assert.equal(roles(after, ann, dan), ['none', 'none']);
  assert.equal(after.heads.map(toHex), hashes(...leaves, beside[1]!), 'both leaves count');
});

test('[MB11] when the last admin leaves, the most senior member has the rights of one', async () => {
  const { random, owner, ann, bob, cid, dan, people, log } = await four(819);
  const gone = [leave(log, owner), leave(log, ann)];
  const left = await inEveryOrder(random, log, people, ...gone);
  assert.equal(roles(left, owner, ann, bob, cid), ['none', 'none', 'admin', 'member']);
  assert.is(await codeOf(() => take(left, people, add(left, cid, dan))), 'LOG_ENTRY_REFUSED');
  const acts = add(left, bob, dan, 'admin');
  const after = await inEveryOrder(random, log, people, ...gone, acts);
  assert.equal(roles(after, bob, cid, dan), ['member', 'member', 'admin'], 'there is an admin again');
  assert.is(await codeOf(() => take(after, people, rename(after, bob, 'Mine'))), 'LOG_ENTRY_REFUSED');
  const early = add(log, bob, dan, 'member', { parents: [gone[0]!.hash] });
  assert.is(
    await codeOf(() => take(left, people, early)),
    'LOG_ENTRY_REFUSED',
    'in its past there is an admin',
  );
});

test('[MB11] who is an admin in spite of a void demotion is no heir: what it does may still be taken back', async () => {
  const { random, owner, ann, bob, people, log } = await four(825);
  const grown = await take(log, people, promote(log, owner, bob));
  const [demotion, removal] = [demote(grown, bob, ann), remove(grown, owner, bob)];
  const both = await withAll(grown, people, demotion, removal);
  const named = rename(both, ann, 'Ours', { parents: [demotion.hash, removal.hash] });
  assert.is((await take(both, people, named)).title, 'Ours');
  const after = await inEveryOrder(random, grown, people, demotion, removal, named, demote(both, owner, ann));
  assert.equal([roles(after, ann), after.title], [['member'], undefined]);
});

test('[MB11] an admin who demotes itself is the heir where it is the most senior', async () => {
  const { random, owner, bob, people, first } = await four(820);
  const two = await take(first, people, add(first, owner, bob));
  const lone = demote(two, owner, owner);
  const after = await inEveryOrder(random, two, people, lone);
  assert.equal(roles(after, owner, bob), ['admin', 'member']);
  const named = await take(after, people, rename(after, owner, 'Still mine'));
  assert.is(named.title, 'Still mine');
});

test('[MB12] of several renames the deepest counts, of equally deep ones the greatest hash; void ones do not', async () => {
  const { random, owner, ann, people, log } = await four(821);
  const [a, b] = [rename(log, owner, 'A'), rename(log, ann, 'B')];
  const after = await inEveryOrder(random, log, people, a, b);
  assert.is(after.title, toHex(a.hash) > toHex(b.hash) ? 'A' : 'B');
  const later = rename(await take(log, people, a), owner, 'C');
  assert.is((await inEveryOrder(random, log, people, a, b, later)).title, 'C');
  const without = await inEveryOrder(random, log, people, a, b, remove(log, owner, ann));
  assert.is(without.title, 'A');
});

test('[MB2] a device that no account’s log has, under the id of one that is', async () => {
  const { random, owner, bob, log } = await four(823);
  const forged = testDevice(random, owner.account);
  const entry = remove(log, owner, bob, { sign: forged.sign });
  assert.is(await codeOf(() => addToMembershipLog(log, entry, forged.logged)), 'LOG_ENTRY_REFUSED');
});

test.run();
