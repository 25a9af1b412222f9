// timeout: 300s
// Chats of several accounts over a real relay: made, written in from all sides, joined later, left, and ended. Rules:
// spec/chats.md.
import type { Chat, Device, Evidence } from '@sealwire/core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Bench, settled, setUp, until } from './support.ts';

const test = suite('chats of several accounts');

const online = (device: Device) => until(device.status, ({ connection }) => connection === 'online');

/** Tells evidence that means harm: nobody in these stories lies, but for what they do before they know better. */
const watch = (device: Device): Evidence[] => {
  const seen: Evidence[] = [];
  device.onEvidence((evidence) => seen.push(evidence));
  return seen;
};

const meet = async (asker: Device, owner: Device): Promise<void> => {
  await asker.addContact(await owner.createCard());
  const [request] = await until(owner.requests, (requests) =>
    requests.some(({ accountId }) => accountId === asker.accountId),
  );
  await owner.acceptRequest(request!.id);
  for (const [device, other] of [
    [asker, owner],
    [owner, asker],
  ] as const)
    await until(device.contacts, (contacts) =>
      contacts.some(({ accountId, devices }) => accountId === other.accountId && devices > 0),
    );
};

const opened = async (device: Device, chatId: string): Promise<Chat> => {
  await until(device.chats, (chats) => chats.some(({ id }) => id === chatId));
  return device.openChat(chatId);
};

const texts = (chat: Chat): string[] => chat.timeline.get().map(({ text }) => text);
const shows = (chat: Chat, text: string) =>
  until(chat.timeline, (messages) => messages.some((message) => message.text === text));

const three = async (bench: Bench) => {
  const ada = await bench.create('ada');
  const bea = await bench.create('bea', { name: 'Bea' });
  const cleo = await bench.create('cleo', { name: 'Cleo' });
  await Promise.all([ada, bea, cleo].map(online));
  await meet(bea, ada);
  await meet(cleo, ada);
  return { ada, bea, cleo };
};

test('three accounts with five devices: everybody reads everybody, under their names', async () => {
  const bench = await setUp();
  try {
    const { ada, bea, cleo } = await three(bench);
    const adaWeb = await bench.link(ada, 'ada-web');
    const beaWeb = await bench.link(bea, 'bea-web');
    const devices = [ada, adaWeb, bea, beaWeb, cleo];
    const evidence = devices.map(watch);
    const id = await ada.createChat('Summer', [bea.accountId, cleo.accountId]);
    const chats = await Promise.all(devices.map((device) => opened(device, id)));
    for (const [i, chat] of chats.entries()) {
      await until(chat.members, (members) => members.length === 3);
      await chat.send(`hello from ${i}`);
    }
    for (const chat of chats) {
      await until(chat.timeline, (messages) => messages.length === 5);
      assert.is(chat.title, 'Summer');
      assert.equal(
        chat.timeline.get().map(({ text, author }) => [text, author.name]),
        ['Ada', 'Ada', 'Bea', 'Bea', 'Cleo'].map((name, i) => [`hello from ${i}`, name]),
      );
      assert.equal(
        chat.members.get().map(({ name, role }) => [name, role]),
        [
          ['Ada', 'admin'],
          ['Bea', 'member'],
          ['Cleo', 'member'],
        ],
      );
    }
    await Promise.all(devices.map(settled));
    for (const [i, seen] of evidence.entries()) assert.equal(seen, [], `device ${i}`);
  } finally {
    await bench.end();
  }
});

test.run();
