// The formats of spec/link.md a second time, over node:crypto and, for X-Wing, a library that no package uses: what makes
// the vectors shares no code with what reads them. For vectors only: it takes seeds where a device takes randomness.
import {
  createCipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type KeyObject,
  sign,
} from 'node:crypto';
import { ml_kem768_x25519 as xWing } from '@noble/post-quantum/hybrid.js';

export type Bytes = Uint8Array;

export const utf8 = (text: string): Bytes => Buffer.from(text);
export const hex = (bytes: Bytes): string => Buffer.from(bytes).toString('hex');
export const join = (...parts: readonly Bytes[]): Bytes => Buffer.concat(parts);
export const sha256 = (...parts: readonly Bytes[]): Bytes =>
  createHash('sha256')
    .update(join(...parts))
    .digest();
const hmac = (key: Bytes, ...parts: readonly Bytes[]): Bytes =>
  createHmac('sha256', key)
    .update(join(...parts))
    .digest();

/** Repeatable bytes for a name. */
export const seedOf = (name: string, length = 32): Bytes =>
  sha256(utf8(`vector ${name}`)).subarray(0, length);

// RFC 8410: the fixed DER bytes in front of raw keys; the last byte of the algorithm is 0x70 for Ed25519, 0x6e for X25519.
const ED25519 = 0x70;
const X25519 = 0x6e;
const privateKey = (kind: number, raw: Bytes): KeyObject =>
  createPrivateKey({
    key: Buffer.from(join(Buffer.from(`302e020100300506032b65${kind.toString(16)}04220420`, 'hex'), raw)),
    format: 'der',
    type: 'pkcs8',
  });
const publicKey = (kind: number, raw: Bytes): KeyObject =>
  createPublicKey({
    key: Buffer.from(join(Buffer.from(`302a300506032b65${kind.toString(16)}032100`, 'hex'), raw)),
    format: 'der',
    type: 'spki',
  });
const rawPublic = (kind: number, raw: Bytes): Bytes =>
  createPublicKey(privateKey(kind, raw)).export({ format: 'der', type: 'spki' }).subarray(-32);

export const ed25519Public = (seed: Bytes): Bytes => rawPublic(ED25519, seed);
export const x25519Public = (seed: Bytes): Bytes => rawPublic(X25519, seed);
export const ed25519Sign = (seed: Bytes, ...message: readonly Bytes[]): Bytes =>
  sign(null, join(...message), privateKey(ED25519, seed));

const i2osp = (value: number, length: number): Bytes => {
  const bytes = Buffer.alloc(length);
  bytes.writeUIntBE(value, length - Math.min(length, 4), Math.min(length, 4));
  return bytes;
};

// RFC 9180 §4 and §5.1 for HKDF-SHA256 and ChaCha20Poly1305, base mode; the KEM is DHKEM(X25519, HKDF-SHA256) or X-Wing.
const DHKEM = 0x0020;
const X_WING = 0x647a;
const KEM = join(utf8('KEM'), i2osp(DHKEM, 2));
const NOTHING = new Uint8Array(0);

const extract = (suite: Bytes, salt: Bytes, label: string, ikm: Bytes): Bytes =>
  hmac(salt.length > 0 ? salt : Buffer.alloc(32), utf8('HPKE-v1'), suite, utf8(label), ikm);

/** One block is enough: nothing here is longer than 32 bytes. */
const expand = (suite: Bytes, prk: Bytes, label: string, info: Bytes, length: number): Bytes =>
  hmac(prk, i2osp(length, 2), utf8('HPKE-v1'), suite, utf8(label), info, Uint8Array.of(1)).subarray(
    0,
    length,
  );

/** The sender's context of a link: sealing from the phone, and what is exported from it. */
export const hpkeSender = (recipient: Bytes, info: Bytes, ikm: Bytes) => {
  const ephemeral = expand(KEM, extract(KEM, NOTHING, 'dkp_prk', ikm), 'sk', NOTHING, 32);
  const enc = x25519Public(ephemeral);
  const dh = diffieHellman({
    privateKey: privateKey(X25519, ephemeral),
    publicKey: publicKey(X25519, recipient),
  });
  const shared = expand(KEM, extract(KEM, NOTHING, 'eae_prk', dh), 'shared_secret', join(enc, recipient), 32);
  return contextOf(DHKEM, enc, shared, info);
};

