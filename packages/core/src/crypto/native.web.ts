// Native primitives in browsers: WebCrypto where it has Ed25519, @noble otherwise. Twin of native.node.ts.
// Rules: spec/keys.md §1.
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { deflateSync } from 'fflate';
import { isStrict, requireSeed, verifyPortable } from './native.ed25519.ts';
import { inflateExactly } from './native.inflate.ts';

/** HPKE's KEM of suite 1, by @noble: not every browser that is in use has X25519. */
export { DhkemX25519HkdfSha256 } from '@hpke/dhkem-x25519';
export { openManyXChaCha, openXChaCha, sealXChaCha } from './xchacha.web.ts';

/** SHA-256 (FIPS 180-4) over the parts as if joined. @returns 32 new bytes. */
export const sha256 = (...parts: readonly Uint8Array[]): Uint8Array => {
  const hash = nobleSha256.create();
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** Ed25519 (RFC 8032) signature by a 32-byte seed. @returns 64 new bytes. @throws RangeError for another length. */
export const signEd25519 = (seed: Uint8Array, message: Uint8Array): Uint8Array => {
  requireSeed(seed);
  return ed25519.sign(message, seed);
};

const keys = new Map<string, Promise<CryptoKey | undefined>>();
const KEYS_KEPT = 1024;

/** True when `signature` is a valid Ed25519 signature of `message`. Wrong lengths and odd points are false. */
export const verifyEd25519 = async (
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> => {
  if (!isStrict(publicKey, signature)) return false;
  const key = await importKey(publicKey);
  if (!key) return verifyPortable(publicKey, message, signature);
  return crypto.subtle.verify('Ed25519', key, signature as BufferSource, message as BufferSource);
};

/** The key for WebCrypto, or undefined where the browser has no Ed25519 or the point is bad. */
const importKey = (publicKey: Uint8Array): Promise<CryptoKey | undefined> => {
  const name = publicKey.join();
  let key = keys.get(name);
  if (!key) {
    key = (async () =>
      crypto.subtle.importKey('raw', publicKey as BufferSource, 'Ed25519', false, ['verify']))().catch(
      () => undefined,
    );
    if (keys.size >= KEYS_KEPT) keys.clear();
    keys.set(name, key);
  }
  return key;
};

/** Raw deflate (RFC 1951). @returns a new array. */
export const deflate = (bytes: Uint8Array): Uint8Array => deflateSync(bytes);

/** Inflates all of `bytes` to exactly `length` bytes, or gives undefined; never allocates more than `length` needs. */
export const inflate = inflateExactly;

/** Opens a WebSocket. Browsers offer compression by themselves; the relay declines it. */
export const openWebSocket = (url: string, protocol: string): WebSocket => new WebSocket(url, protocol);
