// Rendezvous cells: the pure machine with time as a parameter, then over real sockets. Rules: spec/relay-protocol.md §9.
import { LIMITS, type RelayMessage } from '@sealwire/protocol';
import type { TestClient } from '@sealwire/testkit/relay-client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CellLimits, createCells, type Effect } from '../src/rendezvous.ts';
import { answered, refusedWith, withRelay } from './support.ts';

const cells = suite('rendezvous');
const bytes = (length: number, fill = 1): Uint8Array => new Uint8Array(length).fill(fill);
const id = bytes(16, 7);

/** Parties are told apart by identity. */
const party = (name: string) => ({ name });
const [opener, joiner, third] = [party('opener'), party('joiner'), party('third')];

/** Effects as text: who hears what. */
const told = (effects: readonly Effect<{ name: string }>[] | undefined): string[] =>
  (effects ?? []).map(
    ({ to, message }) => `${to.name}: ${message.type}${'code' in message ? ` ${message.code}` : ''}`,
  );

const machine = (limits: Partial<CellLimits> = {}) => createCells<{ name: string }>({ ...LIMITS, ...limits });

cells('[RP90] the joiner finds what the opener left, and both speak', () => {
  const machineUnderTest = machine();
  assert.equal(machineUnderTest.open(0, opener, 1, id, bytes(9)), [
    { to: opener, message: { type: 'rendezvous-opened', request: 1, openMs: 60_000, totalMs: 180_000 } },
  ]);
  assert.equal(machineUnderTest.join(59_999, joiner, 2, id), [
    { to: joiner, message: { type: 'rendezvous-found', request: 2, payload: bytes(9) } },
    { to: opener, message: { type: 'rendezvous-joined', id } },
  ]);
  assert.equal(machineUnderTest.send(60_000, opener, id, bytes(2)), [
    { to: joiner, message: { type: 'rendezvous-message', id, payload: bytes(2) } },
  ]);
  assert.equal(told(machineUnderTest.send(61_000, joiner, id, bytes(2))), ['opener: rendezvous-message']);
});

cells('[RP91] an id opens one cell, and none again soon after', () => {
  const one = machine();
  one.open(0, opener, 1, id, bytes(1));
  assert.equal(told(one.open(1, third, 1, id, bytes(1))), ['third: refused RENDEZVOUS_EXISTS']);
  one.close(2, opener, id);
  assert.equal(told(one.open(3, third, 1, id, bytes(1))), ['third: refused RENDEZVOUS_EXISTS']);
  assert.equal(told(one.open(180_003, third, 1, id, bytes(1))), ['third: rendezvous-opened']);
});

cells('[RP92] a second joiner ends the cell for everybody, and so it stays', () => {
  const one = machine();
  one.open(0, opener, 1, id, bytes(1));
  one.join(1, joiner, 1, id);
  assert.equal(told(one.join(2, third, 5, id)), [
    'opener: rendezvous-closed RENDEZVOUS_SECOND_JOINER',
    'joiner: rendezvous-closed RENDEZVOUS_SECOND_JOINER',
    'third: refused RENDEZVOUS_SECOND_JOINER',
  ]);
  assert.equal(told(one.join(3, third, 6, id)), ['third: refused RENDEZVOUS_SECOND_JOINER']);
  assert.equal(told(one.send(3, opener, id, bytes(1))), [
    'opener: rendezvous-closed RENDEZVOUS_SECOND_JOINER',
  ]);
});

