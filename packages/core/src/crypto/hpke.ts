// HPKE (RFC 9180), base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305. Wraps keys to a public key
// and carries the linking channel. Rules: spec/keys.md §1 and spec/link.md §3.
import { Chacha20Poly1305 } from '@hpke/chacha20poly1305';
import { CipherSuite, DecapError, EncapError, HkdfSha256, OpenError } from '@hpke/core';
import { DhkemX25519HkdfSha256 } from '@hpke/dhkem-x25519';
import { x25519 } from '@noble/curves/ed25519.js';
import { SealwireError } from '@sealwire/protocol';
import { concat } from '../bytes.ts';

/** Bytes of an encapsulated X25519 public key. */
export const ENC_BYTES = 32;

/** Bytes of a wrapped 32-byte key: encapsulated key (32), sealed key (32), tag (16). */
export const WRAPPED_BYTES = 80;

/** X25519, raw, 32 bytes each. */
export interface HpkeKeyPair {
  readonly publicKey: Uint8Array;
  readonly privateKey: Uint8Array;
}

/** One direction of an HPKE context. Messages are sealed or opened strictly in order; a failed open does not count. */
export interface HpkeContext {
  /** RFC 9180 §5.3. @param label - at most 8,192 bytes. @returns `length` new bytes, the same on both sides. */
  exportSecret(label: Uint8Array, length: number): Promise<Uint8Array>;
}

export interface HpkeSender extends HpkeContext {
  /** 32 bytes that the recipient needs; they go in front of the first message. */
  readonly enc: Uint8Array;
  /** @returns a new array, 16 bytes longer than `plaintext`. */
  seal(plaintext: Uint8Array, aad: Uint8Array): Promise<Uint8Array>;
}

export interface HpkeRecipient extends HpkeContext {
  /** @returns the plaintext in a new array, or undefined if anything differs from what was sealed next. */
  open(ciphertext: Uint8Array, aad: Uint8Array): Promise<Uint8Array | undefined>;
}

/**
 * The key pair of a raw X25519 private key (RFC 7748 §5): the seed is the private key itself, and RFC 9180's
 * DeriveKeyPair is not used, so one stored secret serves HPKE and plain X25519 alike.
 *
 * @param seed - 32 uniformly random bytes. Copied.
 */
export const hpkeKeyPair = (seed: Uint8Array): HpkeKeyPair => {
  requireLength(seed, 32, 'seed');
  return { publicKey: x25519.getPublicKey(seed), privateKey: seed.slice() };
};

/**
 * Seals a key so that only the holder of one private key can open it. Randomness is WebCrypto's.
 *
 * @param recipientPublicKey - X25519, 32 bytes. Borrowed.
 * @param key - 32 bytes. Borrowed; neither kept nor wiped.
 * @param info - what the key is for; {@link unwrapKey} needs the same.
 * @returns {@link WRAPPED_BYTES} new bytes: encapsulated key ‖ sealed key with tag.
 * @throws RangeError if a length is wrong; SealwireError MALFORMED if the public key is one that makes every secret
 *   known (a point of low order): whoever published it is at fault.
 */
export const wrapKey = async (
  recipientPublicKey: Uint8Array,
  key: Uint8Array,
  info: Uint8Array,
): Promise<Uint8Array> => {
  requireLength(key, 32, 'key');
  const sender = await hpkeSender(recipientPublicKey, info);
  return concat(sender.enc, await sender.seal(key, new Uint8Array(0)));
};

/**
 * Opens what {@link wrapKey} made.
 *
 * @param privateKey - X25519, 32 bytes. Borrowed.
 * @param wrapped - any bytes.
 * @returns 32 new bytes, or undefined if `wrapped` was not made for this key and `info`, or was changed.
 * @throws RangeError if `privateKey` is not 32 bytes.
 */
export const unwrapKey = async (
  privateKey: Uint8Array,
  wrapped: Uint8Array,
  info: Uint8Array,
): Promise<Uint8Array | undefined> => {
  requireLength(privateKey, 32, 'privateKey');
  if (wrapped.length !== WRAPPED_BYTES) return undefined;
  const recipient = await hpkeRecipient(hpkeKeyPair(privateKey), wrapped.subarray(0, ENC_BYTES), info);
  return recipient?.open(wrapped.subarray(ENC_BYTES), new Uint8Array(0));
};

/**
 * Starts the sender's side of a context.
 *
 * @param ephemeralSeed - only for vectors and tests: makes the encapsulation repeatable (RFC 9180 §7.1.3). Two
 *   contexts of one seed and recipient have the same keys and nonces, so nothing but a vector may use it.
 * @throws RangeError, SealwireError as {@link wrapKey}.
 */
export const hpkeSender = async (
  recipientPublicKey: Uint8Array,
  info: Uint8Array,
  ephemeralSeed?: Uint8Array,
): Promise<HpkeSender> => {
  requireLength(recipientPublicKey, 32, 'recipientPublicKey');
  const context = await ofPeer(async () =>
    SUITE.createSenderContext({
      recipientPublicKey: await SUITE.kem.deserializePublicKey(recipientPublicKey),
      info,
      ...(ephemeralSeed && { ekm: ephemeralSeed }),
    }),
  );
  if (!context)
    throw new SealwireError('MALFORMED', 'A public key cannot be used: its secrets would be known.');
  return {
    enc: new Uint8Array(context.enc),
    seal: async (plaintext, aad) => new Uint8Array(await context.seal(plaintext, aad)),
    exportSecret: async (label, length) => new Uint8Array(await context.export(label, length)),
  };
};

/**
 * Starts the recipient's side.
 *
 * @param enc - any bytes, as they came from the sender.
 * @returns undefined if `enc` is no usable public key.
 */
export const hpkeRecipient = async (
  keyPair: HpkeKeyPair,
  enc: Uint8Array,
  info: Uint8Array,
): Promise<HpkeRecipient | undefined> => {
  if (enc.length !== ENC_BYTES) return undefined;
  const recipientKey = {
    publicKey: await SUITE.kem.deserializePublicKey(keyPair.publicKey),
    privateKey: await SUITE.kem.deserializePrivateKey(keyPair.privateKey),
  };
  const context = await ofPeer(() => SUITE.createRecipientContext({ recipientKey, enc, info }));
  return (
    context && {
      open: async (ciphertext, aad) => {
        const plaintext = await ofPeer(() => context.open(ciphertext, aad));
        return plaintext && new Uint8Array(plaintext);
      },
      exportSecret: async (label, length) => new Uint8Array(await context.export(label, length)),
    }
  );
};

const SUITE = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Chacha20Poly1305(),
});

const PEER_FAULTS = [EncapError, DecapError, OpenError];

/** The result, or undefined where HPKE refuses bytes that a peer sent. Anything else is a fault of ours and goes on. */
const ofPeer = async <T>(run: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await run();
  } catch (error) {
    if (PEER_FAULTS.some((fault) => error instanceof fault)) return undefined;
    throw error;
  }
};

const requireLength = (bytes: Uint8Array, length: number, name: string): void => {
  if (bytes.length !== length) throw new RangeError(`${name}: ${bytes.length} bytes instead of ${length}`);
};
