// Native primitives under Node: node:crypto and node:zlib. The browser twin is native.web.ts; both pass one test.
// Rules: spec/keys.md §1.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign as nodeSign,
  verify as nodeVerify,
} from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { WebSocket } from 'ws';

/** SHA-256 (FIPS 180-4) over the parts as if joined. @returns 32 new bytes. */
export const sha256 = (...parts: readonly Uint8Array[]): Uint8Array => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  const digest = hash.digest();
  return new Uint8Array(digest.buffer, digest.byteOffset, digest.byteLength);
};

// RFC 8410 §7 and §4: the fixed DER bytes before a raw Ed25519 private key and before a raw public key.
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const publicKeys = new Map<string, KeyObject>();
const PUBLIC_KEYS_KEPT = 1024;

/** Ed25519 (RFC 8032) signature by a 32-byte seed. @returns 64 new bytes. */
export const signEd25519 = (seed: Uint8Array, message: Uint8Array): Uint8Array => {
  const key = createPrivateKey({
    key: Buffer.concat([PKCS8_PREFIX, seed]),
    format: 'der',
    type: 'pkcs8',
  });
  return new Uint8Array(nodeSign(null, message, key));
};

/** True when `signature` is a valid Ed25519 signature of `message`. Wrong lengths and bad points are false. */
export const verifyEd25519 = (
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean | Promise<boolean> => {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  const name = Buffer.from(publicKey).toString('latin1');
  let key = publicKeys.get(name);
  if (!key) {
    key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' });
    if (publicKeys.size >= PUBLIC_KEYS_KEPT) publicKeys.clear();
    publicKeys.set(name, key);
  }
  return nodeVerify(null, message, key, signature);
};

/** Raw deflate (RFC 1951). */
export const deflate = (bytes: Uint8Array): Uint8Array => deflateRawSync(bytes);

/** Inflates to exactly `length` bytes, or gives undefined; never allocates more than `length` needs. */
export const inflate = (bytes: Uint8Array, length: number): Uint8Array | undefined => {
  try {
    const out = inflateRawSync(bytes, { maxOutputLength: Math.max(length, 1) });
    return out.length === length ? out : undefined;
  } catch {
    return undefined; // Corrupt or longer than it said: the caller reports the frame.
  }
};

/** Opens a WebSocket without compression (RFC 7692 is never negotiated: sizes must not depend on content). */
export const openWebSocket = (url: string, protocol: string): globalThis.WebSocket =>
  new WebSocket(url, protocol, { perMessageDeflate: false }) as unknown as globalThis.WebSocket;
