// The membership log, one story a test. Rules: spec/membership.md.
import { toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { membersAt, removalOver, removalsOf } from '../src/identity/membership.ts';
import { codeOf } from './device-log-kit.ts';
import {
  add,
  chatOf,
  counted,
  cutOf,
  demote,
  hashes,
  inEveryOrder,
  leave,
  merge,
  promote,
  remove,
  rename,
  roles,
  take,
  withAll,
} from './membership-kit.ts';
import { seeded } from './support.ts';

const test = suite('membership');

/** A chat of four people; the owner and the second are admins. */
const four = async (seed: number) => {
  const random = seeded(seed);
  const { owner, others, log: first } = await chatOf(random, 5);
  const [ann, bob, cid, dan, eve] = others as [
    typeof owner,
    typeof owner,
    typeof owner,
    typeof owner,
    typeof owner,
  ];
  const people = [owner, ...others];
  let log = first;
  log = await take(log, people, add(log, owner, ann, 'admin'));
  log = await take(log, people, add(log, owner, bob));
  log = await take(log, people, add(log, owner, cid));
  return { random, owner, ann, bob, cid, dan, eve, people, log, first };
};

test('basic', async () => {
  const { random, owner, ann, bob, cid, dan, people, log } = await four(1);
  assert.equal(roles(log, owner, ann, bob, cid, dan), ['admin', 'admin', 'member', 'member', 'none']);
  const r = remove(log, ann, bob);
  const after = await inEveryOrder(
    random,
    log,
    people,
    r,
    promote(log, owner, bob),
    rename(log, owner, 'Hi'),
  );
  assert.equal(roles(after, bob), ['none']);
  assert.is(after.title, 'Hi');
  const back = await take(after, people, add(after, ann, bob));
  assert.equal(roles(back, bob), ['member']);
  assert.is(removalOver(back, bob.key, back.heads), undefined);
  assert.equal((removalOver(back, bob.key, after.heads) as { hash: Uint8Array }).hash, r.hash);
  assert.equal([...membersAt(back, back.heads)!.keys()], [...back.members.keys()]);
  const crossed = await inEveryOrder(random, log, people, remove(log, ann, owner), remove(log, owner, ann));
  assert.equal(roles(crossed, owner, ann), ['admin', 'none']);
  let left = await inEveryOrder(random, log, people, leave(log, owner), leave(log, ann));
  assert.equal(roles(left, owner, ann, bob, cid), ['none', 'none', 'admin', 'member']);
  left = await take(left, people, add(left, bob, dan));
  assert.equal(roles(left, bob, dan), ['admin', 'member']);
  const thief = add(log, ann, dan, 'admin', { device: 1 });
  const withThief = await take(log, people, thief);
  const cut = cutOf(log, ann);
  const followed = rename(withThief, owner, 'after');
  const all = await inEveryOrder(random, log, people, thief, followed, cut);
  assert.equal(roles(all, dan), ['none']);
  assert.equal(all.heads.map(toHex), hashes(followed, cut));
  assert.equal([...membersAt(all, all.heads)!.keys()], [...all.members.keys()]);
  assert.ok(membersAt(all, [followed.hash])!.has(dan.key));
  assert.is(await codeOf(() => take(log, people, add(log, bob, dan))), 'LOG_ENTRY_REFUSED');
  void [removalsOf, counted, demote, merge];
});

test.run();
