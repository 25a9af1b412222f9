// timeout: 180s
// Two Node devices over a real relay: idle return, offline edits, a relay that dies or lost its tail, a wrong clock.
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Edge, PLATFORM_EDGE, type RelaySocket } from '@sealwire/core/testing';
import { decodeClientMessage, decodeRelayMessage, type ErrorCode } from '@sealwire/protocol';
import { startRelayProcess } from '@sealwire/testkit/relay-process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { onBench, settled, until } from './support.ts';

const test = suite('devices over a relay');

const texts = (chat: { readonly timeline: { get(): readonly { readonly text: string }[] } }) =>
  chat.timeline.get().map(({ text }) => text);

test(
  'idle return of 100 rooms: one resume and its answer, at most 50 bytes a room each way',
  onBench(async (bench) => {
    const traffic: { readonly direction: string; readonly bytes: Uint8Array }[] = [];
    const first = await bench.create('phone');
    for (let i = 0; i < 99; i++) await first.createChat(`chat ${i}`);
    await settled(first);
    await bench.close(first);
    const again = await bench.open('phone', {
      onTraffic: (direction, bytes) => {
        traffic.push({ direction, bytes: bytes.slice() });
        return undefined;
      },
    });
    await settled(again);
    const up = traffic
      .filter(({ direction }) => direction === 'up')
      .map(({ bytes }) => ({ message: decodeClientMessage(bytes), bytes: bytes.length }));
    const down = traffic
      .filter(({ direction }) => direction === 'down')
      .map(({ bytes }) => ({ message: decodeRelayMessage(bytes), bytes: bytes.length }));
    assert.equal(
      up.map(({ message }) => message.type),
      ['authenticate', 'resume'],
    );
    assert.equal(
      down.map(({ message }) => message.type),
      ['hello', 'welcome', 'resumed'],
    );
    const resume = up[1]!;
    assert.is(resume.message.type === 'resume' && resume.message.rooms.length, 100);
    assert.ok(resume.bytes <= 50 * 100, `${resume.bytes} bytes up`);
    assert.ok(down[2]!.bytes <= 50 * 100, `${down[2]!.bytes} bytes down`);
  }),
);

test(
  'a thousand offline edits, deletions among them, leave in at most 5 frames, all own work',
  onBench(async (bench) => {
    const frames: number[] = [];
    const phone = await bench.create('phone', {
      onTraffic: (direction, bytes) => {
        const message = direction === 'up' ? decodeClientMessage(bytes) : undefined;
        if (message?.type === 'append') frames.push(message.frame.length);
        return undefined;
      },
    });
    const chatId = await phone.createChat('offline');
    const web = await bench.link(phone, 'web');
    await until(web.chats, (chats) => chats.length === 1);
    const onPhone = await phone.openChat(chatId);
    const onWeb = await web.openChat(chatId);
    await onWeb.send('written by the other device before');
    await until(onPhone.timeline, (messages) => messages.length === 1);
    await settled(phone);
    phone.setNetwork(false);
    frames.length = 0;
    const ids: string[] = [];
    for (let i = 0; i < 900; i++) ids.push(await onPhone.send(`offline message ${i}`));
    for (let i = 0; i < 100; i++) await onPhone.delete(ids[i * 9]!);
    assert.is(phone.status.get().pending >= 1000, true);
    phone.setNetwork(true);
    await settled(phone);
    await until(onWeb.timeline, (messages) => messages.length === 801);
    assert.ok(frames.length >= 1 && frames.length <= 5, `${frames.length} frames`);
    assert.equal(texts(onWeb), texts(onPhone));
    assert.ok(onWeb.timeline.get().every(({ author }) => [phone.id, web.id].includes(author.deviceId)));
  }),
);

test(
  'the relay dies and comes back: what was sent is there, what waits is sent, by itself',
  onBench(async (bench) => {
    const times = { retryFirstMs: 20, retryLongestMs: 100 };
    const phone = await bench.create('phone', { times });
    const web = await bench.link(phone, 'web', { times });
    const chatId = await phone.createChat('storm');
    await until(web.chats, (chats) => chats.length === 1);
    const onPhone = await phone.openChat(chatId);
    const onWeb = await web.openChat(chatId);
    for (let round = 0; round < 4; round++) {
      const writing = Promise.all([
        ...Array.from({ length: 20 }, (_, i) => onPhone.send(`phone ${round}/${i}`)),
        ...Array.from({ length: 20 }, (_, i) => onWeb.send(`web ${round}/${i}`)),
      ]);
      await bench.restart();
      await writing;
    }
    await Promise.all([settled(phone), settled(web)]);
    await until(onPhone.timeline, (messages) => messages.length === 160);
    await until(onWeb.timeline, (messages) => messages.length === 160);
    assert.equal(texts(onWeb), texts(onPhone));
  }),
);

