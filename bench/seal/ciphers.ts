// The ciphers alone, as other libraries have them: what a seal costs that is nothing but a seal.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { chacha20poly1305, xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { ResultsDiffer } from '../lib/result.ts';
import { versionOf } from '../merge/peers/peer.ts';

export interface Cipher {
  readonly name: string;
  readonly version: string;
  readonly nonceBytes: number;
  /** @returns ciphertext and tag. */
  readonly seal: (key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, aad: Uint8Array) => Uint8Array;
  /** @throws if the tag is wrong. */
  readonly open: (key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, aad: Uint8Array) => Uint8Array;
}

const TAG_BYTES = 16;
const CHACHA = 'chacha20-poly1305';
const OPTIONS = { authTagLength: TAG_BYTES } as const;

const noble: Cipher = {
  name: '@noble/ciphers, XChaCha20-Poly1305',
  version: versionOf('@noble/ciphers'),
  nonceBytes: 24,
  seal: (key, nonce, plaintext, aad) => xchacha20poly1305(key, nonce, aad).encrypt(plaintext),
  open: (key, nonce, sealed, aad) => xchacha20poly1305(key, nonce, aad).decrypt(sealed),
};

/** OpenSSL has no XChaCha: a nonce of 12 bytes, too few to draw at random for ever, and no key derivation. */
const node: Cipher = {
  name: 'node:crypto, ChaCha20-Poly1305',
  version: process.versions.node,
  nonceBytes: 12,
  seal(key, nonce, plaintext, aad) {
    const cipher = createCipheriv(CHACHA, key, nonce, OPTIONS);
    cipher.setAAD(aad, { plaintextLength: plaintext.length });
    const sealed = new Uint8Array(plaintext.length + TAG_BYTES);
    sealed.set(cipher.update(plaintext));
    cipher.final();
    sealed.set(cipher.getAuthTag(), plaintext.length);
    return sealed;
  },
  open(key, nonce, sealed, aad) {
    const length = sealed.length - TAG_BYTES;
    const decipher = createDecipheriv(CHACHA, key, nonce, OPTIONS);
    decipher.setAAD(aad, { plaintextLength: length });
    decipher.setAuthTag(sealed.subarray(length));
    const opened = decipher.update(sealed.subarray(0, length));
    decipher.final();
    return opened;
  },
};

const loadLibsodium = async (): Promise<Cipher> => {
  // Its ES modules name a file that the package does not have.
  const sodium = createRequire(import.meta.url)('libsodium-wrappers') as typeof import('libsodium-wrappers');
  await sodium.ready;
  return {
    name: 'libsodium (WASM), XChaCha20-Poly1305',
    version: versionOf('libsodium-wrappers'),
    nonceBytes: 24,
    seal: (key, nonce, plaintext, aad) =>
      sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, aad, null, nonce, key),
    open: (key, nonce, sealed, aad) =>
      sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, sealed, aad, nonce, key),
  };
};

export const loadCiphers = async (): Promise<readonly Cipher[]> => [noble, await loadLibsodium(), node];

/** @throws ResultsDiffer unless all ciphers of one kind give the same bytes, and open what they sealed. */
export const requireSameBytes = (ciphers: readonly Cipher[], plaintext: Uint8Array): void => {
  const [key, aad] = [randomBytes(32), randomBytes(64)];
  for (const cipher of ciphers) {
    const nonce = randomBytes(cipher.nonceBytes);
    const sealed = cipher.seal(key, nonce, plaintext, aad);
    const reference = cipher.nonceBytes === 24 ? xchacha20poly1305 : chacha20poly1305;
    const wanted = reference(key, nonce, aad).encrypt(plaintext);
    if (Buffer.compare(sealed, wanted) !== 0)
      throw new ResultsDiffer(`${cipher.name}: seals to other bytes than the reference`);
    if (Buffer.compare(cipher.open(key, nonce, sealed, aad), plaintext) !== 0)
      throw new ResultsDiffer(`${cipher.name}: opens to something else`);
  }
};
