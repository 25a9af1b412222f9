// Inboxes over real sockets, with a clock of the test's own. Rules: spec/relay-protocol.md §11.
import { createHash, randomBytes } from 'node:crypto';
import { compareBytes, inboxTokenStatement, LIMITS } from '@sealwire/protocol';
import type { TestClient } from '@sealwire/testkit/relay-client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { memoryStore, relayLimits, systemClock } from '../src/index.ts';
import { type Account, answered, append, makeRoom, refusedWith, type World, withRelay } from './support.ts';

const inbox = suite('inbox');

const makeToken = (): { token: Uint8Array; hash: Uint8Array } => {
  const token = new Uint8Array(randomBytes(16));
  return { token, hash: new Uint8Array(createHash('sha256').update(inboxTokenStatement(token)).digest()) };
};

const put = (client: TestClient, version: number, ...tokens: Uint8Array[]) =>
  client.request({ type: 'put-inbox', version, tokens: tokens.sort(compareBytes) });

const leave = (client: TestClient, principal: Uint8Array, token: Uint8Array, payload = Uint8Array.of(1)) =>
  client.request({ type: 'inbox-append', principal, token, payload });

const read = async (client: TestClient, after = 0) =>
  answered(await client.request({ type: 'inbox-read', after }), 'inbox-result');

const numbersOf = async (client: TestClient): Promise<number[]> =>
  (await read(client)).messages.map(({ number }) => number);

/** An account with an inbox that accepts one token. */
const withInbox = async ({ account }: World): Promise<Account & ReturnType<typeof makeToken>> => {
  const owner = await account();
  const token = makeToken();
  answered(await put(owner.client, 1, token.hash), 'done');
  return { ...owner, ...token };
};

inbox(
  '[RP109] the list of tokens is compare-and-set; who lost a race reads and puts again',
  withRelay({}, async ({ account }) => {
    const { client } = await account();
    const [one, two, three] = [makeToken().hash, makeToken().hash, makeToken().hash];
    assert.equal(await read(client).then(({ version, tokens }) => [version, tokens]), [0, []]);
    refusedWith(await put(client, 2, one), 'VERSION_CONFLICT');
    assert.is(answered(await put(client, 1, one), 'done').version, 1);
    assert.is(answered(await put(client, 1, one), 'done').version, 1, 'its answer may have been lost');
    refusedWith(await put(client, 1, two), 'VERSION_CONFLICT');
    refusedWith(await put(client, 3, two), 'VERSION_CONFLICT');
    const known = await read(client);
    assert.is(known.version, 1);
    answered(await put(client, 2, ...known.tokens, two, three), 'done');
    assert.is((await read(client)).tokens.length, 3);
  }),
);

inbox(
  '[RP110] anybody with a token leaves messages; without one there is one answer, whatever is missing',
  withRelay({}, async (world) => {
    const { principal, client, token, hash } = await withInbox(world);
    const bare = await world.account();
    const [stranger, other] = [await world.connect(), (await world.account()).client];
    for (const sender of [stranger, other, client]) {
      answered(await leave(sender, principal.id, token, Uint8Array.of(7, 8)), 'accepted');
    }
    const { messages } = await read(client);
    assert.equal(
      messages.map((one) => [one.number, [...one.token], [...one.payload]]),
      [1, 2, 3].map((number) => [number, [...hash], [7, 8]]),
    );
    const wrong: [Uint8Array, Uint8Array][] = [
      [new Uint8Array(randomBytes(32)), token],
      [bare.principal.id, token],
      [principal.id, makeToken().token],
    ];
    for (const [id, shown] of wrong) refusedWith(await leave(stranger, id, shown), 'INBOX_REFUSED');
    answered(await put(client, 2), 'done');
    refusedWith(await leave(stranger, principal.id, token), 'INBOX_REFUSED');
    assert.equal(await numbersOf(client), [1, 2, 3], 'what came before stays');
    // The inbox of one that no token can reach looks the same as one that is not there, even when it is full.
    answered(await put(bare.client, 1), 'done');
    refusedWith(await leave(stranger, bare.principal.id, token), 'INBOX_REFUSED');
  }),
);

const generous = { inboxSends: 1_000, inboxTakes: 1_000, inboxTokenTakes: 1_000 };

