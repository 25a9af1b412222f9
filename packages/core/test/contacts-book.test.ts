// The book of other people in the account document, and what becomes of messages and decisions. Rules: spec/contacts.md
// §2 to §4.
import { LIMITS, toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fromBase64Url, toBase64Url } from '../src/bytes.ts';
import { createBook } from '../src/contacts/book.ts';
import {
  acceptEntries,
  askEntries,
  declineEntries,
  type JudgeContext,
  judgeMessage,
  PENDING_REQUESTS,
  type Unstamped,
} from '../src/contacts/judge.ts';
import { readLog } from '../src/contacts/messages.ts';
import { roomIdOf } from '../src/identity/device-keys.ts';
import { addToDeviceLog } from '../src/identity/device-log.ts';
import { signEntry } from '../src/identity/log-entry.ts';
import { decodeEntry, type Entry, encodeEntry } from '../src/logdoc/entries.ts';
import { cardOf, messageOf, type Person, person } from './contacts-kit.ts';
import { addOf } from './device-log-kit.ts';
import { type Seeded, seeded } from './support.ts';

const test = suite('the book of contacts');

/** An account document in small: entries go in as bytes, as they do in life. */
const account = (random: Seeded) => {
  const { book, take } = createBook();
  const chats = new Map<string, Map<string, string>>();
  let stamp = 0;
  const context: JudgeContext = {
    book,
    roomsOf: (id) => chats.get(id),
    deviceId: toHex(random.bytes(16)),
    randomBytes: random.bytes,
  };
  const write = (entries: readonly Unstamped[]): void => {
    for (const entry of entries) {
      stamp += 1;
      const read = decodeEntry(encodeEntry({ ...entry, t: stamp } as Entry));
      assert.ok(read, `an entry does not come back: ${entry.k}`);
      if (read.k === 'chat') chats.set(read.id, new Map([[read.s, '']]));
      if (read.k === 'room') chats.get(read.id)?.set(read.s, read.f);
      take(read);
    }
  };
  return { book, chats, context, write };
};

type Account = ReturnType<typeof account>;

const judge = ({ context }: Account, { message, bytes }: Awaited<ReturnType<typeof messageOf>>) =>
  judgeMessage(message, bytes, context);

const taken = (to: Account, message: Awaited<ReturnType<typeof messageOf>>): readonly Unstamped[] => {
  const verdict = judge(to, message);
  assert.is(verdict.type, 'take', JSON.stringify(verdict));
  const { entries } = verdict as Extract<typeof verdict, { type: 'take' }>;
  to.write(entries);
  return entries;
};

const inviteFields = (from: Person, random: Seeded) => {
  const [device] = from.devices;
  const genesis = signEntry(
    {
      type: 'chat-genesis',
      nonce: random.bytes(16),
      account: from.log.root,
      author: device!.logged.id,
      at: 1,
    },
    device!.sign,
  );
  const entries = [Uint8Array.from([...genesis.unsigned, ...genesis.signatures[0]!])];
  return { type: 'invite', chat: genesis.hash, secret: random.bytes(32), title: 'Summer', entries } as const;
};

const start = async (seed: number) => {
  const random = seeded(seed);
  const [ada, bea] = [await person(random, 'Ada', 2), await person(random, 'Bea')];
  const [adas, beas] = [account(random), account(random)];
  const card = cardOf(ada, random);
  adas.write([{ k: 'card', id: toHex(card.token), q: 'shown', v: true }]);
  return { random, ada, bea, adas, beas, card };
};

