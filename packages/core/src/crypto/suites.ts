// The suites of key wraps and of the linking channel: which KEM, and how long its keys are. Everything else is the same
// in both. Rules: spec/keys.md §1.

/** 1: DHKEM(X25519, HKDF-SHA256). 2: X-Wing, that is X25519 and ML-KEM-768 together. */
export type Suite = 1 | 2;

interface Sizes {
  readonly publicKey: number;
  /** The encapsulated key, which goes in front of what is sealed. */
  readonly enc: number;
  /** A wrapped 32-byte key: encapsulated key, sealed key (32), tag (16). */
  readonly wrapped: number;
}

/** Bytes, by suite. Private keys have 32 in both. */
export const SUITE_BYTES: Readonly<Record<Suite, Sizes>> = {
  1: { publicKey: 32, enc: 32, wrapped: 80 },
  2: { publicKey: 1216, enc: 1120, wrapped: 1168 },
};

/** True for a suite that this version knows. */
export const isSuite = (value: unknown): value is Suite => value === 1 || value === 2;

/** The suite that a caller chose, 1 if none. @throws RangeError */
export const requireSuite = (value: unknown): Suite => {
  const suite = value ?? 1;
  if (!isSuite(suite)) throw new RangeError('suite: not 1 or 2');
  return suite;
};

/** The suite whose public keys have this many bytes, or undefined. */
export const suiteOfPublicKey = ({ length }: { readonly length: number }): Suite | undefined => {
  if (length === SUITE_BYTES[1].publicKey) return 1;
  return length === SUITE_BYTES[2].publicKey ? 2 : undefined;
};