inbox(
  '[RP111] [RP114] a full inbox says so; it takes more when its owner has removed something',
  withRelay({ limits: generous }, async (world) => {
    const { principal, client, token, hash } = await withInbox(world);
    const [second, third] = [makeToken(), makeToken()];
    answered(await put(client, 2, hash, second.hash, third.hash), 'done');
    const stranger = await world.connect();
    for (const shown of [token, second.token]) {
      for (let i = 0; i < LIMITS.inboxTokenMessages; i++) {
        answered(await leave(stranger, principal.id, shown), 'accepted');
      }
      refusedWith(await leave(stranger, principal.id, shown), 'INBOX_FULL');
    }
    refusedWith(await leave(stranger, principal.id, third.token), 'INBOX_FULL');
    refusedWith(await leave(stranger, principal.id, makeToken().token), 'INBOX_REFUSED');
    answered(await client.request({ type: 'inbox-remove', numbers: [1, 5, 9_999] }), 'accepted');
    answered(await client.request({ type: 'inbox-remove', numbers: [1, 5] }), 'accepted');
    answered(await leave(stranger, principal.id, third.token), 'accepted');
    assert.equal((await numbersOf(client)).slice(-1), [LIMITS.inboxMessages + 1]);
    assert.is((await numbersOf(client)).length, LIMITS.inboxMessages - 1);
  }),
);

inbox(
  '[RP113] [RP115] large messages are read in pages; each is pushed when it comes, and announced on the next connection',
  withRelay({ limits: { ...generous, readBytes: 40_000 } }, async (world) => {
    const { principal, client, token } = await withInbox(world);
    const stranger = await world.connect();
    const payload = new Uint8Array(LIMITS.inboxPayloadBytes).fill(5);
    for (let i = 0; i < 5; i++) answered(await leave(stranger, principal.id, token, payload), 'accepted');
    const pushed = client.heard.flatMap((message) => (message.type === 'inbox' ? [message] : []));
    await client.until((message) => message.type === 'inbox' && message.number === 5);
    assert.ok(pushed.every((message) => message.payload.length === payload.length));
    const again = await world.connect(client.key);
    await again.sync();
    assert.equal(
      again.heard.map(({ type }) => type),
      ['hello', 'welcome', 'inbox-news', 'pong'],
    );
    const pages: number[] = [];
    for (let after = 0, complete = false; !complete; ) {
      const page = await read(again, after);
      pages.push(page.messages.length);
      after = page.messages.at(-1)?.number ?? after;
      complete = page.complete;
    }
    assert.equal(pages, [2, 2, 1]);
    answered(await again.request({ type: 'inbox-remove', numbers: [1, 2, 3, 4, 5] }), 'accepted');
    const later = await world.connect(client.key);
    await later.sync();
    assert.not.ok(later.heard.some(({ type }) => type === 'inbox-news'));
    assert.not.ok(stranger.heard.some(({ type }) => type === 'inbox' || type === 'inbox-news'));
  }),
);

inbox(
  '[RP115] who does not read its socket hears the number alone, and who comes to a principal what waits there',
  // The 20 MiB that wait here must not have it dropped (RP80), however little of them the kernel's buffers take.
  withRelay(
    { limits: { ...generous, socketPauseBytes: 200_000, socketDropBytes: 64 << 20 } },
    async (world) => {
      const { principal, client, token } = await withInbox(world);
      const stranger = await world.connect();
      const room = await makeRoom({ principal, client });
      await append(client, room, new Uint8Array(LIMITS.frameBytes));
      client.socket.pause();
      // Enough answers that both the kernel's buffers and the relay's share are full.
      for (let i = 0; i < 40; i++) {
        client.send({ type: 'read', request: 92, room, stream: '', after: 0, maxBytes: LIMITS.readBytes });
      }
      const fresh = await world.connect();
      const numbers: number[] = [];
      for (let i = 0; i < 20; i++) {
        answered(await leave(stranger, principal.id, token), 'accepted');
        numbers.push(i + 1);
      }
      client.socket.resume();
      await client.until((message) => 'number' in message || message.type === 'inbox-news');
      await client.sync();
      const heard = client.heard.flatMap((message) =>
        message.type === 'inbox' ? [message.number] : message.type === 'inbox-news' ? [message.last] : [],
      );
      assert.equal(heard, numbers);
      assert.ok(
        client.heard.some(({ type }) => type === 'inbox-news'),
        'some came while the socket was full',
      );
      answered(await client.putPrincipal(principal, 2, [client.key, fresh.key]), 'done');
      const news = await fresh.until((message) => message.type === 'inbox-news');
      assert.is(answered(news, 'inbox-news').last, 20);
    },
  ),
);

