// The post of an account over a relay in small: what leaves, what is taken in, and when it goes from the relay. Rules:
// spec/contacts.md §4.
import { type ClientMessage, type RelayMessage, SealwireError, toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createBook } from '../src/contacts/book.ts';
import type { Unstamped } from '../src/contacts/judge.ts';
import { sealMessage } from '../src/contacts/messages.ts';
import { createPost, hashOfToken, type PostOptions, tokensFor } from '../src/contacts/post.ts';
import type { Entry } from '../src/logdoc/entries.ts';
import type { InboxEvent } from '../src/sync/engine.ts';
import { contentBytes, NOW, type Person, person } from './contacts-kit.ts';
import { type Seeded, seeded } from './support.ts';

const test = suite('post');

type Answer = RelayMessage extends infer M ? (M extends RelayMessage ? Omit<M, 'request'> : never) : never;

/** A relay with one inbox, and the account document that own devices share. */
const world = (random: Seeded, me: Person) => {
  const messages = new Map<number, Uint8Array>();
  const { book, take } = createBook();
  const log: string[] = [];
  const listeners = new Set<(event: InboxEvent) => void>();
  let tokens: Uint8Array[] = [];
  let stamp = NOW * 1024;
  let refuse: string | undefined;
  const answer = (message: ClientMessage): Answer => {
    log.push(message.type);
    if (message.type === 'inbox-read')
      return {
        type: 'inbox-result',
        version: 1,
        tokens,
        complete: true,
        messages: [...messages]
          .filter(([number]) => number > message.after)
          .map(([number, payload]) => ({ number, token: new Uint8Array(32), payload })),
      } as Answer;
    if (message.type === 'put-inbox') {
      tokens = [...message.tokens];
      return { type: 'done', version: message.version } as Answer;
    }
    if (message.type === 'inbox-remove') for (const number of message.numbers) messages.delete(number);
    if (message.type === 'inbox-append' && refuse)
      throw new SealwireError(refuse as SealwireError['code'], 'refused');
    return { type: 'accepted' } as Answer;
  };
  /** An own device: `sent` says when the relay has the account document. */
  const device = (id: string, options: Partial<PostOptions> = {}) => {
    let connected: (connection: 'online' | 'offline') => void = () => undefined;
    const timers: (() => void)[] = [];
    const evidence: string[] = [];
    const post = createPost({
      engine: {
        request: async (build) => answer(build(1)) as RelayMessage,
        onInbox(listener) {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
        onConnection(listener) {
          connected = listener;
          return () => undefined;
        },
      },
      account: me.log.root,
      book: () => book,
      judge: { roomsOf: () => undefined, deviceId: id, randomBytes: random.bytes },
      keys: () => [me.accountKey],
      holdsAllKeys: () => true,
      isActive: () => true,
      async write(entries: readonly Unstamped[]) {
        for (const entry of entries) take({ ...entry, t: ++stamp } as Entry);
      },
      sent: async () => undefined,
      parcel: async () => ({
        principal: random.bytes(32),
        token: random.bytes(16),
        payload: random.bytes(9),
      }),
      now: () => NOW,
      after(_ms, run) {
        timers.push(run);
        return () => undefined;
      },
      report: ({ code }) => void evidence.push(code),
      fault: (error) => {
        throw error;
      },
      ...options,
    });
    return {
      post,
      evidence,
      timers,
      go: (connection: 'online' | 'offline' = 'online') => connected(connection),
    };
  };
  return {
    book,
    log,
    messages,
    device,
    put: (entry: Unstamped) => take({ ...entry, t: ++stamp } as Entry),
    tokens: () => tokens,
    refuse: (code: string | undefined) => {
      refuse = code;
    },
    arrive(number: number, payload: Uint8Array) {
      messages.set(number, payload);
      for (const listener of listeners)
        listener({ type: 'inbox', number, token: new Uint8Array(32), payload });
    },
  };
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Resolves when the condition holds: signatures and keys take their time. */
const eventually = async (holds: () => boolean, what: string): Promise<void> => {
  for (let turns = 0; !holds(); turns++) {
    if (turns > 200_000) throw new Error(`waited in vain: ${what}`);
    await turn();
  }
};

/** What was under way has gone on as far as it can for now. */
const quiet = async (): Promise<void> => {
  for (let i = 0; i < 100; i++) await turn();
};

const setUp = async (seed: number) => {
  const random = seeded(seed);
  const [ada, bea] = [await person(random, 'Ada'), await person(random, 'Bea')];
  const card = random.bytes(16);
  const adas = world(random, ada);
  adas.put({ k: 'card', id: toHex(card), q: 'shown', v: true });
  const request = () => contentBytes(bea, ada, random, { type: 'request', card });
  return { random, ada, bea, adas, request };
};

test('[CT24] a message goes from the relay only once the relay has what it came to; two devices make one request of it', async () => {
  const { ada, adas, request } = await setUp(1);
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const phone = adas.device('aa'.repeat(16), { sent: () => held });
  const web = adas.device('bb'.repeat(16), { sent: () => held });
  phone.go();
  web.go();
  await quiet();
  adas.arrive(1, await sealMessage(request(), ada.accountKey.publicKey));
  await eventually(() => adas.book.requests.size === 1, 'a request');
  await quiet();
  assert.is(adas.messages.size, 1, 'the account document is not at the relay yet');
  release();
  await eventually(() => adas.messages.size === 0, 'an empty inbox');
  assert.is(adas.book.requests.size, 1);
  assert.equal([phone.evidence, web.evidence], [[], []]);
});

test('[CT24] what no key opens goes, with evidence, unless this device lacks a key', async () => {
  const { random, bea, adas, request } = await setUp(2);
  const foreign = await sealMessage(request(), bea.accountKey.publicKey);
  const poor = adas.device('aa'.repeat(16), { holdsAllKeys: () => false });
  poor.go();
  await quiet();
  adas.arrive(1, foreign);
  await quiet();
  await quiet();
  assert.is(adas.messages.size, 1);
  assert.equal(poor.evidence, []);
  const rich = adas.device('bb'.repeat(16));
  rich.go();
  adas.arrive(2, random.bytes(100));
  await eventually(() => !adas.messages.has(2), 'what is of no size that a message has is gone');
  assert.ok(adas.messages.has(1));
  adas.arrive(1, foreign);
  await eventually(() => adas.messages.size === 0, 'an empty inbox');
  assert.equal(rich.evidence, ['INBOX_MESSAGE_REFUSED', 'INBOX_MESSAGE_REFUSED']);
});

test('[CT25] mail leaves after its decision is at the relay, from the device that took it; it stays due until it is taken', async () => {
  const { adas } = await setUp(3);
  const [mine, other] = ['aa'.repeat(16), 'bb'.repeat(16)];
  adas.put({ k: 'mail', id: '01'.repeat(16), f: 'cc'.repeat(32), q: 'request', r: '', d: mine, s: 'due' });
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const web = adas.device(other);
  web.go();
  await quiet();
  assert.not(adas.log.includes('inbox-append'), 'another device decided it');
  const phone = adas.device(mine, { sent: () => held });
  phone.go();
  await quiet();
  assert.not(adas.log.includes('inbox-append'), 'the decision is not at the relay yet');
  adas.refuse('INBOX_REFUSED');
  release();
  await eventually(() => phone.evidence.length > 0, 'a refusal');
  assert.is(phone.post.pending(), 1);
  assert.equal(phone.evidence, ['INBOX_REFUSED']);
  adas.refuse(undefined);
  await eventually(() => phone.timers.length > 0, 'a timer');
  for (const run of phone.timers.splice(0)) run();
  await eventually(() => phone.post.pending() === 0, 'mail that has left');
  assert.is(adas.log.filter((type) => type === 'inbox-append').length, 2);
});

test('[CT25] another own device sends what one that is gone left', async () => {
  const { adas } = await setUp(4);
  adas.put({
    k: 'mail',
    id: '01'.repeat(16),
    f: 'cc'.repeat(32),
    q: 'request',
    r: '',
    d: 'aa'.repeat(16),
    s: 'due',
  });
  const web = adas.device('bb'.repeat(16), { isActive: () => false });
  web.go();
  await eventually(() => web.post.pending() === 0, 'mail that has left');
});

test('[CT26] the list of tokens keeps what this device does not know, and loses what was revoked', async () => {
  const random = seeded(5);
  const [live, revoked, unknown] = [random.bytes(16), random.bytes(16), random.bytes(16)];
  const cards = [
    { id: toHex(live), v: true, t: 2 },
    { id: toHex(revoked), v: false, t: 1 },
  ];
  const listed = [revoked, unknown].map(hashOfToken);
  const next = tokensFor(cards, listed).map(toHex);
  assert.equal(next, [live, unknown].map((token) => toHex(hashOfToken(token))).sort());
  const many = Array.from({ length: 80 }, (_, t) => ({ id: toHex(random.bytes(16)), v: true, t }));
  const most = tokensFor(many, listed).map(toHex);
  assert.is(most.length, 64);
  assert.ok(
    most.includes(toHex(hashOfToken(Uint8Array.from(Buffer.from(many[79]!.id, 'hex'))))),
    'the newest stay',
  );
  const { adas } = await setUp(6);
  const phone = adas.device('aa'.repeat(16));
  phone.go();
  await phone.post.whenListed();
  assert.is(adas.tokens().length, 1);
});

test.run();
