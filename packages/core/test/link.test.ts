// Linking from end to end over a cell in memory: the way it should go, and the checks that stop it.
// Rules: spec/link.md §1, §6 and §7.
import { LIMITS, SealwireError, toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeLinkCell, encodeLinkCode, hashOfCell, parseLinkCode } from '../src/link/code.ts';
import { BUNDLE, bytesOf, createScene, outcome, playOut, playTo, until } from './link-kit.ts';

const test = suite('link');

test('[LK25] links a device: code, digits, confirmation, keys, and both know it', async () => {
  const scene = createScene();
  const { newDevice, relay, seen, timers } = scene;
  const { code, expiresAt } = await until(newDevice.state, 'code');
  assert.is(expiresAt, 61_000);
  const phone = scene.scan(code);
  const { digits } = await until(phone.state, 'digits');
  assert.match(digits, /^[0-9]{6}$/);
  await until(newDevice.state, 'type-digits');
  newDevice.submitDigits(digits);
  assert.is(newDevice.state.get().step, 'waiting');
  const confirm = await until(phone.state, 'confirm');
  assert.equal(confirm, { step: 'confirm', deviceName: "Ada's laptop", platform: 'web' });
  phone.confirm("Ada's web");
  assert.is(phone.state.get().step, 'sending');
  await newDevice.result;
  const done = await until(phone.state, 'done');
  assert.match(done.deviceId, /^[0-9a-f]{8}$/);
  assert.is(newDevice.state.get().step, 'done');
  assert.equal(seen.stored, [BUNDLE]);
  assert.is(seen.proofs[0]?.device.deviceName, "Ada's web", 'the name that the person gave');
  assert.is(relay.cells, 0);
  assert.is(relay.wire.length, 6);
  const wire = relay.wire.map((bytes) => toHex(bytes)).join();
  assert.not.ok(wire.includes(toHex(BUNDLE)), 'the relay sees no secret');
  timers.advance(200_000);
  assert.is(timers.pending, 0);
});

test('[LK1] each link has its own cell, one-time key, digits and opening', async () => {
  const codes = new Set<string>();
  const wires = new Set<string>();
  for (const name of ['one', 'two', 'three']) {
    const scene = createScene({ random: name });
    assert.equal(await (await playOut(scene)).over, { onPhone: 'done', onNewDevice: 'done' });
    codes.add(scene.shownCode);
    for (const payload of scene.relay.wire) wires.add(toHex(payload));
    const { rendezvousId, relayId, hash } = parseLinkCode(scene.shownCode);
    const parts = [rendezvousId, relayId, hash].map(toHex);
    assert.is(new Set(parts).size, 3);
    for (const part of parts) codes.add(part);
  }
  assert.is(codes.size, 3 + 3 + 1 + 3, 'only the relay id is the same');
  assert.is(wires.size, 18);
  const asked: number[] = [];
  const scene = createScene({ asked });
  await playTo(scene, 'digits');
  assert.equal(asked, [32, 16, 4, 32], 'one-time key, cell, digits, opening');
});

test('[LK23] nothing of the account is asked for before the person agreed, nor after a refusal', async () => {
  const scene = createScene();
  const phone = await playTo(scene, 'confirm');
  assert.is(scene.gates.makeOffer.calls, 0);
  phone.refuse();
  phone.confirm('too late');
  assert.is(await outcome(phone.state), 'LINK_REFUSED');
  assert.is(await outcome(scene.newDevice.state), 'LINK_REFUSED');
  assert.is(scene.gates.makeOffer.calls + scene.gates.releaseKeys.calls, 0);
});

test('[LK33] the phone hears of success only when the secrets are durable', async () => {
  const scene = createScene();
  const phone = await playTo(scene, 'storing');
  assert.is(phone.state.get().step, 'sending');
  assert.is(scene.newDevice.state.get().step, 'receiving');
  assert.equal(scene.seen.stored, []);
  scene.gates.storeBundle.release();
  assert.is(await outcome(phone.state), 'done');
  assert.equal(scene.seen.stored, [BUNDLE]);
});

test('[LK40] the result settles when the last word is out: the connection may then be closed', async () => {
  const done = createScene();
  await playTo(done, 'storing');
  done.gates.storeBundle.release();
  await done.newDevice.result;
  assert.is(done.relay.wire.length, 6);
  assert.is(done.relay.cells, 0);
  const cancelled = createScene();
  await playTo(cancelled, 'confirm');
  const said = cancelled.relay.wire.length;
  cancelled.newDevice.cancel();
  await cancelled.newDevice.result.catch(() => undefined);
  assert.is(cancelled.relay.wire.length, said + 1);
  assert.is(cancelled.relay.cells, 0);
});