inbox(
  '[RP116] only devices of the principal edit, read and remove; one that is taken out no longer hears of it',
  withRelay({}, async (world) => {
    const { principal, client, token } = await withInbox(world);
    const [lost, stranger] = [await world.connect(), await world.connect()];
    answered(await client.putPrincipal(principal, 2, [client.key, lost.key]), 'done');
    answered(await leave(stranger, principal.id, token), 'accepted');
    assert.equal(await numbersOf(lost), [1]);
    answered(await client.putPrincipal(principal, 3, [client.key]), 'done');
    assert.is((await lost.closed).code, 'AUTH_FAILED');
    const back = await world.connect(lost.key);
    answered(await leave(stranger, principal.id, token), 'accepted');
    for (const one of [back, stranger]) {
      refusedWith(await put(one, 2), 'NO_PRINCIPAL');
      refusedWith(await one.request({ type: 'inbox-read', after: 0 }), 'NO_PRINCIPAL');
      refusedWith(await one.request({ type: 'inbox-remove', numbers: [1] }), 'NO_PRINCIPAL');
      assert.not.ok(one.heard.some(({ type }) => type === 'inbox' || type === 'inbox-news'));
    }
    const other = (await world.account()).client;
    answered(await other.request({ type: 'inbox-remove', numbers: [1, 2] }), 'accepted');
    assert.equal(await numbersOf(other), []);
    assert.equal(await numbersOf(client), [1, 2], 'each has its own inbox alone');
  }),
);

let now = 0;

inbox(
  '[RP117] connection, token and inbox have budgets that fill with time, and only the first shows to who has no token',
  withRelay({ clock: { ...systemClock, now: () => now } }, async (world) => {
    const limits = relayLimits();
    const { principal, client, token, hash } = await withInbox(world);
    const others = Array.from({ length: 5 }, makeToken);
    answered(await put(client, 2, hash, ...others.map((one) => one.hash)), 'done');
    const leaves = async (sender: TestClient, shown: Uint8Array): Promise<string> => {
      const answer = await leave(sender, principal.id, shown);
      // Emptied at once, so that only time sets a bound.
      const numbers = await numbersOf(client);
      if (numbers.length > 0) answered(await client.request({ type: 'inbox-remove', numbers }), 'accepted');
      return answer.type === 'refused' ? answer.code : answer.type;
    };
    const sender = await world.connect();
    for (let i = 0; i < limits.inboxTokenTakes; i++) assert.is(await leaves(sender, token), 'accepted');
    assert.is(await leaves(sender, token), 'LIMIT_REACHED');
    assert.is(
      await leaves(await world.connect(), token),
      'LIMIT_REACHED',
      'another connection changes nothing',
    );
    const used = new Map<string, number>();
    for (let i = limits.inboxTokenTakes; i < limits.inboxTakes; i++) {
      assert.is(await leaves(sender, others[i % others.length]!.token), 'accepted');
      used.set('all', i);
    }
    assert.is(await leaves(sender, others[0]!.token), 'LIMIT_REACHED', 'all tokens together');
    assert.is(
      await leaves(sender, makeToken().token),
      'INBOX_REFUSED',
      'a stranger sees no budget but its own',
    );
    now += limits.inboxTakeMs;
    assert.is(await leaves(sender, others[1]!.token), 'accepted');
    assert.is(await leaves(sender, others[2]!.token), 'LIMIT_REACHED');
    now += limits.inboxTokenTakeMs;
    assert.is(await leaves(sender, token), 'accepted');
    assert.is(await leaves(sender, token), 'LIMIT_REACHED');
    const guesser = await world.connect();
    const guesses = [];
    for (let i = 0; i < limits.inboxSends + 2; i++) guesses.push(await leaves(guesser, makeToken().token));
    assert.equal(guesses.slice(-3), ['INBOX_REFUSED', 'LIMIT_REACHED', 'LIMIT_REACHED']);
    now += limits.inboxSendMs;
    assert.is(await leaves(guesser, makeToken().token), 'INBOX_REFUSED');
    assert.is(await leaves(guesser, token), 'LIMIT_REACHED');
  }),
);

let disk: Promise<void> | undefined;

inbox(
  '[RP118] nothing of an inbox is answered or delivered before it is durable',
  withRelay({ store: memoryStore({ flush: async () => disk }) }, async (world) => {
    const { principal, client, token, hash } = await withInbox(world);
    const stranger = await world.connect();
    answered(await leave(stranger, principal.id, token), 'accepted');
    await client.until((message) => message.type === 'inbox');
    let release = (): void => {};
    disk = new Promise((resolve) => {
      release = resolve;
    });
    const answers = [
      leave(stranger, principal.id, token),
      client.request({ type: 'inbox-remove', numbers: [1] }),
      put(client, 2, hash, makeToken().hash),
    ];
    let settled = 0;
    for (const answer of answers) void answer.then(() => settled++);
    for (let i = 0; i < 5; i++) await Promise.all([client.sync(), stranger.sync()]);
    assert.is(settled, 0);
    assert.equal(await numbersOf(client), [1]);
    assert.is(client.heard.filter(({ type }) => type === 'inbox').length, 1);
    disk = undefined;
    release();
    assert.equal(
      (await Promise.all(answers)).map(({ type }) => type),
      ['accepted', 'accepted', 'done'],
    );
    await client.until((message) => message.type === 'inbox' && message.number === 2);
    assert.equal(await numbersOf(client), [2]);
  }),
);

inbox.run();
