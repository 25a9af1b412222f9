// Verifies as core does and counts what frames make it verify; see variants.ts.
import { verifyEd25519 as verify } from '@sealwire/core/testing';

/** Signatures of frames that were verified so far; log entries are signed under another label. */
export const counted = { frames: 0 };

export const verifyEd25519: typeof verify = (publicKey, message, signature) => {
  if (LABEL.equals(message.subarray(0, LABEL.length))) counted.frames++;
  return verify(publicKey, message, signature);
};

const LABEL = Buffer.from('sealwire/v1/body');