test('the states that a screen follows change by identity, and only when they change', async () => {
  const scene = createScene();
  const steps: string[] = [];
  let last: object = {};
  scene.newDevice.state.subscribe(() => {
    const state = scene.newDevice.state.get();
    assert.is(state, scene.newDevice.state.get());
    assert.is.not(state, last);
    last = state;
    steps.push(state.step);
  });
  await playTo(scene, 'done');
  assert.equal(steps, ['code', 'type-digits', 'waiting', 'receiving', 'done']);
});

test("a listener's error is reported as uncaught and does not stop the link", async () => {
  const scene = createScene();
  const uncaught: unknown[] = [];
  const keep = (error: unknown): void => {
    uncaught.push(error);
  };
  process.on('uncaughtException', keep);
  const stop = scene.newDevice.state.subscribe(() => {
    throw new Error('a screen that fails');
  });
  await playTo(scene, 'done');
  stop();
  await new Promise((resolve) => setImmediate(resolve));
  process.off('uncaughtException', keep);
  assert.is(scene.newDevice.state.get().step, 'done');
  assert.is(uncaught.length, 5);
});

test('[LK22] wrong digits end it on both sides, and there is no second try', async () => {
  const scene = createScene();
  const phone = await playTo(scene, 'digits');
  const shown = phone.state.get();
  const right = shown.step === 'digits' ? shown.digits : '';
  scene.newDevice.submitDigits(right === '123456' ? '654321' : '123456');
  scene.newDevice.submitDigits(right);
  assert.is(await outcome(phone.state), 'LINK_WRONG_DIGITS');
  assert.is(await outcome(scene.newDevice.state), 'LINK_WRONG_DIGITS');
  assert.is(scene.gates.makeOffer.calls + scene.gates.releaseKeys.calls, 0);
  assert.is(scene.relay.wire.length, 3, 'hello, answer, abort');
  assert.is(scene.relay.cells, 0);
  assert.is(await scene.newDevice.result.catch((error: SealwireError) => error.code), 'LINK_WRONG_DIGITS');
  const again = scene.scan(scene.shownCode);
  assert.is(await outcome(again.state), 'LINK_PEER_LEFT', 'the code is used up');
});

test('[LK2] a code of another relay is refused before anything is sent', async () => {
  const scene = createScene({ phoneRelayId: bytesOf('another', 16) });
  const { code } = await until(scene.newDevice.state, 'code');
  const phone = scene.scan(code);
  assert.is(await outcome(phone.state), 'LINK_OTHER_RELAY');
  assert.is(scene.relay.joins, 0);
  assert.is(scene.newDevice.state.get().step, 'code');
  scene.newDevice.cancel();
});

test('[LK4] what is no code gives a failed session, not an exception', async () => {
  const scene = createScene();
  const phone = scene.scan('https://example.org/');
  assert.is(await outcome(phone.state), 'LINK_CODE_INVALID');
  phone.confirm('x');
  phone.refuse();
  phone.cancel();
  phone.state.subscribe(() => assert.unreachable())();
  assert.is(scene.relay.joins, 0);
  scene.newDevice.cancel();
});

test('[LK5] other keys in the cell: nothing is sent', async () => {
  const scene = createScene();
  scene.relay.swap = () =>
    encodeLinkCell({ suite: 1, oneTimeKey: bytesOf('mallory'), identityKey: bytesOf('mallory too') });
  const { over } = await playOut(scene);
  assert.equal(await over, { onPhone: 'LINK_TAMPERED', onNewDevice: 'LINK_PEER_LEFT' });
  assert.equal(scene.relay.wire, []);
});

test('[LK5] a one-time key that would make the channel readable is refused', async () => {
  const scene = createScene();
  const { code } = await until(scene.newDevice.state, 'code');
  const cell = encodeLinkCell({ suite: 1, oneTimeKey: new Uint8Array(32), identityKey: bytesOf('i') });
  scene.relay.swap = () => cell;
  const phone = scene.scan(encodeLinkCode({ ...parseLinkCode(code), hash: hashOfCell(cell) }));
  assert.is(await outcome(phone.state), 'MALFORMED');
  assert.equal(scene.relay.wire, []);
  scene.newDevice.cancel();
});

