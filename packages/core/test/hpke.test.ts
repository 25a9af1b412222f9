// HPKE against RFC 9180's own vectors, and key wrapping against changed bytes. Rules: spec/keys.md §1.
import { EncapError } from '@hpke/core';
import { fromHex, SealwireError, toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { utf8 } from '../src/bytes.ts';
import {
  type HpkeSender,
  hpkeKeyPair,
  hpkeRecipient,
  hpkeSender,
  unwrapKey,
  wrapKey,
} from '../src/crypto/hpke.ts';
import * as node from '../src/crypto/native.node.ts';
import * as web from '../src/crypto/native.web.ts';
import { SUITE_BYTES } from '../src/crypto/suites.ts';

const test = suite('hpke');
const WRAPPED_BYTES = SUITE_BYTES[1].wrapped;

// RFC 9180 A.2.1: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305, base mode.
const RFC = {
  info: fromHex('4f6465206f6e2061204772656369616e2055726e'),
  ikmE: fromHex('909a9b35d3dc4713a5e72a4da274b55d3d3821a37e5d099e74a647db583a904b'),
  enc: '1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a',
  skRm: fromHex('8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb'),
  pkRm: '4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a',
  pt: fromHex('4265617574792069732074727574682c20747275746820626561757479'),
  aad: fromHex('436f756e742d30'),
  ct: '1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28',
  exported: '5acb09211139c43b3090489a9da433e8a30ee7188ba8b0a9a1ccf0c229283e53',
};

test('agrees with RFC 9180 A.2.1 in both roles', async () => {
  const pair = hpkeKeyPair(RFC.skRm);
  assert.is(toHex(pair.publicKey), RFC.pkRm);
  const sender = await hpkeSender(pair.publicKey, RFC.info, 1, RFC.ikmE);
  assert.is(toHex(sender.enc), RFC.enc);
  assert.is(toHex(await sender.seal(RFC.pt, RFC.aad)), RFC.ct);
  assert.is(toHex(await sender.exportSecret(utf8('TestContext'), 32)), RFC.exported);
  const recipient = await hpkeRecipient(pair, fromHex(RFC.enc), RFC.info);
  assert.equal(await recipient?.open(fromHex(RFC.ct), RFC.aad), RFC.pt);
  assert.is(toHex((await recipient?.exportSecret(utf8('TestContext'), 32))!), RFC.exported);
});

test('a failed open does not use up the place of the honest message', async () => {
  const { sender, recipient } = await pairOfContexts();
  const aad = new Uint8Array(0);
  const sealed = await sender.seal(utf8('first'), aad);
  const changed = sealed.slice();
  changed[0]! ^= 1;
  assert.is(await recipient.open(changed, aad), undefined);
  assert.is(await recipient.open(new Uint8Array(3), aad), undefined);
  assert.equal(await recipient.open(sealed, aad), utf8('first'));
  assert.is(await recipient.open(sealed, aad), undefined, 'a replay');
});

test('wraps a key to 80 bytes that only the recipient opens, for the same purpose', async () => {
  const pair = hpkeKeyPair(new Uint8Array(32).fill(7));
  const other = hpkeKeyPair(new Uint8Array(32).fill(8));
  const key = new Uint8Array(32).fill(9);
  const wrapped = await wrapKey(pair.publicKey, key, utf8('purpose'));
  assert.is(wrapped.length, WRAPPED_BYTES);
  assert.equal(await unwrapKey(pair.privateKey, wrapped, utf8('purpose')), key);
  assert.is(await unwrapKey(other.privateKey, wrapped, utf8('purpose')), undefined);
  assert.is(await unwrapKey(pair.privateKey, wrapped, utf8('another')), undefined);
  assert.not.equal(await wrapKey(pair.publicKey, key, utf8('purpose')), wrapped);
});

test('every changed byte, and every other length, is refused', async () => {
  const pair = hpkeKeyPair(new Uint8Array(32).fill(7));
  const wrapped = await wrapKey(pair.publicKey, new Uint8Array(32).fill(9), utf8('x'));
  for (let i = 0; i < wrapped.length; i++) {
    const changed = wrapped.slice();
    changed[i]! ^= 1;
    assert.is(await unwrapKey(pair.privateKey, changed, utf8('x')), undefined, `byte ${i}`);
  }
  for (const length of [0, 31, 32, 79]) {
    assert.is(await unwrapKey(pair.privateKey, wrapped.subarray(0, length), utf8('x')), undefined);
  }
  assert.is(await unwrapKey(pair.privateKey, new Uint8Array(81), utf8('x')), undefined);
});

test('views into larger arrays work as arrays of their own', async () => {
  const large = new Uint8Array(200).fill(5);
  const pair = hpkeKeyPair(large.subarray(10, 42));
  large.set(pair.publicKey, 50);
  const wrapped = await wrapKey(large.subarray(50, 82), large.subarray(90, 122), large.subarray(130, 140));
  large.set(wrapped, 100);
  assert.equal(
    await unwrapKey(large.subarray(10, 42), large.subarray(100, 180), new Uint8Array(10).fill(5)),
    new Uint8Array(32).fill(5),
  );
});

test('a public key of low order is refused on both sides', async () => {
  const pair = hpkeKeyPair(new Uint8Array(32).fill(7));
  for (const point of [new Uint8Array(32), Uint8Array.of(1, ...new Uint8Array(31))]) {
    const error = await wrapKey(point, new Uint8Array(32), utf8('x')).catch((reason: unknown) => reason);
    assert.instance(error, SealwireError);
    assert.is((error as SealwireError).code, 'MALFORMED');
    const wrapped = new Uint8Array(WRAPPED_BYTES);
    wrapped.set(point);
    assert.is(await unwrapKey(pair.privateKey, wrapped, utf8('x')), undefined);
  }
});

test('[KY1] the KEM of Node and that of browsers make and open the same, on every kind of key', async () => {
  const kems = [new node.DhkemX25519HkdfSha256(), new web.DhkemX25519HkdfSha256()] as const;
  const ikm = new Uint8Array(32).fill(3);
  // A key of the curve, one with the bit that RFC 7748 ignores, one of the twist, one that is not reduced.
  const curve = hpkeKeyPair(new Uint8Array(32).fill(7)).publicKey;
  const publicKeys = [curve, curve.with(31, curve[31]! | 0x80), Uint8Array.of(2, ...new Uint8Array(31))];
  publicKeys.push(Uint8Array.of(0xf6, ...new Uint8Array(30).fill(0xff), 0x7f));
  for (const bytes of publicKeys) {
    const made: string[] = [];
    for (const kem of kems) {
      const recipientPublicKey = await kem.deserializePublicKey(bytes);
      const { enc, sharedSecret } = await kem.encap({ recipientPublicKey, ekm: ikm });
      made.push(`${toHex(new Uint8Array(enc))} ${toHex(new Uint8Array(sharedSecret))}`);
    }
    assert.is(made[0], made[1], toHex(bytes));
  }
  for (const sender of kems)
    for (const recipient of kems) {
      const recipientPublicKey = await sender.deserializePublicKey(curve);
      const { enc, sharedSecret } = await sender.encap({ recipientPublicKey });
      const recipientKey = await recipient.deserializePrivateKey(new Uint8Array(32).fill(7));
      const opened = await recipient.decap({ recipientKey, enc });
      assert.equal(new Uint8Array(opened), new Uint8Array(sharedSecret));
    }
  for (const kem of kems) {
    const recipientPublicKey = await kem.deserializePublicKey(new Uint8Array(32));
    const refused = await kem.encap({ recipientPublicKey }).catch((error: unknown) => error);
    assert.instance(refused, EncapError);
  }
});

test("a caller's wrong length is a RangeError", async () => {
  const key = new Uint8Array(32);
  const refused = async (run: () => unknown): Promise<unknown> =>
    (async () => run())().catch((error) => error);
  assert.instance(await refused(() => hpkeKeyPair(new Uint8Array(31))), RangeError);
  assert.instance(await refused(() => wrapKey(new Uint8Array(33), key, key)), RangeError);
  assert.instance(await refused(() => wrapKey(key, new Uint8Array(16), key)), RangeError);
  assert.instance(await refused(() => unwrapKey(new Uint8Array(16), new Uint8Array(80), key)), RangeError);
});

test.run();

const pairOfContexts = async () => {
  const pair = hpkeKeyPair(new Uint8Array(32).fill(7));
  const sender: HpkeSender = await hpkeSender(pair.publicKey, utf8('info'));
  const recipient = await hpkeRecipient(pair, sender.enc, utf8('info'));
  if (!recipient) throw new Error('no recipient context');
  return { sender, recipient };
};
