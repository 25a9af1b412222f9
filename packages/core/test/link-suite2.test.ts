// Links of suite 2: they go as those of suite 1 do, the suite cannot be changed on its way, and all fits into one cell.
// Rules: spec/link.md §2 and §3.
import { LIMITS } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hpkeKeyPair, hpkeKeyPairOf } from '../src/crypto/hpke.ts';
import { SUITE_BYTES } from '../src/crypto/suites.ts';
import { openNewDeviceChannel, openPhoneChannel } from '../src/link/channel.ts';
import { encodeLinkCell, encodeLinkCode, hashOfCell, parseLinkCode } from '../src/link/code.ts';
import { LINK_PAYLOAD_BYTES } from '../src/link/messages.ts';
import {
  BUNDLE,
  bytesOf,
  createScene,
  identityOf,
  outcome,
  playOut,
  playTo,
  type Scene,
  until,
} from './link-kit.ts';

const test = suite('link suite 2');
const KEYS = await hpkeKeyPairOf(2, bytesOf('one-time'));
const ENC = SUITE_BYTES[2].enc;
const ML_KEM_KEY = 1184;
const IDENTITY = identityOf('new device').publicKey;

test('[LK14] links a device: what passes is what passes in suite 1, but for longer keys', async () => {
  const scene = createScene({ oneTimeKeys: KEYS });
  assert.equal(await (await playOut(scene)).over, { onPhone: 'done', onNewDevice: 'done' });
  assert.equal(scene.seen.stored, [BUNDLE]);
  const first = createScene();
  await (await playOut(first)).over;
  assert.is(scene.shownCode.length, first.shownCode.length, 'the code stays as small');
  const more = scene.relay.wire.map((sealed, index) => sealed.length - first.relay.wire[index]!.length);
  assert.equal(more, [ENC - SUITE_BYTES[1].enc, 0, 0, 0, 0, 0]);
});

/** Another suite in the cell, by a relay that has no part in the code. */
const swapped: [string, Uint8Array][] = [
  ['the suite byte alone', Uint8Array.of(1, ...KEYS.publicKey, ...IDENTITY)],
  [
    'its X25519 part as a key of suite 1',
    Uint8Array.of(1, ...KEYS.publicKey.subarray(ML_KEM_KEY), ...IDENTITY),
  ],
  [
    "the relay's own key of suite 1",
    encodeLinkCell({ suite: 1, oneTimeKey: hpkeKeyPair(bytesOf('relay')).publicKey, identityKey: IDENTITY }),
  ],
];

for (const [what, cell] of swapped) {
  test(`[LK14] the relay downgrades the cell, ${what}: nothing is sent`, async () => {
    const scene = createScene({ oneTimeKeys: KEYS });
    scene.relay.swap = () => cell;
    assert.equal(await (await playOut(scene)).over, {
      onPhone: 'LINK_TAMPERED',
      onNewDevice: 'LINK_PEER_LEFT',
    });
    assert.equal(scene.relay.wire, []);
  });
}

/** Plays a link in which code and cell that reach the phone are of somebody between, who keeps the keys. */
const between = async (scene: Scene, cell: Uint8Array) => {
  const { code } = await until(scene.newDevice.state, 'code');
  scene.relay.swap = () => cell;
  const phone = scene.scan(encodeLinkCode({ ...parseLinkCode(code), hash: hashOfCell(cell) }));
  return { onPhone: await outcome(phone.state), onNewDevice: await outcome(scene.newDevice.state) };
};

test('[LK14] somebody between changes code and cell alike: the two sides do not understand each other', async () => {
  const down = createScene({ oneTimeKeys: KEYS });
  const x25519 = {
    suite: 1,
    oneTimeKey: KEYS.publicKey.subarray(ML_KEM_KEY),
    identityKey: IDENTITY,
  } as const;
  assert.equal(await between(down, encodeLinkCell(x25519)), {
    onPhone: 'LINK_PEER_LEFT',
    onNewDevice: 'LINK_TAMPERED',
  });
  assert.is(down.gates.makeOffer.calls + down.gates.releaseKeys.calls, 0);
  const up = createScene({ oneTimeKeys: hpkeKeyPair(bytesOf('one-time')) });
  const longer = { suite: 2, oneTimeKey: KEYS.publicKey, identityKey: IDENTITY } as const;
  const ends = await between(up, encodeLinkCell(longer));
  assert.is(ends.onNewDevice, 'LINK_TAMPERED');
  assert.is(up.gates.makeOffer.calls + up.gates.releaseKeys.calls, 0);
});

