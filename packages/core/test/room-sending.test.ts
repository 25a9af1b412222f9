// When a stored frame leaves, and leaves again. Rules: spec/frame.md §9.
import { SealwireError, sameBytes } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { epochTagOf } from '../src/frame/envelope.ts';
import { decodeRecord } from '../src/room/records.ts';
import { learn, revoked } from './epochs-kit.ts';
import { drain, PAGE, testAccount, testRoom } from './room-support.ts';
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

test('[FR27, FR28] what is in flight as a revocation becomes known leaves again under the new epoch alone: the body stays', async () => {
  for (const isRestarted of [false, true]) {
    const random = seeded(4);
    const account = await testAccount(random, 3);
    const first = await testRoom(random, account, 2);
    await first.write('before');
    const before = await drain(first);
    await first.write('in flight');
    await first.room.goLive();
    await first.room.idle();
    const [old, ...none] = first.sent.splice(0);
    assert.equal([old!.stream, none], [PAGE, []]);
    first.room.goDown();
    const { body } = first.room.state.framed[0]!;
    const desktop = isRestarted ? await testRoom(random, account, 2, { records: first.records }) : first;
    const { revoke, key } = await revoked(account, 1);
    await learn(desktop, revoke);
    await desktop.write('written after it');
    await desktop.room.goLive();
    await desktop.room.resend();
    await desktop.room.idle();
    const leaves = () => desktop.sent.some(({ stream }) => stream === PAGE);
    assert.not(leaves(), 'there is no key yet that the revoked device does not hold');
    desktop.room.options.account.add(key.entry.entry.accountKey, key.privateKey);
    await learn(desktop, key.entry);
    await desktop.room.idle();
    assert.not(leaves(), 'the epoch goes first');
    await desktop.room.resend();
    assert.not(leaves(), 'also when the relay refused it for the moment');
    assert.is(desktop.room.pending() > 1, true, 'both wait');
    const after = await drain(desktop, { next: before.length + 2 });
    const pages = after.filter(({ stream }) => stream === PAGE);
    assert.is(pages.length, 2, 'one in flight, one written since');
    for (const { frame } of pages) assert.not(sameBytes(epochTagOf(frame), epochTagOf(old!.frame)));
    assert.is(desktop.room.pending(), 0);
    const stored = [...desktop.records.values()].map(decodeRecord);
    assert.is(stored.filter(({ type }) => type === 'framed').length, 0);

    const web = await testRoom(random, account, 1);
    await web.room.receive([...before, ...after]);
    assert.equal(web.texts(), ['before'], 'the revoked device has no key for it');
    const phone = await testRoom(random, account, 0);
    phone.room.options.account.add(key.entry.entry.accountKey, key.privateKey);
    // The old frame may have reached the relay before the connection broke.
    await phone.room.receive([...before, { position: before.length + 1, ...old! }, ...after]);
    assert.equal(phone.texts(), ['before', 'in flight', 'written after it']);
    assert.equal(phone.evidence, []);
    const chain = [...phone.room.state.chains.values()].find(
      ({ address }) => address.clientId === body.clientId && address.stream === PAGE,
    );
    assert.ok(chain && chain.last >= body.counter);
  }
});

test.run();
