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

test.run();
