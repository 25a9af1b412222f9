// HPKE (RFC 9180), base mode, HKDF-SHA256, ChaCha20-Poly1305, with the KEM of a suite. Wraps keys to a public key and
// carries the linking channel. Rules: spec/keys.md §1 and spec/link.md §3.
import { Chacha20Poly1305 } from '@hpke/chacha20poly1305';
import { CipherSuite, DecapError, EncapError, HkdfSha256, OpenError } from '@hpke/core';
import { x25519 } from '@noble/curves/ed25519.js';
import { SealwireError } from '@sealwire/protocol';
import { DhkemX25519HkdfSha256 } from '#native';
import { concat } from '../bytes.ts';
import { SUITE_BYTES, type Suite } from './suites.ts';

/** Raw; 32 bytes each in suite 1, in suite 2 a public key of 1,216 bytes. Works with its own suite alone. */
export interface HpkeKeyPair {
  readonly suite: Suite;
  readonly publicKey: Uint8Array;
  /** In suite 2 the seed of both parts. */
  readonly privateKey: Uint8Array;
}

/** One direction of an HPKE context. Messages are sealed or opened strictly in order; a failed open does not count. */
export interface HpkeContext {
  /** RFC 9180 §5.3. @param label - at most 8,192 bytes. @returns `length` new bytes, the same on both sides. */
  exportSecret(label: Uint8Array, length: number): Promise<Uint8Array>;
}

