// XChaCha20-Poly1305 under Node: by node:crypto, three times as fast on small frames and ten times on large ones; many
// at once by WebAssembly. OpenSSL knows ChaCha20-Poly1305 only, so the subkey is derived first. Twin: xchacha.web.ts.
// Rules: spec/keys.md §1 and §2.
import { createCipheriv, createDecipheriv, getCiphers } from 'node:crypto';
import { hchacha } from '@noble/ciphers/chacha.js';
import { loadOpenMany } from './xchacha.wasm.ts';
import * as portable from './xchacha.web.ts';

const CIPHER = 'chacha20-poly1305';
const TAG_BYTES = 16;
const OPTIONS = { authTagLength: TAG_BYTES } as const;

/** A Node built on another library than OpenSSL may lack it; HChaCha20 below reads words as they lie in memory. */
const isNative = getCiphers().includes(CIPHER) && new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

const sealNative = (
  key: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  aad: Uint8Array,
): Uint8Array => {
  const cipher = createCipheriv(CIPHER, subkey(key, nonce), shortNonce(nonce), OPTIONS);
  wipeSubkey();
  cipher.setAAD(aad, { plaintextLength: plaintext.length });
  const sealed = new Uint8Array(plaintext.length + TAG_BYTES);
  sealed.set(cipher.update(plaintext));
  cipher.final();
  sealed.set(cipher.getAuthTag(), plaintext.length);
  return sealed;
};

const openNative = (
  key: Uint8Array,
  nonce: Uint8Array,
  sealed: Uint8Array,
  aad: Uint8Array,
): Uint8Array | undefined => {
  const length = sealed.length - TAG_BYTES;
  const decipher = createDecipheriv(CIPHER, subkey(key, nonce), shortNonce(nonce), OPTIONS);
  wipeSubkey();
  decipher.setAAD(aad, { plaintextLength: length });
  decipher.setAuthTag(sealed.subarray(length));
  const opened = decipher.update(sealed.subarray(0, length));
  try {
    decipher.final();
  } catch {
    return undefined; // The tag is wrong, the one thing that is checked here.
  }
  return new Uint8Array(opened.buffer, opened.byteOffset, opened.byteLength);
};

/** See {@link portable.sealXChaCha}. */
export const sealXChaCha = isNative ? sealNative : portable.sealXChaCha;
/** See {@link portable.openXChaCha}. */
export const openXChaCha = isNative ? openNative : portable.openXChaCha;

/** From here on, what loading WebAssembly costs once is little beside what it saves. */
const MANY = 256;

/** Of this many bytes and more, a message is opened faster by OpenSSL by itself (`pnpm bench seal`, backlog). */
const LARGE_BYTES = 2_048;

const isSmall = (sealed: readonly Uint8Array[]): boolean =>
  sealed.reduce((sum, { length }) => sum + length, 0) < LARGE_BYTES * sealed.length;

/** See {@link portable.openManyXChaCha}. */
export const openManyXChaCha: typeof portable.openManyXChaCha = async (key, sealed, from, aad) => {
  const pays = sealed.length >= MANY && (!isNative || isSmall(sealed));
  const openMany = pays ? await loadOpenMany() : undefined;
  return (openMany ?? portable.openEach(openXChaCha))(key, sealed, from, aad);
};

/** "expand 32-byte k", as in RFC 8439 §2.3. */
const SIGMA = Uint32Array.of(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574);

// Written anew by each call and wiped: nothing here runs while another call is under way.
const keyBytes = new Uint8Array(32);
const keyWords = new Uint32Array(keyBytes.buffer);
const nonceBytes = new Uint8Array(16);
const nonceWords = new Uint32Array(nonceBytes.buffer);
const subkeyWords = new Uint32Array(8);
const subkeyBytes = new Uint8Array(subkeyWords.buffer);
const shortNonceBytes = new Uint8Array(12);

/** draft-irtf-cfrg-xchacha-03 §2.2: HChaCha20 of the key and the first 16 bytes of the nonce. A shared array. */
const subkey = (key: Uint8Array, nonce: Uint8Array): Uint8Array => {
  keyBytes.set(key);
  for (let i = 0; i < 16; i++) nonceBytes[i] = nonce[i]!;
  hchacha(SIGMA, keyWords, nonceWords, subkeyWords);
  keyBytes.fill(0);
  return subkeyBytes;
};

const wipeSubkey = (): void => void subkeyBytes.fill(0);

/** Four zeros and the last 8 bytes of the nonce (§2.3). A shared array. */
const shortNonce = (nonce: Uint8Array): Uint8Array => {
  for (let i = 0; i < 8; i++) shortNonceBytes[4 + i] = nonce[16 + i]!;
  return shortNonceBytes;
};
