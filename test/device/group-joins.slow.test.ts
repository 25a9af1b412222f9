// timeout: 300s
// Who comes later to a chat of several accounts: with and without its history, by a new device, after a long absence, by a
// stranger's invitation; and admins who end each other. Rules: spec/chats.md.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { meet, members, online, opened, sent, shows, texts, three, together, watch } from './people.ts';
import { onBench, settled, until } from './support.ts';

const test = suite('joining chats of several accounts');

test(
  '[CH4, CH5] added without history: nothing from before, everything from then on, from every device',
  onBench(async (bench) => {
    const { ada, bea, cleo } = await three(bench);
    const adaWeb = await bench.link(ada, 'ada-web');
    const id = await ada.createChat('Summer', [bea.accountId]);
    const [onAda, onWeb, onBea] = await Promise.all([ada, adaWeb, bea].map((device) => opened(device, id)));
    await Promise.all([onAda!, onWeb!, onBea!].map((chat) => members(chat, 2)));
    for (const [i, chat] of [onAda!, onWeb!, onBea!].entries()) await chat.send(`secret ${i}`);
    await Promise.all(
      [onAda!, onWeb!, onBea!].map((chat) => until(chat.timeline, (list) => list.length === 3)),
    );
    const evidence = [ada, adaWeb, bea, cleo].map(watch);
    await onAda!.addMember(cleo.accountId);
    await onAda!.send('welcome, Cleo');
    const onCleo = await opened(cleo, id);
    await shows(onCleo, 'welcome, Cleo');
    await Promise.all([onWeb!, onBea!].map((chat) => members(chat, 3)));
    await onWeb!.send('from the web');
    await onBea!.send('from Bea');
    await onCleo.send('thank you');
    for (const text of ['from the web', 'from Bea', 'thank you'])
      await Promise.all([onAda!, onWeb!, onBea!, onCleo].map((chat) => shows(chat, text)));
    assert.equal(texts(onCleo).slice(0, 1), ['welcome, Cleo']);
    assert.is(texts(onCleo).length, 4);
    assert.is(texts(onBea!).length, 7);
    assert.is(onCleo.title, 'Summer');
    // The same after a restart, and for a device that is linked later.
    await settled(cleo);
    const cleoWeb = await bench.link(cleo, 'cleo-web');
    const onCleoWeb = await opened(cleoWeb, id);
    await until(onCleoWeb.timeline, (list) => list.length === 4);
    await bench.close(cleo);
    const again = await bench.open('cleo', {});
    await online(again);
    const reopened = await opened(again, id);
    assert.equal(texts(reopened), texts(onCleoWeb));
    await reopened.send('back');
    await Promise.all([onAda!, onBea!, onCleoWeb].map((chat) => shows(chat, 'back')));
    for (const [i, seen] of evidence.entries()) assert.equal(seen, [], `device ${i}`);
  }),
);

test(
  '[CH4, CH12] a new companion deletes, then changes the members, before it says a word: nothing is missing to anybody',
  onBench(async (bench) => {
    const { ada, bea, cleo } = await three(bench);
    const {
      id,
      chats: [onAda, onBea],
    } = await together(ada, bea);
    await onAda.send('never mind');
    await shows(onBea, 'never mind');
    const adaWeb = await bench.link(ada, 'ada-web');
    const onWeb = await opened(adaWeb, id);
    await members(onWeb, 2);
    await shows(onWeb, 'never mind');
    const evidence = [ada, adaWeb, bea, cleo].map(watch);
    // A renaming is the first that anybody hears of this device.
    await onWeb.rename('Autumn');
    await until(onBea.members, () => onBea.title === 'Autumn');
    // Its chain in the page begins with a deletion, which no newcomer may read.
    await onWeb.delete(onWeb.timeline.get()[0]!.id);
    await until(onBea.timeline, (list) => list.length === 0);
    await onWeb.addMember(cleo.accountId);
    await onWeb.send('welcome, Cleo');
    const onCleo = await opened(cleo, id);
    for (const chat of [onAda, onBea, onCleo]) await shows(chat, 'welcome, Cleo');
    for (const [i, seen] of evidence.entries()) assert.equal(seen, [], `device ${i}`);
  }),
);

