// The edges of signatures, points and lengths under Node: node:crypto, @noble and Node's own WebCrypto agree with what the
// rules say. The same cases in a browser: test/native-browser. Rules: spec/keys.md §1.
import { createHmac, createPrivateKey, createPublicKey, diffieHellman, hkdfSync } from 'node:crypto';
import { x25519 } from '@noble/curves/ed25519.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { fromHex, toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as node from '../src/crypto/native.node.ts';
import { pointCases, signatureCases } from './native-cases.ts';
import { judgeLengths, judgePoints, judgeSignatures } from './native-edges.ts';
import { seeded } from './support.ts';

const test = suite('native edges');

test('[KY1] Ed25519 on its edges: node:crypto behind our checks gives the verdict of the rules', async () => {
  const cases = signatureCases();
  for (const { what, key, message, signature, valid } of cases)
    assert.is(await node.verifyEd25519(key, message, signature), valid, what);
  const kinds = (part: string) => cases.filter(({ what }) => what.includes(part));
  assert.ok(cases.length > 250, `${cases.length} cases`);
  assert.ok(kinds('cancelled out').length > 3 && kinds('left over').length > 20);
  assert.is(kinds('R = S·B').length, 14 * 4);
});

test('[KY1] Ed25519 on its edges: WebCrypto and @noble behind the same checks', async () => {
  const report = await judgeSignatures();
  assert.equal(report.wrong, []);
  assert.ok(report.byPlatform > 50, `${report.byPlatform} by the platform`);
  assert.ok(report.accepted > 15 && report.accepted < 60, `${report.accepted} accepted`);
});

test('[KY1] without our checks the platform takes some of them: the checks are needed', async () => {
  let taken = 0;
  for (const { key, message, signature, valid } of signatureCases()) {
    if (valid || key.length !== 32 || signature.length !== 64) continue;
    const imported = await crypto.subtle
      .importKey('raw', key.slice(), 'Ed25519', false, ['verify'])
      .catch(() => undefined);
    if (!imported) continue;
    if (await crypto.subtle.verify('Ed25519', imported, signature.slice(), message.slice())) taken += 1;
  }
  assert.ok(taken > 10, `${taken} taken`);
});

test('[KY7] X25519 on its edges: @noble, HPKE and WebCrypto', async () => {
  const report = await judgePoints();
  assert.equal(report.wrong, []);
  assert.is(report.judged - report.accepted, 14, 'low order');
});

test('[KY7] X25519 on its edges: @noble and node:crypto; a secret of zeros is refused by both', () => {
  const random = seeded(7748);
  const der = (prefix: string, raw: Uint8Array) => Buffer.concat([Buffer.from(prefix, 'hex'), raw]);
  for (const { what, u, usable } of pointCases()) {
    const scalar = random.bytes(32);
    const privateKey = createPrivateKey({
      key: der('302e020100300506032b656e04220420', scalar),
      format: 'der',
      type: 'pkcs8',
    });
    const publicKey = createPublicKey({
      key: der('302a300506032b656e032100', u),
      format: 'der',
      type: 'spki',
    });
    const secrets = [
      () => x25519.getSharedSecret(scalar, u),
      () => diffieHellman({ privateKey, publicKey }),
    ].map((secret) => {
      try {
        return toHex(secret());
      } catch {
        return 'refused';
      }
    });
    assert.is(secrets[0], secrets[1], what);
    assert.is(secrets[0] !== 'refused', usable, what);
  }
});

test('[KY7] X25519 as RFC 7748 §5.2 has it, once and a thousand times over', () => {
  const once = x25519.getSharedSecret(
    fromHex('a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4'),
    fromHex('e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c'),
  );
  assert.is(toHex(once), 'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552');
  let [k, u] = [fromHex(`09${'00'.repeat(31)}`), fromHex(`09${'00'.repeat(31)}`)];
  for (let run = 0; run < 1000; run++) [k, u] = [x25519.getSharedSecret(k, u), k];
  assert.is(toHex(k), '684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51');
});

test('[KY8] SHA-256, HMAC and HKDF of every length: @noble, WebCrypto and node:crypto', async () => {
  const report = await judgeLengths();
  assert.equal(report.wrong, []);
  assert.ok(report.judged > 170, `${report.judged}`);
  const random = seeded(2104);
  for (let length = 0; length <= 140; length++) {
    const [key, text] = [random.bytes(length), random.bytes(140 - length)];
    const mac = createHmac('sha256', key).update(text).digest('hex');
    assert.is(toHex(hmac(sha256, key, text)), mac, `HMAC, key of ${length}`);
    const out = 1 + length * 58;
    const derived = Buffer.from(hkdfSync('sha256', key, new Uint8Array(0), text, out)).toString('hex');
    assert.is(toHex(hkdf(sha256, key, undefined, text, out)), derived, `HKDF to ${out}`);
  }
});

test.run();