test('[LK14] a phone that does not know the suite says so, and sends nothing', async () => {
  const scene = createScene({ oneTimeKeys: KEYS });
  const later = Uint8Array.of(3, ...KEYS.publicKey, ...IDENTITY);
  const { code } = await until(scene.newDevice.state, 'code');
  scene.relay.swap = () => later;
  const phone = scene.scan(encodeLinkCode({ ...parseLinkCode(code), hash: hashOfCell(later) }));
  assert.is(await outcome(phone.state), 'UNSUPPORTED_VERSION');
  assert.equal(scene.relay.wire, []);
  scene.newDevice.cancel();
});

test('[LK8] suite 2: a changed byte anywhere in the first message ends the link on both sides', async () => {
  const length = ENC + 97 + 16;
  const places = new Set([0, 1087, 1088, ENC - 1, ENC, length - 1]);
  for (let at = 0; at < length; at += 61) places.add(at);
  for (const at of places) {
    const scene = createScene({ oneTimeKeys: KEYS });
    scene.relay.tap = (payload, index, deliver) => {
      if (index === 0) payload[at]! ^= 1 << (at % 8);
      deliver(payload);
    };
    const { onPhone, onNewDevice } = await (await playOut(scene)).over;
    assert.is(onNewDevice, 'LINK_TAMPERED', `byte ${at}`);
    // With an X25519 key of low order there is no channel to say it through; no such key is one bit away here.
    assert.is(onPhone, 'LINK_TAMPERED', `byte ${at}`);
    assert.is(scene.gates.makeOffer.calls, 0);
  }
});

test('[LK6] suite 2: the channel fits one code, one key, one encapsulation', async () => {
  const [start, aad] = [bytesOf('start'), bytesOf('transcript')];
  const phone = await openPhoneChannel(KEYS.publicKey, start, 2);
  const first = await phone.seal(bytesOf('hello', 97), aad);
  assert.is(first.length, ENC + 97 + 16);
  const opened = async (keys: typeof KEYS, from: Uint8Array, sealed: Uint8Array) =>
    (await openNewDeviceChannel(keys, from, sealed))?.open(sealed, [aad]);
  assert.equal((await opened(KEYS, start, first))?.plaintext, bytesOf('hello', 97));
  assert.is(await opened(KEYS, bytesOf('another code'), first), undefined);
  assert.is(await opened(await hpkeKeyPairOf(2, bytesOf('another')), start, first), undefined);
  assert.is(await opened(hpkeKeyPair(bytesOf('one-time')), start, first), undefined, 'the seed in suite 1');
  assert.is(await opened(KEYS, start, first.subarray(0, ENC - 1)), undefined);
  const again = await (await openPhoneChannel(KEYS.publicKey, start, 2)).seal(bytesOf('hello', 97), aad);
  assert.not.equal(again, first, 'fresh randomness');
  const mixed = first.slice();
  mixed.set(again.subarray(0, ENC));
  assert.is(await opened(KEYS, start, mixed), undefined);
});

test('[LK13] the most that a link may carry fits into one cell in suite 2 as well', async () => {
  const scene = createScene({ oneTimeKeys: KEYS, deviceName: '\u20ac'.repeat(LIMITS.nameChars) });
  const phone = await playTo(scene, 'confirm');
  const wire = () => scene.relay.wire.reduce((sum, { length }) => sum + length, 0);
  const cell = 1 + KEYS.publicKey.length + IDENTITY.length;
  const soFar = cell + wire();
  // What is still to come, each sealed: offer, acceptance and bundle around their payload, done, an abort of each side.
  const rest = [1 + 32 + 3 + 64, 1 + 2, 1 + 3, 1, 2, 2].reduce((sum, length) => sum + length + 16, 0);
  assert.ok(soFar + rest + LINK_PAYLOAD_BYTES <= LIMITS.rendezvousBytes, `${soFar} + ${rest}`);
  phone.refuse();
  await outcome(scene.newDevice.state);
});

test.run();
