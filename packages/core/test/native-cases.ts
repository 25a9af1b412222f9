// Signatures and points on which libraries differ, each with the one verdict that Sealwire gives. Made anew each time, from
// a seed, so that Node and a browser judge the same. Rules: spec/keys.md §1, RFC 8032 §5.1.7, RFC 7748 §5.
import { ed25519, ed25519ctx, ed25519ph } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { fromHex } from '@sealwire/protocol';
import { seededRandom } from '@sealwire/testkit/random';
import { concat, utf8 } from '../src/bytes.ts';

export interface SignatureCase {
  readonly what: string;
  readonly key: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  readonly valid: boolean;
}

export interface PointCase {
  readonly what: string;
  readonly u: Uint8Array;
  /** False if every scalar gives zero. */
  readonly usable: boolean;
  /** The only form of the same u, for those that have another. */
  readonly same?: Uint8Array;
}

const { Point } = ed25519;
type P = InstanceType<typeof Point>;
const L = Point.Fn.ORDER;
const PRIME = 2n ** 255n - 19n;
const TOP_BIT = 2n ** 255n;

const bytesOf = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
const numberOf = (bytes: Uint8Array): bigint =>
  bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
const hashToScalar = (r: Uint8Array, key: Uint8Array, message: Uint8Array): bigint =>
  Point.Fn.create(numberOf(sha512(concat(r, key, message))));