test(
  '[CH6] added with history: everything from the beginning, also after a restart in between',
  onBench(async (bench) => {
    const { ada, bea, cleo } = await three(bench);
    const {
      id,
      chats: [onAda, onBea],
    } = await together(ada, bea);
    for (let i = 0; i < 5; i++) await onAda.send(`ada ${i}`);
    await shows(onBea, 'ada 4');
    for (let i = 0; i < 5; i++) await onBea.send(`bea ${i}`);
    await shows(onAda, 'bea 4');
    const evidence = [ada, bea, cleo].map(watch);
    await onAda.addMember(cleo.accountId, { shareHistory: true });
    await onAda.send('welcome');
    const onCleo = await opened(cleo, id);
    await until(onCleo.timeline, (list) => list.length === 11);
    assert.equal(texts(onCleo), texts(onAda));
    assert.equal(
      onCleo.timeline.get().map(({ author }) => author.name),
      onAda.timeline.get().map(({ author }) => author.name),
    );
    await onCleo.send('I have read it all');
    await shows(onBea, 'I have read it all');
    await settled(cleo);
    await bench.close(cleo);
    const again = await bench.open('cleo', {});
    assert.is(texts(await opened(again, id)).length, 12);
    for (const [i, seen] of evidence.entries()) assert.equal(seen, [], `device ${i}`);
  }),
);

test(
  '[CH5] what was said before somebody joined, and left later, is for those who were there',
  onBench(async (bench) => {
    const { ada, bea, cleo } = await three(bench);
    const {
      id,
      chats: [onAda, onBea],
    } = await together(ada, bea);
    await onBea.send('first');
    await shows(onAda, 'first');
    bea.setNetwork(false);
    await onBea.send('for Ada alone');
    const evidence = [ada, bea, cleo].map(watch);
    await onAda.addMember(cleo.accountId);
    await onAda.send('welcome');
    const onCleo = await opened(cleo, id);
    await shows(onCleo, 'welcome');
    bea.setNetwork(true);
    await shows(onAda, 'for Ada alone');
    await members(onBea, 3);
    await onBea.send('for all');
    await shows(onCleo, 'for all');
    await Promise.all([ada, bea, cleo].map(settled));
    assert.equal(texts(onCleo), ['welcome', 'for all']);
    assert.is(cleo.status.get().pending, 0);
    await bench.close(cleo);
    const again = await bench.open('cleo', {});
    evidence.push(watch(again));
    const reopened = await opened(again, id);
    await onAda.send('again');
    await shows(reopened, 'again');
    assert.equal(texts(reopened), ['welcome', 'for all', 'again']);
    for (const [i, seen] of evidence.entries()) assert.equal(seen, [], `device ${i}`);
  }),
);

test(
  '[CH6] who was there without the history and comes back with it reads what was passed over',
  onBench(async (bench) => {
    const { ada, bea, cleo } = await three(bench, { times: { retryLongestMs: 300 } });
    const id = await ada.createChat('Summer', [bea.accountId]);
    const onAda = await opened(ada, id);
    await members(onAda, 2);
    await onAda.send('one');
    await sent(onAda, 'one');
    await onAda.addMember(cleo.accountId);
    await onAda.send('two');
    const onCleo = await opened(cleo, id);
    await shows(onCleo, 'two');
    assert.equal(texts(onCleo), ['two']);
    await onAda.removeMember(cleo.accountId);
    await onAda.send('three');
    await sent(onAda, 'three');
    await onAda.addMember(cleo.accountId, { shareHistory: true });
    await onAda.send('four');
    await until(onCleo.timeline, (list) => list.length === 4);
    assert.equal(texts(onCleo), ['one', 'two', 'three', 'four']);
    await onCleo.send('five');
    await shows(onAda, 'five');
    await settled(cleo);
    await bench.close(cleo);
    assert.is(texts(await opened(await bench.open('cleo', {}), id)).length, 5);
  }),
);

test(
  "a stranger's invitation waits; joined after a yes, never after a no",
  onBench(async (bench) => {
    const { ada, bea, cleo } = await three(bench);
    // Bea and Cleo share a chat with Ada and are no contacts: Bea has Cleo's card, Cleo never said yes.
    const shared = await ada.createChat('Summer', [bea.accountId, cleo.accountId]);
    await Promise.all([bea, cleo].map(async (device) => members(await opened(device, shared), 3)));
    await bea.addContact(await cleo.createCard());
    await until(cleo.requests, (requests) => requests.some(({ kind }) => kind === 'contact'));
    const [first] = cleo.requests.get();
    await cleo.declineRequest(first!.id);
    const onBea = await bea.openChat(await bea.createChat('Secret plan'));
    await onBea.addMember(cleo.accountId);
    await onBea.send('are you in?');
    const [invitation] = await until(cleo.requests, (requests) => requests.length === 1);
    assert.equal(
      [invitation!.kind, invitation!.title, invitation!.name],
      ['invitation', 'Secret plan', 'Bea'],
    );
    await settled(cleo);
    assert.is(cleo.chats.get().length, 1);
    await cleo.acceptRequest(invitation!.id);
    const onCleo = await opened(cleo, onBea.id);
    await shows(onCleo, 'are you in?');
    await onCleo.send('I am');
    await shows(onBea, 'I am');
    assert.equal(
      onBea.timeline.get().map(({ author }) => author.name),
      ['Bea', 'Cleo'],
    );
  }),
);

