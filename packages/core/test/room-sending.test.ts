// When a stored frame leaves, and leaves again. Rules: spec/frame.md §9.
import { SealwireError } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { testAccount, testRoom } from './room-support.ts';
import { seeded } from './support.ts';

const test = suite('sending from a room');

test('[FR16] what the relay refuses for the moment while the vault is full leaves once the vault is repaired', async () => {
  const random = seeded(1);
  const { room, sent, write } = await testRoom(random, await testAccount(random, 1), 0);
  await room.goLive();
  await write('hello');
  await room.idle();
  assert.is(sent.length, 1, 'in flight');
  const { vault } = room.options;
  Object.assign(vault, { problem: new SealwireError('STORAGE_FULL', 'full') });
  await room.resend();
  assert.is(sent.length, 1, 'nothing leaves while the vault cannot say what is stored');
  Object.assign(vault, { problem: undefined });
  await room.recovered();
  assert.is(sent.length, 2);
  assert.equal(sent[1]!.frame, sent[0]!.frame, 'the same bytes');
});

test('[FR18] an acknowledgement settles the frame that it is about, and no other', async () => {
  const random = seeded(2);
  const { room, sent, write } = await testRoom(random, await testAccount(random, 1), 0);
  await room.goLive();
  await write('put back');
  await room.idle();
  const first = sent.splice(0);
  for (const [i, { frame }] of first.entries()) await room.appended(i + 1, frame);
  await room.idle();
  const second = sent.splice(0);
  for (const [i, { frame }] of second.entries()) await room.appended(i + 2, frame);
  assert.is(room.pending(), 0);
  // The relay names a head below what it holds: what comes back is settled by that, and the answer comes after it.
  room.goDown();
  await room.goBack(1);
  await room.goLive();
  const [again] = sent.splice(0);
  await room.receive(second.map((item, i) => ({ position: i + 2, ...item })));
  await write('in flight');
  await room.idle();
  assert.is(room.pending(), 1);
  await room.appended(3, again!.frame);
  assert.is(room.pending(), 1, 'the relay has said nothing of it');
  await room.appended(4, sent[0]!.frame);
  assert.is(room.pending(), 0);
});

test.run();
