// Two people edit one document: any Y.Doc, with cursors and offline edits, over a relay that reads none of it.
import { mkdtempSync } from 'node:fs';
import { createAccount, when } from '@sealwire/core';
import { fileStorage } from '@sealwire/core/node';
import { createRelay, memoryStore } from '@sealwire/relay';

const relay = await createRelay({ store: memoryStore() });
const person = (name) =>
  createAccount({
    storage: fileStorage(mkdtempSync(`/tmp/${name}-`)),
    relay: relay.address,
    name,
    deviceName: `${name}'s phone`,
    platform: 'phone',
  });
const [ada, bea] = await Promise.all([person('Ada'), person('Bea')]);
for (const { status } of [ada, bea]) await when(status, ({ connection }) => connection === 'online');

await ada.addContact(await bea.createCard());
const [request] = await when(bea.requests, (waiting) => waiting.length === 1);
await bea.acceptRequest(request.id);
await when(ada.contacts, (contacts) => contacts.some(({ devices }) => devices > 0));
const chatId = await ada.createChat('Plans', [bea.accountId]);
await when(bea.chats, (chats) => chats.length === 1);

// The same name opens the same document. Bind `doc` and `awareness` to an editor, or use them as they are.
const onAda = await ada.openSharedDoc(chatId, 'notes');
const onBea = await bea.openSharedDoc(chatId, 'notes');
const until = (shared, isSo) =>
  new Promise((resolve) => {
    const look = () => isSo(shared.doc.getText('body').toString(), shared.awareness.getStates()) && resolve();
    shared.doc.on('update', look);
    shared.awareness.on('change', look);
    look();
  });

onAda.doc.getText('body').insert(0, 'bread');
await until(onBea, (text) => text === 'bread');

for (const device of [ada, bea]) device.setNetwork(false);
onAda.doc.getText('body').insert(0, 'milk, ');
onBea.doc.getText('body').insert(5, ', cheese');
for (const device of [ada, bea]) device.setNetwork(true);
for (const shared of [onAda, onBea]) await until(shared, (text) => text === 'milk, bread, cheese');

onAda.awareness.setLocalState({ user: 'Ada', cursor: 4 });
await until(onBea, (_text, people) => [...people.values()].some(({ user }) => user === 'Ada'));
console.log(onBea.doc.getText('body').toString());

for (const shared of [onAda, onBea]) shared.close();
await Promise.all([ada.close(), bea.close()]);
await relay.close();
