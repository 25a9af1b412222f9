// The one cipher: XChaCha20-Poly1305 with random nonces, for vault records and frames alike.
// Rules: spec/keys.md §2 (cipher), spec/vault.md §1 and spec/frame.md §2 (where it is used).
import { openManyXChaCha, openXChaCha, sealXChaCha } from '#native';

export const AEAD_KEY_BYTES = 32;
export const AEAD_NONCE_BYTES = 24;
export const AEAD_TAG_BYTES = 16;
/** Bytes that sealing adds: nonce and tag. */
export const AEAD_OVERHEAD_BYTES = AEAD_NONCE_BYTES + AEAD_TAG_BYTES;

/**
 * Seals `plaintext` so that only a holder of `key` who names the same `aad` can open it.
 *
 * Layout: nonce (24) ‖ ciphertext (as long as the plaintext) ‖ tag (16). The nonce is random and never a counter:
 * a device restored from a backup must not repeat one.
 *
 * @param key - 32 bytes. Borrowed; neither kept nor wiped.
 * @param plaintext - any length. Borrowed, not changed.
 * @param aad - authenticated, not part of the result. Borrowed.
 * @param randomBytes - gives that many fresh random bytes; a seeded source belongs in tests only.
 * @returns A new array, {@link AEAD_OVERHEAD_BYTES} longer than the plaintext.
 * @throws RangeError if the key or the nonce has a wrong length: a bug in the caller.
 * @see draft-irtf-cfrg-xchacha-03 §2
 */
export const sealAead = (
  key: Uint8Array,
  plaintext: Uint8Array,
  aad: Uint8Array,
  randomBytes: (length: number) => Uint8Array,
): Uint8Array => {
  checkKey(key);
  const nonce = randomBytes(AEAD_NONCE_BYTES);
  if (nonce.length !== AEAD_NONCE_BYTES) throw new RangeError(`randomBytes gave ${nonce.length} bytes`);
  const sealed = new Uint8Array(AEAD_OVERHEAD_BYTES + plaintext.length);
  sealed.set(nonce);
  sealed.set(sealXChaCha(key, nonce, plaintext, aad), AEAD_NONCE_BYTES);
  return sealed;
};

/**
 * Opens what {@link sealAead} made.
 *
 * @param sealed - nonce ‖ ciphertext ‖ tag, from anywhere. Borrowed, not changed.
 * @returns The plaintext in a new array; undefined if key, aad or any byte is wrong, or if it is too short.
 * @throws RangeError if the key has a wrong length: a bug in the caller.
 */
export const openAead = (key: Uint8Array, sealed: Uint8Array, aad: Uint8Array): Uint8Array | undefined => {
  checkKey(key);
  if (sealed.length < AEAD_OVERHEAD_BYTES) return undefined;
  return openXChaCha(key, sealed.subarray(0, AEAD_NONCE_BYTES), sealed.subarray(AEAD_NONCE_BYTES), aad);
};

/**
 * Opens many at once, each as {@link openAead} would; where the platform can, in a tenth of the time.
 *
 * @param sealed - from anywhere; in each, `from` bytes come before the nonce. Borrowed, not changed.
 * @returns in their order the plaintexts, undefined for what does not open. They may be views of one new array: copy
 *   what is kept longer than the others.
 * @throws RangeError if the key has a wrong length: a bug in the caller.
 */
export const openManyAead = async (
  key: Uint8Array,
  sealed: readonly Uint8Array[],
  from: number,
  aad: Uint8Array,
): Promise<(Uint8Array | undefined)[]> => {
  checkKey(key);
  return openManyXChaCha(key, sealed, from, aad);
};

const checkKey = (key: Uint8Array): void => {
  if (key.length !== AEAD_KEY_BYTES)
    throw new RangeError(`key is ${key.length} bytes, not ${AEAD_KEY_BYTES}`);
};
