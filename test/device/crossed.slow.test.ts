// timeout: 240s
// Revocations and rotations that cross, or that a device sleeps through. Rules: spec/device-log.md §6, §7, spec/epochs.md §3.
import type { Device, Evidence } from '@sealwire/core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Bench, onBench, settled, setUp, until } from './support.ts';

const test = suite('crossed log-outs and rotations');

const ROTATIONS = 10;

const evidenceOf = (device: Device): Evidence[] => {
  const list: Evidence[] = [];
  device.onEvidence((evidence) => list.push(evidence));
  return list;
};

const count = (device: Device, messages: number) =>
  until(device.chats, ([chat]) => chat?.messages === messages);

const isOut = (device: Device) => until(device.status, ({ problem }) => problem?.code === 'LOGGED_OUT');

const inTurn = async <T>(length: number, make: (i: number) => Promise<T>): Promise<T[]> => {
  const made: T[] = [];
  for (let i = 0; i < length; i++) made.push(await make(i));
  return made;
};

/** A phone, a web device and a desktop device with one chat. */
const family = async (bench: Bench) => {
  const phone = await bench.create('phone');
  const web = await bench.link(phone, 'web');
  const desktop = await bench.link(phone, 'desktop');
  const chatId = await phone.createChat('kept');
  for (const device of [web, desktop]) await until(device.chats, (chats) => chats.length === 1);
  return { phone, web, desktop, chatId };
};

/** Both write and read each other under keys that all of them have. */
const speakOn = async (devices: readonly Device[], chatId: string, before: number): Promise<void> => {
  for (const device of devices) await (await device.openChat(chatId)).send('on');
  for (const device of devices) await count(device, before + devices.length);
  for (const device of devices)
    await until(device.status, ({ rotationOwed, pending }) => !rotationOwed && pending === 0);
};

for (const isFirst of [true, false])
  test(`[DL10] [DL22] a companion ends itself while the phone, offline, ends it: ${isFirst ? 'it' : 'the phone'} is heard first`, async () => {
    const bench = await setUp();
    try {
      const { phone, web, desktop, chatId } = await family(bench);
      await settled(web);
      const evidence = [phone, desktop].map(evidenceOf);
      phone.setNetwork(false);
      await phone.logOutDevice(web.id);
      if (isFirst) await web.logOut();
      const leaving = isFirst ? Promise.resolve() : web.logOut();
      if (!isFirst) web.setNetwork(false);
      phone.setNetwork(true);
      await settled(phone);
      if (!isFirst) web.setNetwork(true);
      await Promise.all([leaving, isOut(web)]);
      for (const device of [phone, desktop]) await until(device.devices, (devices) => devices.length === 2);
      await speakOn([phone, desktop], chatId, 0);
      assert.equal(
        evidence.map((list) => list.map(({ code }) => code)),
        [[], []],
      );
    } finally {
      await bench.end();
    }
  });

test(
  '[EP3] [DL18] away during ten rotations: a companion, and then the phone, read all of it and write on',
  onBench(async (bench) => {
    const { phone, web, desktop, chatId } = await family(bench);
    const guests = await inTurn(ROTATIONS, (i) => bench.link(phone, `guest ${i}`));
    for (const device of [web, ...guests]) {
      await until(device.chats, (chats) => chats.length === 1);
      await settled(device);
    }
    await bench.close(web);
    const onPhone = await phone.openChat(chatId);
    for (const [i, guest] of guests.entries()) {
      await phone.logOutDevice(guest.id);
      await isOut(guest);
      await onPhone.send(`by the phone, ${i}`);
      await settled(phone);
    }
    const back = await bench.open('web');
    const evidence = evidenceOf(back);
    await count(back, ROTATIONS);
    await speakOn([back, phone, desktop], chatId, ROTATIONS);
    assert.equal(evidence, []);

    const others = await inTurn(ROTATIONS, (i) => bench.link(phone, `other ${i}`));
    for (const device of others) {
      await until(device.chats, (chats) => chats.length === 1);
      await settled(device);
    }
    await settled(phone);
    await bench.close(phone);
    const onDesktop = await desktop.openChat(chatId);
    for (const [i, other] of others.entries()) {
      await other.logOut();
      await until(desktop.devices, (devices) => devices.length === ROTATIONS + 2 - i);
      await onDesktop.send(`by the desktop, ${i}`);
      await settled(desktop);
    }
    const again = await bench.open('phone');
    const more = evidenceOf(again);
    await count(again, 2 * ROTATIONS + 3);
    await speakOn([again, back, desktop], chatId, 2 * ROTATIONS + 3);
    assert.equal(more, []);
  }),
);

test.run();
