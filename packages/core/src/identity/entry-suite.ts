// The suite of a log entry: it follows from the HPKE keys in it, and decides how long keys and wraps are. Rules:
// spec/device-log.md §1.
import { SealwireError } from '@sealwire/protocol';
import { SUITE_BYTES, type Suite, suiteOfPublicKey } from '../crypto/suites.ts';
import type { LogEntry } from './log-entry.ts';

/**
 * The suite of an entry's keys and wraps. One that holds none is of suite 1.
 *
 * @throws RangeError if they are not all of one suite.
 */
export const suiteOfEntry = (entry: LogEntry): Suite => {
  const { keys, wraps } = sealed(entry);
  const [first] = keys;
  if (!first) return 1;
  const suite = suiteOfPublicKey(first);
  if (
    suite === undefined ||
    keys.some(({ length }) => length !== SUITE_BYTES[suite].publicKey) ||
    wraps.some(({ length }) => length !== SUITE_BYTES[suite].wrapped)
  )
    throw new RangeError(`${entry.type}: keys and wraps are not of one suite`);
  return suite;
};

/**
 * The one suite of public keys that others published.
 *
 * @throws SealwireError UNSUPPORTED_VERSION if they are of two suites, MALFORMED if one is of none.
 */
export const suiteOfKeys = (keys: readonly Uint8Array[]): Suite => {
  const suites = new Set(keys.map(suiteOfPublicKey));
  if (suites.has(undefined)) throw new SealwireError('MALFORMED', 'A public key is of no known suite.');
  if (suites.size > 1)
    throw new SealwireError(
      'UNSUPPORTED_VERSION',
      'Accounts of suite 1 and of suite 2 cannot share keys: all members of a chat must be of one suite.',
    );
  return suites.values().next().value ?? 1;
};

const NONE = { keys: [], wraps: [] };

const sealed = (
  entry: LogEntry,
): { readonly keys: readonly Uint8Array[]; readonly wraps: readonly Uint8Array[] } => {
  switch (entry.type) {
    case 'device-genesis':
      return { keys: [entry.accountKey, entry.device.hpke], wraps: [] };
    case 'device-add':
      return { keys: [entry.device.hpke], wraps: [] };
    case 'account-key':
      return { keys: [entry.accountKey], wraps: entry.wraps.map(({ wrapped }) => wrapped) };
    case 'epoch':
      return {
        keys: entry.recipients.map(({ accountKey }) => accountKey),
        wraps: entry.recipients.map(({ wrapped }) => wrapped),
      };
    case 'share':
      return { keys: [entry.accountKey], wraps: [] };
    default:
      return NONE;
  }
};