test('[CT9, CT10, CT22] asked by card, answered by consent: both sides know each other, each with a log that verifies', async () => {
  const { random, ada, bea, adas, beas, card } = await start(1);
  beas.write(askEntries(card, beas.context));
  const [mail] = beas.book.mail.values();
  assert.is(beas.book.contacts.get(toHex(ada.log.root))?.s, 'asked');
  assert.equal([mail?.q, mail?.s], ['request', 'due']);
  const request = await messageOf(
    bea,
    ada,
    random,
    { type: 'request', card: card.token },
    { id: random.bytes(16) },
  );
  taken(adas, request);
  const [pending] = adas.book.requests.values();
  assert.equal([pending?.s, pending?.n, pending?.q], ['pending', 'Bea', 'contact']);
  assert.is(adas.book.contacts.size, 0, 'nothing happens before the person says yes');

  adas.write(acceptEntries(request.message, adas.context));
  assert.is(adas.book.requests.get(pending!.id)?.s, 'accepted');
  assert.is(adas.book.contacts.get(toHex(bea.log.root))?.s, 'known');
  assert.equal(
    [...adas.book.mail.values()].map(({ q, r, s }) => [q, r, s]),
    [['accept', pending!.id, 'due']],
  );

  const accept = await messageOf(ada, bea, random, {
    type: 'accept',
    request: Uint8Array.from(Buffer.from(mail!.id, 'hex')),
  });
  taken(beas, accept);
  const known = beas.book.contacts.get(toHex(ada.log.root));
  assert.is(known?.s, 'known');
  const log = await readLog(
    [...beas.book.logs.get(toHex(ada.log.root))!].map((entry) => fromBase64Url(entry)!),
  );
  assert.equal(log.heads, ada.log.heads);
});

test('[CT9] a request without a card, with a revoked one, or with the token that contacts were given is refused', async () => {
  const { random, ada, bea, adas, card } = await start(2);
  const given = random.bytes(16);
  adas.write([{ k: 'card', id: toHex(given), q: 'contacts', v: true }]);
  for (const token of [random.bytes(16), given])
    assert.is(
      judge(adas, await messageOf(bea, ada, random, { type: 'request', card: token })).type,
      'refuse',
    );
  const request = await messageOf(bea, ada, random, { type: 'request', card: card.token });
  assert.is(judge(adas, request).type, 'take');
  adas.write([{ k: 'card', id: toHex(card.token), q: 'shown', v: false }]);
  assert.is(judge(adas, request).type, 'refuse');
});

test('[CT10] an accept from nobody who was asked, for another request, or with another principal is refused', async () => {
  const { random, ada, bea, beas, card } = await start(3);
  const eve = await person(random, 'Eve');
  beas.write(askEntries(card, beas.context));
  const request = Uint8Array.from(Buffer.from([...beas.book.mail.values()][0]!.id, 'hex'));
  const verdict = async (from: Person, id: Uint8Array) =>
    judge(beas, await messageOf(from, bea, random, { type: 'accept', request: id })).type;
  assert.is(await verdict(eve, request), 'refuse');
  assert.is(await verdict(ada, random.bytes(16)), 'refuse');
  assert.is(await verdict(ada, request), 'take');
  const elsewhere = account(random);
  elsewhere.write(askEntries({ ...card, principal: random.bytes(32) }, elsewhere.context));
  const asked = Uint8Array.from(Buffer.from([...elsewhere.book.mail.values()][0]!.id, 'hex'));
  const accept = await messageOf(ada, bea, random, { type: 'accept', request: asked });
  assert.is(judge(elsewhere, accept).type, 'refuse');
});

test('[CT12] a message that was dealt with comes to nothing when it comes again', async () => {
  const { random, ada, bea, adas, card } = await start(4);
  const request = await messageOf(bea, ada, random, { type: 'request', card: card.token });
  taken(adas, request);
  assert.equal(taken(adas, request), []);
  adas.write(declineEntries(adas.book, toHex(request.message.content.id)));
  assert.equal(taken(adas, request), []);
  assert.is([...adas.book.requests.values()][0]?.s, 'declined');
  assert.equal(acceptEntries(request.message, adas.context).length, 3, 'a no may become a yes');
});

test('two people who scanned each other know each other without a further question', async () => {
  const { random, ada, bea, adas, beas, card } = await start(5);
  adas.write(askEntries(cardOf(bea, random), adas.context));
  const request = await messageOf(bea, ada, random, { type: 'request', card: card.token });
  taken(adas, request);
  assert.is(adas.book.contacts.get(toHex(bea.log.root))?.s, 'known');
  assert.is(adas.book.requests.size, 0);
  assert.equal([...adas.book.mail.values()].map(({ q }) => q).sort(), ['accept', 'request']);
  assert.is(beas.book.contacts.size, 0);
});

