// Greeting, authentication, principals and room lists over real sockets. Rules: spec/relay-protocol.md §6.
import { compareBytes, LIMITS, principalStatement } from '@sealwire/protocol';
import { makeKey, makePrincipal, type TestClient } from '@sealwire/testkit/relay-client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { answered, append, follow, makeRoom, refusedWith, withRelay } from './support.ts';

const rights = suite('rights');
const room = new Uint8Array(32).fill(9);

rights(
  '[RP40] the relay greets with its id and a new nonce for each connection',
  withRelay({}, async ({ relay, stranger }) => {
    const hellos = await Promise.all(
      [stranger(), stranger()].map((one) => one.until((message) => message.type === 'hello')),
    );
    const [first, second] = hellos.map((hello) => answered(hello, 'hello'));
    assert.equal(new Uint8Array(first!.relayId), relay.relayId);
    assert.not.equal(first!.nonce, second!.nonce);
  }),
);

rights(
  '[RP41] any key may authenticate; the welcome names its principal and version',
  withRelay({}, async ({ connect, account }) => {
    const stranger = await connect();
    assert.is(answered(stranger.heard[1]!, 'welcome').principal, undefined);
    const { principal, client } = await account();
    const again = await connect(client.key);
    const welcome = answered(again.heard[1]!, 'welcome');
    assert.equal(new Uint8Array(welcome.principal!), principal.id);
    assert.is(welcome.version, 1);
  }),
);

rights(
  '[RP42] a signature by another key, over another nonce or of nothing ends the connection with AUTH_FAILED',
  withRelay({}, async ({ stranger }) => {
    const key = makeKey();
    const wrong = [makeKey().sign(new Uint8Array(9)), key.sign(new Uint8Array(9)), new Uint8Array(64)];
    for (const signature of wrong) {
      const client = stranger();
      client.send({ type: 'authenticate', relayKey: key.publicKey, signature });
      assert.equal(await client.closed, { code: 'AUTH_FAILED', reason: 'AUTH_FAILED' });
    }
  }),
);

rights(
  '[RP43] anything before authentication ends the connection with AUTH_REQUIRED',
  withRelay({}, async ({ stranger }) => {
    const client = stranger();
    client.send({ type: 'ping' });
    assert.is((await client.closed).code, 'AUTH_REQUIRED');
  }),
);

rights(
  '[RP44] who authenticates twice is closed with UNEXPECTED_MESSAGE',
  withRelay({}, async ({ connect }) => {
    const client = await connect();
    client.send({ type: 'authenticate', relayKey: client.key.publicKey, signature: new Uint8Array(64) });
    assert.is((await client.closed).code, 'UNEXPECTED_MESSAGE');
  }),
);

rights(
  '[RP45] who does not authenticate in time is closed with TIMED_OUT',
  withRelay({ limits: { authenticateMs: 20 } }, async ({ stranger }) => {
    assert.is((await stranger().closed).code, 'TIMED_OUT');
  }),
);

rights(
  '[RP46] a stranger may send only a few bytes',
  withRelay({}, async ({ stranger }) => {
    const client = stranger();
    await client.until((message) => message.type === 'hello');
    // One message that the WebSocket layer would otherwise collect for a megabyte.
    client.socket.send(new Uint8Array(900_000));
    assert.is((await client.closed).code, 'TOO_LARGE');
  }),
);

rights(
  '[RP47] a principal is written by its manage key alone, compare-and-set',
  withRelay({}, async ({ connect }) => {
    const client = await connect();
    const principal = makePrincipal();
    const keys = [client.key, makeKey()];
    refusedWith(
      await client.putPrincipal(
        { ...principal, manageKey: { ...makeKey(), publicKey: principal.manageKey.publicKey } },
        1,
        keys,
      ),
      'AUTH_FAILED',
    );
    refusedWith(await client.putPrincipal(principal, 2, keys), 'VERSION_CONFLICT');
    assert.is(answered(await client.putPrincipal(principal, 1, keys), 'done').version, 1);
    assert.is(
      answered(await client.putPrincipal(principal, 1, keys), 'done').version,
      1,
      'a repeat is done already',
    );
    refusedWith(await client.putPrincipal(principal, 1, [client.key]), 'VERSION_CONFLICT');
    refusedWith(await client.putPrincipal(principal, 3, keys), 'VERSION_CONFLICT');
    assert.is(answered(await client.putPrincipal(principal, 2, [client.key]), 'done').version, 2);
    refusedWith(await client.putPrincipal(makePrincipal(), 1, [client.key]), 'LIMIT_REACHED');
  }),
);

