// timeout: 180s
// Devices that are logged out: what they can read and write afterwards, what is left of them, and what others see.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Device, Evidence } from '@sealwire/core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { onBench, settled, until } from './support.ts';

const test = suite('logged out');

const texts = (device: Device, chatId: string) =>
  device.openChat(chatId).then((chat) => chat.timeline.get().map(({ text }) => text));

const evidenceOf = (device: Device): Evidence[] => {
  const list: Evidence[] = [];
  device.onEvidence((evidence) => list.push(evidence));
  return list;
};

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

const codeOf = async (run: () => unknown): Promise<string> => {
  try {
    await run();
  } catch (error) {
    return (error as { code?: string }).code ?? (error as Error).name;
  }
  return 'none';
};

test(
  '[DL20] logged out while online: told at once, nothing of it is left, and the others go on under a new key',
  onBench(async (bench) => {
    const phone = await bench.create('phone');
    const web = await bench.link(phone, 'web');
    const desktop = await bench.link(phone, 'desktop');
    const chatId = await phone.createChat('all of us');
    const onPhone = await phone.openChat(chatId);
    await onPhone.send('before');
    for (const device of [web, desktop]) await until(device.chats, ([chat]) => chat?.messages === 1);
    const onWeb = await web.openChat(chatId);
    await onWeb.send('the last word of the web');
    await settled(web);
    await until(phone.chats, ([chat]) => chat?.messages === 2);
    await phone.logOutDevice(web.id);
    await until(web.status, ({ problem }) => problem?.code === 'LOGGED_OUT');
    assert.not(await exists(join(bench.folder, 'web')));
    assert.equal(web.chats.get(), []);
    assert.equal(onWeb.timeline.get(), []);
    assert.is(await codeOf(() => onWeb.send('x')), 'LOGGED_OUT');
    assert.is(await codeOf(() => web.createChat('x')), 'LOGGED_OUT');
    assert.is(await codeOf(() => web.openChat(chatId)), 'LOGGED_OUT');
    assert.is(await codeOf(() => web.recover()), 'LOGGED_OUT');
    assert.is(web.status.get().problem?.code, 'LOGGED_OUT');
    await onPhone.send('after');
    await until(desktop.chats, ([chat]) => chat?.messages === 3);
    const onDesktop = await desktop.openChat(chatId);
    await onDesktop.send('and the desktop');
    await until(onPhone.timeline, (messages) => messages.length === 4);
    assert.equal(
      (await texts(desktop, chatId)).sort(),
      ['after', 'and the desktop', 'before', 'the last word of the web'].sort(),
    );
    for (const device of [phone, desktop])
      assert.equal(
        device.devices
          .get()
          .map(({ name }) => name)
          .sort(),
        ['desktop', 'phone'],
      );
    await bench.close(web);
    assert.is(await codeOf(() => bench.open('web')), 'NO_DEVICE');
    const again = await bench.link(phone, 'web');
    await until(again.chats, ([chat]) => chat?.messages === 4);
  }),
);

test(
  '[DL20] logged out while away: it learns so from the note at the relay, and wipes itself',
  onBench(async (bench) => {
    const phone = await bench.create('phone');
    const web = await bench.link(phone, 'web');
    const chatId = await phone.createChat('kept');
    await (await phone.openChat(chatId)).send('hello');
    await until(web.chats, ([chat]) => chat?.messages === 1);
    await settled(web);
    await bench.close(web);
    await phone.logOutDevice(web.id);
    await settled(phone);
    const back = await bench.open('web');
    await until(back.status, ({ problem }) => problem?.code === 'LOGGED_OUT');
    assert.not(await exists(join(bench.folder, 'web')));
    assert.equal(back.chats.get(), []);
  }),
);

test(
  '[DL19] logged out by a phone that is offline: done as soon as it comes back, with what came before it',
  onBench(async (bench) => {
    const phone = await bench.create('phone');
    const web = await bench.link(phone, 'web');
    const chatId = await phone.createChat('kept');
    await until(web.chats, (chats) => chats.length === 1);
    phone.setNetwork(false);
    await phone.logOutDevice(web.id);
    assert.equal(
      phone.devices.get().map(({ name }) => name),
      ['phone'],
    );
    const onWeb = await web.openChat(chatId);
    await onWeb.send('nobody has told me');
    await settled(web);
    phone.setNetwork(true);
    await until(web.status, ({ problem }) => problem?.code === 'LOGGED_OUT');
    await until(phone.chats, ([chat]) => chat?.messages === 1);
  }),
);