cells('[RP93] a cell nobody joins in time, and any cell after its whole time, has expired', () => {
  const one = machine();
  one.open(0, opener, 1, id, bytes(1));
  assert.is(one.nextDeadline(), 60_000);
  assert.equal(one.expire(59_999), []);
  assert.equal(told(one.expire(60_000)), ['opener: rendezvous-closed RENDEZVOUS_EXPIRED']);
  assert.is(one.nextDeadline(), undefined);
  assert.equal(told(one.join(60_001, joiner, 1, id)), ['joiner: refused RENDEZVOUS_EXPIRED']);
  const other = bytes(16, 8);
  one.open(100_000, opener, 2, other, bytes(1));
  one.join(100_001, joiner, 2, other);
  assert.is(one.nextDeadline(), 280_000);
  assert.equal(told(one.expire(280_000)), [
    'opener: rendezvous-closed RENDEZVOUS_EXPIRED',
    'joiner: rendezvous-closed RENDEZVOUS_EXPIRED',
  ]);
});

cells('[RP93] a late join is refused even when no timer has run yet', () => {
  const one = machine();
  one.open(0, opener, 1, id, bytes(1));
  assert.equal(told(one.join(60_000, joiner, 1, id)), [
    'opener: rendezvous-closed RENDEZVOUS_EXPIRED',
    'joiner: refused RENDEZVOUS_EXPIRED',
  ]);
});

cells('[RP94] all payloads of a cell share one budget; above it the cell ends', () => {
  const one = machine();
  assert.equal(told(one.open(0, opener, 1, id, bytes(LIMITS.rendezvousBytes - 10))), [
    'opener: rendezvous-opened',
  ]);
  one.join(1, joiner, 1, id);
  assert.equal(told(one.send(2, joiner, id, bytes(10))), ['opener: rendezvous-message']);
  assert.equal(told(one.send(3, opener, id, bytes(1))), [
    'opener: rendezvous-closed RENDEZVOUS_FULL',
    'joiner: rendezvous-closed RENDEZVOUS_FULL',
  ]);
});

cells('[RP95] who closes or disconnects leaves the other with RENDEZVOUS_PEER_LEFT', () => {
  for (const leave of [
    (one: ReturnType<typeof machine>) => one.close(2, joiner, id),
    (one: ReturnType<typeof machine>) => one.left(2, joiner),
  ]) {
    const one = machine();
    one.open(0, opener, 1, id, bytes(1));
    one.join(1, joiner, 1, id);
    assert.equal(told(leave(one)), ['opener: rendezvous-closed RENDEZVOUS_PEER_LEFT']);
    assert.is(one.nextDeadline(), undefined);
  }
  const alone = machine();
  alone.open(0, opener, 1, id, bytes(1));
  assert.equal(alone.left(1, opener), []);
  assert.equal(told(alone.join(2, joiner, 1, id)), ['joiner: refused RENDEZVOUS_PEER_LEFT']);
});

cells('[RP96] a stranger can neither send into a cell nor close it, nor learn that it is there', () => {
  const one = machine();
  one.open(0, opener, 1, id, bytes(1));
  one.join(1, joiner, 1, id);
  assert.equal(told(one.send(2, third, id, bytes(1))), ['third: rendezvous-closed RENDEZVOUS_UNKNOWN']);
  assert.equal(told(one.send(2, third, bytes(16, 9), bytes(1))), [
    'third: rendezvous-closed RENDEZVOUS_UNKNOWN',
  ]);
  assert.equal(one.close(2, third, id), []);
  assert.equal(told(one.send(3, opener, id, bytes(1))), ['joiner: rendezvous-message']);
  assert.equal(told(one.join(3, third, 1, bytes(16, 9))), ['third: refused RENDEZVOUS_UNKNOWN']);
});

cells('[RP97] the opener may not send before somebody has joined, nor join itself', () => {
  const one = machine();
  one.open(0, opener, 1, id, bytes(1));
  assert.is(one.send(1, opener, id, bytes(1)), undefined);
  assert.equal(told(one.join(2, opener, 2, id)), ['opener: refused RENDEZVOUS_EXISTS']);
  assert.equal(told(one.join(3, joiner, 2, id)), ['joiner: rendezvous-found', 'opener: rendezvous-joined']);
});