/** The same in suite 2. @param randomness - 64 bytes. */
export const xWingSender = (
  recipient: Bytes,
  info: Bytes,
  randomness: Bytes,
): ReturnType<typeof hpkeSender> => {
  const { cipherText, sharedSecret } = xWing.encapsulate(
    Uint8Array.from(recipient),
    Uint8Array.from(randomness),
  );
  return contextOf(X_WING, cipherText, sharedSecret, info);
};

export const xWingPublic = (seed: Bytes): Bytes => xWing.keygen(Uint8Array.from(seed)).publicKey;

/** RFC 9180 §5.1: the key schedule. */
const contextOf = (kem: number, enc: Bytes, shared: Bytes, info: Bytes) => {
  const HPKE = join(utf8('HPKE'), i2osp(kem, 2), i2osp(0x0001, 2), i2osp(0x0003, 2));
  const context = join(
    Uint8Array.of(0),
    extract(HPKE, NOTHING, 'psk_id_hash', NOTHING),
    extract(HPKE, NOTHING, 'info_hash', info),
  );
  const secret = extract(HPKE, shared, 'secret', NOTHING);
  const key = expand(HPKE, secret, 'key', context, 32);
  const baseNonce = expand(HPKE, secret, 'base_nonce', context, 12);
  const exporter = expand(HPKE, secret, 'exp', context, 32);
  return {
    enc,
    seal: (number: number, plaintext: Bytes, aad: Bytes): Bytes => {
      const nonce = Buffer.from(baseNonce);
      for (const [at, byte] of i2osp(number, 12).entries()) nonce[at]! ^= byte;
      return chacha(key, nonce, plaintext, aad);
    },
    exported: (label: string): Bytes => expand(HPKE, exporter, 'sec', utf8(label), 32),
  };
};

const chacha = (key: Bytes, nonce: Bytes, plaintext: Bytes, aad: Bytes): Bytes => {
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
  cipher.setAAD(aad, { plaintextLength: plaintext.length });
  return join(cipher.update(plaintext), cipher.final(), cipher.getAuthTag());
};

/** What the new device seals, under the exported key. */
export const sealReverse = (reverseKey: Bytes, number: number, plaintext: Bytes, aad: Bytes): Bytes =>
  chacha(reverseKey, i2osp(number, 12), plaintext, aad);

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

export const base32 = (bytes: Bytes): string => {
  let bits = '';
  for (const byte of bytes) bits += byte.toString(2).padStart(8, '0');
  return (bits.match(/.{1,5}/g) ?? [])
    .map((five) => BASE32[Number.parseInt(five.padEnd(5, '0'), 2)])
    .join('');
};

export const codeText = (code: Bytes): string => `SW1-${base32(join(code, sha256(code).subarray(0, 4)))}`;

/** Bytes behind their length; lengths below 2^14 are enough here. */
export const sized = (bytes: Bytes): Bytes =>
  bytes.length < 128
    ? join(Uint8Array.of(bytes.length), bytes)
    : join(Uint8Array.of((bytes.length & 127) | 128, bytes.length >> 7), bytes);

const TRANSCRIPT = utf8('sealwire/v1/link-transcript');
export const startOf = (code: Bytes, cell: Bytes): Bytes => sha256(TRANSCRIPT, Uint8Array.of(0), code, cell);
export const after = (transcript: Bytes, message: Bytes): Bytes =>
  sha256(TRANSCRIPT, Uint8Array.of(1), transcript, message);
export const statement = (transcript: Bytes, front: Bytes): Bytes =>
  sha256(TRANSCRIPT, Uint8Array.of(2), transcript, front);
export const commitment = (digits: string, opening: Bytes): Bytes =>
  sha256(utf8('sealwire/v1/link-digits'), utf8(digits), opening);
export const macOf = (key: Bytes, digits: string, of: Bytes): Bytes => hmac(key, utf8(digits), of);
