// When the session connects, asks, gives up and tries again. Rules: spec/relay-protocol.md, from the device's side.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Driven, drive, HELLO, idOf, PRINCIPAL, TIMES } from './session-kit.ts';

const test = suite('session connection');

test('after silence it asks, and a relay that does not answer is left', () => {
  const device = drive();
  device.live(1);
  assert.equal(device.pass(TIMES.pingAfterMs - 1), []);
  device.pass(1);
  assert.equal(device.types(), ['ping']);
  device.hear({ type: 'pong' });
  assert.equal(device.pass(TIMES.pingAfterMs - 1), []);
  device.pass(1);
  assert.equal(device.types(), ['ping']);
  assert.equal(device.pass(TIMES.pongWithinMs - 1), []);
  device.pass(1);
  assert.equal(device.types(), ['disconnect']);
  device.closed();
  assert.equal(device.types(), ['down', 'connection']);
});

test('any message is a sign of life', () => {
  const device = drive();
  device.live(1);
  for (let i = 1; i < 10; i++) {
    assert.equal(device.pass(TIMES.pingAfterMs - 1), []);
    device.frames(1, i);
  }
  device.pass(TIMES.pingAfterMs);
  assert.equal(device.types(), ['ping']);
  device.frames(1, 10);
  assert.equal(device.pass(TIMES.pongWithinMs), []);
});

test('a connection that does not open, greet or welcome within its time is given up; the time starts anew each time', () => {
  const hang: ((device: Driven) => void)[] = [
    () => undefined,
    (device) => device.say({ type: 'opened' }),
    (device) => {
      device.say({ type: 'opened' });
      device.hear(HELLO);
    },
  ];
  for (const upTo of hang) {
    const device = drive();
    device.say({ type: 'network', on: true });
    for (let round = 0; round < 3; round++) {
      upTo(device);
      device.pass(TIMES.pingAfterMs);
      assert.equal(device.types(), [], 'nobody is asked before the sign-in');
      assert.equal(device.pass(TIMES.pongWithinMs - 1), []);
      device.pass(1);
      assert.equal(device.types(), ['disconnect']);
      device.closed();
      device.pass(TIMES.retryLongestMs);
      assert.equal(device.types(), ['connection', 'connect']);
    }
  }
});

test('a connection that opens late has all its time for the greeting', () => {
  const device = drive();
  device.say({ type: 'network', on: true });
  device.pass(TIMES.pingAfterMs);
  device.pass(TIMES.pongWithinMs - 1);
  device.say({ type: 'opened' });
  assert.equal(device.pass(TIMES.pongWithinMs), []);
  device.hear(HELLO);
  assert.is(device.all('sign-in').length, 1);
});

/** The pause before the connection after `failures` failed ones. */
const pauses = (random: number, count: number): number[] => {
  const device = drive();
  device.say({ type: 'network', on: true });
  return Array.from({ length: count }, () => {
    const before = device.now();
    device.closed(random);
    assert.is(device.all('connection')[0]!.connection, 'offline');
    const wake = device.session.nextWake()!;
    assert.equal(device.pass(wake - before - 1), [], 'not early');
    device.pass(1);
    assert.equal(device.types(), ['connection', 'connect']);
    return device.now() - before;
  });
};

test('pauses between connections double up to the longest, spread by half', () => {
  const longest = pauses(1, 40);
  const shortest = pauses(0, 40);
  assert.equal(longest.slice(0, 7), [100, 200, 400, 800, 1600, 3200, 5000]);
  assert.ok(longest.slice(6).every((pause) => pause === TIMES.retryLongestMs));
  assert.equal(
    shortest,
    longest.map((pause) => pause / 2),
  );
  const middle = pauses(0.5, 8);
  assert.ok(middle.every((pause, i) => pause > shortest[i]! && pause < longest[i]!));
});

test('a connection that came online starts the pauses anew', () => {
  const device = drive();
  device.say({ type: 'network', on: true });
  for (let i = 0; i < 6; i++) {
    device.closed();
    device.pass(TIMES.retryLongestMs);
  }
  device.signIn();
  device.closed();
  assert.is(device.session.nextWake()! - device.now(), TIMES.retryFirstMs);
});

test('the network goes at any moment and comes back', () => {
  const steps: ((device: Driven) => void)[] = [
    () => undefined,
    (device) => device.say({ type: 'opened' }),
    (device) => device.hear(HELLO),
    (device) => device.hear({ type: 'welcome', principal: PRINCIPAL, version: 1, farewell: undefined }),
    (device) =>
      device.hear({ type: 'done', request: device.only(device.all('put-principal')).request, version: 2 }),
    (device) => device.resumed({ 0: 4 }),
    (device) => device.frames(1, 4),
    (device) => device.append(1),
    (device) => device.closed(),
  ];
  for (let last = 0; last <= steps.length; last++) {
    const device = drive({ mayManage: true });
    device.follow(1);
    device.say({ type: 'network', on: true });
    for (const step of steps.slice(0, last)) step(device);
    device.say({ type: 'network', on: false });
    assert.is(device.types().at(-1), 'connection');
    assert.is(device.all('connection')[0]!.connection, 'offline');
    assert.is(
      device.types().includes('disconnect'),
      last < steps.length,
      `${last}: an open connection is closed`,
    );
    assert.is(device.session.nextWake(), undefined, 'no timer runs while there is no network');
    assert.equal(device.say({ type: 'network', on: false }), []);
    assert.equal(device.closed(), [], 'the close that follows is no failure');
    device.say({ type: 'network', on: true });
    assert.equal(device.types(), ['connection', 'connect']);
    device.signIn();
    device.hear({ type: 'done', request: device.only(device.all('put-principal')).request, version: 2 });
    device.resumed({ 0: 5 });
    device.frames(1, 5);
    assert.is(device.all('live').length, 1, `${last}`);
  }
});

test('a farewell is handed on, and who was taken out does not put itself back', () => {
  for (const mayManage of [false, true])
    for (const note of [undefined, idOf(5)]) {
      const device = drive({ mayManage });
      device.say({ type: 'network', on: true });
      device.say({ type: 'opened' });
      device.hear(HELLO);
      device.hear({ type: 'welcome', principal: undefined, version: 0, farewell: note });
      assert.equal(
        device.all('farewell').map((effect) => effect.note),
        note ? [note] : [],
      );
      assert.is(device.all('put-principal').length, mayManage && !note ? 1 : 0);
    }
});

test('the network coming back ends the wait at once', () => {
  const device = drive();
  device.say({ type: 'network', on: true });
  device.closed();
  device.say({ type: 'network', on: true });
  assert.equal(device.types(), ['connection', 'connect']);
  assert.equal(device.say({ type: 'network', on: true }), [], 'one connection at a time');
});

test('[RP181] a pause that the relay asks for is kept, drawn from one to two times it, and never below the own', () => {
  for (const [afterMs, random, pause] of [
    [undefined, 1, TIMES.retryFirstMs],
    [2_000, 0, 2_000],
    [2_000, 0.5, 3_000],
    [2_000, 1, 4_000],
    [1, 1, TIMES.retryFirstMs],
  ] as const) {
    const device = drive();
    device.live(1);
    device.say({ type: 'closed', random, afterMs });
    assert.equal(device.pass(pause - 1), [], `${afterMs} ${random}`);
    device.pass(1);
    assert.equal(device.types(), ['connection', 'connect']);
  }
});

test.run();
