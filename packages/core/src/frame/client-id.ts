// A clientID that is bound to its device, document and start. Rules: spec/frame.md §6.

import { sha256 } from '#native';
import { utf8 } from '../bytes.ts';

/**
 * The Yjs clientID of a device in one document during one run of the program: 53 bits of a hash, so that nobody can
 * write under another device's id (a 32-bit id falls to 2³² hashes in well under an hour), and never 0.
 *
 * @param identityKey - 32 bytes, Ed25519 public.
 * @param logId - 32 bytes.
 * @param nonce - 16 random bytes, new at each start.
 */
export const deriveClientId = (
  identityKey: Uint8Array,
  logId: Uint8Array,
  stream: string,
  nonce: Uint8Array,
): number => {
  const hash = sha256(utf8('sealwire/v1/client-id'), identityKey, logId, nonce, utf8(stream));
  const high = ((hash[0]! & 0x1f) << 16) | (hash[1]! << 8) | hash[2]!;
  const low = ((hash[3]! << 24) | (hash[4]! << 16) | (hash[5]! << 8) | hash[6]!) >>> 0;
  return high * 2 ** 32 + low || 1;
};
