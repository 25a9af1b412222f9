// Whether anything can be sealed to a public key, judged without sealing: so that a log refuses a bad key for all alike.
// Rules: spec/keys.md §1.
import { x25519 } from '@noble/curves/ed25519.js';
import { SUITE_BYTES, suiteOfPublicKey } from './suites.ts';

/**
 * True for a key of a known suite whose X25519 part is not of low order (RFC 7748 §6.1) and whose ML-KEM part, if it has
 * one, holds only coefficients below q (FIPS 203 §7.2).
 *
 * @param key - any bytes.
 */
export const isUsablePublicKey = (key: Uint8Array): boolean => {
  const suite = suiteOfPublicKey(key);
  if (suite === undefined) return false;
  const x25519Part = key.subarray(SUITE_BYTES[suite].publicKey - X25519_BYTES);
  return isOfHighOrder(x25519Part) && (suite === 1 || isReduced(key.subarray(0, ML_KEM_POLYNOMIAL_BYTES)));
};

const X25519_BYTES = 32;
/** Three polynomials of 256 coefficients of 12 bits; what follows in the key is a seed, any of which is good. */
const ML_KEM_POLYNOMIAL_BYTES = 1152;
const Q = 3329;
const ANY_SCALAR = new Uint8Array(32).fill(1);

const isOfHighOrder = (point: Uint8Array): boolean => {
  try {
    x25519.getSharedSecret(ANY_SCALAR, point);
    return true;
  } catch {
    return false; // The one thing that fails for 32 bytes: a result of zero.
  }
};

const isReduced = (bytes: Uint8Array): boolean => {
  for (let at = 0; at < bytes.length; at += 3) {
    const middle = bytes[at + 1]!;
    if ((bytes[at]! | ((middle & 15) << 8)) >= Q || ((middle >> 4) | (bytes[at + 2]! << 4)) >= Q)
      return false;
  }
  return true;
};