test(
  '[DL22] a companion logs itself out: its words are kept and it is gone',
  onBench(async (bench) => {
    const phone = await bench.create('phone');
    const web = await bench.link(phone, 'web');
    const chatId = await phone.createChat('kept');
    await until(web.chats, (chats) => chats.length === 1);
    assert.is(await codeOf(() => web.logOutDevice(phone.id)), 'LINK_NOT_ALLOWED');
    const onWeb = await web.openChat(chatId);
    await onWeb.send('bye');
    await web.logOut();
    assert.is(web.status.get().problem?.code, 'LOGGED_OUT');
    assert.not(await exists(join(bench.folder, 'web')));
    await until(phone.devices, (devices) => devices.length === 1);
    const onPhone = await phone.openChat(chatId);
    await onPhone.send('alone');
    await settled(phone);
    assert.equal((await texts(phone, chatId)).sort(), ['alone', 'bye']);
  }),
);

test(
  '[DL18] after a companion ended itself, the phone makes the keys that are due without a person’s doing',
  onBench(async (bench) => {
    const phone = await bench.create('phone');
    const web = await bench.link(phone, 'web');
    await phone.createChat('kept');
    await until(web.chats, (chats) => chats.length === 1);
    await settled(phone);
    assert.not(phone.status.get().rotationOwed);
    await web.logOut();
    await until(phone.devices, (devices) => devices.length === 1);
    await until(phone.status, ({ rotationOwed, pending }) => !rotationOwed && pending === 0);
    const desktop = await bench.link(phone, 'desktop');
    await until(desktop.chats, (chats) => chats.length === 1);
    await until(desktop.status, ({ loadingRooms, rotationOwed }) => loadingRooms === 0 && !rotationOwed);
  }),
);

test(
  '[DL19] a phone that stops right after logging a device out does the rest when it is opened again',
  onBench(async (bench) => {
    const phone = await bench.create('phone');
    const web = await bench.link(phone, 'web');
    const desktop = await bench.link(phone, 'desktop');
    const chatId = await phone.createChat('kept');
    for (const device of [web, desktop]) await until(device.chats, (chats) => chats.length === 1);
    await settled(phone);
    phone.setNetwork(false);
    await phone.logOutDevice(web.id);
    await bench.close(phone);
    const back = await bench.open('phone');
    assert.equal(
      back.devices
        .get()
        .map(({ name }) => name)
        .sort(),
      ['desktop', 'phone'],
    );
    await until(web.status, ({ problem }) => problem?.code === 'LOGGED_OUT');
    const onPhone = await back.openChat(chatId);
    await onPhone.send('under a new key');
    await until(desktop.chats, ([chat]) => chat?.messages === 1);
    const onDesktop = await desktop.openChat(chatId);
    await onDesktop.send('read and answered');
    await until(onPhone.timeline, (messages) => messages.length === 2);
  }),
);

test(
  'a device that was off during many rotations reads all of it when it comes back',
  onBench(async (bench) => {
    const phone = await bench.create('phone');
    const web = await bench.link(phone, 'web');
    const chatId = await phone.createChat('kept');
    const onPhone = await phone.openChat(chatId);
    await until(web.chats, (chats) => chats.length === 1);
    await settled(web);
    await bench.close(web);
    for (let i = 0; i < 4; i++) {
      const guest = await bench.link(phone, `guest ${i}`);
      await until(guest.chats, ([chat]) => chat?.messages === 2 * i);
      const onGuest = await guest.openChat(chatId);
      await onGuest.send(`from guest ${i}`);
      await settled(guest);
      await until(phone.chats, ([chat]) => chat?.messages === 2 * i + 1);
      await phone.logOutDevice(guest.id);
      await until(guest.status, ({ problem }) => problem?.code === 'LOGGED_OUT');
      await onPhone.send(`after ${i}`);
    }
    await settled(phone);
    await bench.close(phone);
    const back = await bench.open('web');
    const evidence = evidenceOf(back);
    await until(back.chats, ([chat]) => chat?.messages === 8);
    const onWeb = await back.openChat(chatId);
    await onWeb.send('here again');
    await settled(back);
    assert.equal(
      evidence.map(({ code }) => code),
      [],
    );
    const reopened = await bench.open('phone');
    await until(reopened.chats, ([chat]) => chat?.messages === 9);
    assert.equal((await readdir(bench.folder)).sort(), ['phone', 'relay', 'web']);
  }),
);

test(
  'what the account writes down after a log-out reaches its devices: pages were made anew',
  onBench(async (bench) => {
    const phone = await bench.create('phone');
    const desktop = await bench.link(phone, 'desktop');
    const web = await bench.link(phone, 'web');
    await phone.logOutDevice(web.id);
    await until(desktop.devices, (devices) => devices.length === 2);
    await phone.renameDevice(desktop.id, 'Harbour office');
    await until(desktop.devices, (devices) => devices.some(({ name }) => name === 'Harbour office'));
    const later = await bench.link(phone, 'later');
    await until(later.devices, (devices) =>
      devices.some(({ id, name }) => id === later.id && name === 'later'),
    );
  }),
);

test.run();
