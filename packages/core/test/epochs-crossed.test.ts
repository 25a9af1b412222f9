// Two devices that rotate without knowing of each other. Rules: spec/epochs.md §3.
import { CONTROL_STREAM, toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { epochTagOf } from '../src/frame/envelope.ts';
import { hashOf, learn, revoked } from './epochs-kit.ts';
import { drain, PAGE, type TestRoom, testAccount, testRoom } from './room-support.ts';
import { seeded } from './support.ts';

const test = suite('epochs: crossed');

test('[EP9] two rotate at once: all read both, in every order, and write on under one of them', async () => {
  for (let seed = 1; seed <= 6; seed++) {
    const random = seeded(310 + seed);
    const account = await testAccount(random, 4);
    const { revoke, key } = await revoked(account, 3);
    const rooms: TestRoom[] = [];
    for (const index of [0, 1, 2]) rooms.push(await testRoom(random, account, index));
    for (const room of rooms) {
      room.room.options.account.add(key.entry.entry.accountKey, key.privateKey);
      await learn(room, revoke, key.entry);
    }
    const [phone, web, reader] = rooms as [TestRoom, TestRoom, TestRoom];
    const frames = [];
    for (const writer of [phone, web]) {
      await writer.write(writer === phone ? 'by the phone' : 'by the web');
      frames.push(...(await drain(writer)));
    }
    const tagsOf = (list: readonly { readonly stream: string; readonly frame: Uint8Array }[]) =>
      list.filter(({ stream }) => stream === PAGE).map(({ frame }) => toHex(epochTagOf(frame)));
    assert.is(new Set(tagsOf(frames)).size, 2, 'two epochs');
    const order = random.shuffled(frames).map((frame, i) => ({ ...frame, position: i + 50 }));
    for (const room of rooms) {
      await room.room.receive(order);
      assert.equal(room.texts(), ['by the phone', 'by the web'], `seed ${seed}`);
      assert.equal(room.evidence, []);
      assert.not(room.room.rotationOwed());
    }
    const used = new Set(rooms.map(({ room }) => hashOf(room.state.control.current())));
    assert.is(used.size, 1, 'all choose alike');
    const later = [];
    for (const [i, room] of rooms.entries()) {
      await room.write(`later ${i}`);
      later.push(...(await drain(room, { next: 100 + 10 * i })));
    }
    assert.is(new Set(tagsOf(later)).size, 1);
    assert.ok(tagsOf(frames).includes(tagsOf(later)[0]!), 'no third epoch was needed');
    assert.ok(later.some(({ stream }) => stream !== CONTROL_STREAM));
    await reader.room.receive(later.map((frame, i) => ({ ...frame, position: 200 + i })));
    assert.is(reader.texts().length, 5);
  }
});

test.run();
