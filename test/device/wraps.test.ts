// timeout: 120s
// A device that hands another one a key which does not open. Rules: spec/device-log.md §6.
import type { Device, Evidence } from '@sealwire/core';
import { createAccountKey, type DeviceInternals } from '@sealwire/core/testing';
import { sameBytes } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { onBench, settled, until } from './support.ts';

const test = suite('wraps that do not open');

type Core = Parameters<NonNullable<DeviceInternals['onOpen']>>[0];

const evidenceOf = (device: Device): Evidence[] => {
  const list: Evidence[] = [];
  device.onEvidence((evidence) => list.push(evidence));
  return list;
};

const count = (device: Device, messages: number) =>
  until(device.chats, ([chat]) => chat?.messages === messages);

/** Both write and read each other under keys that all of them have. */
const speakOn = async (devices: readonly Device[], chatId: string, before: number): Promise<void> => {
  for (const device of devices) await (await device.openChat(chatId)).send('on');
  for (const device of devices) await count(device, before + devices.length);
  for (const device of devices)
    await until(device.status, ({ rotationOwed, pending }) => !rotationOwed && pending === 0);
};

test(
  '[DL16] an account key that does not open for one device: that device says so and makes another, and nobody is stuck',
  onBench(async (bench) => {
    let core: Core | undefined;
    const phone = await bench.create('phone', { onOpen: (opened) => (core = opened) });
    const web = await bench.link(phone, 'web');
    const desktop = await bench.link(phone, 'desktop');
    const chatId = await phone.createChat('kept');
    for (const device of [web, desktop]) await until(device.chats, (chats) => chats.length === 1);
    await settled(phone);
    const evidence = evidenceOf(desktop);
    const { accountRoom, deviceId, directory, account, sign } = core!;
    const log = core!.deviceLog();
    const devices = [...log.devices].map(([id, device]) =>
      id === desktop.id ? { ...device, keys: log.devices.get(web.id)!.keys } : device,
    );
    const randomBytes = (length: number) => crypto.getRandomValues(new Uint8Array(length));
    const lie = await createAccountKey({ log, author: deviceId, sign, randomBytes, devices });
    account.add(lie.entry.entry.accountKey, lie.privateKey);
    await accountRoom.putControl([lie.entry]);
    await directory.learn(lie.entry);
    await until(desktop.devices, () => evidence.some(({ code }) => code === 'LOG_ENTRY_REFUSED'));
    const use = () => core!.deviceLog().accountKeys[0]!;
    await until(phone.devices, () => !sameBytes(use().hash, lie.entry.hash));
    await speakOn([phone, web, desktop], chatId, 0);
    assert.is(use().wraps.length, 3);
    assert.is(evidence.length, 1);
  }),
);

test.run();
