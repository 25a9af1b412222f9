// timeout: 120s
// Three devices of one account: a companion makes chats, the phone goes off for ever, the others go on; reopening.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { onBench, settled, until } from './support.ts';

const test = suite('three devices');

test(
  'a companion makes a chat offline, another is linked later and has it all, with the phone off',
  onBench(async (bench) => {
    const phone = await bench.create('phone');
    const web = await bench.link(phone, 'web');
    web.setNetwork(false);
    const chatId = await web.createChat('made on the web, offline');
    const onWeb = await web.openChat(chatId);
    for (let i = 0; i < 40; i++) await onWeb.send(`web ${i}`);
    web.setNetwork(true);
    await until(phone.chats, (chats) => chats[0]?.messages === 40);
    const onPhone = await phone.openChat(chatId);
    await onPhone.send('the last word of the phone');
    await settled(phone);
    const desktop = await bench.link(phone, 'desktop');
    await bench.close(phone);
    await until(desktop.chats, (chats) => chats[0]?.messages === 41);
    assert.is(desktop.chats.get()[0]!.title, 'made on the web, offline');
    const onDesktop = await desktop.openChat(chatId);
    const second = await desktop.createChat('made on the desktop');
    await (await desktop.openChat(second)).send('hello');
    await onDesktop.send('without the phone');
    await until(onWeb.timeline, (messages) => messages.length === 42);
    await until(web.chats, (chats) => chats.length === 2 && chats.every(({ messages }) => messages > 0));
    assert.equal(
      onWeb.timeline.get().map(({ id, text }) => [id, text]),
      onDesktop.timeline.get().map(({ id, text }) => [id, text]),
    );
    await until(desktop.devices, (devices) => devices.every(({ name }) => name !== 'Unnamed device'));
    assert.equal(
      desktop.devices.get().map(({ name, mayLink }) => [name, mayLink]),
      [
        ['phone', true],
        ['web', false],
        ['desktop', false],
      ],
    );
  }),
);

test(
  'reopened with the relay dead, a device has everything; two processes never share a vault',
  onBench(async (bench) => {
    const phone = await bench.create('phone');
    const web = await bench.link(phone, 'web');
    const chatId = await phone.createChat('kept');
    const chat = await phone.openChat(chatId);
    const ids = [];
    for (let i = 0; i < 20; i++) ids.push(await chat.send(`kept ${i}`));
    await chat.delete(ids[5]!);
    const expected = chat.timeline.get().map(({ id, text, at }) => [id, text, at]);
    await until(web.chats, (chats) => chats.length === 1);
    const onWeb = await web.openChat(chatId);
    const last = expected.at(-1)![0];
    await until(
      onWeb.timeline,
      (messages) => messages.length === expected.length && messages.at(-1)?.id === last,
    );
    await Promise.all([settled(phone), settled(web)]);
    await Promise.all([bench.close(phone), bench.close(web)]);
    await bench.relay.stop();
    for (const name of ['phone', 'web']) {
      const again = await bench.open(name);
      const reopened = await again.openChat(chatId);
      assert.equal(
        reopened.timeline.get().map(({ id, text, at }) => [id, text, at]),
        expected,
      );
      await assertCode(() => bench.open(name), 'STORAGE_IN_USE');
      await reopened.send('written with the relay dead');
      assert.is(again.status.get().pending, 1);
    }
  }),
);

test(
  'wrong use is said at once: a name too long, a chat that is not there, a text that is empty',
  onBench(async (bench) => {
    await assertCode(() => bench.open('nothing here'), 'NO_DEVICE');
    const phone = await bench.create('phone', {});
    await assertCode(() => phone.openChat('00'), 'CHAT_UNKNOWN');
    const chat = await phone.openChat(await phone.createChat('x'));
    await assertThrows(() => chat.send(''), RangeError);
    await assertThrows(() => phone.createChat('x'.repeat(101)), RangeError);
    await assertThrows(() => chat.delete('1:1'), RangeError);
    chat.close();
    await assertCode(() => chat.send('closed'), 'CLOSED');
  }),
);

const failureOf = async (run: () => unknown): Promise<unknown> => {
  try {
    await run();
  } catch (error) {
    return error;
  }
  return undefined;
};

const assertCode = async (run: () => unknown, code: string): Promise<void> =>
  assert.is(((await failureOf(run)) as { code?: string } | undefined)?.code, code);

const assertThrows = async (run: () => unknown, kind: new () => Error): Promise<void> =>
  assert.instance(await failureOf(run), kind);

test.run();