test(
  'a device that was away for ten changes of the members comes back to the same chat',
  onBench(async (bench) => {
    const { ada, bea, cleo } = await three(bench);
    const {
      chats: [onAda, onBea],
    } = await together(ada, bea);
    await onBea.send('see you');
    await shows(onAda, 'see you');
    bea.setNetwork(false);
    await onBea.send('written on the way');
    for (let i = 0; i < 5; i++) {
      await onAda.addMember(cleo.accountId);
      await onAda.send(`with Cleo, ${i}`);
      await onAda.removeMember(cleo.accountId);
      await onAda.send(`without Cleo, ${i}`);
    }
    await onAda.promote(bea.accountId);
    await settled(ada);
    const evidence = [ada, bea].map(watch);
    bea.setNetwork(true);
    await shows(onBea, 'without Cleo, 4');
    await shows(onAda, 'written on the way');
    await until(onBea.members, (list) => list.length === 2 && list.every(({ role }) => role === 'admin'));
    await onBea.addMember(ada.accountId);
    assert.equal(texts(onAda), texts(onBea));
    for (const [i, seen] of evidence.entries()) assert.equal(seen, [], `device ${i}`);
  }),
);

test(
  '[CH3, CH9] two admins who end each other at once: everybody agrees who stays',
  onBench(async (bench) => {
    const { ada, bea, cleo } = await three(bench);
    const {
      chats: [onAda, onBea, onCleo],
    } = await together(ada, bea, cleo);
    await onAda.promote(bea.accountId);
    await until(onBea.members, (list) => list.some(({ isMe, role }) => isMe && role === 'admin'));
    await onBea.send('before');
    await Promise.all([onAda, onCleo].map((chat) => shows(chat, 'before')));
    await Promise.all([ada, bea, cleo].map(settled));
    bea.setNetwork(false);
    await onBea.removeMember(ada.accountId);
    await onBea.send('without Ada');
    await onAda.removeMember(bea.accountId);
    await onAda.send('without Bea');
    await members(onCleo, 2);
    await shows(onCleo, 'without Bea');
    bea.setNetwork(true);
    // Ada was there first: her word counts, and Bea is out for all.
    await onCleo.send('and so it stays');
    await shows(onAda, 'and so it stays');
    await sent(onCleo, 'and so it stays');
    assert.equal(
      onAda.members.get().map(({ name }) => name),
      ['Ada', 'Cleo'],
    );
    assert.equal(
      onCleo.members.get().map(({ name }) => name),
      ['Ada', 'Cleo'],
    );
    assert.not(texts(onCleo).includes('without Ada'));
  }),
);

test(
  'a contact who knows a chat by its members is told of their new device',
  onBench(async (bench) => {
    const ada = await bench.create('ada');
    const bea = await bench.create('bea', { name: 'Bea' });
    await Promise.all([ada, bea].map(online));
    await meet(bea, ada);
    const id = await ada.createChat('Summer', [bea.accountId]);
    const onAda = await opened(ada, id);
    await members(await opened(bea, id), 2);
    const web = await bench.link(bea, 'bea-web');
    await (await opened(web, id)).send('from my web');
    await shows(onAda, 'from my web');
    const [alert] = await until(ada.alerts, (alerts) => alerts.length === 1);
    assert.equal(
      [alert!.kind, alert!.accountId, alert!.name],
      ['contact-device-linked', bea.accountId, 'Bea'],
    );
    await until(ada.contacts, ([contact]) => contact?.devices === 2);
    await bea.logOutDevice(web.id);
    await (await opened(bea, id)).send('my web is gone');
    await until(ada.alerts, (alerts) => alerts.some(({ kind }) => kind === 'contact-device-logged-out'));
    await until(ada.contacts, ([contact]) => contact?.devices === 1);
  }),
);

test.run();
