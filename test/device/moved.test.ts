// timeout: 300s
// A chat whose room at the relay was seized, or is gone, over a real relay: it goes on in another one, with everybody and
// all that was said. Rules: spec/chats.md §4.
import type { Core } from '@sealwire/core/testing';
import { decodeRelayMessage, encodeRelayMessage, type RelayMessage } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { meet, members, online, opened, sent, shows, texts, watch } from './people.ts';
import { onBench, settled, until } from './support.ts';

const test = suite('chats that move');

const live = (chat: Awaited<ReturnType<typeof opened>>) =>
  until(chat.status, ({ state }) => state === 'live');

/** Writes the relay's list of a room so that this device's account alone is in it. */
const seize = async ({ engine, self, chats }: Core, chatId: string): Promise<void> => {
  const room = chats.get(chatId)!.room.id;
  const { version } = (await engine.request((request) => ({ type: 'get-room', request, room }))) as Extract<
    RelayMessage,
    { type: 'room-result' }
  >;
  const members = [{ principal: self().log.genesis.principal, admin: true }];
  await engine.request((request) => ({ type: 'put-room', request, room, version: version + 1, members }));
};

/** Resolves when the relay's list of a chat's room has so many members. */
const listed = async ({ engine, chats }: Core, chatId: string, count: number): Promise<void> => {
  const room = chats.get(chatId)!.room.id;
  for (;;) {
    const answer = await engine.request((request) => ({ type: 'get-room', request, room }));
    if (answer.type === 'room-result' && answer.members.length === count) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

test(
  '[CH14, CH16, CH17] a seized chat goes on in another room with all that was said, for everybody but the thief',
  onBench(async (bench) => {
    let thief: Core | undefined;
    const ada = await bench.create('ada');
    const bea = await bench.create('bea', { name: 'Bea', onOpen: (core) => (thief = core) });
    const cleo = await bench.create('cleo', { name: 'Cleo' });
    await Promise.all([ada, bea, cleo].map(online));
    await meet(bea, ada);
    await meet(cleo, ada);
    const web = await bench.link(ada, 'ada-web');
    const id = await ada.createChat('Summer', [bea.accountId, cleo.accountId]);
    const [onAda, onWeb, onBea, onCleo] = await Promise.all(
      [ada, web, bea, cleo].map((device) => opened(device, id)),
    );
    for (const chat of [onAda!, onWeb!, onBea!, onCleo!]) await members(chat, 3);
    await onAda!.promote(bea.accountId);
    await until(onBea!.members, (list) => list.filter(({ role }) => role === 'admin').length === 2);
    for (const [i, chat] of [onAda!, onWeb!, onBea!, onCleo!].entries()) await chat.send(`before ${i}`);
    for (const chat of [onAda!, onWeb!, onBea!, onCleo!])
      await until(chat.timeline, (list) => list.length === 4 && list.every(({ state }) => state === 'sent'));
    const said = texts(onAda!);
    await seize(thief!, id);
    await until(onAda!.status, ({ state }) => state === 'refused');
    await until(onCleo!.status, ({ state }) => state === 'refused');
    await onCleo!.send('does anybody hear me');
    await onAda!.removeMember(bea.accountId);
    await onAda!.moveRoom();
    await live(onAda!);
    await Promise.all([onWeb!, onCleo!].map((chat) => shows(chat, 'before 3').then(() => live(chat))));
    await Promise.all([onAda!, onWeb!].map((chat) => shows(chat, 'does anybody hear me')));
    await onWeb!.send('here we are');
    await shows(onCleo!, 'here we are');
    for (const chat of [onAda!, onWeb!, onCleo!])
      assert.equal(texts(chat), [...said, 'does anybody hear me', 'here we are']);
    assert.is(onCleo!.members.get().length, 2);
    assert.equal(texts(onBea!), said, 'the thief hears no more');
    // What a device finds that comes later, and what one has kept that starts anew.
    await Promise.all([ada, web, cleo].map(settled));
    const desktop = await bench.link(ada, 'ada-desktop');
    const onDesktop = await opened(desktop, id);
    await until(onDesktop.timeline, (list) => list.length === 6);
    await bench.close(cleo);
    await bench.close(ada);
    const again = await bench.open('cleo');
    const onAgain = await opened(again, id);
    assert.equal(texts(onAgain), texts(onWeb!));
    const evidence = [again, web, desktop].map(watch);
    await live(onAgain);
    await onAgain.send('back again');
    for (const chat of [onWeb!, onDesktop]) await shows(chat, 'back again');
    assert.equal(texts(onDesktop), texts(onWeb!));
    await settled(again);
    for (const seen of evidence) assert.equal(seen, []);
  }),
);

test(
  '[CH15] a move by who was removed is void: those who followed it come back when they hear of the removal',
  onBench(async (bench) => {
    let hidden: string | undefined;
    let cleoCore: Core | undefined;
    const pong = encodeRelayMessage({ type: 'pong' });
    let adaCore: Core | undefined;
    const ada = await bench.create('ada', { onOpen: (core) => (adaCore = core) });
    const bea = await bench.create('bea', { name: 'Bea' });
    const cleo = await bench.create('cleo', {
      name: 'Cleo',
      // The relay keeps from Cleo what is said in the room.
      onTraffic(direction, bytes) {
        const message = direction === 'down' && hidden ? decodeRelayMessage(bytes) : undefined;
        return message?.type === 'frames' && Buffer.from(message.room).toString('hex') === hidden
          ? pong
          : undefined;
      },
      onOpen: (core) => (cleoCore = core),
    });
    await Promise.all([ada, bea, cleo].map(online));
    await meet(bea, ada);
    await meet(cleo, ada);
    await meet(cleo, bea);
    const id = await ada.createChat('Summer', [bea.accountId, cleo.accountId]);
    const [onAda, onBea, onCleo] = await Promise.all([ada, bea, cleo].map((device) => opened(device, id)));
    for (const chat of [onAda!, onBea!, onCleo!]) await members(chat, 3);
    await onAda!.promote(bea.accountId);
    await until(onCleo!.members, (list) => list.filter(({ role }) => role === 'admin').length === 2);
    await until(onBea!.members, (list) => list.filter(({ role }) => role === 'admin').length === 2);
    await Promise.all([ada, bea, cleo].map(settled));
    hidden = cleoCore!.chats.get(id)!.room.key;
    const old = hidden;
    bea.setNetwork(false);
    await onAda!.removeMember(bea.accountId);
    await onAda!.send('Bea is out');
    await sent(onAda!, 'Bea is out');
    await listed(adaCore!, id, 2);
    ada.setNetwork(false);
    bea.setNetwork(true);
    await until(onBea!.status, ({ state }) => state === 'refused');
    await onBea!.moveRoom();
    await live(onBea!);
    await until(onCleo!.status, () => cleoCore!.chats.get(id)!.room.key !== old);
    await onCleo!.send('in the wrong place');
    await sent(onCleo!, 'in the wrong place');
    hidden = undefined;
    cleo.setNetwork(false);
    cleo.setNetwork(true);
    await members(onCleo!, 2);
    await until(onCleo!.status, () => cleoCore!.chats.get(id)!.room.key === old);
    ada.setNetwork(true);
    await shows(onAda!, 'in the wrong place');
    await shows(onCleo!, 'Bea is out');
    await onCleo!.send('back');
    await shows(onAda!, 'back');
    assert.equal(texts(onAda!), texts(onCleo!));
  }),
);

test(
  '[FR18, CH16] what is put into another room keeps its epoch: who joined later reads no more there than before',
  onBench(async (bench) => {
    const ada = await bench.create('ada');
    const bea = await bench.create('bea', { name: 'Bea' });
    const cleo = await bench.create('cleo', { name: 'Cleo' });
    await Promise.all([ada, bea, cleo].map(online));
    await meet(bea, ada);
    await meet(cleo, ada);
    const id = await ada.createChat('Summer', [bea.accountId]);
    const [onAda, onBea] = await Promise.all([ada, bea].map((device) => opened(device, id)));
    await onAda!.send('not for Cleo');
    await shows(onBea!, 'not for Cleo');
    await onBea!.send('nor this');
    await shows(onAda!, 'nor this');
    await onAda!.addMember(cleo.accountId);
    const onCleo = await opened(cleo, id);
    await members(onCleo, 3);
    await onAda!.send('welcome');
    await shows(onCleo, 'welcome');
    await settled(bea);
    await onAda!.moveRoom();
    await onBea!.send('from the other room');
    for (const chat of [onAda!, onBea!, onCleo]) await shows(chat, 'from the other room');
    await Promise.all([ada, bea, cleo].map(settled));
    const web = await bench.link(cleo, 'cleo-web');
    const onWeb = await opened(web, id);
    await shows(onWeb, 'from the other room');
    await settled(web);
    for (const chat of [onCleo, onWeb]) assert.equal(texts(chat), ['welcome', 'from the other room']);
    assert.equal(texts(onBea!), ['not for Cleo', 'nor this', 'welcome', 'from the other room']);
  }),
);

test(
  '[CH14] a room that an admin deleted at the relay is left for another, with all that was said',
  onBench(async (bench) => {
    let thief: Core | undefined;
    const ada = await bench.create('ada');
    const bea = await bench.create('bea', { name: 'Bea', onOpen: (core) => (thief = core) });
    await Promise.all([ada, bea].map(online));
    await meet(bea, ada);
    const id = await ada.createChat('Summer', [bea.accountId]);
    const [onAda, onBea] = await Promise.all([ada, bea].map((device) => opened(device, id)));
    await onAda!.promote(bea.accountId);
    await until(onBea!.members, (list) => list.every(({ role }) => role === 'admin'));
    await onAda!.send('one');
    await shows(onBea!, 'one');
    await onBea!.send('two');
    await shows(onAda!, 'two');
    await Promise.all([ada, bea].map(settled));
    const { engine, chats } = thief!;
    const room = chats.get(id)!.room.id;
    const asked = await engine.request((request) => ({ type: 'get-room', request, room }));
    const { version } = asked as Extract<RelayMessage, { type: 'room-result' }>;
    await engine.request((request) => ({ type: 'delete-room', request, room, version: version + 1 }));
    for (const device of [ada, bea]) {
      device.setNetwork(false);
      device.setNetwork(true);
    }
    await onAda!.send('three');
    for (const chat of [onAda!, onBea!]) await until(chat.status, ({ state }) => state === 'refused');
    await onAda!.moveRoom();
    await shows(onBea!, 'three');
    const web = await bench.link(ada, 'ada-web');
    const onWeb = await opened(web, id);
    await until(onWeb.timeline, (list) => list.length === 3);
    assert.equal(texts(onWeb), ['one', 'two', 'three']);
  }),
);

test.run();