rights(
  '[RP48] a key that leaves a principal is cut off at once, on every connection; one that joins has rights at once',
  withRelay({}, async ({ connect, account }) => {
    const { principal, client } = await account();
    const shared = await makeRoom({ principal, client });
    const lost = await connect();
    const alsoLost = await connect(lost.key);
    refusedWith(
      await lost.request({ type: 'append', room: shared, stream: 'control', frame: new Uint8Array(1) }),
      'NO_PRINCIPAL',
    );
    answered(await client.putPrincipal(principal, 2, [client.key, lost.key]), 'done');
    assert.is(await append(lost, shared, new Uint8Array(1)), 1);
    await follow(alsoLost, shared, 1);
    answered(await client.putPrincipal(principal, 3, [client.key]), 'done');
    assert.is((await lost.closed).code, 'AUTH_FAILED');
    assert.is((await alsoLost.closed).code, 'AUTH_FAILED');
    assert.is(await append(client, shared, new Uint8Array(1)), 2);
    const back = await connect(lost.key);
    assert.is(answered(back.heard[1]!, 'welcome').principal, undefined);
  }),
);

rights(
  '[RP47] the signature covers the farewells: a note changed, left out or added is AUTH_FAILED',
  withRelay({}, async ({ connect, account }) => {
    const { principal, client } = await account();
    const [gone, other] = [makeKey(), makeKey()];
    answered(await client.putPrincipal(principal, 2, [client.key, gone, other]), 'done');
    const note = Uint8Array.of(1, 2, 3);
    const farewells = [{ relayKey: gone.publicKey, note }];
    const relayKeys = [client.key.publicKey];
    const statement = principalStatement({ principal: principal.id, version: 3, relayKeys, farewells });
    const edit = {
      type: 'put-principal',
      manageKey: principal.manageKey.publicKey,
      version: 3,
      relayKeys,
      signature: principal.manageKey.sign(statement),
    } as const;
    const replaced = [
      [],
      [{ relayKey: gone.publicKey, note: Uint8Array.of(1, 2, 4) }],
      [{ relayKey: other.publicKey, note }],
      [...farewells, { relayKey: other.publicKey, note }].sort((a, b) =>
        compareBytes(a.relayKey, b.relayKey),
      ),
    ];
    for (const others of replaced) {
      refusedWith(await client.request({ ...edit, farewells: others }), 'AUTH_FAILED');
    }
    // Whoever forwards it: the signature says who wrote it.
    const courier = await connect();
    answered(await courier.request({ ...edit, farewells }), 'done');
    assert.equal(farewellOf(await connect(gone)), [1, 2, 3]);
  }),
);

rights(
  '[RP51] a farewell is kept for a key that the edit takes out, and for no other',
  withRelay({}, async ({ connect, account }) => {
    const { principal, client } = await account();
    const [gone, stranger, fresh] = [makeKey(), makeKey(), makeKey()];
    const to = (...keys: (typeof gone)[]) =>
      keys.map(({ publicKey }) => ({ relayKey: publicKey, note: Uint8Array.of(7) }));
    const put = (version: number, keys: (typeof gone)[], farewells: ReturnType<typeof to>) =>
      client.putPrincipal(principal, version, keys, farewells);
    answered(await client.putPrincipal(makePrincipal(), 1, [fresh], to(stranger)), 'done');
    assert.is(farewellOf(await connect(stranger)), undefined, 'of a key that nobody ever listed');
    answered(await put(2, [client.key, gone], to(gone)), 'done');
    refusedWith(await put(4, [client.key], to(gone)), 'VERSION_CONFLICT');
    assert.is(answered((await connect(gone)).heard[1]!, 'welcome').version, 2, 'still listed');
    answered(await put(3, [client.key], to(gone, stranger, fresh)), 'done');
    assert.is(farewellOf(await connect(stranger)), undefined);
    assert.ok(answered((await connect(fresh)).heard[1]!, 'welcome').principal, 'listed by another');
    assert.equal(farewellOf(await connect(gone)), [7]);
    const other = [{ relayKey: gone.publicKey, note: Uint8Array.of(8) }];
    answered(await put(3, [client.key], other), 'done');
    answered(await put(4, [client.key], other), 'done');
    assert.equal(farewellOf(await connect(gone)), [7], 'what was left once stays');
  }),
);

rights(
  '[RP53] a key that was taken out finds its note in its next welcome, until a principal lists it again',
  withRelay({}, async ({ connect, account }) => {
    const { principal, client } = await account();
    const [open, offline] = [await connect(), makeKey()];
    assert.is(farewellOf(open), undefined);
    answered(await client.putPrincipal(principal, 2, [client.key, open.key, offline]), 'done');
    const notes = [open.key, offline].map(({ publicKey }, i) => ({
      relayKey: publicKey,
      note: new Uint8Array(LIMITS.farewellBytes).fill(i + 1),
    }));
    answered(await client.putPrincipal(principal, 3, [client.key], notes), 'done');
    assert.is((await open.closed).code, 'AUTH_FAILED');
    for (const [i, key] of [open.key, offline].entries()) {
      for (let times = 0; times < 2; times++)
        assert.equal(
          farewellOf(await connect(key)),
          [...notes[i]!.note],
          'each its own, as often as it asks',
        );
    }
    assert.is(farewellOf(await connect()), undefined, 'nobody else gets one');
    const { principal: another, client: owner } = await account();
    answered(await owner.putPrincipal(another, 2, [owner.key, offline]), 'done');
    const welcome = answered((await connect(offline)).heard[1]!, 'welcome');
    assert.equal([welcome.version, welcome.farewell], [2, undefined]);
    answered(await owner.putPrincipal(another, 3, [owner.key]), 'done');
    assert.is(farewellOf(await connect(offline)), undefined);
    assert.ok(farewellOf(await connect(open.key)));
  }),
);

