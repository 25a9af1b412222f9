// The fast cipher and its portable twin are byte for byte the same, on good input and on bad. Rules: spec/keys.md §1.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as node from '../src/crypto/native.node.ts';
import * as web from '../src/crypto/native.web.ts';
import { loadOpenMany } from '../src/crypto/xchacha.wasm.ts';
import { seeded } from './support.ts';

const test = suite('xchacha');

/** Seals with both, requires one result, and opens it with both. */
const sealBoth = (key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, aad: Uint8Array): Uint8Array => {
  const sealed = node.sealXChaCha(key, nonce, plaintext, aad);
  assert.equal(sealed, web.sealXChaCha(key, nonce, plaintext, aad));
  for (const { openXChaCha } of [node, web]) assert.equal(openXChaCha(key, nonce, sealed, aad), plaintext);
  return sealed;
};

test('[KY1] every length from 0 to 300, of text and of what is only authenticated', () => {
  const random = seeded(201);
  for (let length = 0; length <= 300; length++) {
    const [key, nonce] = [random.bytes(32), random.bytes(24)];
    sealBoth(key, nonce, random.bytes(length), random.bytes(90));
    sealBoth(key, nonce, random.bytes(90), random.bytes(length));
  }
});

test('[KY1] lengths around powers of two and a large one', () => {
  const random = seeded(202);
  for (const near of [512, 1024, 4096, 65_536, 1 << 20])
    for (const length of [near - 1, near, near + 1])
      sealBoth(random.bytes(32), random.bytes(24), new Uint8Array(length).fill(length), random.bytes(7));
});

test('[KY1] neither input is changed, and views into larger arrays are as good as arrays', () => {
  const random = seeded(203);
  const all = random.bytes(400);
  const before = all.slice();
  const [key, nonce, aad] = [all.subarray(3, 35), all.subarray(35, 59), all.subarray(61, 100)];
  const sealed = sealBoth(key, nonce, all.subarray(101, 331), aad);
  assert.equal(all, before);
  const framed = Buffer.concat([Buffer.alloc(5), sealed, Buffer.alloc(5)]).subarray(5, 5 + sealed.length);
  assert.equal(node.openXChaCha(key, nonce, framed, aad), all.slice(101, 331));
});

test('[KY1] one changed bit anywhere, and neither opens it', () => {
  const random = seeded(204);
  for (const length of [0, 1, 64, 130]) {
    const parts = [random.bytes(32), random.bytes(24), random.bytes(length + 16), random.bytes(33)] as const;
    const [key, nonce, , aad] = parts;
    const sealed = sealBoth(key, nonce, parts[2].subarray(0, length), aad);
    for (const [i, part] of [key, nonce, sealed, aad].entries())
      for (let at = 0; at < part.length; at++) {
        const changed = [key, nonce, sealed, aad].map((bytes) => bytes.slice());
        changed[i]![at]! ^= 1 << random.below(8);
        const [otherKey, otherNonce, otherSealed, otherAad] = changed as [
          Uint8Array,
          Uint8Array,
          Uint8Array,
          Uint8Array,
        ];
        for (const { openXChaCha } of [node, web])
          assert.is(openXChaCha(otherKey, otherNonce, otherSealed, otherAad), undefined);
      }
    // What failed leaves nothing behind that the next one would meet.
    sealBoth(key, nonce, random.bytes(length), aad);
  }
});

/** Messages of many lengths behind `from` bytes, of which some are spoilt, and what each should give. */
const makeMany = (count: number, from: number, key: Uint8Array, aad: Uint8Array) => {
  const random = seeded(205 + count);
  const sealed: Uint8Array[] = [];
  const expected: (Uint8Array | undefined)[] = [];
  for (let i = 0; i < count; i++) {
    const plaintext = random.bytes(i % 10 === 0 ? random.below(4000) : random.below(200));
    const nonce = random.bytes(24);
    const text = web.sealXChaCha(key, nonce, plaintext, aad);
    const message = new Uint8Array([...random.bytes(from), ...nonce, ...text]);
    const fate = i % 7;
    if (fate === 1) message[from + random.below(message.length - from)]! ^= 1;
    sealed.push(fate === 2 ? message.subarray(0, from + random.below(40)) : message);
    expected.push(fate === 1 || fate === 2 ? undefined : plaintext);
  }
  return { sealed, expected };
};

test('[KY1] many at once give what each gives alone, few or many, spoilt ones among them', async () => {
  const random = seeded(206);
  for (const count of [0, 1, 20, 255, 256, 700])
    for (const from of [0, 10]) {
      const [key, aad] = [random.bytes(32), random.bytes(90)];
      const { sealed, expected } = makeMany(count, from, key, aad);
      const before = sealed.map((bytes) => bytes.slice());
      assert.equal(await node.openManyXChaCha(key, sealed, from, aad), expected);
      assert.equal(await web.openManyXChaCha(key, sealed, from, aad), expected);
      assert.equal(sealed, before);
      assert.equal(
        await node.openManyXChaCha(random.bytes(32), sealed, from, aad),
        Array(count).fill(undefined),
      );
    }
});

test('[KY1] many large ones are opened each by itself, and give what the twin gives', async () => {
  const random = seeded(208);
  const [key, nonce, aad] = [random.bytes(32), random.bytes(24), random.bytes(9)];
  const plaintext = random.bytes(6_000);
  const whole = Buffer.concat([nonce, web.sealXChaCha(key, nonce, plaintext, aad)]);
  const spoilt = Buffer.from(whole);
  spoilt[5_000]! ^= 1;
  const opened = await node.openManyXChaCha(key, [spoilt, ...Array<Uint8Array>(256).fill(whole)], 0, aad);
  assert.is(opened.length, 257);
  assert.is(opened[0], undefined);
  // Each has memory of its own: nothing was opened together.
  assert.is(new Set(opened.slice(1).map((bytes) => bytes!.buffer)).size, 256);
  assert.ok(opened.slice(1).every((bytes) => Buffer.compare(bytes!, plaintext) === 0));
});

test('[KY1] WebAssembly is what opens many under Node, and gives any length as the twin does', async () => {
  const openMany = await loadOpenMany();
  assert.ok(openMany, 'libsodium did not load');
  const random = seeded(207);
  for (let length = 0; length <= 300; length++) {
    const [key, nonce, aad] = [random.bytes(32), random.bytes(24), random.bytes(random.below(100))];
    const plaintext = random.bytes(length);
    const sealed = new Uint8Array([...nonce, ...web.sealXChaCha(key, nonce, plaintext, aad)]);
    assert.equal(openMany(key, [sealed, sealed], 0, aad), [plaintext, plaintext]);
  }
  // More than its memory holds at once, and one that is larger than that by itself.
  const [key, nonce, aad] = [random.bytes(32), random.bytes(24), random.bytes(9)];
  const plaintexts = [1 << 18, 1 << 18, 1 << 18, 3 << 20, 5].map((length) =>
    new Uint8Array(length).fill(length),
  );
  const sealed = plaintexts.map((text) => Buffer.concat([nonce, web.sealXChaCha(key, nonce, text, aad)]));
  const opened = openMany(key, sealed, 0, aad);
  assert.ok(opened.every((bytes, i) => bytes && Buffer.compare(bytes, plaintexts[i]!) === 0));
});

test.run();
