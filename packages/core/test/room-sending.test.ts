// When a stored frame leaves, and leaves again. Rules: spec/frame.md §9.
import { SealwireError } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PAGE, testAccount, testRoom } from './room-support.ts';
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

test('[FR18] what was put back being there again says nothing of what is still in flight behind it', async () => {
  for (const isRestarted of [false, true]) {
    const random = seeded(3);
    const account = await testAccount(random, 1);
    const first = await testRoom(random, account, 0);
    await first.room.goLive();
    await first.write('put back');
    await first.room.idle();
    let position = 0;
    for (let item = first.sent.shift(); item; item = first.sent.shift()) {
      await first.room.appended(++position, item.frame);
      await first.room.idle();
    }
    await first.write('in flight');
    await first.room.idle();
    const { records } = first;
    const { room, sent } = isRestarted ? await testRoom(random, account, 0, { records }) : first;
    const { clientId } = first.room.page(PAGE);
    room.goDown();
    await room.goBack(0);
    sent.length = 0;
    await room.goLive();
    const inFlight = room.state.framed.find(({ clockAfter }) => clockAfter === 2)!;
    const others = sent.filter(({ frame }) => frame !== inFlight.frame);
    assert.ok(others.length > 0, 'put back');
    for (const { frame } of others) await room.appended(++position, frame);
    assert.equal(room.state.own.get(clientId), { stored: 2, sent: 1 });
    await room.appended(++position, inFlight.frame);
    assert.equal(room.state.own.get(clientId), { stored: 2, sent: 2 });
  }
});

test.run();