export interface HpkeSender extends HpkeContext {
  /** What the recipient needs, as long as the suite has it; goes in front of the first message. */
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
 * DeriveKeyPair is not used, so one stored secret serves HPKE and plain X25519 alike. Suite 1.
 *
 * @param seed - 32 uniformly random bytes. Copied.
 */
export const hpkeKeyPair = (seed: Uint8Array): HpkeKeyPair => {
  requireLength(seed, PRIVATE_BYTES, 'seed');
  return { suite: 1, publicKey: x25519.getPublicKey(seed), privateKey: seed.slice() };
};

/**
 * The key pair of a suite. In suite 2 the seed is X-Wing's decapsulation key, from which both parts are expanded.
 *
 * @param seed - 32 uniformly random bytes, for one suite only. Copied.
 * @see draft-connolly-cfrg-xwing-kem-10 §5.2
 */
export const hpkeKeyPairOf = async (suite: Suite, seed: Uint8Array): Promise<HpkeKeyPair> => {
  if (suite === 1) return hpkeKeyPair(seed);
  requireLength(seed, PRIVATE_BYTES, 'seed');
  const { kem } = await xWing();
  const { publicKey } = await kem.generateKeyPairDerand(seed.slice());
  return {
    suite,
    publicKey: new Uint8Array(await kem.serializePublicKey(publicKey)),
    privateKey: seed.slice(),
  };
};

/**
 * Seals a key so that only the holder of one private key can open it. Randomness is WebCrypto's.
 *
 * @param recipientPublicKey - of `suite`. Borrowed.
 * @param key - 32 bytes. Borrowed; neither kept nor wiped.
 * @param info - what the key is for; {@link unwrapKey} needs the same.
 * @returns `SUITE_BYTES[suite].wrapped` new bytes: encapsulated key ‖ sealed key with tag.
 * @throws RangeError if a length is wrong, a key of another suite included; SealwireError MALFORMED if the public key is
 *   one that makes a secret known (a point of low order) or none of ML-KEM (FIPS 203 §7.2): whoever published it is at
 *   fault.
 */
export const wrapKey = async (
  recipientPublicKey: Uint8Array,
  key: Uint8Array,
  info: Uint8Array,
  suite: Suite = 1,
): Promise<Uint8Array> => {
  requireLength(key, 32, 'key');
  const sender = await hpkeSender(recipientPublicKey, info, suite);
  return concat(sender.enc, await sender.seal(key, new Uint8Array(0)));
};

/**
 * Opens what {@link wrapKey} made.
 *
 * @param privateKey - 32 bytes, of `suite`. Borrowed.
 * @param wrapped - any bytes.
 * @returns 32 new bytes, or undefined if `wrapped` was not made for this key, `info` and suite, or was changed.
 * @throws RangeError if `privateKey` is not 32 bytes.
 */
export const unwrapKey = async (
  privateKey: Uint8Array,
  wrapped: Uint8Array,
  info: Uint8Array,
  suite: Suite = 1,
): Promise<Uint8Array | undefined> => {
  requireLength(privateKey, PRIVATE_BYTES, 'privateKey');
  const bytes = SUITE_BYTES[suite];
  if (wrapped.length !== bytes.wrapped) return undefined;
  const recipient = await receive(suite, privateKey, wrapped.subarray(0, bytes.enc), info);
  return recipient?.open(wrapped.subarray(bytes.enc), new Uint8Array(0));
};

/**
 * Starts the sender's side of a context.
 *
 * @param ephemeralSeed - only for vectors and tests: makes the encapsulation repeatable (RFC 9180 §7.1.3; 64 bytes in
 *   suite 2). Two contexts of one seed and recipient have the same keys and nonces, so nothing but a vector may use it.
 * @throws RangeError, SealwireError as {@link wrapKey}.
 */
export const hpkeSender = async (
  recipientPublicKey: Uint8Array,
  info: Uint8Array,
  suite: Suite = 1,
  ephemeralSeed?: Uint8Array,
): Promise<HpkeSender> => {
  requireLength(recipientPublicKey, SUITE_BYTES[suite].publicKey, 'recipientPublicKey');
  const cipher = await cipherOf(suite);
  const context = await ofPeer(async () =>
    cipher.createSenderContext({
      recipientPublicKey: await cipher.kem.deserializePublicKey(recipientPublicKey),
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
 * Starts the recipient's side, in the suite of the key pair.
 *
 * @param enc - any bytes, as they came from the sender.
 * @returns undefined if `enc` is nothing that could have been encapsulated. In suite 2 most other bytes give a context
 *   in which nothing opens: ML-KEM rejects implicitly (FIPS 203 §6.3).
 */
export const hpkeRecipient = (
  keyPair: HpkeKeyPair,
  enc: Uint8Array,
  info: Uint8Array,
): Promise<HpkeRecipient | undefined> => receive(keyPair.suite, keyPair.privateKey, enc, info);

const PRIVATE_BYTES = 32;

const receive = async (
  suite: Suite,
  privateKey: Uint8Array,
  enc: Uint8Array,
  info: Uint8Array,
): Promise<HpkeRecipient | undefined> => {
  if (enc.length !== SUITE_BYTES[suite].enc) return undefined;
  const cipher = await cipherOf(suite);
  const recipientKey = await cipher.kem.deserializePrivateKey(privateKey);
  const context = await ofPeer(() => cipher.createRecipientContext({ recipientKey, enc, info }));
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

const SUITE_1 = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Chacha20Poly1305(),
});

/** X-Wing, loaded when it is first needed: what never meets suite 2 does not pay for ML-KEM. */
const xWing = (): ReturnType<typeof loadXWing> => {
  loading ??= loadXWing().catch((error: unknown) => {
    loading = undefined; // A browser that was offline may ask again.
    throw error;
  });
  return loading;
};

const loadXWing = async () => {
  const { XWing } = await import('@hpke/hybridkem-x-wing');
  const kem = new XWing();
  return { kem, cipher: new CipherSuite({ kem, kdf: new HkdfSha256(), aead: new Chacha20Poly1305() }) };
};

let loading: ReturnType<typeof loadXWing> | undefined;

const cipherOf = async (suite: Suite): Promise<CipherSuite> =>
  suite === 1 ? SUITE_1 : (await xWing()).cipher;

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
