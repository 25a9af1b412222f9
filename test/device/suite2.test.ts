// timeout: 120s
// Links of suite 2 between real devices over a real relay. Rules: spec/link.md §2.
import { linkDevice } from '@sealwire/core';
import { fileStorage } from '@sealwire/core/node';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { setUp, until } from './support.ts';

const test = suite('suite 2');

test('[LK14] a device linked in suite 2 has the chats; the suite shows in what goes up, and in nothing else', async () => {
  const bench = await setUp();
  try {
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
  } finally {
    await bench.end();
  }
});

test('[LK14] a suite that does not exist is a mistake of the caller', async () => {
  const options = { relay: 'ws://127.0.0.1:9', deviceName: 'x', platform: 'web' } as const;
  for (const wrong of [0, 3, '2'])
    assert.throws(
      () => linkDevice({ ...options, storage: fileStorage('never'), suite: wrong as 1 }),
      (error: unknown) => error instanceof RangeError && /suite/.test(error.message),
    );
});

test.run();
