// Two people meet by a card, compare their safety number, and write in a chat that only their devices can read.
import { mkdtempSync } from 'node:fs';
import { createAccount, when } from '@sealwire/core';
import { fileStorage } from '@sealwire/core/node';
import { createRelay, memoryStore } from '@sealwire/relay';

const relay = await createRelay({ store: memoryStore() });
const join = async (name) => {
  const storage = fileStorage(mkdtempSync(`/tmp/${name}-`));
  const device = await createAccount({
    storage,
    relay: relay.address,
    name,
    deviceName: `${name}'s phone`,
    platform: 'phone',
  });
  await when(device.status, ({ connection }) => connection === 'online');
  return device;
};
const [ada, bob] = [await join('Ada'), await join('Bob')];

await bob.addContact(await ada.createCard()); // Bob scans the card that Ada shows.
const [request] = await when(ada.requests, (requests) => requests.length === 1);
await ada.acceptRequest(request.id); // Ada is asked, and agrees.
await when(bob.contacts, ([contact]) => contact?.state === 'known');

const scanned = bob.safetyNumber(ada.accountId).qr; // They compare, face to face.
if (ada.compareSafety(bob.accountId, scanned) === 'match') await ada.markVerified(bob.accountId, true);

const chat = await ada.openChat(await ada.createChat('Harbour', [bob.accountId]));
await chat.send('Welcome, Bob');
const [{ id }] = await when(bob.chats, ([first]) => first?.messages === 1);
const same = await bob.openChat(id);
await same.send('Glad to be here');
const messages = await when(chat.timeline, (list) => list.length === 2);

console.log(messages.map(({ author, text }) => `${author.name}: ${text}`).join('\n'));
await Promise.all([ada.close(), bob.close()]);
await relay.close();
