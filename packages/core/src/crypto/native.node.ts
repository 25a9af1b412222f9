// Native primitives under Node: node:crypto and node:zlib. The browser twin is native.web.ts; both pass one test.
// Rules: spec/keys.md §1.
import {
  createPrivateKey,
  createPublicKey,
  hash,
  type KeyObject,
  sign as nodeSign,
  verify as nodeVerify,
} from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { sameBytes } from '@sealwire/protocol';
import { WebSocket } from 'ws';
import { concat } from '../bytes.ts';
import { isStrict, requireSeed } from './native.ed25519.ts';

/** HPKE's KEM of suite 1, by the platform's X25519: three times as fast as @noble's. */
export { DhkemX25519HkdfSha256 } from '@hpke/core';
export { openManyXChaCha, openXChaCha, sealXChaCha } from './xchacha.node.ts';

/** SHA-256 (FIPS 180-4) over the parts as if joined. @returns 32 new bytes. */
export const sha256 = (...parts: readonly Uint8Array[]): Uint8Array => {
  let length = 0;
  for (const part of parts) {
    if (length + part.length <= SCRATCH.length) SCRATCH.set(part, length);
    length += part.length;
  }
  const isShort = length <= SCRATCH.length;
  // As text, one character a byte: a Buffer of 32 bytes costs more than the hash.
  const text = hash('sha256', isShort ? SCRATCH.subarray(0, length) : concat(...parts), 'binary');
  SCRATCH.fill(0, 0, length);
  const digest = new Uint8Array(text.length);
  for (let i = 0; i < digest.length; i++) digest[i] = text.charCodeAt(i);
  return digest;
};

/** Where short parts are joined, and nothing stays: an array for each hash costs as much as the hash. */
const SCRATCH = new Uint8Array(8 * 1024);

// RFC 8410 §7 and §4: the fixed DER bytes before a raw Ed25519 private key and before a raw public key.
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const publicKeys = new Map<string, KeyObject>();
const PUBLIC_KEYS_KEPT = 1024;

/** Ed25519 (RFC 8032) signature by a 32-byte seed. @returns 64 new bytes. @throws RangeError for another length. */
export const signEd25519 = (seed: Uint8Array, message: Uint8Array): Uint8Array => {
  requireSeed(seed);
  return plain(nodeSign(null, message, privateKey(seed)));
};

/** As long as the caller holds a seed, its key: deriving it takes ten times as long as signing. */
const privateKeys = new WeakMap<Uint8Array, { readonly seed: Uint8Array; readonly key: KeyObject }>();

const privateKey = (seed: Uint8Array): KeyObject => {
  const known = privateKeys.get(seed);
  if (known && sameBytes(known.seed, seed)) return known.key;
  const der = Buffer.concat([PKCS8_PREFIX, seed]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  privateKeys.set(seed, { seed: seed.slice(), key });
  return key;
};

/** True when `signature` is a valid Ed25519 signature of `message`. Wrong lengths and odd points are false. */
export const verifyEd25519 = (
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean | Promise<boolean> => {
  if (!isStrict(publicKey, signature)) return false;
  const name = Buffer.from(publicKey).toString('binary');
  let key = publicKeys.get(name);
  if (!key) {
    key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' });
    if (publicKeys.size >= PUBLIC_KEYS_KEPT) publicKeys.clear();
    publicKeys.set(name, key);
  }
  return nodeVerify(null, message, key, signature);
};

/** Raw deflate (RFC 1951). @returns a new array. */
export const deflate = (bytes: Uint8Array): Uint8Array => plain(deflateRawSync(bytes));

/**
 * Inflates all of `bytes` to exactly `length` bytes, or gives undefined; never allocates more than `length` needs, a
 * chunk of zlib's aside.
 */
export const inflate = (bytes: Uint8Array, length: number): Uint8Array | undefined => {
  const chunkSize = Math.min(Math.max(length + 1, LEAST_CHUNK_BYTES), CHUNK_BYTES);
  try {
    const options = { maxOutputLength: Math.max(length, 1), chunkSize, info: true };
    const { buffer, engine } = inflateRawSync(bytes, options) as unknown as Inflated;
    return buffer.length === length && engine.bytesWritten === bytes.length ? plain(buffer) : undefined;
  } catch {
    return undefined; // Corrupt or longer than it said: the caller reports the frame.
  }
};

/** What zlib answers with `info`: the output, and how much of the input it took. */
interface Inflated {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

const LEAST_CHUNK_BYTES = 64;
const CHUNK_BYTES = 16 * 1024;

/** A Buffer as what browsers have: `slice` of a Buffer does not copy. */
const plain = (buffer: Buffer): Uint8Array =>
  new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);

/** Opens a WebSocket without compression (RFC 7692 is never negotiated: sizes must not depend on content). */
export const openWebSocket = (url: string, protocol: string): globalThis.WebSocket =>
  new WebSocket(url, protocol, { perMessageDeflate: false }) as unknown as globalThis.WebSocket;
