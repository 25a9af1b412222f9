// Shares: keys of older epochs, sealed to one account that joined after them. Rules: spec/membership.md §1, spec/chats.md.
import { SealwireError } from '@sealwire/protocol';
import { concat, utf8 } from '../bytes.ts';
import { hpkeKeyPairOf, hpkeRecipient, hpkeSender } from '../crypto/hpke.ts';
import { SUITE_BYTES } from '../crypto/suites.ts';
import { suiteOfKeys } from '../identity/entry-suite.ts';
import { type Share, type SignedEntry, signEntry } from '../identity/log-entry.ts';

/** Keys in one share. */
export const SHARE_KEYS = 1_024;

const KEY_BYTES = 32;
const NOTHING = new Uint8Array(0);

/**
 * Seals epoch keys to an account and signs that.
 *
 * @param keys - 1 to {@link SHARE_KEYS} epoch keys, 32 bytes each. Borrowed.
 * @throws RangeError for another number of keys.
 */
export const createShare = async (options: {
  /** Chat id. */
  readonly log: Uint8Array;
  readonly author: Uint8Array;
  readonly account: Uint8Array;
  readonly accountKey: Uint8Array;
  readonly keys: readonly Uint8Array[];
  readonly sign: (statement: Uint8Array) => Uint8Array;
}): Promise<SignedEntry<Share>> => {
  const { log, author, account, accountKey, keys, sign } = options;
  if (keys.length < 1 || keys.length > SHARE_KEYS) throw new RangeError(`keys: ${keys.length}`);
  const sender = await hpkeSender(accountKey, infoOf(log, account), suiteOfKeys([accountKey]));
  const sealed = concat(sender.enc, await sender.seal(concat(...keys), NOTHING));
  return signEntry({ type: 'share', log, author, account, accountKey, sealed }, sign);
};

/**
 * The keys in a share.
 *
 * @param privateKey - the account's, for the share's account key; 32 bytes. Borrowed.
 * @throws SealwireError LOG_ENTRY_REFUSED if it does not open: whoever made it is at fault.
 */
export const openShare = async (
  { log, account, accountKey, sealed }: Share,
  privateKey: Uint8Array,
): Promise<Uint8Array[]> => {
  const suite = suiteOfKeys([accountKey]);
  const encBytes = SUITE_BYTES[suite].enc;
  const recipient = await hpkeRecipient(
    await hpkeKeyPairOf(suite, privateKey),
    sealed.subarray(0, encBytes),
    infoOf(log, account),
  );
  const keys = await recipient?.open(sealed.subarray(encBytes), NOTHING);
  if (!keys || keys.length === 0 || keys.length % KEY_BYTES !== 0)
    throw new SealwireError('LOG_ENTRY_REFUSED', 'A share of older keys was refused: it does not open.');
  return Array.from({ length: keys.length / KEY_BYTES }, (_, i) =>
    keys.slice(i * KEY_BYTES, (i + 1) * KEY_BYTES),
  );
};

const infoOf = (log: Uint8Array, account: Uint8Array): Uint8Array =>
  concat(utf8('sealwire/v1/epoch-share'), log, account);
