// The running hash over everything that both sides of a link have seen. Rules: spec/link.md §4.
import { sha256 } from '#native';
import { utf8 } from '../bytes.ts';

/**
 * Where the transcript starts. The code holds the relay id, the cell the new device's identity; the account root and
 * the phone's identity come with the first message.
 *
 * @param code - the 65 bytes of the code.
 * @param cell - the bytes of the cell.
 * @returns 32 new bytes.
 */
export const startTranscript = (code: Uint8Array, cell: Uint8Array): Uint8Array =>
  sha256(LABEL, START, code, cell);

/** The transcript after a message. @param message - the whole plaintext. @returns 32 new bytes. */
export const afterMessage = (transcript: Uint8Array, message: Uint8Array): Uint8Array =>
  sha256(LABEL, MESSAGE, transcript, message);

/**
 * What a signature or MAC inside a message speaks of: the transcript before it, and the message up to there.
 *
 * @returns 32 new bytes.
 */
export const statementOf = (transcript: Uint8Array, front: Uint8Array): Uint8Array =>
  sha256(LABEL, STATEMENT, transcript, front);

const LABEL = utf8('sealwire/v1/link-transcript');
const START = Uint8Array.of(0);
const MESSAGE = Uint8Array.of(1);
const STATEMENT = Uint8Array.of(2);
