// What all platforms must agree on before a signature counts: libraries differ on odd points, devices must not. Rules:
// spec/keys.md §1.
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { sameBytes } from '@sealwire/protocol';
import { concat } from '../bytes.ts';

const SEED_BYTES = 32;
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** @throws RangeError if a seed is not 32 bytes: a bug in the caller. */
export const requireSeed = (seed: Uint8Array): void => {
  if (seed.length !== SEED_BYTES) throw new RangeError(`seed: ${seed.length} bytes instead of ${SEED_BYTES}`);
};

/**
 * True for a key and a signature on which every implementation gives one verdict: right lengths, points in their only
 * form (RFC 8032 §5.1.3) and not of small order, S below the group's order (§5.1.7). Under a key of small order one
 * signature fits many messages; OpenSSL takes such keys and other forms of a point, WebCrypto may or may not.
 */
export const isStrict = (publicKey: Uint8Array, signature: Uint8Array): boolean =>
  publicKey.length === KEY_BYTES &&
  signature.length === SIGNATURE_BYTES &&
  isStrictPoint(publicKey, 0) &&
  isStrictPoint(signature, 0) &&
  isBelow(signature, 32, ORDER);

/**
 * Verifies without the platform's help, by the equation that platforms use: R = S·B − k·A, byte for byte. @noble's own
 * `verify` multiplies by the cofactor first and so takes signatures that OpenSSL refuses.
 *
 * @param signature - {@link isStrict} with the key.
 */
export const verifyPortable = (
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean => {
  const { Point } = ed25519;
  const r = signature.subarray(0, 32);
  const k = Point.Fn.create(littleEndian(sha512(concat(r, publicKey, message))));
  let key: InstanceType<typeof Point>;
  try {
    key = Point.fromBytes(publicKey);
  } catch {
    return false; // No point of the curve has that y.
  }
  const s = littleEndian(signature.subarray(32));
  return sameBytes(Point.BASE.multiplyUnsafe(s).subtract(key.multiplyUnsafe(k)).toBytes(), r);
};

/** Verifies at once, without the platform: for the few signatures of a link, whose machines are synchronous. */
export const verifyNow = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean =>
  publicKey.length === 32 &&
  signature.length === 64 &&
  isStrict(publicKey, signature) &&
  verifyPortable(publicKey, message, signature);

const littleEndian = (bytes: Uint8Array): bigint => {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  return value;
};

const bytesOf = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));

/** The field's prime 2^255 − 19, and the order of the base point (RFC 8032 §5.1), little-endian. */
const PRIME = bytesOf(2n ** 255n - 19n);
const ORDER = bytesOf(2n ** 252n + 27742317777372353535851937790883648493n);

/** y of the points of order 8; the other one with −y. */
const Y_OF_ORDER_8 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;

/** y of all points whose order divides 8; those of order 4 have y = 0, of order 2 y = −1, the neutral one y = 1. */
const SMALL_ORDER_Y: readonly Uint8Array[] = [
  0n,
  1n,
  2n ** 255n - 20n,
  Y_OF_ORDER_8,
  2n ** 255n - 19n - Y_OF_ORDER_8,
].map(bytesOf);

/** Whether the 32 bytes at `at` are y below the prime, and not one of small order; the top bit is the sign of x. */
const isStrictPoint = (bytes: Uint8Array, at: number): boolean => {
  const y = bytes.slice(at, at + KEY_BYTES);
  y[31]! &= 0x7f;
  return isBelow(y, 0, PRIME) && !SMALL_ORDER_Y.some((small) => sameBytes(small, y));
};

/** Compares 32 little-endian bytes at `at` with `limit`. Public values only. */
const isBelow = (bytes: Uint8Array, at: number, limit: Uint8Array): boolean => {
  for (let i = 31; i >= 0; i--) {
    const difference = bytes[at + i]! - limit[i]!;
    if (difference !== 0) return difference < 0;
  }
  return false;
};
