// The sealed channel alone: both directions, in order, bound to its code. Rules: spec/link.md §3.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { utf8 } from '../src/bytes.ts';
import { hpkeKeyPair } from '../src/crypto/hpke.ts';
import { openNewDeviceChannel, openPhoneChannel } from '../src/link/channel.ts';
import { bytesOf } from './link-kit.ts';

const test = suite('link channel');

const KEYS = hpkeKeyPair(bytesOf('one-time'));
const START = bytesOf('start');
const AAD = bytesOf('transcript');

/** Both ends, after the phone's first message came through. */
const open = async () => {
  const phone = await openPhoneChannel(KEYS.publicKey, START);
  const first = await phone.seal(utf8('first'), AAD);
  const newDevice = await openNewDeviceChannel(KEYS, START, first);
  if (!newDevice) throw new Error('no channel');
  return { phone, newDevice, first };
};

test('[LK6] several messages from the phone, each in its place', async () => {
  const { phone, newDevice, first } = await open();
  assert.is(first.length, 32 + 5 + 16);
  assert.equal((await newDevice.open(first, [AAD]))?.plaintext, utf8('first'));
  assert.equal(phone.macKey, newDevice.macKey);
  const second = await phone.seal(utf8('second'), AAD);
  const third = await phone.seal(utf8('third'), AAD);
  assert.is(second.length, 6 + 16, 'the encapsulated key goes once');
  assert.is(await newDevice.open(third, [AAD]), undefined, 'ahead of its turn');
  assert.equal((await newDevice.open(second, [AAD]))?.plaintext, utf8('second'));
  assert.is(await newDevice.open(second, [AAD]), undefined, 'a second time');
  assert.equal((await newDevice.open(third, [AAD]))?.plaintext, utf8('third'));
});

test('[LK7] several messages to the phone, each in its place, and none of them back', async () => {
  const { phone, newDevice } = await open();
  const sealed = [];
  for (const text of ['one', 'one', 'two']) sealed.push(await newDevice.seal(utf8(text), AAD));
  assert.not.equal(sealed[0], sealed[1], 'another nonce');
  assert.is(await phone.open(sealed[1]!, [AAD]), undefined, 'ahead of its turn');
  for (const [index, text] of ['one', 'one', 'two'].entries()) {
    assert.equal((await phone.open(sealed[index]!, [AAD]))?.plaintext, utf8(text));
  }
  assert.is(await newDevice.open(sealed[0]!, [AAD]), undefined, 'reflected');
  assert.is(await phone.open(await phone.seal(utf8('x'), AAD), [AAD]), undefined, 'reflected');
  for (const length of [0, 1, 15, 16]) assert.is(await phone.open(new Uint8Array(length), [AAD]), undefined);
});

test('[LK9] of several transcripts, the one that fits is named', async () => {
  const { phone, newDevice, first } = await open();
  const [a, b] = [bytesOf('a'), bytesOf('b')];
  assert.equal((await newDevice.open(first, [a, AAD]))?.aad, AAD);
  const second = await phone.seal(utf8('x'), b);
  assert.is(await newDevice.open(second, []), undefined);
  assert.is(await newDevice.open(second, [a, AAD]), undefined);
  assert.equal((await newDevice.open(second, [b, a]))?.aad, b);
  assert.equal((await phone.open(await newDevice.seal(utf8('y'), a), [b, a]))?.aad, a);
});

test('[LK6] it fits one code, one one-time key, one encapsulation', async () => {
  const { first } = await open();
  const otherStart = await openNewDeviceChannel(KEYS, bytesOf('another code'), first);
  assert.is(await otherStart?.open(first, [AAD]), undefined);
  const otherKeys = await openNewDeviceChannel(hpkeKeyPair(bytesOf('another key')), START, first);
  assert.is(await otherKeys?.open(first, [AAD]), undefined);
  const again = await open();
  const mixed = first.slice();
  mixed.set(again.first.subarray(0, 32));
  const otherEnc = await openNewDeviceChannel(KEYS, START, mixed);
  assert.is(await otherEnc?.open(mixed, [AAD]), undefined);
  assert.not.equal(again.first, first, 'fresh randomness');
  assert.is(await openNewDeviceChannel(KEYS, START, new Uint8Array(31)), undefined);
  assert.is(await openNewDeviceChannel(KEYS, START, new Uint8Array(60)), undefined, 'a point of low order');
});

test.run();
