// Key derivation: HKDF-SHA-256 (RFC 5869), one versioned label for each derived key. Rules: spec/keys.md §2.
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, utf8 } from '../bytes.ts';

/** The only suite of version 1: XChaCha20-Poly1305, Ed25519, SHA-256, DHKEM(X25519). */
export const SUITE = 1;

export const EPOCH_TAG_BYTES = 8;

/**
 * The key that seals the frames of one stream of a room in one epoch. Derive once a stream, not once a frame.
 *
 * @param epochKey - 32 bytes; for the control stream the room secret.
 * @returns 32 new bytes.
 */
export const deriveStreamKey = (epochKey: Uint8Array, room: Uint8Array, stream: string): Uint8Array =>
  hkdf(
    sha256,
    epochKey,
    undefined,
    concat(utf8('sealwire/v1/frame-key'), Uint8Array.of(SUITE), room, utf8(stream)),
    32,
  );

/** Binds a key to its log: two members cannot be given different keys under one entry. @returns 32 new bytes. */
export const epochCommitment = (log: Uint8Array, epochKey: Uint8Array): Uint8Array =>
  sha256(concat(utf8('sealwire/v1/epoch-commitment'), log, epochKey));

/**
 * What names an epoch to the relay: opaque, the same for all frames of the epoch. It follows from the commitment and not
 * from the key, so that a member who was given no key knows that a frame is not for it. @returns 8 new bytes.
 */
export const deriveEpochTag = (commitment: Uint8Array, room: Uint8Array): Uint8Array =>
  sha256(concat(utf8('sealwire/v1/epoch-tag'), room, commitment)).slice(0, EPOCH_TAG_BYTES);

/** In frames of the control stream, which are of no epoch. */
export const NO_EPOCH_TAG = new Uint8Array(EPOCH_TAG_BYTES);
