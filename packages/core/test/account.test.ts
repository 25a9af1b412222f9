// The account document reduced, and imported messages as chats show them. Rules: spec/log-document.md §3 and §5.
import { LIMITS, toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readAccount } from '../src/account/account-doc.ts';
import { utf8 } from '../src/bytes.ts';
import { createChatModel } from '../src/chat.ts';
import { decodeEntry, type Entry, encodeEntry } from '../src/logdoc/entries.ts';
import { parseUpdate } from '../src/logdoc/parser.ts';
import { createClock } from '../src/logdoc/stamp.ts';
import { createPage } from '../src/room/page.ts';
import { drain, type TestRoom, testAccount, testRoom } from './room-support.ts';
import { type Seeded, seeded, writerDoc } from './support.ts';

const test = suite('account');

const hex = (n: number, bytes: number): string => n.toString(16).padStart(2 * bytes, '0');
const KEY = 'A'.repeat(43);

/** Entries of few ids and few stamps, so that many compete for one place. */
const anyEntry = (random: Seeded): Entry => {
  const t = 1024 * random.below(6);
  const n = `name ${random.below(8)}`;
  switch (random.below(4)) {
    case 0:
      return { k: 'chat', t, id: hex(random.below(3), 32), s: KEY, e: [KEY], n };
    case 1:
      return { k: 'device', t, id: hex(random.below(3), 16), n, p: ['web', 'phone'][random.below(2)]! };
    case 2:
      return { k: 'me', t, n };
    default:
      return { k: 'm', t, x: n };
  }
};

/** The rule in its own words: the later stamp, then the greater text. */
const reduced = (entries: readonly Entry[]) => {
  const winners = new Map<string, Entry>();
  for (const entry of entries) {
    const place = `${entry.k} ${'id' in entry ? entry.id : ''}`;
    const other = winners.get(place);
    const wins = !other || entry.t > other.t || (entry.t === other.t && textOf(entry) > textOf(other));
    if (wins) winners.set(place, entry);
  }
  const of = (kind: string) => [...winners.values()].filter(({ k }) => k === kind).map(textOf);
  const [me] = [...winners.values()].filter((entry) => entry.k === 'me');
  return { chats: of('chat').sort(), devices: of('device').sort(), personName: me?.n ?? '' };
};

const textOf = (entry: Entry): string => JSON.stringify(entry);

const essence = (account: ReturnType<typeof readAccount>) => {
  const { chats, devices, personName } = account.get();
  for (const [id, entry] of [...chats, ...devices]) assert.is(entry.id, id);
  return {
    chats: [...chats.values()].map(textOf).sort(),
    devices: [...devices.values()].map(textOf).sort(),
    personName,
  };
};

/** What each of some devices wrote, update by update. */
const written = (random: Seeded, writers: number, each: number) => {
  const entries: Entry[] = [];
  const updates = Array.from({ length: writers }, (_, i) => {
    const writer = writerDoc(2 ** 52 + i);
    for (let j = 0; j < each; j++) {
      const entry = anyEntry(random);
      entries.push(entry);
      writer.write(encodeEntry(entry));
    }
    return writer.updates.map((bytes, clock) => parseUpdate(bytes, writer.doc.clientID, clock));
  });
  return { entries, updates };
};

test('[LD13] the same entries reduce to the same account in every order of arrival, and when loaded at once', () => {
  const random = seeded(601);
  for (let round = 0; round < 25; round++) {
    const { entries, updates } = written(random, 3, 15);
    const expected = reduced(entries);
    for (let order = 0; order < 4; order++) {
      const page = createPage('page-0', 5);
      const left = updates.map((list) => [...list]);
      const arriving = random.shuffled(left.flatMap((list, i) => list.map(() => i)));
      const take = (count: number) => page.applyAll(arriving.splice(0, count).map((i) => left[i]!.shift()!));
      take(random.below(20));
      let changes = 0;
      const account = readAccount(page, () => {
        changes += 1;
      });
      while (arriving.length > 0) take(1 + random.below(6));
      assert.ok(changes > 0);
      assert.equal(essence(account), expected);
    }
  }
});

