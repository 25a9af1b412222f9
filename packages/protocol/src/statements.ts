// The bytes that are signed for the relay. Hashing and signing stay with the callers.
// Rules: spec/relay-protocol.md §6.

import { concat, sized } from './bytes.ts';
import { compareBytes } from './codec-parts.ts';
import {
  AUTHENTICATE_LABEL,
  INBOX_TOKEN_BYTES,
  INBOX_TOKEN_LABEL,
  KEY_BYTES,
  NONCE_BYTES,
  PRINCIPAL_ID_BYTES,
  PRINCIPAL_LABEL,
  RELAY_ID_BYTES,
} from './ids.ts';
import { LIMITS } from './limits.ts';
import type { Farewell } from './messages.ts';

/**
 * What a device signs with its relay key to authenticate: label ‖ relay id ‖ nonce ‖ relay key.
 *
 * @param statement.relayId - 16 bytes, from the relay's `hello`.
 * @param statement.nonce - 32 bytes, from the same `hello`.
 * @param statement.relayKey - 32 bytes, the Ed25519 public key that signs.
 * @returns A new array.
 * @throws RangeError if a length is out of bounds.
 */
export const authenticateStatement = (statement: {
  readonly relayId: Uint8Array;
  readonly nonce: Uint8Array;
  readonly relayKey: Uint8Array;
}): Uint8Array =>
  concat([
    new TextEncoder().encode(AUTHENTICATE_LABEL),
    sized(statement.relayId, RELAY_ID_BYTES, 'relayId'),
    sized(statement.nonce, NONCE_BYTES, 'nonce'),
    sized(statement.relayKey, KEY_BYTES, 'relayKey'),
  ]);

/**
 * What an inbox keeps the SHA-256 of, for a token: label ‖ token.
 *
 * @param token - 16 random bytes, made for one contact card.
 * @returns A new array.
 * @throws RangeError if the length is another.
 */
export const inboxTokenStatement = (token: Uint8Array): Uint8Array =>
  concat([new TextEncoder().encode(INBOX_TOKEN_LABEL), sized(token, INBOX_TOKEN_BYTES, 'token')]);

/**
 * What a manage key signs to write its principal: label ‖ principal id ‖ version (8 bytes, big-endian) ‖ number of
 * relay keys (4 bytes, big-endian) ‖ relay keys ‖ for each farewell its relay key ‖ length of the note (4 bytes,
 * big-endian) ‖ note. The number keeps a farewell from being read as further keys.
 *
 * @param statement.principal - 32 bytes, SHA-256(utf8(PRINCIPAL_ID_LABEL) ‖ manage key).
 * @param statement.version - a whole number from 1 on.
 * @param statement.relayKeys - at most `LIMITS.principalKeys` keys of 32 bytes, sorted by {@link compareBytes}, unique.
 * @param statement.farewells - at most `LIMITS.principalKeys` notes of 1 to `LIMITS.farewellBytes` bytes, sorted by
 *   relay key and unique. Default: none.
 * @returns A new array.
 * @throws RangeError if a length, the version or an order is out of bounds.
 */
export const principalStatement = (statement: {
  readonly principal: Uint8Array;
  readonly version: number;
  readonly relayKeys: readonly Uint8Array[];
  readonly farewells?: readonly Farewell[];
}): Uint8Array => {
  const { version, relayKeys, farewells = [] } = statement;
  if (!Number.isSafeInteger(version) || version < 1)
    throw new RangeError('version: not a whole number from 1 on');
  checkKeys(relayKeys, 'relayKeys');
  checkKeys(
    farewells.map(({ relayKey }) => relayKey),
    'farewells',
  );
  for (const { note } of farewells)
    if (note.length < 1 || note.length > LIMITS.farewellBytes)
      throw new RangeError(`farewells: ${note.length} bytes are not 1 to ${LIMITS.farewellBytes}`);
  return concat([
    new TextEncoder().encode(PRINCIPAL_LABEL),
    sized(statement.principal, PRINCIPAL_ID_BYTES, 'principal'),
    bigEndian(version, 8),
    bigEndian(relayKeys.length, 4),
    ...relayKeys,
    ...farewells.flatMap(({ relayKey, note }) => [relayKey, bigEndian(note.length, 4), note]),
  ]);
};

const checkKeys = (keys: readonly Uint8Array[], name: string): void => {
  if (keys.length > LIMITS.principalKeys) throw new RangeError(`${name}: more than ${LIMITS.principalKeys}`);
  keys.forEach((key, i) => {
    sized(key, KEY_BYTES, name);
    if (i > 0 && compareBytes(keys[i - 1]!, key) >= 0) throw new RangeError(`${name}: not sorted and unique`);
  });
};

const bigEndian = (value: number, length: 4 | 8): Uint8Array => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes.subarray(8 - length);
};