cells('[RP98] cells are limited for each connection and for all, and ended ones do not count', () => {
  const one = machine({ rendezvousPerConnection: 2, rendezvousCells: 3 });
  const open = (by: { name: string }, fill: number) => told(one.open(fill, by, 1, bytes(16, fill), bytes(1)));
  assert.equal(open(opener, 1), ['opener: rendezvous-opened']);
  assert.equal(open(opener, 2), ['opener: rendezvous-opened']);
  assert.equal(open(opener, 3), ['opener: refused LIMIT_REACHED']);
  assert.equal(open(joiner, 4), ['joiner: rendezvous-opened']);
  assert.equal(open(third, 5), ['third: refused LIMIT_REACHED']);
  one.close(6, opener, bytes(16, 1));
  assert.equal(open(third, 7), ['third: rendezvous-opened']);
});

const open = (client: TestClient, payload = bytes(5)) =>
  client.request({ type: 'rendezvous-open', id, payload });
const hearsClosed = async (client: TestClient, code: string): Promise<void> => {
  const message: RelayMessage = await client.until(({ type }) => type === 'rendezvous-closed');
  assert.is(answered(message, 'rendezvous-closed').code, code);
};

cells(
  '[RP90] over sockets: open, join, speak; the party that is left is told',
  withRelay({}, async ({ connect }) => {
    const [phone, companion] = [await connect(), await connect()];
    const opened = answered(await open(phone), 'rendezvous-opened');
    assert.equal([opened.openMs, opened.totalMs], [LIMITS.rendezvousOpenMs, LIMITS.rendezvousTotalMs]);
    const found = answered(await companion.request({ type: 'rendezvous-join', id }), 'rendezvous-found');
    assert.equal([...found.payload], [...bytes(5)]);
    await phone.until(({ type }) => type === 'rendezvous-joined');
    phone.send({ type: 'rendezvous-send', id, payload: bytes(3) });
    await companion.until(({ type }) => type === 'rendezvous-message');
    companion.socket.terminate();
    await hearsClosed(phone, 'RENDEZVOUS_PEER_LEFT');
  }),
);

cells(
  '[RP92] over sockets: a second joiner ends it for both, and is refused',
  withRelay({}, async ({ connect }) => {
    const [phone, companion, thief] = [await connect(), await connect(), await connect()];
    await open(phone);
    await companion.request({ type: 'rendezvous-join', id });
    refusedWith(await thief.request({ type: 'rendezvous-join', id }), 'RENDEZVOUS_SECOND_JOINER');
    await hearsClosed(phone, 'RENDEZVOUS_SECOND_JOINER');
    await hearsClosed(companion, 'RENDEZVOUS_SECOND_JOINER');
  }),
);

cells(
  '[RP93] over sockets: the relay ends an expired cell by itself',
  withRelay({ limits: { rendezvousOpenMs: 20 } }, async ({ connect }) => {
    const phone = await connect();
    await open(phone);
    await hearsClosed(phone, 'RENDEZVOUS_EXPIRED');
  }),
);

cells(
  '[RP93] over sockets: time over ends a joined cell as well',
  withRelay({ limits: { rendezvousOpenMs: 10_000, rendezvousTotalMs: 40 } }, async ({ connect }) => {
    const [phone, companion] = [await connect(), await connect()];
    await open(phone);
    await companion.request({ type: 'rendezvous-join', id });
    await hearsClosed(phone, 'RENDEZVOUS_EXPIRED');
    await hearsClosed(companion, 'RENDEZVOUS_EXPIRED');
  }),
);

cells(
  '[RP97] over sockets: sending into an empty cell ends the connection',
  withRelay({}, async ({ connect }) => {
    const phone = await connect();
    await open(phone);
    phone.send({ type: 'rendezvous-send', id, payload: bytes(1) });
    assert.is((await phone.closed).code, 'UNEXPECTED_MESSAGE');
  }),
);

cells.run();