test('[LD13] the later stamp counts, and of equal stamps the greater text, for names, titles and the person alike', () => {
  const pairs: [Entry, Entry][] = [
    [
      { k: 'me', t: 2048, n: 'A' },
      { k: 'me', t: 1024, n: 'Z' },
    ],
    [
      { k: 'me', t: 1024, n: 'Z' },
      { k: 'me', t: 1024, n: 'A' },
    ],
    [
      { k: 'device', t: 9, id: hex(1, 16), n: 'Z', p: 'web' },
      { k: 'device', t: 9, id: hex(1, 16), n: 'A', p: 'web' },
    ],
    [
      { k: 'chat', t: 9, id: hex(1, 32), s: KEY, e: [KEY], n: 'Z' },
      { k: 'chat', t: 9, id: hex(1, 32), s: KEY, e: [KEY], n: 'A' },
    ],
  ];
  for (const [winner, loser] of pairs)
    for (const order of [
      [winner, loser],
      [loser, winner],
    ]) {
      const page = createPage('page-0', 5);
      const account = readAccount(page, () => undefined);
      for (const entry of order) page.append(encodeEntry(entry));
      assert.equal(essence(account), reduced([winner]), textOf(winner));
    }
});

test('[LD8] what is of no known kind is kept in the document and changes nothing in the account', () => {
  const page = createPage('page-0', 5);
  const account = readAccount(page, () => undefined);
  page.append(encodeEntry({ k: 'me', t: 1024, n: 'Ada' }));
  for (const odd of [
    '{"k":"avatar","t":9999}',
    '{"k":"me","t":9999,"n":5}',
    '{"k":"me","t":-1,"n":"x"}',
    '\u0000',
  ])
    page.append(utf8(odd));
  assert.is(account.get().personName, 'Ada');
  assert.is(page.map.size, 5);
});

const chatOf = (room: TestRoom['room'], now: () => number) =>
  createChatModel({
    room,
    id: 'chat',
    clock: createClock(now),
    now,
    title: () => 'Chat',
    createdAt: () => 0,
    nameOf: () => 'Grace',
    isOwnMade: true,
    membership: {
      room,
      directory: room.options.directory,
      device: room.options.device,
      sign: room.options.sign,
      now,
      randomBytes: room.options.randomBytes,
      keepRoom: async () => undefined,
      requireWritable: () => undefined,
    },
    connection: () => 'offline',
    head: () => 0,
    requireWritable: () => undefined,
    onClockAhead: () => assert.unreachable('no clock is ahead'),
    onChange: () => undefined,
  });

test('[LD11] imported messages carry their origin and are shown as imported by their author, on every device', async () => {
  const random = seeded(602);
  const account = await testAccount(random, 2);
  const phone = await testRoom(random, account, 0);
  const web = await testRoom(random, account, 1);
  const now = () => 1_700_000_000_000;
  const chat = await chatOf(phone.room, now).open();
  const imported = [
    { name: 'Ada', sentAt: 1_400_000_000_000, text: 'written long ago' },
    { name: 'Grace', sentAt: 1_500_000_000_000, text: 'by somebody of the same name' },
    { name: '', sentAt: 1_600_000_000_000, text: 'by nobody' },
  ];
  assert.is(await chat.import(imported, 'WhatsApp'), 3);
  await chat.send('written here');
  chat.close();
  await web.room.receive(await drain(phone));
  const there = await chatOf(web.room, now).open();
  there.close();
  for (const { timeline } of [chat, there]) {
    const messages = timeline.get();
    assert.equal(
      messages.map(({ text, at, origin }) => ({ text, at, origin })),
      [
        ...imported.map(({ name, sentAt, text }) => ({
          text,
          at: sentAt,
          origin: { name, sentAt, source: 'WhatsApp' },
        })),
        { text: 'written here', at: now(), origin: undefined },
      ],
    );
    // The one who stands behind a message is whoever brought it in, never the person that it names.
    const [author, ...others] = new Set(messages.map((message) => JSON.stringify(message.author)));
    assert.equal(others, []);
    assert.equal(JSON.parse(author!), {
      accountId: toHex(account.log.root),
      deviceId: toHex(account.devices[0]!.logged.id),
      name: 'Grace',
      isMe: true,
    });
  }
});

test('[LD11] an origin comes back from its bytes, and what is no origin makes no message', () => {
  const good = { k: 'm', t: 1024, x: 'text', o: { n: 'Ada', s: 1_400_000_000_000, a: 'WhatsApp' } } as const;
  assert.equal(decodeEntry(encodeEntry(good)), good);
  const { n, s, a } = good.o;
  const long = 'x'.repeat(LIMITS.nameChars + 1);
  const odd = [
    null,
    5,
    'Ada',
    {},
    { n, s },
    { n, a },
    { s, a },
    { n: 5, s, a },
    { n, s: '5', a },
    { n, s: 0.5, a },
  ];
  for (const o of [...odd, { n: long, s, a }, { n, s, a: long }])
    assert.is(decodeEntry(utf8(JSON.stringify({ ...good, o }))), undefined, JSON.stringify(o));
  const more = decodeEntry(utf8(JSON.stringify({ ...good, o: { ...good.o, verified: true } })));
  assert.equal(more, good, 'what an origin may not say is not shown');
});

test.run();
