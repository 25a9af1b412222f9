// A sealed frame: version, suite, epoch tag, nonce, ciphertext. Layout and checks: spec/frame.md §2.
import { SealwireError, sameBytes } from '@sealwire/protocol';
import { concat, utf8 } from '../bytes.ts';
import { openAead, sealAead } from '../crypto/aead.ts';
import { deriveEpochTag, deriveStreamKey, EPOCH_TAG_BYTES, SUITE } from '../crypto/kdf.ts';
import { padded, unpadded } from './padding.ts';

export const FRAME_VERSION = 1;
const HEADER_BYTES = 2 + EPOCH_TAG_BYTES;
const NONCE_AND_TAG_BYTES = 24 + 16;

/** What seals and opens the frames of one stream in one epoch. Holds key bytes: never log it. */
export interface StreamKey {
  readonly tag: Uint8Array;
  readonly key: Uint8Array;
  readonly aad: Uint8Array;
}

/**
 * Derives what seals and opens one stream's frames. The address is authenticated but not sent, so a relay that
 * moves a frame to another room or stream makes {@link openFrame} refuse it.
 *
 * @param epochKey - 32 bytes; for the control stream the room secret. Borrowed.
 * @param room - 32 bytes.
 */
export const streamKey = (epochKey: Uint8Array, room: Uint8Array, stream: string): StreamKey => {
  const tag = deriveEpochTag(epochKey, room);
  const aad = concat(utf8('sealwire/v1/frame'), Uint8Array.of(FRAME_VERSION, SUITE), tag, room, utf8(stream));
  return { tag, key: deriveStreamKey(epochKey, room, stream), aad };
};

/**
 * Seals one body.
 *
 * @param body - encoded and signed; see body.ts. Not changed.
 * @param randomBytes - a cryptographic source; 24 bytes are drawn for the nonce.
 * @returns the frame: header, nonce, ciphertext, tag; sizes in spec/frame.md §2.
 * @see draft-irtf-cfrg-xchacha-03 §2
 */
export const sealFrame = (
  key: StreamKey,
  body: Uint8Array,
  randomBytes: (length: number) => Uint8Array,
): Uint8Array =>
  concat(Uint8Array.of(FRAME_VERSION, SUITE), key.tag, sealAead(key.key, padded(body), key.aad, randomBytes));

/** The epoch tag that a frame names: which key it wants. @throws SealwireError FRAME_UNREADABLE, UNSUPPORTED_VERSION */
export const epochTagOf = (frame: Uint8Array): Uint8Array => {
  if (frame.length < HEADER_BYTES + NONCE_AND_TAG_BYTES)
    throw new SealwireError('FRAME_UNREADABLE', 'A frame is shorter than its header.');
  if (frame[0] !== FRAME_VERSION || frame[1] !== SUITE)
    throw new SealwireError('UNSUPPORTED_VERSION', 'A frame is of a newer version: update this app.');
  return frame.subarray(2, HEADER_BYTES);
};

/**
 * Opens one frame.
 *
 * @returns the body, encoded; a view of a new array.
 * @throws SealwireError FRAME_UNREADABLE if it was altered, moved, or sealed with another key.
 */
export const openFrame = (key: StreamKey, frame: Uint8Array): Uint8Array => {
  if (!sameBytes(epochTagOf(frame), key.tag))
    throw new SealwireError('FRAME_UNREADABLE', 'A frame was sealed in another epoch.');
  const plain = openAead(key.key, frame.subarray(HEADER_BYTES), key.aad);
  const body = plain && unpadded(plain);
  if (!body)
    throw new SealwireError('FRAME_UNREADABLE', 'A frame does not open: altered, or from elsewhere.');
  return body;
};
