// Two devices of one account and a relay in one program: link, write on both offline, converge.
import { mkdtempSync } from 'node:fs';
import { createAccount, linkDevice, when } from '@sealwire/core';
import { fileStorage } from '@sealwire/core/node';
import { createRelay, memoryStore } from '@sealwire/relay';

const relay = await createRelay({ store: memoryStore() });
const at = (name) => ({
  storage: fileStorage(mkdtempSync(`/tmp/${name}-`)),
  relay: relay.address,
  deviceName: name,
});
const step = async (link, name) => when(link.state, (state) => state.step === name);

const phone = await createAccount({ ...at('phone'), name: 'Ada', platform: 'phone' });
const chat = await phone.openChat(await phone.createChat('Note to self'));
await when(phone.status, ({ connection }) => connection === 'online');

const request = linkDevice({ ...at('laptop'), platform: 'desktop' });
const session = phone.link((await step(request, 'code')).code); // The phone scans this code.
const { digits } = await step(session, 'digits');
await step(request, 'type-digits');
request.submitDigits(digits); // A person reads them on the phone and types them here.
session.confirm((await step(session, 'confirm')).deviceName); // And agrees on the phone.
const laptop = await request.device;
const [{ id }] = await when(laptop.chats, (chats) => chats.length === 1);
const same = await laptop.openChat(id);

for (const device of [phone, laptop]) device.setNetwork(false);
await Promise.all([chat.send('from the phone, offline'), same.send('from the laptop, offline')]);
for (const device of [phone, laptop]) device.setNetwork(true);
const messages = await when(
  same.timeline,
  (list) => list.length === 2 && list.every(({ state }) => state === 'sent'),
);
await when(chat.timeline, (list) => list.length === 2);

console.log(
  messages
    .map(({ text }) => text)
    .sort()
    .join('\n'),
);
await Promise.all([phone.close(), laptop.close()]);
await relay.close();