/** The note in the welcome of a connection whose key no principal lists. */
const farewellOf = (client: TestClient): number[] | undefined => {
  const { principal, version, farewell } = answered(client.heard[1]!, 'welcome');
  assert.equal([principal, version], [undefined, 0]);
  return farewell && [...farewell];
};

rights(
  '[RP49] a room is made by an admin of its list, and edited by its admins, compare-and-set',
  withRelay({}, async ({ connect, account }) => {
    const [ada, bob, eve] = [await account(), await account(), await account()];
    const list = (...members: [typeof ada, boolean][]) =>
      members.map(([{ principal }, admin]) => ({ principal: principal.id, admin }));
    const put = (by: typeof ada, version: number, members: ReturnType<typeof list>) =>
      by.client.request({ type: 'put-room', room, version, members });
    const nobody = await connect();
    refusedWith(
      await nobody.request({ type: 'put-room', room, version: 1, members: list([ada, true]) }),
      'NO_PRINCIPAL',
    );
    refusedWith(await put(ada, 1, list([ada, false])), 'NOT_AN_ADMIN');
    refusedWith(await put(ada, 1, list([bob, true])), 'NOT_AN_ADMIN');
    refusedWith(await put(ada, 2, list([ada, true])), 'ROOM_UNKNOWN');
    answered(await put(ada, 1, list([ada, true], [bob, false])), 'done');
    answered(await put(ada, 1, list([bob, false], [ada, true])), 'done');
    refusedWith(await put(ada, 1, list([ada, true])), 'VERSION_CONFLICT');
    refusedWith(await put(bob, 2, list([bob, true])), 'NOT_AN_ADMIN');
    refusedWith(await put(eve, 2, list([eve, true])), 'NOT_A_MEMBER');
    refusedWith(await put(ada, 3, list([ada, true])), 'VERSION_CONFLICT');
    refusedWith(await put(ada, 2, list([ada, false], [bob, false])), 'NOT_AN_ADMIN');
    answered(await put(ada, 2, list([ada, true], [bob, true])), 'done');
    answered(await put(bob, 3, list([bob, true])), 'done');
    refusedWith(await put(ada, 4, list([ada, true])), 'NOT_A_MEMBER');
  }),
);

rights(
  '[RP50] only members append, read, follow and signal; who is taken off the list hears no more',
  withRelay({}, async ({ account }) => {
    const [ada, bob, eve] = [await account(), await account(), await account()];
    const shared = await makeRoom(ada, bob);
    const frame = Uint8Array.of(1);
    const before = await follow(bob.client, shared);
    assert.equal(before.refused, []);
    refusedWith(
      await eve.client.request({ type: 'append', room: shared, stream: 'control', frame }),
      'NOT_A_MEMBER',
    );
    refusedWith(
      await eve.client.request({ type: 'read', room: shared, stream: '', after: 0, maxBytes: 1 }),
      'NOT_A_MEMBER',
    );
    refusedWith(await eve.client.request({ type: 'append', room, stream: 'control', frame }), 'ROOM_UNKNOWN');
    const resumed = answered(
      await eve.client.request({
        type: 'resume',
        rooms: [
          { room: shared, cursor: 0 },
          { room, cursor: 0 },
        ],
      }),
      'resumed',
    );
    assert.equal(resumed.refused, [
      { index: 0, code: 'NOT_A_MEMBER' },
      { index: 1, code: 'ROOM_UNKNOWN' },
    ]);
    eve.client.send({ type: 'signal', room: shared, payload: frame });
    await eve.client.sync();
    await append(ada.client, shared, frame);
    await bob.client.until((message) => message.type === 'frames');
    answered(
      await ada.client.request({
        type: 'put-room',
        room: shared,
        version: 2,
        members: [{ principal: ada.principal.id, admin: true }],
      }),
      'done',
    );
    await append(ada.client, shared, frame);
    ada.client.send({ type: 'signal', room: shared, payload: frame });
    await ada.client.sync();
    refusedWith(
      await bob.client.request({ type: 'append', room: shared, stream: 'control', frame }),
      'NOT_A_MEMBER',
    );
    assert.is(bob.client.heard.filter(({ type }) => type === 'frames').length, 1);
    assert.is(bob.client.heard.filter(({ type }) => type === 'signal').length, 0);
  }),
);

rights.run();
