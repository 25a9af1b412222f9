// Both implementations of the native primitives give the same, on good input and on hostile input. Rules:
// spec/keys.md §1, spec/frame.md §4.
import { createHash } from 'node:crypto';
import { constants, deflateRawSync } from 'node:zlib';
import { ed25519 } from '@noble/curves/ed25519.js';
import { fromHex, toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isStrict, verifyPortable } from '../src/crypto/native.ed25519.ts';
import * as node from '../src/crypto/native.node.ts';
import * as web from '../src/crypto/native.web.ts';
import { seeded } from './support.ts';

const test = suite('native');
const { Point } = ed25519;
const PRIME = 2n ** 255n - 19n;
const ORDER = Point.Fn.ORDER;

const littleEndian = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
const numberOf = (bytes: Uint8Array): bigint => BigInt(`0x${toHex(bytes.slice().reverse())}`);
const joined = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));

/** The verdict of node:crypto, WebCrypto and @noble, which must be one. */
const verdict = async (key: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> => {
  const verdicts = [
    await node.verifyEd25519(key, message, signature),
    await web.verifyEd25519(key, message, signature),
    isStrict(key, signature) && verifyPortable(key, message, signature),
  ];
  assert.is(new Set(verdicts).size, 1, `${verdicts} for key ${toHex(key)}, signature ${toHex(signature)}`);
  return verdicts[0]!;
};

test('[KY1] SHA-256 is the same over any parts, and as FIPS 180-4 has it', () => {
  const random = seeded(101);
  const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  for (const { sha256 } of [node, web]) {
    assert.is(toHex(sha256(Uint8Array.of(97), Uint8Array.of(), Uint8Array.of(98, 99))), abc);
    assert.is(sha256().length, 32);
  }
  for (let run = 0; run < 300; run++) {
    const parts = Array.from({ length: random.below(5) }, () => random.bytes(random.below(200)));
    assert.is(toHex(node.sha256(...parts)), toHex(web.sha256(...parts)));
  }
  for (const size of [4095, 4096, 8191, 8192, 8193, 70_000])
    for (const split of [0, 1, size >> 1, size]) {
      const whole = random.bytes(size);
      const parts = [whole.subarray(0, split), whole.subarray(split)];
      const expected = createHash('sha256').update(whole).digest('hex');
      for (const { sha256 } of [node, web])
        assert.is(toHex(sha256(...parts)), expected, `${split} of ${size}`);
    }
});

test('[KY1] Ed25519 signs the same and takes its own, as RFC 8032 §7.1 has it', async () => {
  const random = seeded(102);
  const seed = fromHex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60');
  const expected =
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b';
  for (const { signEd25519 } of [node, web]) assert.is(toHex(signEd25519(seed, new Uint8Array(0))), expected);
  for (let run = 0; run < 60; run++) {
    const own = random.bytes(32);
    const message = random.bytes(random.below(300));
    const signature = node.signEd25519(own, message);
    assert.is(toHex(web.signEd25519(own, message)), toHex(signature));
    const key = ed25519.getPublicKey(own);
    assert.ok(await verdict(key, message, signature));
    assert.not(await verdict(key, joined(message, Uint8Array.of(0)), signature));
    for (const part of [key, signature]) {
      const changed = part.slice();
      changed[random.below(part.length)]! ^= 1 << random.below(8);
      assert.not(await verdict(part === key ? changed : key, message, part === key ? signature : changed));
    }
  }
});

test('[KY1] a key or signature of another length is false, a seed of another length a RangeError', async () => {
  const random = seeded(103);
  const seed = random.bytes(32);
  const key = ed25519.getPublicKey(seed);
  const message = random.bytes(10);
  const signature = ed25519.sign(message, seed);
  for (const length of [0, 1, 31, 33, 64])
    assert.not(await verdict(random.bytes(length), message, signature));
  for (const length of [0, 32, 63, 65, 128]) {
    const other = joined(signature, signature).subarray(0, length);
    assert.not(await verdict(key, message, other));
  }
  for (const { signEd25519 } of [node, web])
    for (const length of [0, 31, 33, 64])
      assert.throws(
        () => signEd25519(random.bytes(length), message),
        (error: unknown) => error instanceof RangeError && /seed/.test(error.message),
      );
});

test('[KY1] S at or above the order is refused: one signature has one form', async () => {
  const random = seeded(104);
  const seed = random.bytes(32);
  const key = ed25519.getPublicKey(seed);
  const message = random.bytes(40);
  const signature = ed25519.sign(message, seed);
  const s = numberOf(signature.subarray(32));
  for (const other of [s + ORDER, s + 2n * ORDER, s + 7n * ORDER, ORDER, 2n ** 256n - 1n])
    assert.not(await verdict(key, message, joined(signature.subarray(0, 32), littleEndian(other))));
  assert.ok(await verdict(key, message, signature));
});

/** The eight points of small order, and every other form of 32 bytes that some library takes for one of them. */
const smallOrderForms = (): Uint8Array[] => {
  // y of order 8: any point that the order of the group alone does not bring to zero.
  const order8 = Point.fromBytes(fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'));
  const forms = new Map<string, Uint8Array>();
  for (let i = 0n; i < 8n; i++) {
    const point = order8.multiplyUnsafe(i);
    assert.ok(point.isSmallOrder());
    const { y } = point.toAffine();
    for (const spelling of [y, y + PRIME])
      for (const sign of [0n, 1n])
        if (spelling < 2n ** 255n) {
          const bytes = littleEndian(spelling | (sign << 255n));
          forms.set(toHex(bytes), bytes);
        }
  }
  return [...forms.values()];
};

test('[KY1] keys of small order are refused, in every form: under them one signature fits many messages', async () => {
  const random = seeded(105);
  const forms = smallOrderForms();
  assert.is(forms.length, 14);
  const seed = random.bytes(32);
  for (const form of forms) {
    for (const r of forms)
      for (const s of [0n, 5n]) {
        const point = Point.BASE.multiplyUnsafe(s).toBytes();
        for (const start of [r, point])
          assert.not(await verdict(form, random.bytes(8), joined(start, littleEndian(s))), toHex(form));
      }
    assert.not(isStrict(ed25519.getPublicKey(seed), joined(form, littleEndian(1n))), 'R of small order');
  }
});

test('[KY1] points that are not in their only form, or on no curve, are refused', async () => {
  const random = seeded(106);
  const signature = ed25519.sign(Uint8Array.of(1), random.bytes(32));
  for (let y = 0n; y < 19n; y++)
    for (const sign of [0n, 1n])
      assert.not(
        await verdict(littleEndian((PRIME + y) | (sign << 255n)), Uint8Array.of(1), signature),
        `p + ${y}`,
      );
  let onNoCurve = 0;
  for (let run = 0; run < 40; run++) {
    const key = random.bytes(32);
    try {
      Point.fromBytes(key);
    } catch {
      onNoCurve += 1;
    }
    assert.not(await verdict(key, Uint8Array.of(1), signature));
  }
  assert.ok(onNoCurve > 5);
});

test('[KY1] what only the cofactor would make right is refused everywhere', async () => {
  const random = seeded(107);
  const torsion = Point.fromBytes(
    fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'),
  );
  const { sha512 } = await import('@noble/hashes/sha2.js');
  let accepted = 0;
  for (let run = 0; run < 60; run++) {
    // A key and an R with a part of small order, by somebody who knows the secret: made to divide libraries.
    const [a, r] = [1n, 1n].map(() => numberOf(random.bytes(31)));
    const key = Point.BASE.multiplyUnsafe(a!)
      .add(torsion.multiplyUnsafe(BigInt(random.below(8))))
      .toBytes();
    const start = Point.BASE.multiplyUnsafe(r!)
      .add(torsion.multiplyUnsafe(BigInt(random.below(2))))
      .toBytes();
    const message = random.bytes(20);
    const k = Point.Fn.create(numberOf(sha512(joined(start, key, message))));
    const signature = joined(start, littleEndian(Point.Fn.create(r! + k * a!)));
    assert.ok(ed25519.verify(signature, message, key, { zip215: true }), 'with the cofactor it is right');
    if (await verdict(key, message, signature)) accepted += 1;
  }
  assert.ok(accepted > 0 && accepted < 60, `${accepted} of 60`);
});

/** Streams of every kind of block, as zlib and fflate write them. */
const streams = (
  random: ReturnType<typeof seeded>,
): { readonly plain: Uint8Array; readonly bytes: Uint8Array }[] => {
  const text = (length: number) =>
    Uint8Array.from(
      { length },
      () => 97 + Math.floor(random.next() ** 3 * 20) + (random.below(40) === 0 ? 100 : 0),
    );
  const plains = [
    new Uint8Array(0),
    Uint8Array.of(7),
    new Uint8Array(300),
    random.bytes(200),
    text(60),
    text(3000),
    joined(text(500), text(500), random.bytes(100)),
  ];
  return plains.flatMap((plain) => [
    { plain, bytes: node.deflate(plain) },
    { plain, bytes: web.deflate(plain) },
    { plain, bytes: new Uint8Array(deflateRawSync(plain, { level: 0 })) },
    { plain, bytes: new Uint8Array(deflateRawSync(plain, { strategy: constants.Z_FIXED })) },
    { plain, bytes: new Uint8Array(deflateRawSync(plain, { strategy: constants.Z_HUFFMAN_ONLY })) },
    { plain, bytes: new Uint8Array(deflateRawSync(plain, { strategy: constants.Z_RLE })) },
  ]);
};

const hexOf = (bytes: Uint8Array | undefined): string => (bytes ? toHex(bytes) : 'refused');

test('[KY1] what either deflates, both inflate, to exactly the length that was named', () => {
  for (const { plain, bytes } of streams(seeded(108)))
    for (const { inflate, deflate } of [node, web]) {
      const out = inflate(bytes, plain.length);
      assert.is(hexOf(out), toHex(plain));
      assert.is(out!.constructor, Uint8Array);
      assert.is(deflate(plain).constructor, Uint8Array);
      for (const length of [plain.length - 1, plain.length + 1, 2 * plain.length + 70])
        if (length >= 0) assert.is(inflate(bytes, length), undefined, `${length} of ${plain.length}`);
    }
});

test('[KY1] a damaged stream is the same to both: refused, or the same bytes', () => {
  const random = seeded(109);
  const runs = process.env.SEALWIRE_SLOW === '1' ? 300_000 : 20_000;
  const good = streams(random);
  let refused = 0;
  for (let run = 0; run < runs; run++) {
    const { plain, bytes } = good[random.below(good.length)]!;
    const changed = random.below(10) === 0 ? random.bytes(random.below(40)) : bytes.slice();
    for (let i = 1 + random.below(3); i > 0 && changed.length > 0; i--) {
      // Most of what decides stands in front: block type, code lengths, stored lengths.
      const at = random.below(random.below(2) === 0 ? Math.min(changed.length, 12) : changed.length);
      changed[at]! ^= 1 << random.below(8);
    }
    const cut = random.below(8) === 0 ? changed.subarray(0, random.below(changed.length + 1)) : changed;
    const length = random.below(4) === 0 ? random.below(2 * plain.length + 20) : plain.length;
    const expected = hexOf(node.inflate(cut, length));
    assert.is(hexOf(web.inflate(cut, length)), expected, `${toHex(cut)} to ${length}`);
    if (expected === 'refused') refused += 1;
  }
  assert.ok(refused > runs / 10 && refused < runs, `${refused} of ${runs} refused`);
});

test('[KY1] faults that lenient inflaters overlook are refused by both', () => {
  const random = seeded(110);
  const stored = new Uint8Array(deflateRawSync(random.bytes(50), { level: 0 }));
  const wrongCheck = stored.slice();
  wrongCheck[3]! ^= 0xff;
  const faults: [string, Uint8Array, number][] = [
    ['a stored block whose length is not confirmed', wrongCheck, 50],
    ['bytes behind the last block', joined(stored, Uint8Array.of(0)), 50],
    ['a block of type 3', Uint8Array.of(7), 0],
    ['a distance before the beginning', fromHex('4b04a200'), 4],
    ['no bytes at all', new Uint8Array(0), 0],
  ];
  for (const [fault, bytes, length] of faults)
    for (const { inflate } of [node, web]) assert.is(inflate(bytes, length), undefined, fault);
});

test('[FR5] a bomb costs no more memory than was asked for', () => {
  const MiB = 2 ** 20;
  const block = deflateRawSync(new Uint8Array(MiB), { finishFlush: constants.Z_FULL_FLUSH });
  const bomb = joined(...Array<Uint8Array>(512).fill(block), deflateRawSync(new Uint8Array(0)));
  assert.ok(bomb.length < MiB);
  for (const { inflate } of [node, web]) {
    const peakBefore = process.resourceUsage().maxRSS;
    for (const length of [0, 1, 1000, 2 * MiB]) assert.is(inflate(bomb, length), undefined);
    const grownKiB = process.resourceUsage().maxRSS - peakBefore;
    assert.ok(grownKiB < 64 * 1024, `${grownKiB} KiB more than before`);
  }
});

test.run();
