// timeout: 300s
// Chats of several accounts over a real relay: made, written in from all sides, joined later, left, and ended. Rules:
// spec/chats.md.

import { type Core, PLATFORM_EDGE } from '@sealwire/core/testing';
import {
  decodeClientMessage,
  decodeRelayMessage,
  encodeClientMessage,
  encodeRelayMessage,
} from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { meet, members, online, opened, sent, shows, texts, three, together, watch } from './people.ts';
import { onBench, settled, until } from './support.ts';

const test = suite('chats of several accounts');

test(
  '[CH1, CH7, CH10, CH11] three accounts with five devices: everybody reads everybody, under their names',
  onBench(async (bench) => {
    const { ada, bea, cleo } = await three(bench);
    const adaWeb = await bench.link(ada, 'ada-web');
    const beaWeb = await bench.link(bea, 'bea-web');
    const devices = [ada, adaWeb, bea, beaWeb, cleo];
    const evidence = devices.map(watch);
    const id = await ada.createChat('Summer', [bea.accountId, cleo.accountId]);
    const chats = await Promise.all(devices.map((device) => opened(device, id)));
    for (const [i, chat] of chats.entries()) {
      await members(chat, 3);
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
  }),
);

test(
  '[CH13] invitations are put down behind the chat that they are for, so that a crash never takes it and leaves them',
  onBench(async (bench) => {
    let core: Core | undefined;
    const ada = await bench.create('ada', { onOpen: (opened) => (core = opened) });
    const bea = await bench.create('bea', { name: 'Bea' });
    await Promise.all([ada, bea].map(online));
    await meet(bea, ada);
    const id = await ada.createChat('Summer', [bea.accountId]);
    await opened(bea, id);
    const entries = core!.accountRoom.pages().flatMap((page) => [...page.entries()]);
    const kinds = entries.flatMap(({ entry }) =>
      (entry.k === 'chat' && entry.id === id) || (entry.k === 'mail' && entry.r === id) ? [entry.k] : [],
    );
    assert.is(kinds[0], 'chat');
    assert.ok(kinds.includes('mail'));
  }),
);

test(
  '[CH8] removed: nothing later can be read, nothing later counts, and the others go on',
  onBench(async (bench) => {
    const { ada, bea, cleo } = await three(bench);
    const {
      chats: [onAda, onBea, onCleo],
    } = await together(ada, bea, cleo);
    await onCleo.send('before');
    await Promise.all([onAda, onBea].map((chat) => shows(chat, 'before')));
    // Cleo writes while she cannot know.
    cleo.setNetwork(false);
    await onCleo.send('written too late');
    await onAda.removeMember(cleo.accountId);
    await onAda.send('without Cleo');
    await sent(onAda, 'without Cleo');
    await members(onBea, 2);
    await shows(onBea, 'without Cleo');
    await onBea.send('so it is');
    await shows(onAda, 'so it is');
    await settled(ada);
    const evidence = [ada, bea].map(watch);
    const refused = new Promise<void>((resolve) => {
      cleo.onEvidence(({ code }) => {
        if (code === 'NOT_A_MEMBER') resolve();
      });
    });
    cleo.setNetwork(true);
    await refused;
    assert.equal(texts(onCleo), ['before', 'written too late']);
    // There is only the relay's word for it.
    assert.is(onCleo.status.get().state, 'refused');
    assert.is(cleo.status.get().loadingRooms, 0);
    assert.equal(texts(onAda), ['before', 'without Cleo', 'so it is']);
    assert.equal(texts(onBea), ['before', 'without Cleo', 'so it is']);
    for (const seen of evidence) assert.equal(seen, []);
    await onAda.addMember(cleo.accountId);
    await members(onBea, 3);
  }),
);

test(
  '[CH3] what a removed person still gets into the room is void for all, and for a device that is linked later',
  onBench(async (bench) => {
    let isDeaf = false;
    const pong = encodeRelayMessage({ type: 'pong' });
    const ping = encodeClientMessage({ type: 'ping' });
    const type = (direction: 'up' | 'down', bytes: Uint8Array) =>
      (direction === 'up' ? decodeClientMessage(bytes) : decodeRelayMessage(bytes)).type;
    // The relay keeps to its old list, and tells Cleo nothing.
    const ada = await bench.create('ada', {
      onTraffic: (direction, bytes) => (isDeaf && type(direction, bytes) === 'put-room' ? ping : undefined),
    });
    const bea = await bench.create('bea', { name: 'Bea' });
    const cleo = await bench.create('cleo', {
      name: 'Cleo',
      onTraffic: (direction, bytes) => (isDeaf && type(direction, bytes) === 'frames' ? pong : undefined),
    });
    await Promise.all([ada, bea, cleo].map(online));
    await meet(bea, ada);
    await meet(cleo, ada);
    const {
      id,
      chats: [onAda, onBea, onCleo],
    } = await together(ada, bea, cleo);
    await onCleo.send('before');
    await Promise.all([onAda, onBea].map((chat) => shows(chat, 'before')));
    await settled(cleo);
    isDeaf = true;
    await onAda.removeMember(cleo.accountId);
    await members(onBea, 2);
    const told = Promise.all(
      [ada, bea].map(
        (device) =>
          new Promise<void>((resolve) => {
            device.onEvidence(({ code, deviceId }) => {
              if (code === 'FRAME_VOID' && deviceId === cleo.id) resolve();
            });
          }),
      ),
    );
    await onCleo.send('as if nothing had happened');
    await sent(onCleo, 'as if nothing had happened');
    await told;
    await onBea.send('after');
    await shows(onAda, 'after');
    const web = await bench.link(bea, 'bea-web');
    const onWeb = await opened(web, id);
    await shows(onWeb, 'after');
    for (const chat of [onAda, onBea, onWeb]) assert.equal(texts(chat), ['before', 'after']);
  }),
);

test(
  '[CH9] who sees their removal says so, and cannot write any more',
  onBench(async (bench) => {
    const { ada, bea, cleo } = await three(bench);
    const {
      chats: [onAda, onBea, onCleo],
    } = await together(ada, bea, cleo);
    const codeOf = (run: Promise<unknown>) =>
      run.then(
        () => 'none',
        (error: { code?: string }) => error.code,
      );
    assert.is(await codeOf(onBea.removeMember(cleo.accountId)), 'NOT_AN_ADMIN');
    assert.is(await codeOf(onBea.addMember(ada.accountId)), 'NOT_AN_ADMIN');
    assert.is(await codeOf(onAda.removeMember('00'.repeat(32))), 'CONTACT_UNKNOWN');
    await onAda.removeMember(cleo.accountId);
    await members(onCleo, 2);
    assert.is(await codeOf(onCleo.send('again')), 'NOT_A_MEMBER');
    assert.is(onCleo.status.get().state, 'left');
    await settled(cleo);
    assert.is(await codeOf(onCleo.leave()), 'none');
  }),
);

test(
  '[CH8, CH9] leaving, being promoted, renaming: the chat outlives who made it',
  onBench(async (bench) => {
    const { ada, bea, cleo } = await three(bench);
    const {
      chats: [onAda, onBea, onCleo],
    } = await together(ada, bea, cleo);
    await onAda.promote(bea.accountId);
    await until(onBea.members, (list) => list.some(({ isMe, role }) => isMe && role === 'admin'));
    await onBea.rename('Autumn');
    await until(cleo.chats, (chats) => chats[0]?.title === 'Autumn');
    await onAda.send('goodbye');
    await settled(ada);
    const evidence = [bea, cleo].map(watch);
    await onAda.leave();
    await members(onBea, 2);
    await members(onCleo, 2);
    await shows(onCleo, 'goodbye');
    await onCleo.send('who is left');
    await shows(onBea, 'who is left');
    await onBea.removeMember(cleo.accountId);
    await members(onCleo, 1);
    await onBea.send('alone');
    await sent(onBea, 'alone');
    assert.not(texts(onAda).includes('who is left'));
    for (const seen of evidence)
      assert.equal(
        seen.filter(({ code }) => code !== 'NOT_A_MEMBER'),
        [],
      );
  }),
);

test(
  '[CH9] the only admin leaves: the one who has been there longest takes over, at the relay too',
  onBench(async (bench) => {
    const { ada, bea, cleo } = await three(bench);
    const {
      chats: [onAda, onBea, onCleo],
    } = await together(ada, bea, cleo);
    await settled(ada);
    await onAda.leave();
    await Promise.all([onBea, onCleo].map((chat) => members(chat, 2)));
    const heir = onBea.members.get().find(({ role }) => role === 'admin')!;
    const [stays, goes] = heir.accountId === bea.accountId ? [onBea, onCleo] : [onCleo, onBea];
    const gone = goes === onCleo ? cleo : bea;
    const cutOff = new Promise<void>((resolve) => {
      gone.onEvidence(({ code }) => {
        if (code === 'NOT_A_MEMBER') resolve();
      });
    });
    await stays.removeMember(gone.accountId);
    await members(stays, 1);
    await cutOff;
    await stays.send('alone');
    await sent(stays, 'alone');
  }),
);

test(
  '[CH9] an own device whose log is older than the relay’s list does not take the newest member out again',
  onBench(async (bench) => {
    const { ada, bea, cleo } = await three(bench);
    const held: (() => void)[] = [];
    const lists: number[] = [];
    let isSlow = false;
    // The second device of the admin is slow to ask for the list; what it asks and writes is seen.
    const web = await bench.link(ada, 'ada-web', {
      edge: {
        ...PLATFORM_EDGE,
        openSocket(url, protocol) {
          const socket = PLATFORM_EDGE.openSocket(url, protocol);
          const send = socket.send.bind(socket);
          socket.send = (bytes) => {
            const message = decodeClientMessage(bytes);
            if (message.type === 'put-room') lists.push(message.members.length);
            if (isSlow && message.type === 'get-room') held.push(() => send(bytes));
            else send(bytes);
          };
          return socket;
        },
      },
    });
    await settled(web);
    isSlow = true;
    const id = await ada.createChat('Summer', [bea.accountId]);
    const onAda = await opened(ada, id);
    await members(await opened(web, id), 2);
    await members(await opened(bea, id), 2);
    while (held.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await onAda.addMember(cleo.accountId);
    const onCleo = await opened(cleo, id);
    const evidence = watch(cleo);
    isSlow = false;
    for (const release of held) release();
    await settled(web);
    await onAda.send('welcome');
    await shows(onCleo, 'welcome');
    await shows(await opened(web, id), 'welcome');
    assert.equal(
      lists.filter((length) => length < 3),
      [],
    );
    assert.equal(evidence, []);
  }),
);

test.run();
