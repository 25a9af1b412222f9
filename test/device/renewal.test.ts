// timeout: 120s
// Companions that come back every week, and one that does not. Rules: spec/device-log.md §7.
import type { Device } from '@sealwire/core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { onBench, settled, until } from './support.ts';

const test = suite('renewals');

const DAY = 24 * 60 * 60_000;

/** The device comes back to its relay, and sees what time has done. */
const reconnect = async (device: Device): Promise<void> => {
  device.setNetwork(false);
  await until(device.status, ({ connection }) => connection === 'offline');
  device.setNetwork(true);
  await settled(device);
};

const renewedAt = (device: Device, id: string): number | undefined =>
  device.devices.get().find((one) => one.id === id)?.renewedAt;

test(
  '[DL26] [DL27] who comes online renews itself; who has not for five weeks is logged out, and an alert says so',
  onBench(async (bench) => {
    let time = Date.now();
    const now = (): number => time;
    const phone = await bench.create('phone', { now });
    const web = await bench.link(phone, 'web', { now });
    const desktop = await bench.link(phone, 'desktop', { now });
    const chatId = await phone.createChat('kept');
    for (const device of [web, desktop]) await until(device.chats, (chats) => chats.length === 1);
    await reconnect(web);
    assert.is(renewedAt(web, web.id), undefined, 'linking was a moment ago');
    time += 8 * DAY;
    await reconnect(web);
    await until(phone.devices, () => renewedAt(phone, web.id) === time);
    assert.is(renewedAt(phone, phone.id), undefined);
    await settled(web);
    await bench.close(web);
    phone.setNetwork(false);
    time += 36 * DAY;
    await reconnect(desktop);
    await until(desktop.devices, () => renewedAt(desktop, desktop.id) === time);
    await settled(desktop);
    assert.is(desktop.devices.get().length, 3, 'a companion ends nobody');
    phone.setNetwork(true);
    for (const device of [phone, desktop]) {
      await until(device.devices, (devices) => devices.length === 2);
      await until(device.alerts, (alerts) =>
        alerts.some(
          ({ kind, deviceId, name }) => kind === 'device-lapsed' && deviceId === web.id && name === 'web',
        ),
      );
    }
    await (await phone.openChat(chatId)).send('under a new key');
    await until(desktop.chats, ([chat]) => chat?.messages === 1);
    await settled(phone);
    const back = await bench.open('web', { now });
    await until(back.status, ({ problem }) => problem?.code === 'LOGGED_OUT');
    // The phone itself may stay away for as long as it likes.
    time += 400 * DAY;
    await reconnect(desktop);
    await until(desktop.devices, () => renewedAt(desktop, desktop.id) === time);
    assert.is(desktop.devices.get().length, 2);
  }),
);

test.run();
