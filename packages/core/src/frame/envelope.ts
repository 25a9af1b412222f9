// A sealed frame: version, suite, epoch tag, nonce, ciphertext. Layout and checks: spec/frame.md §2.
import { CONTROL_STREAM, SealwireError, sameBytes } from '@sealwire/protocol';
import { concat, utf8 } from '../bytes.ts';
import { openAead, openManyAead, sealAead } from '../crypto/aead.ts';
import {
  deriveEpochTag,
  deriveStreamKey,
  EPOCH_TAG_BYTES,
  epochCommitment,
  NO_EPOCH_TAG,
  SUITE,
} from '../crypto/kdf.ts';
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
 * @param log - account root or chat id, 32 bytes: what the epoch is one of.
 */
export const streamKey = (
  epochKey: Uint8Array,
  room: Uint8Array,
  stream: string,
  log: Uint8Array,
): StreamKey => {
  const tag = stream === CONTROL_STREAM ? NO_EPOCH_TAG : deriveEpochTag(epochCommitment(log, epochKey), room);
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
  const problem = headerProblem(frame);
  if (problem) throw problem;
  return frame.subarray(2, HEADER_BYTES);
};

const headerProblem = (frame: Uint8Array): SealwireError | undefined => {
  if (frame.length < HEADER_BYTES + NONCE_AND_TAG_BYTES)
    return new SealwireError('FRAME_UNREADABLE', 'A frame is shorter than its header.');
  if (frame[0] !== FRAME_VERSION || frame[1] !== SUITE)
    return new SealwireError('UNSUPPORTED_VERSION', 'A frame is of a newer version: update this app.');
  return undefined;
};

/**
 * Opens one frame.
 *
 * @returns the body, encoded; a view of a new array.
 * @throws SealwireError FRAME_UNREADABLE if it was altered, moved, or sealed with another key.
 */
export const openFrame = (key: StreamKey, frame: Uint8Array): Uint8Array => {
  if (!sameBytes(epochTagOf(frame), key.tag)) throw otherEpoch();
  const plain = openAead(key.key, frame.subarray(HEADER_BYTES), key.aad);
  const body = plain && unpadded(plain);
  if (!body) throw doesNotOpen();
  return body;
};

/**
 * Opens frames of one stream and epoch that came together, each as {@link openFrame} would.
 *
 * @returns in their order the bodies, or why one does not open. They may be views of one new array: copy what is kept
 *   longer than the others.
 */
export const openFrames = async (
  key: StreamKey,
  frames: readonly Uint8Array[],
): Promise<(Uint8Array | SealwireError)[]> => {
  const opened = await openManyAead(key.key, frames, HEADER_BYTES, key.aad);
  return opened.map((plain, i) => {
    const body = plain && unpadded(plain);
    return (
      headerProblem(frames[i]!) ?? (namesEpoch(frames[i]!, key.tag) ? body || doesNotOpen() : otherEpoch())
    );
  });
};

/** As `sameBytes(epochTagOf(frame), tag)`, without making a view for each of very many frames. */
const namesEpoch = (frame: Uint8Array, tag: Uint8Array): boolean => {
  for (let i = 0; i < EPOCH_TAG_BYTES; i++) if (frame[2 + i] !== tag[i]) return false;
  return true;
};

const otherEpoch = (): SealwireError =>
  new SealwireError('FRAME_UNREADABLE', 'A frame was sealed in another epoch.');

const doesNotOpen = (): SealwireError =>
  new SealwireError('FRAME_UNREADABLE', 'A frame does not open: altered, or from elsewhere.');
