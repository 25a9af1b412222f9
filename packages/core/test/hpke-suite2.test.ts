// Suite 2 of HPKE, X-Wing: the draft's own vectors, a second implementation, and wraps against every single fault.
// Rules: spec/keys.md §1.
import { XWing } from '@hpke/hybridkem-x-wing';
import { ml_kem768_x25519 as second } from '@noble/post-quantum/hybrid.js';
import { fromHex, SealwireError, toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sha256 } from '#native';
import { utf8 } from '../src/bytes.ts';
import {
  hpkeKeyPair,
  hpkeKeyPairOf,
  hpkeRecipient,
  hpkeSender,
  unwrapKey,
  wrapKey,
} from '../src/crypto/hpke.ts';
import { SUITE_BYTES, suiteOfPublicKey } from '../src/crypto/suites.ts';

const test = suite('hpke suite 2');
const BYTES = SUITE_BYTES[2];

// draft-connolly-cfrg-xwing-kem-10, Appendix C. Public key and ciphertext by their SHA-256 in the first.
const DRAFT = [
  {
    seed: '7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26',
    eseed:
      '3cb1eea988004b93103cfb0aeefd2a686e01fa4a58e8a3639ca8a1e3f9ae57e235b8cc873c23dc62b8d260169afa2f75ab916a58d974918835d25e6a435085b2',
    ss: 'd2df0522128f09dd8e2c92b1e905c793d8f57a54c3da25861f10bf4ca613e384',
    pk: '2e816deebcd76c5c80d0cd2d174478871658e8e2ff42bc9d4a6e486372e856bb',
    ct: '17cd532d657e44c897ca6583e548a5424fc70bf54f99515a4d2bcf99e3469f33',
  },
  {
    seed: 'badfd6dfaac359a5efbb7bcc4b59d538df9a04302e10c8bc1cbf1a0b3a5120ea',
    eseed:
      '17cda7cfad765f5623474d368ccca8af0007cd9f5e4c849f167a580b14aabdefaee7eef47cb0fca9767be1fda69419dfb927e9df07348b196691abaeb580b32d',
    ss: 'f2e86241c64d60f6649fbc6c5b7d17180b780a3f34355e64a85749949c45f150',
  },
  {
    seed: 'ef58538b8d23f87732ea63b02b4fa0f4873360e2841928cd60dd4cee8cc0d4c9',
    eseed:
      '22a96188d032675c8ac850933c7aff1533b94c834adbb69c6115bad4692d8619f90b0cdf8a7b9c264029ac185b70b83f2801f2f4b3f70c593ea3aeeb613a7f1b',
    ss: '953f7f4e8c5b5049bdc771d1dffada0dd961477d1a2ae0988baa7ea6898d893f',
  },
];

test('[KY5] the KEM is that of the X-Wing draft, and of a second implementation', async () => {
  for (const { seed, eseed, ss, pk, ct } of DRAFT) {
    const pair = await hpkeKeyPairOf(2, fromHex(seed));
    const { enc } = await hpkeSender(pair.publicKey, utf8('x'), 2, fromHex(eseed));
    assert.equal([pair.publicKey.length, enc.length], [BYTES.publicKey, BYTES.enc]);
    if (pk) assert.is(toHex(sha256(pair.publicKey)), pk);
    if (ct) assert.is(toHex(sha256(enc)), ct);
    const kem = new XWing();
    const recipientKey = await kem.deserializePrivateKey(fromHex(seed));
    assert.is(toHex(new Uint8Array(await kem.decap({ recipientKey, enc }))), ss);
    assert.is(toHex(second.keygen(fromHex(seed)).publicKey), toHex(pair.publicKey));
    const other = second.encapsulate(pair.publicKey, fromHex(eseed));
    assert.equal([toHex(other.cipherText), toHex(other.sharedSecret)], [toHex(enc), ss]);
    assert.is(toHex(second.decapsulate(enc, fromHex(seed))), ss);
  }
});

