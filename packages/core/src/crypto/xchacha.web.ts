// XChaCha20-Poly1305 by @noble/ciphers: the reference, and what browsers use. Twin: xchacha.node.ts. Rules:
// spec/keys.md §2.
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';

/**
 * @param key - 32 bytes. Borrowed, not kept.
 * @param nonce - 24 bytes.
 * @returns ciphertext and tag, a new array 16 bytes longer than the plaintext.
 * @see draft-irtf-cfrg-xchacha-03 §2
 */
export const sealXChaCha = (
  key: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  aad: Uint8Array,
): Uint8Array => xchacha20poly1305(key, nonce, aad).encrypt(plaintext);

/**
 * @param key - 32 bytes. Borrowed, not kept.
 * @param nonce - 24 bytes.
 * @param sealed - ciphertext and tag, at least 16 bytes.
 * @returns the plaintext in a new array, or undefined if the tag is wrong.
 */
export const openXChaCha = (
  key: Uint8Array,
  nonce: Uint8Array,
  sealed: Uint8Array,
  aad: Uint8Array,
): Uint8Array | undefined => {
  try {
    return xchacha20poly1305(key, nonce, aad).decrypt(sealed);
  } catch {
    return undefined; // The tag is wrong: the caller saw to the lengths, so nothing else throws.
  }
};
