// timeout: 120s
// Links of suite 2 between real devices over a real relay. Rules: spec/link.md §2.
import { createAccount, linkDevice, SealwireError } from '@sealwire/core';
import { fileStorage } from '@sealwire/core/node';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { onBench, settled, until } from './support.ts';

const test = suite('suite 2');

test(
  '[LK14] a device linked in suite 2 has the chats; the suite shows in what goes up, and in nothing else',
  onBench(async (bench) => {
    const phone = await bench.create('phone');
    const chatId = await phone.createChat('from before');
    await (await phone.openChat(chatId)).send('sealed all the same');
    const sizes = new Map<1 | 2, number[]>();
    for (const chosen of [1, 2] as const) {
      const up: number[] = [];
      const device = await bench.link(phone, `web ${chosen}`, {
        suite: chosen,
        onTraffic: (direction, bytes) => {
          if (direction === 'up') up.push(bytes.length);
          return undefined;
        },
      });
      sizes.set(chosen, up);
      await until(device.chats, (chats) => chats[0]?.messages === 1);
      const chat = await device.openChat(chatId);
      assert.equal(
        chat.timeline.get().map(({ text }) => text),
        ['sealed all the same'],
      );
    }
    const largest = (chosen: 1 | 2) => Math.max(...sizes.get(chosen)!);
    assert.ok(largest(1) < 1216 && largest(2) > 1216, `${largest(1)}, ${largest(2)}`);
  }),
);

test(
  '[DL17] an account of suite 2: companions, chats, reopening; no code of suite 1 joins it',
  onBench(async (bench) => {
    const phone = await bench.create('phone', { suite: 2 });
    const chatId = await phone.createChat('for decades');
    await (await phone.openChat(chatId)).send('from before');
    const refused = await bench.link(phone, 'too old').catch((error: unknown) => error);
    assert.instance(refused, SealwireError);
    assert.is((refused as SealwireError).code, 'UNSUPPORTED_VERSION');
    const web = await bench.link(phone, 'web', { suite: 2 });
    await until(web.chats, (chats) => chats[0]?.messages === 1);
    const onWeb = await web.openChat(chatId);
    await onWeb.send('from the web');
    const second = await web.createChat('made there');
    await (await web.openChat(second)).send('hello');
    await until(phone.chats, (chats) => chats.length === 2 && chats.every(({ messages }) => messages > 0));
    await settled(phone);
    await settled(web);
    await bench.close(web);
    await bench.close(phone);
    const again = await bench.open('web');
    const chat = await again.openChat(chatId);
    await until(chat.timeline, (messages) => messages.length === 2);
    assert.equal(
      chat.timeline.get().map(({ text }) => text),
      ['from before', 'from the web'],
    );
    assert.is(again.status.get().problem, undefined);
    const phoneAgain = await bench.open('phone');
    const third = await bench.link(phoneAgain, 'desktop', { suite: 2 });
    await until(third.chats, (chats) => chats.reduce((sum, { messages }) => sum + messages, 0) === 3);
    assert.is(third.devices.get().length, 3);
  }),
);

test('[LK14] a suite that does not exist is a mistake of the caller', async () => {
  const isSuiteError = (error: unknown): boolean =>
    error instanceof RangeError && /suite/.test(error.message);
  const options = { relay: 'ws://127.0.0.1:9', deviceName: 'x', platform: 'web' } as const;
  for (const wrong of [0, 3, '2'])
    assert.throws(
      () => linkDevice({ ...options, storage: fileStorage('never'), suite: wrong as 1 }),
      isSuiteError,
    );
  const created = createAccount({ ...options, name: 'x', storage: fileStorage('never'), suite: 3 as 1 });
  assert.ok(isSuiteError(await created.catch((error: unknown) => error)));
});

test.run();