const PAIR = await hpkeKeyPairOf(2, new Uint8Array(32).fill(7));
const KEY = new Uint8Array(32).fill(9);
const WRAPPED = await wrapKey(PAIR.publicKey, KEY, utf8('purpose'), 2);

const unwrap = (wrapped: Uint8Array, privateKey = PAIR.privateKey, info = 'purpose') =>
  unwrapKey(privateKey, wrapped, utf8(info), 2);

test('[KY5] wraps a key that only its recipient opens, for the same purpose', async () => {
  assert.is(WRAPPED.length, BYTES.wrapped);
  assert.is(PAIR.suite, 2);
  assert.equal(await unwrap(WRAPPED), KEY);
  assert.is(await unwrap(WRAPPED, new Uint8Array(32).fill(8)), undefined);
  assert.is(await unwrap(WRAPPED, PAIR.privateKey, 'another'), undefined);
  assert.is(await unwrap(WRAPPED, PAIR.privateKey, 'purpos'), undefined);
  assert.not.equal(await wrapKey(PAIR.publicKey, KEY, utf8('purpose'), 2), WRAPPED, 'fresh randomness');
});

test('[KY5] any changed byte of encapsulated key, sealed key or tag is refused', async () => {
  for (let at = 0; at < WRAPPED.length; at++) {
    const changed = WRAPPED.slice();
    changed[at]! ^= 1 << (at % 8);
    assert.is(await unwrap(changed), undefined, `byte ${at}`);
  }
});

test('[KY5] any changed bit of the private key or the info is refused', async () => {
  for (let bit = 0; bit < 256; bit += 5) {
    const other = PAIR.privateKey.slice();
    other[bit >> 3]! ^= 1 << (bit & 7);
    assert.is(await unwrap(WRAPPED, other), undefined, `bit ${bit}`);
  }
  const info = utf8('purpose');
  for (let at = 0; at < info.length; at++) {
    const other = info.slice();
    other[at]! ^= 0x80;
    assert.is(await unwrapKey(PAIR.privateKey, WRAPPED, other, 2), undefined);
  }
});

test('[KY5] other lengths, other parts and other suites are refused', async () => {
  for (const length of [0, 31, 32, 80, BYTES.enc - 1, BYTES.enc, BYTES.enc + 16, BYTES.wrapped - 1])
    assert.is(await unwrap(WRAPPED.subarray(0, length)), undefined, `${length}`);
  assert.is(await unwrap(Uint8Array.of(...WRAPPED, 0)), undefined);
  const again = await wrapKey(PAIR.publicKey, KEY, utf8('purpose'), 2);
  const mixed = again.slice();
  mixed.set(WRAPPED.subarray(0, 1088));
  assert.is(await unwrap(mixed), undefined, "another wrap's ML-KEM part");
  const halves = again.slice();
  halves.set(WRAPPED.subarray(1088, 1120), 1088);
  assert.is(await unwrap(halves), undefined, "another wrap's X25519 part");
  // One seed under both suites: what is of the one suite does not open in the other.
  const first = await wrapKey(hpkeKeyPair(PAIR.privateKey).publicKey, KEY, utf8('purpose'));
  assert.is(await unwrap(first), undefined);
  assert.is(await unwrapKey(PAIR.privateKey, WRAPPED, utf8('purpose')), undefined);
  assert.equal(await unwrapKey(PAIR.privateKey, first, utf8('purpose')), KEY);
  assert.is(await hpkeRecipient(PAIR, first.subarray(0, 32), utf8('purpose')), undefined);
  assert.is(await hpkeRecipient(hpkeKeyPair(KEY), WRAPPED.subarray(0, 1120), utf8('purpose')), undefined);
});

