// XChaCha20-Poly1305 by @noble/ciphers: the reference, and what browsers use. Twin: xchacha.node.ts. Rules:
// spec/keys.md §2.
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';

const NONCE_BYTES = 24;
const TAG_BYTES = 16;

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

export type OpenMany = (
  key: Uint8Array,
  sealed: readonly Uint8Array[],
  from: number,
  aad: Uint8Array,
) => (Uint8Array | undefined)[];

/** Opens many by opening each. */
export const openEach =
  (open: typeof openXChaCha): OpenMany =>
  (key, sealed, from, aad) =>
    sealed.map((bytes) => {
      const text = from + NONCE_BYTES;
      if (bytes.length < text + TAG_BYTES) return undefined;
      return open(key, bytes.subarray(from, text), bytes.subarray(text), aad);
    });

/**
 * Opens many messages under one key. They may come back as views of one array: what is kept for long should be copied.
 *
 * @param sealed - each with nonce, ciphertext and tag behind `from` bytes that are not looked at. Borrowed.
 * @returns for each its plaintext, or undefined if it does not open.
 */
export const openManyXChaCha = async (
  ...[key, sealed, from, aad]: Parameters<OpenMany>
): Promise<ReturnType<OpenMany>> => openEach(openXChaCha)(key, sealed, from, aad);
