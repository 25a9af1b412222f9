// The control stream of one room: which log entries it holds, and what they give this device. Rules: spec/epochs.md,
// spec/device-log.md.
import { LIMITS, Reader, SealwireError, sameBytes, toHex } from '@sealwire/protocol';
import * as encoding from 'lib0/encoding';
import { verifyEd25519 } from '#native';
import { isDeviceLogEntry } from '../identity/device-log.ts';
import type { Directory } from '../identity/directory.ts';
import { epochCommitment, openEpoch } from '../identity/epoch.ts';
import {
  type ChatGenesis,
  decodeEntryBytes,
  type EpochEntry,
  encodeEntryBytes,
  entryStatement,
  type SignedEntry,
} from '../identity/log-entry.ts';
import type { Keyring } from './keyring.ts';

/** The account whose device this is; holds its private account key. */
export interface OwnAccount {
  readonly id: Uint8Array;
  /** X25519, 32 bytes each. */
  readonly publicKey: Uint8Array;
  readonly privateKey: Uint8Array;
}

export interface ControlOptions {
  readonly logId: Uint8Array;
  readonly account: OwnAccount;
  readonly directory: Directory;
  readonly keyring: Keyring;
  /** Epoch keys known from the account document: what they commit to needs no unwrapping. */
  readonly epochKeys: readonly Uint8Array[];
}

/** The payload of a control frame: entries, each after its length. */
export const encodeEntries = (entries: readonly SignedEntry[]): Uint8Array => {
  const out = encoding.createEncoder();
  for (const entry of entries) encoding.writeVarUint8Array(out, encodeEntryBytes(entry));
  return encoding.toUint8Array(out);
};

/** @throws SealwireError MALFORMED, TOO_LARGE, UNSUPPORTED_VERSION */
export const decodeEntries = (payload: Uint8Array): SignedEntry[] => {
  const reader = new Reader(payload);
  const entries: SignedEntry[] = [];
  while (reader.left > 0) entries.push(decodeEntryBytes(reader.sized(LIMITS.frameBytes)));
  return entries;
};

export const createControl = (options: ControlOptions) => {
  const { directory, keyring, logId } = options;
  const held = new Set<string>();
  for (const key of options.epochKeys) keyring.add(key);

  const requireAuthor = async (author: Uint8Array, signed: SignedEntry): Promise<void> => {
    const device = directory.device(toHex(author));
    if (!device) throw refused('its author is no known device');
    const [signature] = signed.signatures;
    if (!signature || !(await verifyEd25519(device.keys.identity, entryStatement(signed.hash), signature)))
      throw refused('its signature is wrong');
  };

  const acceptGenesis = async (signed: SignedEntry<ChatGenesis>): Promise<void> => {
    if (!sameBytes(signed.hash, logId)) throw refused('it opens another chat');
    await requireAuthor(signed.entry.author, signed);
  };

  const acceptEpoch = async (signed: SignedEntry<EpochEntry>): Promise<void> => {
    const { entry } = signed;
    const { account } = options;
    if (!sameBytes(entry.log, logId)) throw refused('it is an epoch of another log');
    await requireAuthor(entry.author, signed);
    const [only] = entry.recipients;
    const membersOnly =
      entry.recipients.length === 1 &&
      only !== undefined &&
      sameBytes(only.account, account.id) &&
      sameBytes(only.accountKey, account.publicKey);
    if (!membersOnly) throw refused("it is not wrapped to exactly the chat's members");
    const known = options.epochKeys.some((key) => sameBytes(epochCommitment(logId, key), entry.commitment));
    if (!known) keyring.add(await openEpoch(entry, account.id, account.privateKey));
  };

  return {
    /** True if the room's control stream holds the entry of this hash. */
    holds: (hash: Uint8Array): boolean => held.has(toHex(hash)),
    /** Takes at once what proves itself, so that the frame around it can be judged. */
    async preview(payload: Uint8Array): Promise<void> {
      for (const signed of decodeEntries(payload)) {
        if (!isDeviceLogEntry(signed)) continue;
        // What is wrong with it, or only early, is said when the frame is accepted.
        await directory.learn(signed).catch(ignoreRefusal);
      }
    },
    /** Takes the entries of an accepted frame. @throws SealwireError LOG_ENTRY_REFUSED, FRAME_KEY_MISSING */
    async accept(payload: Uint8Array): Promise<void> {
      for (const signed of decodeEntries(payload)) {
        switch (signed.entry.type) {
          case 'device-genesis':
            if (!directory.log(toHex(signed.hash))) throw refused('it opens an account that is no member');
            break;
          case 'device-add':
          case 'device-revoke':
          case 'account-key':
            await directory.learn(signed);
            break;
          case 'chat-genesis':
            await acceptGenesis(signed as SignedEntry<ChatGenesis>);
            break;
          case 'epoch':
            await acceptEpoch(signed as SignedEntry<EpochEntry>);
            break;
        }
        held.add(toHex(signed.hash));
      }
    },
  };
};

export type Control = ReturnType<typeof createControl>;

const refused = (why: string): SealwireError =>
  new SealwireError('LOG_ENTRY_REFUSED', `A log entry was refused: ${why}.`);

const ignoreRefusal = (error: unknown): void => {
  if (!(error instanceof SealwireError)) throw error;
};