test('[KY5] lengths tell the suite of a public key; a key of another suite is a mistake of the caller', async () => {
  assert.is(suiteOfPublicKey(PAIR.publicKey), 2);
  assert.is(suiteOfPublicKey(new Uint8Array(32)), 1);
  for (const length of [0, 31, 33, 1184, 1215, 1217])
    assert.is(suiteOfPublicKey({ length }), undefined, `${length}`);
  const refused = async (run: () => Promise<unknown>): Promise<unknown> => run().catch((error) => error);
  const { publicKey } = hpkeKeyPair(KEY);
  assert.instance(await refused(() => wrapKey(publicKey, KEY, KEY, 2)), RangeError);
  assert.instance(await refused(() => wrapKey(PAIR.publicKey, KEY, KEY)), RangeError);
  assert.instance(await refused(() => wrapKey(PAIR.publicKey, PAIR.publicKey, KEY, 2)), RangeError);
  assert.instance(await refused(() => hpkeKeyPairOf(2, new Uint8Array(31))), RangeError);
  assert.instance(await refused(() => unwrapKey(new Uint8Array(31), WRAPPED, KEY, 2)), RangeError);
});

test('[KY6] a public key that is none of ML-KEM, or of low order, is refused before anything is sealed', async () => {
  const bad: [string, (key: Uint8Array) => void][] = [
    ['a coefficient of 4095', (key) => key.set([0xff, key[1]! | 0x0f])],
    ['a coefficient of q', (key) => key.set([0x01, (key[1]! & 0xf0) | 0x0d])],
    ['the last coefficient of 4095', (key) => key.set([key[1150]! | 0xf0, 0xff], 1150)],
    ['X25519 of 0', (key) => key.fill(0, 1184)],
    ['X25519 of 1', (key) => key.fill(0, 1184).set([1], 1184)],
  ];
  for (const [what, damage] of bad) {
    const key = PAIR.publicKey.slice();
    damage(key);
    const error = await wrapKey(key, KEY, utf8('x'), 2).catch((reason: unknown) => reason);
    assert.instance(error, SealwireError, what);
    assert.is((error as SealwireError).code, 'MALFORMED', what);
  }
  const lowOrder = WRAPPED.slice();
  lowOrder.fill(0, 1088, 1120);
  assert.is(await unwrap(lowOrder), undefined);
  assert.is(await hpkeRecipient(PAIR, lowOrder.subarray(0, 1120), utf8('purpose')), undefined);
});

test('[KY5] a context runs in order in suite 2 as well, and exports the same on both sides', async () => {
  const sender = await hpkeSender(PAIR.publicKey, utf8('info'), 2);
  const recipient = await hpkeRecipient(PAIR, sender.enc, utf8('info'));
  assert.ok(recipient);
  const aad = utf8('aad');
  const [one, two] = [await sender.seal(utf8('one'), aad), await sender.seal(utf8('two'), aad)];
  assert.is(await recipient.open(two, aad), undefined, 'ahead of its turn');
  assert.equal(await recipient.open(one, aad), utf8('one'));
  assert.is(await recipient.open(one, aad), undefined, 'a replay');
  assert.equal(await recipient.open(two, aad), utf8('two'));
  const label = utf8('label');
  assert.equal(await recipient.exportSecret(label, 32), await sender.exportSecret(label, 32));
  const otherInfo = await hpkeRecipient(PAIR, sender.enc, utf8('inf0'));
  assert.is(await otherInfo?.open(one, aad), undefined);
});

test('[KY5] views into larger arrays work as arrays of their own, and many run at once', async () => {
  const large = new Uint8Array(3000).fill(5);
  const pair = await hpkeKeyPairOf(2, large.subarray(10, 42));
  large.set(pair.publicKey, 100);
  const wraps = await Promise.all(
    Array.from({ length: 8 }, () =>
      wrapKey(large.subarray(100, 1316), large.subarray(0, 32), utf8('many'), 2),
    ),
  );
  large.set(wraps[0]!, 1400);
  assert.equal(
    await unwrapKey(large.subarray(10, 42), large.subarray(1400, 2568), utf8('many'), 2),
    new Uint8Array(32).fill(5),
  );
  const opened = await Promise.all(
    wraps.map((wrapped) => unwrapKey(pair.privateKey, wrapped, utf8('many'), 2)),
  );
  for (const key of opened) assert.equal(key, new Uint8Array(32).fill(5));
});

test.run();
