// Linking from end to end over a cell in memory: the way it should go, and every way it may stop. Rules: spec/link.md.
import { SealwireError, toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BUNDLE, createScene, failure, playTo, until } from './link-kit.ts';

const test = suite('link');

test('links a device: code, digits, confirmation, keys, and both know it', async () => {
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

test('wrong digits', async () => {
  const scene = createScene();
  const phone = await playTo(scene, 'digits');
  const shown = phone.state.get();
  const digits = shown.step === 'digits' && shown.digits === '123456' ? '654321' : '123456';
  scene.newDevice.submitDigits(digits);
  assert.is((await failure(phone.state)).code, 'LINK_WRONG_DIGITS');
  assert.is((await failure(scene.newDevice.state)).code, 'LINK_WRONG_DIGITS');
  assert.is(scene.gates.releaseKeys.calls, 0);
  assert.is(scene.relay.cells, 0);
  const rejected = await scene.newDevice.result.catch((error: unknown) => error);
  assert.instance(rejected, SealwireError);
});

test.run();
