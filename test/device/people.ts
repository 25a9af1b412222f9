// People who meet, and what tests of their chats ask: shared by the tests of chats of several accounts.
import type { Chat, Device, Evidence } from '@sealwire/core';
import { type Bench, until } from './support.ts';

export const online = (device: Device) => until(device.status, ({ connection }) => connection === 'online');

/** All evidence of a device from now on. */
export const watch = (device: Device): Evidence[] => {
  const seen: Evidence[] = [];
  device.onEvidence((evidence) => seen.push(evidence));
  return seen;
};

/** One shows a card, the other scans it, the first agrees. Resolves when both know each other's devices. */
export const meet = async (asker: Device, owner: Device): Promise<void> => {
  await asker.addContact(await owner.createCard());
  const requests = await until(owner.requests, (waiting) =>
    waiting.some(({ accountId }) => accountId === asker.accountId),
  );
  await owner.acceptRequest(requests.find(({ accountId }) => accountId === asker.accountId)!.id);
  for (const [device, other] of [
    [asker, owner],
    [owner, asker],
  ] as const)
    await until(device.contacts, (contacts) =>
      contacts.some(({ accountId, devices }) => accountId === other.accountId && devices > 0),
    );
};

/** The chat, once the device has it. */
export const opened = async (device: Device, chatId: string): Promise<Chat> => {
  await until(device.chats, (chats) => chats.some(({ id }) => id === chatId));
  return device.openChat(chatId);
};

/** A chat that the first makes with the others, open on the device of each, with everybody in it. */
export const together = async <D extends readonly Device[]>(
  ...devices: D
): Promise<{ readonly id: string; readonly chats: { [K in keyof D]: Chat } }> => {
  const [maker, ...others] = devices;
  const id = await maker!.createChat(
    'Summer',
    others.map(({ accountId }) => accountId),
  );
  const chats = await Promise.all(devices.map((device) => opened(device, id)));
  await Promise.all(chats.map((chat) => members(chat, devices.length)));
  return { id, chats: chats as { [K in keyof D]: Chat } };
};

export const texts = (chat: Chat): string[] => chat.timeline.get().map(({ text }) => text);

/** Resolves when a text is shown. */
export const shows = (chat: Chat, text: string) =>
  until(chat.timeline, (messages) => messages.some((message) => message.text === text));

/** Resolves when the chat has so many members. */
export const members = (chat: Chat, count: number) => until(chat.members, (list) => list.length === count);

/** Resolves when a text has left this device. */
export const sent = (chat: Chat, text: string) =>
  until(chat.timeline, (messages) =>
    messages.some((message) => message.text === text && message.state === 'sent'),
  );

/** Ada knows Bea and Cleo; those two do not know each other. One phone each. */
export const three = async (bench: Bench, internals: Parameters<Bench['create']>[1] = {}) => {
  const ada = await bench.create('ada', internals);
  const bea = await bench.create('bea', { name: 'Bea', ...internals });
  const cleo = await bench.create('cleo', { name: 'Cleo', ...internals });
  await Promise.all([ada, bea, cleo].map(online));
  await meet(bea, ada);
  await meet(cleo, ada);
  return { ada, bea, cleo };
};
