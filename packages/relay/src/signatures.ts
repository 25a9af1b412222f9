// Ed25519 checks and principal ids. Rules: spec/relay-protocol.md §6.
import { createHash, createPublicKey, verify } from 'node:crypto';
import { inboxTokenStatement, KEY_BYTES, PRINCIPAL_ID_LABEL, SIGNATURE_BYTES } from '@sealwire/protocol';

/**
 * True when `signature` over `statement` is by the holder of `publicKey`. Anything that is no key or no signature is
 * false, never an error. node:crypto checks the full equation and refuses s ≥ L.
 *
 * @see RFC 8032 §5.1.7
 */
export const isSigned = (parts: {
  readonly publicKey: Uint8Array;
  readonly statement: Uint8Array;
  readonly signature: Uint8Array;
}): boolean => {
  if (parts.publicKey.length !== KEY_BYTES || parts.signature.length !== SIGNATURE_BYTES) return false;
  try {
    const x = Buffer.from(parts.publicKey).toString('base64url');
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    return verify(null, parts.statement, key, parts.signature);
  } catch {
    return false;
  }
};

/** The id of the principal that a manage key makes: SHA-256(label ‖ manage key), 32 bytes. */
export const principalIdOf = (manageKey: Uint8Array): Uint8Array =>
  new Uint8Array(createHash('sha256').update(PRINCIPAL_ID_LABEL, 'utf8').update(manageKey).digest());

/** What an inbox keeps of a token: SHA-256(label ‖ token), 32 bytes. */
export const tokenHashOf = (token: Uint8Array): Uint8Array =>
  new Uint8Array(createHash('sha256').update(inboxTokenStatement(token)).digest());
