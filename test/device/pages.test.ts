// A chat of several pages on whole devices over a relay process: written on apart, read alike. Rules: spec/pages.md.
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Chat, Device } from '@sealwire/core';
import type { Core } from '@sealwire/core/testing';
import { pageIndex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { opened } from './people.ts';
import { type Bench, onBench, settled, until } from './support.ts';

const test = suite('pages of a chat');

/** Small pages, so that a test fills several. */
const INTERNALS = { pageLimits: { entries: 8, bytes: 64 * 1024 } } as const;

const texts = (chat: Chat) => chat.timeline.get().map(({ text }) => text);

const shown = (chat: Chat) => chat.timeline.get().map(({ id, text, at }) => [id, text, at]);

/** The pages that a device has open, with what each holds. */
const pagesOf = (held: { core?: Core }, chatId: string): Map<number, number> => {
  const { room } = held.core!.chats.get(chatId)!;
  return new Map(room.pages().map(({ stream }) => [pageIndex(stream)!, room.size(stream).entries] as const));
};

const pair = async (bench: Bench) => {
  const [insidePhone, insideWeb]: { core?: Core }[] = [{}, {}];
  const inside = (held: { core?: Core }) => ({
    ...INTERNALS,
    onOpen: (core: Core) => {
      held.core = core;
    },
  });
  const phone = await bench.create('phone', inside(insidePhone!));
  const web = await bench.link(phone, 'web', inside(insideWeb!));
  const chatId = await phone.createChat('many pages');
  await until(web.chats, (chats) => chats.length === 1);
  return { phone, web, chatId, insidePhone: insidePhone!, insideWeb: insideWeb! };
};

const sendAll = async (chat: Chat, texts: readonly string[]): Promise<string[]> => {
  const ids = [];
  for (const text of texts) ids.push(await chat.send(text));
  return ids;
};

const words = (who: string, count: number) => Array.from({ length: count }, (_, i) => `${who} ${i}`);

/** All that a chat shows, once it has so many messages. A page may be put aside at any moment: then it comes back first. */
const wholeOf = async (chat: Chat, count: number): Promise<ReturnType<typeof shown>> => {
  await until(chat.status, ({ older }) => older + chat.timeline.get().length === count);
  for (;;) {
    await chat.loadOlder(Number.NEGATIVE_INFINITY);
    const all = shown(chat);
    if (all.length === count) return all;
  }
};

const bothShow = async (one: Chat, other: Chat, count: number): Promise<void> =>
  assert.equal(await wholeOf(one, count), await wholeOf(other, count));

test(
  '[PG1] [PG2] two devices that fill a page apart open the same next one, and show one order',
  onBench(async (bench) => {
    const { phone, web, chatId, insidePhone, insideWeb } = await pair(bench);
    const onPhone = await phone.openChat(chatId);
    const onWeb = await web.openChat(chatId);
    await sendAll(onPhone, words('together', 6));
    await bothShow(onPhone, onWeb, 6);
    await settled(phone);
    for (const device of [phone, web]) device.setNetwork(false);
    await sendAll(onPhone, words('phone', 12));
    await sendAll(onWeb, words('web', 12));
    for (const held of [insidePhone, insideWeb])
      assert.equal(
        [...pagesOf(held, chatId)],
        [
          [0, 8],
          [1, 8],
          [2, 2],
        ],
      );
    for (const device of [phone, web]) device.setNetwork(true);
    await bothShow(onPhone, onWeb, 30);
    for (const held of [insidePhone, insideWeb])
      assert.equal([...pagesOf(held, chatId)].sort(), [
        [0, 10],
        [1, 16],
        [2, 4],
      ]);
  }),
);

test(
  '[PG4] [PG5] messages of old pages are deleted on all devices, by who is away as well; a restart shows the same',
  onBench(async (bench) => {
    const { phone, web, chatId } = await pair(bench);
    const onPhone = await phone.openChat(chatId);
    const onWeb = await web.openChat(chatId);
    const ids = await sendAll(onPhone, words('phone', 20));
    await bothShow(onPhone, onWeb, 20);
    web.setNetwork(false);
    await onPhone.delete(ids[1]!);
    await onWeb.delete(ids[2]!);
    await onWeb.delete(ids[10]!);
    await sendAll(onPhone, words('later', 5));
    web.setNetwork(true);
    await bothShow(onPhone, onWeb, 22);
    const before = shown(onWeb);
    await settled(web);
    await bench.close(web);
    const again = await bench.open('web', INTERNALS);
    assert.equal(await wholeOf(await again.openChat(chatId), 22), before);
  }),
);

test(
  '[PG2] an import fills many pages, in which both devices find all of it',
  onBench(async (bench) => {
    const { phone, web, chatId, insideWeb } = await pair(bench);
    const onPhone = await phone.openChat(chatId);
    const messages = words('old', 100).map((text, i) => ({ name: 'Bea', sentAt: 1_000 * i, text }));
    assert.is(await onPhone.import(messages, 'WhatsApp'), 100);
    const onWeb = await web.openChat(chatId);
    for (const device of [phone, web]) await until(device.chats, ([chat]) => chat?.messages === 100);
    await Promise.all([phone, web].map(settled));
    for (const chat of [onPhone, onWeb]) await chat.loadOlder(Number.NEGATIVE_INFINITY);
    assert.is(shown(onWeb).length, 100);
    assert.equal(shown(onWeb), shown(onPhone));
    assert.is(pagesOf(insideWeb, chatId).size, 13);
  }),
);

/** A chat of 100 messages on two devices, most of whose pages are closed. */
const long = async (bench: Bench) => {
  const made = await pair(bench);
  const { phone, web, chatId } = made;
  const onPhone = await phone.openChat(chatId);
  const ids = await sendAll(onPhone, words('old', 100));
  const onWeb = await web.openChat(chatId);
  for (const device of [phone, web]) await until(device.chats, ([chat]) => chat?.messages === 100);
  await Promise.all([phone, web].map(settled));
  for (const chat of [onPhone, onWeb]) await until(chat.status, ({ older }) => older > 0);
  return { ...made, ids, onPhone, onWeb };
};

test(
  '[PG7] [PG10] full pages are put aside, counted all the same, and come back one by one, at the next start as well',
  onBench(async (bench) => {
    const { web, chatId, onPhone, onWeb, insideWeb } = await long(bench);
    assert.ok(pagesOf(insideWeb, chatId).size <= 6, 'few pages are open');
    const recent = texts(onWeb);
    assert.is(recent.at(-1), 'old 99');
    assert.is(recent.length + onWeb.status.get().older, 100);
    assert.equal(recent, words('old', 100).slice(-recent.length), 'the newest, and none between is missing');
    await onWeb.loadOlder();
    assert.equal(texts(onWeb), words('old', 100).slice(-texts(onWeb).length));
    assert.is(texts(onWeb).length, recent.length + 8, 'a page more');
    await bench.close(web);
    const held: { core?: Core } = {};
    const again = await bench.open('web', { ...INTERNALS, onOpen: (core: Core) => (held.core = core) });
    assert.is(again.chats.get()[0]?.messages, 100);
    assert.is(again.chats.get()[0]?.lastText, 'old 99');
    assert.ok(pagesOf(held, chatId).size <= 6);
    const onAgain = await again.openChat(chatId);
    while (await onAgain.loadOlder());
    assert.equal(texts(onAgain), words('old', 100));
    assert.is(onAgain.status.get().older, 0);
    assert.is(await onAgain.loadOlder(), false);
    while (await onPhone.loadOlder());
    assert.equal(shown(onAgain), shown(onPhone));
    onAgain.close();
    await until(again.chats, () => pagesOf(held, chatId).size <= 6);
  }),
);

test(
  '[PG11] a look at any time shows what is there, and reads on both ways; what was opened for it is let go',
  onBench(async (bench) => {
    const { phone, chatId, insidePhone } = await pair(bench);
    const chat = await phone.openChat(chatId);
    const all = words('old', 100);
    await chat.import(
      all.map((text, i) => ({ name: 'Bea', sentAt: 1_000 * i, text })),
      'WhatsApp',
    );
    await until(chat.status, ({ older, pending }) => older > 0 && pending === 0);
    const newest = texts(chat);
    const isWhole = (): boolean => {
      const { older, newer } = chat.status.get();
      const from = all.indexOf(texts(chat)[0]!);
      assert.equal(texts(chat), all.slice(from, from + texts(chat).length), 'none between is missing');
      assert.equal([older, newer], [from, 100 - from - texts(chat).length]);
      return true;
    };
    assert.is(chat.status.get().firstAt, 0);
    await chat.showAround(40_500);
    assert.ok(isWhole() && texts(chat).includes('old 41'));
    assert.ok(
      texts(chat).length <= 16 && chat.status.get().newer > 0,
      'a page, or two that lie side by side',
    );
    assert.is(phone.chats.get()[0]?.lastText, 'old 99');
    const before = texts(chat).length;
    await chat.loadNewer();
    await chat.loadOlder();
    assert.ok(isWhole());
    assert.is(texts(chat).length, before + 16);
    // Something new comes while the past is looked at: it is told, and shown when one goes back to it.
    await chat.send('new');
    all.push('new');
    assert.not.ok(texts(chat).includes('new'));
    assert.is(phone.chats.get()[0]?.lastText, 'new');
    await chat.showAround(-5);
    assert.is(texts(chat)[0], 'old 0');
    assert.is(chat.status.get().older, 0);
    await until(chat.status, () => pagesOf(insidePhone, chatId).size <= 6);
    while (await chat.loadNewer());
    assert.equal(texts(chat), all);
    assert.is(chat.status.get().newer, 0);
    await chat.showAround();
    await until(chat.status, ({ older }) => older > 0);
    await until(chat.status, () => pagesOf(insidePhone, chatId).size <= 6);
    assert.equal(texts(chat), [...newest, 'new'].slice(-texts(chat).length));
    await chat.showAround(Number.MAX_SAFE_INTEGER);
    assert.is(texts(chat).at(-1), 'new');
  }),
);

test(
  '[PG12] [PG13] a new device shows the newest messages of a long chat first, and then all of them',
  onBench(async (bench) => {
    const { phone, chatId } = await pair(bench);
    const onPhone = await phone.openChat(chatId);
    const all = words('old', 300);
    await onPhone.import(
      all.map((text, i) => ({ name: 'Bea', sentAt: 1_000 * i, text })),
      'WhatsApp',
    );
    await settled(phone);
    const tablet = await bench.link(phone, 'tablet', { ...INTERNALS, aheadFrames: 4 });
    const chat = await opened(tablet, chatId);
    const seen: { readonly shown: string[]; readonly state: string }[] = [];
    const look = () => {
      const shown = texts(chat);
      if (shown.length > 0) seen.push({ shown, state: chat.status.get().state });
    };
    const stop = chat.timeline.subscribe(look);
    look();
    await until(chat.status, ({ state }) => state === 'live');
    stop();
    assert.is(seen[0]?.state, 'catching-up');
    for (const { shown } of seen)
      assert.equal(shown, all.slice(-shown.length), 'the newest, and none between is missing');
    assert.equal(await wholeOf(chat, 300), await wholeOf(onPhone, 300));
  }),
);

test(
  '[PG8] what comes for a closed page opens it: a deletion made elsewhere, one made here',
  onBench(async (bench) => {
    const { phone, web, ids, onPhone, onWeb } = await long(bench);
    await onPhone.delete(ids[3]!);
    await until(web.chats, ([chat]) => chat?.messages === 99);
    await until(phone.chats, ([chat]) => chat?.messages === 99);
    await onWeb.delete(ids[12]!);
    await until(phone.chats, ([chat]) => chat?.messages === 98);
    await Promise.all([phone, web].map(settled));
    for (const chat of [onPhone, onWeb]) await chat.loadOlder(0);
    assert.equal(texts(onWeb), texts(onPhone));
    for (const gone of ['old 3', 'old 12']) assert.not.ok(texts(onWeb).includes(gone));
  }),
);

test(
  '[PG9] an archive that was deleted is filled again from the relay; what no record names is removed',
  onBench(async (bench) => {
    const { web, onPhone, chatId } = await long(bench);
    await bench.close(web);
    const folder = join(bench.folder, 'web', 'archive');
    const kept = await readdir(folder);
    assert.ok(kept.length >= 7);
    await rm(folder, { recursive: true });
    await mkdir(folder);
    await writeFile(join(folder, 'f'.repeat(32)), 'left behind by a crash');
    const again = await bench.open('web', INTERNALS);
    const onAgain = await again.openChat(chatId);
    assert.not.ok((await readdir(folder)).includes('f'.repeat(32)));
    await onAgain.loadOlder();
    await until(onAgain.timeline, () => onAgain.status.get().older + onAgain.timeline.get().length === 100);
    await settled(again);
    while (await onAgain.loadOlder());
    await until(onAgain.timeline, (messages) => messages.length === 100);
    while (await onPhone.loadOlder());
    assert.equal(shown(onAgain), shown(onPhone));
  }),
);

test(
  '[PG6] a revoked device: what it wrote on old pages stays, what lies beyond the cut goes from them',
  onBench(async (bench) => {
    const { phone, web, chatId } = await pair(bench);
    const desktop: Device = await bench.link(phone, 'desktop', INTERNALS);
    const onPhone = await phone.openChat(chatId);
    const onWeb = await web.openChat(chatId);
    await sendAll(onWeb, words('web', 10));
    await sendAll(onPhone, words('phone', 10));
    await until(desktop.chats, ([chat]) => chat?.messages === 20);
    await settled(web);
    await phone.logOutDevice(web.id);
    await until(web.status, ({ problem }) => problem?.code === 'LOGGED_OUT');
    await sendAll(onPhone, words('after', 5));
    const onDesktop = await desktop.openChat(chatId);
    await bothShow(onPhone, onDesktop, 25);
  }),
);

test.run();