/** A point of order 8: its multiples are all points of small order. */
const TORSION = Point.fromBytes(fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'));

/** Signs by hand: `a` and `r` are scalars, and points of small order may be added to key and R. */
const forge = (
  a: bigint,
  r: bigint,
  message: Uint8Array,
  ofKey: P = Point.ZERO,
  ofR: P = Point.ZERO,
): Pick<SignatureCase, 'key' | 'message' | 'signature'> & { readonly k: bigint } => {
  const key = Point.BASE.multiplyUnsafe(a).add(ofKey).toBytes();
  const start = Point.BASE.multiplyUnsafe(r).add(ofR).toBytes();
  const k = hashToScalar(start, key, message);
  return { key, message, k, signature: concat(start, bytesOf(Point.Fn.create(r + k * a))) };
};

/** Every spelling of 32 bytes that some library takes for a point of small order. */
const smallOrderForms = (): Uint8Array[] => {
  const forms = new Map<bigint, Uint8Array>();
  for (let i = 0n; i < 8n; i++) {
    const { y } = TORSION.multiplyUnsafe(i).toAffine();
    for (const spelling of [y, y + PRIME])
      for (const sign of [0n, TOP_BIT])
        if (spelling < TOP_BIT) forms.set(spelling | sign, bytesOf(spelling | sign));
  }
  return [...forms.values()];
};

/** Ed25519, as RFC 8032 §5.1.7 has it without the cofactor, and the strictness of KY1 on top. */
export const signatureCases = (): SignatureCase[] => {
  const random = seededRandom(8032);
  const cases: SignatureCase[] = [];
  const add = (what: string, valid: boolean, part: Pick<SignatureCase, 'key' | 'message' | 'signature'>) =>
    cases.push({ what, valid, key: part.key, message: part.message, signature: part.signature });
  const scalar = (): bigint => Point.Fn.create(numberOf(concat(random.bytes(31), Uint8Array.of(1))));
  const honest = (length: number) => {
    const seed = random.bytes(32);
    const message = random.bytes(length);
    return { seed, key: ed25519.getPublicKey(seed), message, signature: ed25519.sign(message, seed) };
  };

  for (const length of [0, 1, 31, 32, 63, 64, 65, 111, 112, 127, 128, 129, 1023, 4096, 65_537])
    add(`an honest signature of ${length} bytes`, true, honest(length));
  for (const length of [0, 1, 64]) {
    const good = honest(length);
    add(`a byte more than the ${length}`, false, {
      ...good,
      message: concat(good.message, Uint8Array.of(0)),
    });
    for (const bit of [0, 7, 254, 255, 256, 300, 507, 511]) {
      const signature = good.signature.slice();
      signature[bit >> 3]! ^= 1 << (bit & 7);
      add(`bit ${bit} of the signature of ${length} bytes`, false, { ...good, signature });
    }
    for (const bit of [0, 100, 255]) {
      const key = good.key.slice();
      key[bit >> 3]! ^= 1 << (bit & 7);
      add(`bit ${bit} of the key`, false, { ...good, key });
    }
  }
  const good = honest(40);
  const s = numberOf(good.signature.subarray(32));
  const r = good.signature.subarray(0, 32);
  for (let times = 1n; times <= 15n; times++)
    if (s + times * L < 2n ** 256n)
      add(`S + ${times} L`, false, { ...good, signature: concat(r, bytesOf(s + times * L)) });
  for (const [what, value] of [
    ['L', L],
    ['L − 1', L - 1n],
    ['0', 0n],
    ['2^252', 2n ** 252n],
    ['2^253', 2n ** 253n],
    ['2^256 − 1', 2n ** 256n - 1n],
    ['L − S', L - s],
    ['S with the top bit', s | TOP_BIT],
  ] as const)
    add(`S is ${what}`, false, { ...good, signature: concat(r, bytesOf(value)) });
  const other = honest(40);
  add("another's key", false, { ...good, key: other.key });
  add("another's R", false, {
    ...good,
    signature: concat(other.signature.subarray(0, 32), good.signature.subarray(32)),
  });
  add('the halves the other way round', false, {
    ...good,
    signature: concat(good.signature.subarray(32), r),
  });
  add('nothing but zeros', false, { ...good, signature: new Uint8Array(64) });
  for (const [what, signature] of [
    ['Ed25519ph', ed25519ph.sign(good.message, good.seed)],
    ['Ed25519ctx', ed25519ctx.sign(good.message, good.seed, { context: utf8('x') })],
  ] as const)
    add(`a signature of ${what}`, false, { ...good, signature });
  for (const length of [0, 1, 31, 33, 64]) {
    add(`a key of ${length} bytes`, false, { ...good, key: random.bytes(length) });
    add(`the key and nothing else in ${length} bytes`, false, {
      ...good,
      key: concat(good.key, good.key).subarray(0, length),
    });
  }
  for (const length of [0, 1, 32, 63, 65, 96, 128])
    add(`a signature of ${length} bytes`, false, {
      ...good,
      signature: concat(good.signature, good.signature).subarray(0, length),
    });
  addSmallOrder(add, good, scalar);
  addMixedOrder(add, scalar, random.bytes);
  addForms(add, good);
  return cases;
};

type Add = (
  what: string,
  valid: boolean,
  part: Pick<SignatureCase, 'key' | 'message' | 'signature'>,
) => unknown;

/** Under a key of small order one signature fits many messages; an R of small order is made by who knows the secret. */
const addSmallOrder = (
  add: Add,
  good: Pick<SignatureCase, 'key' | 'message'>,
  scalar: () => bigint,
): void => {
  for (const [index, form] of smallOrderForms().entries()) {
    const zero = concat(form, bytesOf(0n));
    add(`key ${index} of small order, R the same, S 0`, false, {
      key: form,
      message: good.message,
      signature: zero,
    });
    for (const multiple of [0n, 5n])
      for (const message of [good.message, utf8('another')])
        add(`key ${index} of small order, R = S·B`, false, {
          key: form,
          message,
          signature: concat(Point.BASE.multiplyUnsafe(multiple).toBytes(), bytesOf(multiple)),
        });
    const a = scalar();
    const key = Point.BASE.multiplyUnsafe(a).toBytes();
    const k = hashToScalar(form, key, good.message);
    const signature = concat(form, bytesOf(Point.Fn.create(k * a)));
    add(`R ${index} of small order, S = k·a`, false, { key, message: good.message, signature });
  }
};

/** Key or R with a part of small order: with the cofactor all are right, without it the parts must cancel out. */
const addMixedOrder = (add: Add, scalar: () => bigint, bytes: (length: number) => Uint8Array): void => {
  const wanted = new Map<string, number>();
  const take = (what: string, most: number): boolean => {
    const taken = wanted.get(what) ?? 0;
    wanted.set(what, taken + 1);
    return taken < most;
  };
  for (let run = 0; run < 160; run++) {
    const i = BigInt(1 + (run % 7));
    const j = BigInt(run % 8);
    const ofKey = TORSION.multiplyUnsafe(i);
    const ofR = j === 0n ? Point.ZERO : TORSION.multiplyUnsafe(j);
    const made = forge(scalar(), scalar(), bytes(20), ofKey, ofR);
    // S·B − k·A = r·B − k·i·T, and R = r·B + j·T: equal if j + k·i is a multiple of 8.
    const valid = (j + made.k * i) % 8n === 0n;
    const what = `mixed order: ${i}T in the key, ${j}T in R, ${valid ? 'cancelled out' : 'left over'}`;
    if (take(what, 1)) add(what, valid, made);
  }
  for (let j = 1n; j < 8n; j++)
    add(
      `mixed order: ${j}T in R alone`,
      false,
      forge(scalar(), scalar(), bytes(20), Point.ZERO, TORSION.multiplyUnsafe(j)),
    );
  const honest = forge(scalar(), scalar(), bytes(20));
  const moved = Point.fromBytes(honest.key).add(TORSION).toBytes();
  add('the same, and the key moved by a point of order 8', false, { ...honest, key: moved });
  add('made by hand', true, honest);
};

/** Points that have another spelling, or are none. */
const addForms = (add: Add, good: Pick<SignatureCase, 'key' | 'message' | 'signature'>): void => {
  const s = good.signature.subarray(32);
  for (let y = 0n; y < 19n; y++)
    for (const sign of [0n, TOP_BIT]) {
      const spelling = bytesOf((PRIME + y) | sign);
      add(`key p + ${y}${sign ? ', sign 1' : ''}`, false, { ...good, key: spelling });
      add(`R p + ${y}${sign ? ', sign 1' : ''}`, false, { ...good, signature: concat(spelling, s) });
    }
  let none = 0;
  for (let y = 2n; none < 8; y++) {
    const bytes = bytesOf(y);
    try {
      Point.fromBytes(bytes);
    } catch {
      none += 1;
      add(`a key that is on no curve, y ${y}`, false, { ...good, key: bytes });
      add(`an R that is on no curve, y ${y}`, false, { ...good, signature: concat(bytes, s) });
    }
  }
};

/** X25519: u of every kind. */
export const pointCases = (): PointCase[] => {
  const random = seededRandom(7748);
  const cases: PointCase[] = [];
  const order8 = [
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  ].map((hex) => numberOf(fromHex(hex)));
  const low: [string, bigint][] = [
    ['0', 0n],
    ['1', 1n],
    ['of order 8', order8[0]!],
    ['of order 8, the other', order8[1]!],
    ['p − 1', PRIME - 1n],
    ['p', PRIME],
    ['p + 1', PRIME + 1n],
  ];
  for (const [what, u] of low) {
    cases.push({ what: `low order, ${what}`, u: bytesOf(u), usable: false });
    cases.push({ what: `low order, ${what}, top bit`, u: bytesOf(u | TOP_BIT), usable: false });
  }
  for (let u = 2n; u < 19n; u++) {
    const same = bytesOf(u);
    cases.push({ what: `u ${u}, on the curve or its twist`, u: same, usable: true });
    cases.push({ what: `p + ${u}`, u: bytesOf(PRIME + u), usable: true, same });
    cases.push({ what: `u ${u}, top bit`, u: bytesOf(u | TOP_BIT), usable: true, same });
    cases.push({ what: `p + ${u}, top bit`, u: bytesOf((PRIME + u) | TOP_BIT), usable: true, same });
  }
  for (let run = 0; run < 24; run++) {
    const u = random.bytes(32);
    const same = u.slice();
    same[31]! &= 0x7f;
    cases.push({ what: `any bytes, ${run}`, u, usable: true, same });
  }
  return cases;
};
