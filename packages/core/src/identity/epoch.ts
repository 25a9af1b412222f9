// Epochs: one random key for a room, wrapped to each member's account key and committed to. Rules: spec/epochs.md.
import { SealwireError, sameBytes } from '@sealwire/protocol';
import { concat, utf8 } from '../bytes.ts';
import { unwrapKey, wrapKey } from '../crypto/hpke.ts';
import { epochCommitment } from '../crypto/kdf.ts';
import { suiteOfKeys } from './entry-suite.ts';
import { type EpochEntry, type SignedEntry, signEntry } from './log-entry.ts';

/** Whom an epoch key is wrapped to. */
export interface EpochMember {
  readonly account: Uint8Array;
  /** Public; of one suite in all members. */
  readonly accountKey: Uint8Array;
}

export interface NewEpoch {
  /** Account root or chat id, 32 bytes. */
  readonly log: Uint8Array;
  readonly index: number;
  readonly parents: readonly Uint8Array[];
  readonly heads: readonly Uint8Array[];
  /** The author's device id. */
  readonly author: Uint8Array;
  /** 32 random bytes. Borrowed. */
  readonly epochKey: Uint8Array;
  readonly members: readonly EpochMember[];
  readonly sign: (statement: Uint8Array) => Uint8Array;
}

/**
 * Makes and signs an epoch entry; one HPKE wrap a member.
 *
 * @throws SealwireError UNSUPPORTED_VERSION if the members' account keys are of two suites; MALFORMED if one is no key.
 */
export const createEpoch = async (epoch: NewEpoch): Promise<SignedEntry<EpochEntry>> => {
  const { log, index, parents, heads, author, epochKey, members, sign } = epoch;
  const info = wrapInfo(log);
  const suite = suiteOfKeys(members.map(({ accountKey }) => accountKey));
  const recipients = [];
  for (const { account, accountKey } of members)
    recipients.push({ account, accountKey, wrapped: await wrapKey(accountKey, epochKey, info, suite) });
  const commitment = epochCommitment(log, epochKey);
  return signEntry({ type: 'epoch', log, index, parents, heads, author, commitment, recipients }, sign);
};

/**
 * The epoch key as this account gets it, checked against the commitment.
 *
 * @throws SealwireError FRAME_KEY_MISSING if the entry has nothing for this account; LOG_ENTRY_REFUSED if what it has
 *   does not open, or is another key than the committed one.
 */
export const openEpoch = async (
  entry: EpochEntry,
  account: Uint8Array,
  accountPrivateKey: Uint8Array,
): Promise<Uint8Array> => {
  const mine = entry.recipients.find((recipient) => sameBytes(recipient.account, account));
  if (!mine) throw new SealwireError('FRAME_KEY_MISSING', 'An epoch was not sealed to this account.');
  const key = await unwrapKey(
    accountPrivateKey,
    mine.wrapped,
    wrapInfo(entry.log),
    suiteOfKeys([mine.accountKey]),
  );
  if (!key || !sameBytes(epochCommitment(entry.log, key), entry.commitment))
    throw new SealwireError(
      'LOG_ENTRY_REFUSED',
      'An epoch was refused: its key is not the one it commits to.',
    );
  return key;
};

const wrapInfo = (log: Uint8Array): Uint8Array => concat(utf8('sealwire/v1/epoch-key'), log);