test('[LK32] an offer that the new device does not accept ends it with its code', async () => {
  for (const [fault, onNewDevice, onPhone] of [
    [new SealwireError('LINK_NOT_ALLOWED', 'x'), 'LINK_NOT_ALLOWED', 'LINK_NOT_ALLOWED'],
    [new SealwireError('LOG_ENTRY_REFUSED', 'x'), 'LOG_ENTRY_REFUSED', 'LINK_PEER_LEFT'],
    [new TypeError('a bug'), 'CLOSED', 'LINK_PEER_LEFT'],
  ] as const) {
    const scene = createScene();
    scene.gates.acceptOffer.fault = fault;
    const { over } = await playOut(scene);
    assert.equal(await over, { onPhone, onNewDevice });
    assert.is(scene.gates.releaseKeys.calls, 0);
  }
});

test('[LK40] a fault in any callback ends both sides, and stays where it is', async () => {
  for (const gate of ['makeOffer', 'releaseKeys', 'storeBundle'] as const) {
    const scene = createScene();
    scene.gates[gate].fault = new SealwireError('STORAGE_FULL', 'The disk is full.');
    const { over } = await playOut(scene);
    const onPhone = gate === 'storeBundle' ? 'LINK_PEER_LEFT' : 'STORAGE_FULL';
    const onNewDevice = gate === 'storeBundle' ? 'STORAGE_FULL' : 'LINK_PEER_LEFT';
    assert.equal(await over, { onPhone, onNewDevice });
    assert.equal(scene.seen.stored, []);
    assert.is(scene.relay.cells, 0);
  }
});

test('[LK41] a relay that refuses the cell, or cannot be reached', async () => {
  for (const code of ['LIMIT_REACHED', 'RELAY_UNREACHABLE'] as const) {
    const scene = createScene({ openRefusal: code });
    assert.is(await outcome(scene.newDevice.state), code);
  }
  const scene = createScene();
  const { code } = await until(scene.newDevice.state, 'code');
  const unknown = encodeLinkCode({ ...parseLinkCode(code), rendezvousId: bytesOf('nowhere', 16) });
  assert.is(await outcome(scene.scan(unknown).state), 'LINK_CODE_EXPIRED');
  scene.newDevice.cancel();
});

test('[LK3] the relay may shorten the lives of code and link, not lengthen them', async () => {
  const long = createScene({ lives: { openMs: 1e9, totalMs: 1e9 } });
  const { expiresAt } = await until(long.newDevice.state, 'code');
  assert.is(expiresAt, 1_000 + LIMITS.rendezvousOpenMs);
  long.timers.advance(LIMITS.rendezvousOpenMs - 1);
  assert.is(long.newDevice.state.get().step, 'code');
  long.timers.advance(1);
  assert.is(await outcome(long.newDevice.state), 'LINK_CODE_EXPIRED');
  assert.is(long.relay.cells, 0, 'it closes the cell that the relay would keep');
  const short = createScene({ lives: { openMs: 5_000, totalMs: 9_000 } });
  assert.is((await until(short.newDevice.state, 'code')).expiresAt, 6_000);
  const phone = await playTo(short, 'digits');
  short.timers.advance(5_000);
  assert.is(short.newDevice.state.get().step, 'type-digits', 'somebody joined in time');
  short.timers.advance(4_000);
  assert.is(await outcome(phone.state), 'LINK_CODE_EXPIRED');
  assert.is(await outcome(short.newDevice.state), 'LINK_CODE_EXPIRED');
});

test("a caller's mistakes are RangeErrors and change nothing", async () => {
  const scene = createScene();
  const phone = await playTo(scene, 'digits');
  const isRangeError = (error: unknown): boolean => error instanceof RangeError;
  for (const digits of ['', '12345', '1234567', '12 456', '１２３４５６']) {
    assert.throws(() => scene.newDevice.submitDigits(digits), isRangeError);
  }
  phone.confirm('too early');
  assert.is(phone.state.get().step, 'digits');
  const shown = phone.state.get();
  scene.newDevice.submitDigits(shown.step === 'digits' ? shown.digits : '');
  await until(phone.state, 'confirm');
  assert.throws(() => phone.confirm(''), isRangeError);
  assert.is(phone.state.get().step, 'confirm');
  phone.confirm('laptop');
  phone.confirm('a second tap');
  assert.is(await outcome(phone.state), 'done');
  assert.is(scene.seen.proofs[0]?.device.deviceName, 'laptop');
  phone.refuse();
  phone.cancel();
  scene.newDevice.cancel();
  assert.is(phone.state.get().step, 'done');
  assert.throws(() => createScene({ deviceName: ' ' }), isRangeError);
});

test.run();