test('an invitation of a contact is joined, one of a stranger waits, and what waits is bounded', async () => {
  const { random, ada, bea, adas, card } = await start(6);
  const first = await messageOf(bea, ada, random, inviteFields(bea, random));
  taken(adas, first);
  assert.equal(
    [...adas.book.requests.values()].map(({ q, h, s }) => [q, h, s]),
    [['invitation', 'Summer', 'pending']],
  );
  assert.is(adas.chats.size, 0);
  adas.write(acceptEntries(first.message, adas.context));
  assert.is(adas.chats.size, 1);
  assert.is(adas.book.contacts.size, 0, 'who invites is no contact for that');

  const request = await messageOf(bea, ada, random, { type: 'request', card: card.token });
  taken(adas, request);
  adas.write(acceptEntries(request.message, adas.context));
  taken(adas, await messageOf(bea, ada, random, inviteFields(bea, random)));
  assert.is(adas.chats.size, 2);

  for (let i = 0; i < PENDING_REQUESTS; i++) {
    const stranger = await person(random, `stranger ${i}`);
    taken(adas, await messageOf(stranger, ada, random, { type: 'request', card: card.token }));
  }
  const late = await person(random, 'one too many');
  const tooMany = await messageOf(late, ada, random, { type: 'request', card: card.token });
  assert.is(judge(adas, tooMany).type, 'later');
});

test('[CH18] a contact names another room of a chat that one has, if the log that comes moves there, a few times', async () => {
  const { random, ada, bea, adas, card } = await start(8);
  const fields = inviteFields(bea, random);
  const [genesis] = fields.entries;
  const [device] = bea.devices;
  const movedTo = (secret: Uint8Array) => {
    const change = { action: 'move', room: roomIdOf(secret) } as const;
    const of = { log: fields.chat, parents: [fields.chat], author: device!.logged.id, account: bea.log.root };
    const { unsigned, signatures } = signEntry({ type: 'member', ...of, change, at: 2 }, device!.sign);
    return { ...fields, secret, entries: [genesis!, Uint8Array.from([...unsigned, ...signatures[0]!])] };
  };
  adas.write([{ k: 'chat', id: toHex(fields.chat), s: toBase64Url(fields.secret), e: [], n: 'Summer' }]);
  const says = async (content: ReturnType<typeof movedTo>) =>
    taken(adas, await messageOf(bea, ada, random, content)).map(({ k }) => k);
  assert.equal(await says(movedTo(random.bytes(32))), ['seen'], 'a stranger names none');
  const request = await messageOf(bea, ada, random, { type: 'request', card: card.token });
  taken(adas, request);
  adas.write(acceptEntries(request.message, adas.context));
  const secret = random.bytes(32);
  const rooms = () => [...adas.chats.get(toHex(fields.chat))!.keys()];
  assert.equal(await says(movedTo(secret)), ['seen', 'room']);
  assert.equal(rooms(), [toBase64Url(fields.secret), toBase64Url(secret)]);
  assert.equal(await says(movedTo(secret)), ['seen'], 'known');
  assert.equal(
    await says({ ...movedTo(secret), secret: random.bytes(32) }),
    ['seen'],
    'the log moves elsewhere',
  );
  for (let i = 1; i < LIMITS.chatRooms; i++)
    assert.equal(await says(movedTo(random.bytes(32))), ['seen', 'room']);
  assert.equal(await says(movedTo(random.bytes(32))), ['seen'], 'one too many');
  assert.is(rooms().length, 1 + LIMITS.chatRooms);
});

