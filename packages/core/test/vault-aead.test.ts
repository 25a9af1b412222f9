// Sealing and opening with XChaCha20-Poly1305. Rules: spec/vault.md §2, spec/frame.md §2.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fromHex, utf8 } from '../src/bytes.ts';
import { AEAD_OVERHEAD_BYTES, openAead, sealAead } from '../src/crypto/aead.ts';
import { randomBytes } from '../src/random.ts';

const test = suite('aead');

test('[VT3] the vector of draft-irtf-cfrg-xchacha-03 §A.3.1', () => {
  const key = Uint8Array.from({ length: 32 }, (_, i) => 0x80 + i);
  const nonce = Uint8Array.from({ length: 24 }, (_, i) => 0x40 + i);
  const plaintext = utf8(
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
  );
  const aad = fromHex('50515253c0c1c2c3c4c5c6c7');
  const ciphertext =
    'bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39' +
    'ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9' +
    '21f9664c97637da9768812f615c68b13b52e';
  const tag = 'c0875924c1c7987947deafd8780acf49';
  const sealed = sealAead(key, plaintext, aad, () => nonce);
  assert.equal(sealed, fromHex(`404142434445464748494a4b4c4d4e4f5051525354555657${ciphertext}${tag}`));
  assert.equal(openAead(key, sealed, aad), plaintext);
});

test('[VT3] any changed byte, a wrong key, another label or a cut: undefined', () => {
  const key = randomBytes(32);
  const aad = utf8('label');
  const sealed = sealAead(key, utf8('secret'), aad, randomBytes);
  for (let i = 0; i < sealed.length; i++) {
    const changed = Uint8Array.from(sealed);
    changed[i]! ^= 1;
    assert.is(openAead(key, changed, aad), undefined);
    assert.is(openAead(key, sealed.subarray(0, i), aad), undefined);
  }
  assert.is(openAead(randomBytes(32), sealed, aad), undefined);
  assert.is(openAead(key, sealed, utf8('other')), undefined);
  assert.equal(openAead(key, sealed, aad), utf8('secret'));
});

test('[VT3] each sealing draws its own nonce; nothing else grows', () => {
  const key = randomBytes(32);
  const seal = () => sealAead(key, utf8('same'), utf8('label'), randomBytes);
  const [first, second] = [seal(), seal()];
  assert.is(first.length, 4 + AEAD_OVERHEAD_BYTES);
  assert.not.equal(first.subarray(0, 24), second.subarray(0, 24));
  assert.equal(
    openAead(key, sealAead(key, new Uint8Array(0), aadOf(0), randomBytes), aadOf(0)),
    new Uint8Array(0),
  );
});

test('a wrong key length or a short random source is the caller’s mistake', () => {
  const nothing = new Uint8Array(0);
  assert.throws(() => sealAead(new Uint8Array(31), nothing, nothing, randomBytes), /31 bytes/);
  assert.throws(() => openAead(new Uint8Array(33), new Uint8Array(60), nothing), /33 bytes/);
  assert.throws(() => sealAead(new Uint8Array(32), nothing, nothing, () => new Uint8Array(12)), /12 bytes/);
});

const aadOf = (length: number): Uint8Array => new Uint8Array(length);

test.run();