test(
  '[FR18] a relay restored from an old copy is noticed, and gets back what it lost',
  onBench(async (bench) => {
    const times = { retryFirstMs: 20, retryLongestMs: 100 };
    const phone = await bench.create('phone', { times });
    const chat = await phone.openChat(await phone.createChat('rolled back'));
    await chat.send('in the copy');
    await settled(phone);
    await bench.relay.stop();
    const data = join(bench.folder, 'relay');
    const copy = join(bench.folder, 'copy');
    await cp(data, copy, { recursive: true });
    await bench.restart();
    await chat.send('not in the copy');
    await settled(phone);
    await bench.relay.stop();
    await rm(data, { recursive: true });
    await cp(copy, data, { recursive: true });
    const noticed = new Promise<ErrorCode>((resolve) => phone.onEvidence(({ code }) => resolve(code)));
    bench.relay = await startRelayProcess({ data, port: Number(new URL(bench.relay.address).port) });
    assert.is(await noticed, 'RELAY_ROLLED_BACK');
    await settled(phone);
    await until(phone.chats, () => phone.status.get().pending === 0);
    const late = await bench.link(phone, 'linked after the loss');
    await until(late.chats, (chats) => chats[0]?.messages === 2);
    await chat.send('after the loss');
    await until(late.chats, (chats) => chats[0]?.messages === 3);
    await Promise.all([bench.close(phone), bench.close(late)]);
    const again = await bench.open('phone');
    const reopened = await again.openChat(chat.id);
    assert.equal(texts(reopened), ['in the copy', 'not in the copy', 'after the loss']);
  }),
);

test(
  'a device whose clock is a year ahead: said, converged, and its clock spreads to nobody',
  onBench(async (bench) => {
    const year = 365 * 86_400_000;
    const phone = await bench.create('phone', { now: () => Date.now() + year });
    const web = await bench.link(phone, 'web');
    const codes: ErrorCode[] = [];
    web.onEvidence(({ code }) => codes.push(code));
    const chatId = await phone.createChat('clocks');
    await until(web.chats, (chats) => chats.length === 1);
    const onPhone = await phone.openChat(chatId);
    const onWeb = await web.openChat(chatId);
    await onPhone.send('from next year');
    await until(onWeb.timeline, (messages) => messages.length === 1);
    await onWeb.send('from today');
    await until(onPhone.timeline, (messages) => messages.length === 2);
    assert.ok(codes.includes('CLOCK_AHEAD'), codes.join());
    assert.equal(texts(onPhone), texts(onWeb));
    const mine = onWeb.timeline.get().find(({ text }) => text === 'from today')!;
    assert.ok(mine.at < Date.now() + 60_000);
  }),
);

test(
  'a network switch that is flicked leaves one connection, and closing leaves none',
  onBench(async (bench) => {
    const sockets: RelaySocket[] = [];
    const edge: Edge = {
      ...PLATFORM_EDGE,
      openSocket: (url, protocol) => {
        const socket = PLATFORM_EDGE.openSocket(url, protocol);
        sockets.push(socket);
        return socket;
      },
    };
    const phone = await bench.create('phone', { edge });
    await settled(phone);
    for (let i = 0; i < 5; i++) {
      phone.setNetwork(false);
      phone.setNetwork(true);
    }
    await settled(phone);
    const chat = await phone.openChat(await phone.createChat('flicked'));
    await chat.send('through the one connection');
    await until(chat.timeline, (messages) => messages[0]?.state === 'sent');
    const OPEN = 1;
    assert.is(sockets.filter(({ readyState }) => readyState === OPEN).length, 1);
    await bench.close(phone);
    assert.is(sockets.filter(({ readyState }) => readyState === OPEN).length, 0);
  }),
);

test(
  'status: offline, pending, live, last heard',
  onBench(async (bench) => {
    const phone = await bench.create('phone', {});
    const web = await bench.link(phone, 'web');
    const chatId = await phone.createChat('status');
    await until(web.chats, (chats) => chats.length === 1);
    const onPhone = await phone.openChat(chatId);
    const onWeb = await web.openChat(chatId);
    await until(onPhone.status, ({ state }) => state === 'live');
    await settled(phone);
    phone.setNetwork(false);
    await until(onPhone.status, ({ state }) => state === 'offline');
    assert.is(phone.status.get().networkOn, false);
    const id = await onPhone.send('waits');
    assert.is(onPhone.timeline.get().find((message) => message.id === id)?.state, 'stored');
    assert.is(onPhone.status.get().pending, 1);
    phone.setNetwork(true);
    await until(onPhone.timeline, (messages) => messages[0]?.state === 'sent');
    await until(onWeb.timeline, (messages) => messages.length === 1);
    await until(onWeb.status, ({ lastHeard }) => lastHeard.has(phone.id));
    assert.equal(
      web.devices.get().map(({ name, isThis, mayLink }) => [name, isThis, mayLink]),
      [
        ['phone', false, true],
        ['web', true, false],
      ],
    );
    const refused = web.link('anything').state.get();
    assert.is(refused.step === 'failed' && refused.error.code, 'LINK_NOT_ALLOWED');
  }),
);

test.run();