test('[CT20, CT21] the same entries come to the same book in every order', async () => {
  const { random, ada, bea, card } = await start(7);
  const longer = await addToDeviceLog(
    bea.log,
    addOf(bea.log, bea.devices[0]!, (await person(random, 'x')).devices[0]!),
  );
  const at = (entries: readonly Unstamped[], t: number): Entry[] =>
    entries.map((entry) => ({ ...entry, t }) as Entry);
  const context = account(random).context;
  const request = await messageOf(bea, ada, random, { type: 'request', card: card.token });
  const later = await messageOf({ ...bea, log: longer }, ada, random, { type: 'request', card: card.token });
  const id = toHex(request.message.content.id);
  const pending: Unstamped = {
    k: 'request',
    id,
    f: toHex(bea.log.root),
    q: 'contact',
    s: 'pending',
    n: 'Bea',
    b: 'AAAA',
  };
  const { b: _, ...decided } = pending;
  const mail = askEntries(card, context)[1] as Extract<Unstamped, { k: 'mail' }>;
  const root = toHex(bea.log.root);
  const knowing = account(random);
  knowing.write([pending]);
  const known = acceptEntries(request.message, knowing.context)[1]!;
  const knowing2 = account(random);
  knowing2.write([{ ...pending, id: toHex(later.message.content.id) }]);
  const knownLonger = acceptEntries(later.message, knowing2.context)[1]!;
  const alert: Unstamped = {
    k: 'alert',
    id: root,
    q: 'contact-device-linked',
    f: root,
    d: '',
    n: 'Bea',
    v: true,
  };
  const entries: Entry[] = [
    ...at([{ k: 'card', id: toHex(card.token), q: 'shown', v: true }], 9),
    ...at([{ k: 'card', id: toHex(card.token), q: 'shown', v: false }], 2),
    ...at([pending], 30),
    ...at([{ ...decided, s: 'declined' }], 20),
    ...at([{ ...decided, s: 'accepted' }], 10),
    ...at([mail], 40),
    ...at([{ ...mail, s: 'sent' }], 5),
    ...at([known], 50),
    ...at([knownLonger], 49),
    ...at([{ ...(known as Extract<Unstamped, { k: 'contact' }>), s: 'asked', l: [] }], 99),
    ...at([{ k: 'verified', id: root, v: true }], 60),
    ...at([{ k: 'verified', id: root, v: false }], 59),
    ...at([alert], 70),
    ...at([{ ...alert, v: false }], 3),
    ...at([{ k: 'seen', id: toHex(random.bytes(16)) }], 1),
  ];
  const reduced = (order: readonly Entry[]) => {
    const { book, take } = createBook();
    for (const entry of order) take(entry);
    const { cards, contacts, requests, contents, mail: mails, verified, alerts } = book;
    const logs = [...book.logs].map(([of, log]) => [of, [...log].sort()]);
    return [cards, contacts, requests, contents, mails, verified, alerts]
      .map((map) => [...map].sort())
      .concat(logs as never);
  };
  const expected = reduced(entries);
  for (let run = 0; run < 200; run++) {
    const order = random.shuffled(entries);
    assert.equal(reduced([...order, ...order.slice(random.int(order.length))]), expected);
  }
  const { book, take } = createBook();
  for (const entry of entries) take(entry);
  assert.is(book.cards.get(toHex(card.token))?.v, false);
  assert.is(book.contacts.get(root)?.s, 'known');
  assert.is(book.logs.get(root)?.size, 2, 'the longer log counts though its entry has the earlier stamp');
  assert.is(book.requests.get(id)?.s, 'accepted');
  assert.is(book.mail.get(mail.id)?.s, 'sent');
  assert.is(book.verified.get(root)?.v, true);
  assert.is(book.alerts.get(root)?.v, false);
});

test('[CT20] entries of contacts that are not well formed are not read: 4,000 seeded ones', () => {
  const random = seeded(8);
  const odd = () =>
    random.pick<unknown>([
      undefined,
      null,
      7,
      '',
      'x',
      [],
      ['='],
      {},
      'A'.repeat(64),
      '0'.repeat(64),
      '0'.repeat(32),
      true,
    ]);
  let read = 0;
  for (let run = 0; run < 4_000; run++) {
    const k = random.pick(['card', 'contact', 'request', 'mail', 'seen', 'verified', 'alert']);
    const fields = Object.fromEntries(
      ['id', 's', 'n', 'p', 'a', 'w', 'l', 'f', 'q', 'h', 'b', 'r', 'd', 'v'].map((name) => [name, odd()]),
    );
    const entry = decodeEntry(new TextEncoder().encode(JSON.stringify({ k, t: 1, ...fields })));
    if (entry) read++;
    createBook().take(entry ?? { k: 'me', t: 1, n: '' });
  }
  assert.ok(read > 10 && read < 3_000, `${read} read`);
});

test.run();
