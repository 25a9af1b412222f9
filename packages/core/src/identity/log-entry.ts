// Entries of the control stream: devices, members, epochs; each signed by itself. Layout: spec/device-log.md §2.
import { Reader } from '@sealwire/protocol';
import { sha256 } from '#native';
import { concat, utf8 } from '../bytes.ts';
import type { DevicePublic } from './device-keys.ts';
import { encodeUnsigned, readUnsigned } from './log-entry-codec.ts';

export { encodeUnsigned };

/** Rights of a device, as bits. */
export const RIGHT = { link: 1 } as const;

/** The first entry of a device log; its hash is the account's root and id. */
export interface DeviceGenesis {
  readonly type: 'device-genesis';
  readonly nonce: Uint8Array;
  readonly device: DevicePublic;
  /** Of the suite of the device's HPKE key: what epoch keys are wrapped to. */
  readonly accountKey: Uint8Array;
  /** 32 bytes: the account as the relay knows it. */
  readonly principal: Uint8Array;
  readonly at: number;
}

export interface DeviceAdd {
  readonly type: 'device-add';
  readonly account: Uint8Array;
  /** Hashes of the log's newest entries that the author knew; 32 bytes each. */
  readonly parents: readonly Uint8Array[];
  readonly author: Uint8Array;
  readonly device: DevicePublic;
  readonly rights: number;
  readonly at: number;
}

/** Ends a device. By a device that may link others, or by itself. */
export interface DeviceRevoke {
  readonly type: 'device-revoke';
  readonly account: Uint8Array;
  readonly parents: readonly Uint8Array[];
  readonly author: Uint8Array;
  /** The device that ends; 16 bytes. */
  readonly device: Uint8Array;
  readonly at: number;
}

/** A device says that it is still there. Nothing follows it. */
export interface DeviceRenew {
  readonly type: 'device-renew';
  readonly account: Uint8Array;
  readonly parents: readonly Uint8Array[];
  /** The device itself. */
  readonly author: Uint8Array;
  readonly at: number;
}

/** A new account key for the devices that are left, wrapped to each one's HPKE key. */
export interface AccountKey {
  readonly type: 'account-key';
  readonly account: Uint8Array;
  readonly parents: readonly Uint8Array[];
  readonly author: Uint8Array;
  /** Public, of the log's suite. */
  readonly accountKey: Uint8Array;
  readonly wraps: readonly { readonly device: Uint8Array; readonly wrapped: Uint8Array }[];
}

/** How far a chain of a revoked device counts in one log. */
export interface CutChain {
  readonly stream: string;
  readonly clientId: number;
  /** Counter of, and cumulative hash after, the last frame that counts. */
  readonly counter: number;
  readonly hash: Uint8Array;
}

/** In a room's control stream: what a revoked device wrote beyond these chains, or in others, is void. */
export interface Cut {
  readonly type: 'cut';
  /** Account root or chat id. */
  readonly log: Uint8Array;
  /** The hash of the revocation. */
  readonly revoke: Uint8Array;
  readonly author: Uint8Array;
  readonly device: Uint8Array;
  /** What its author knew of the log: of the device's entries there, those count that these heads are or follow. */
  readonly heads: readonly Uint8Array[];
  readonly chains: readonly CutChain[];
}

/** The first entry of a membership log; its hash is the chat's id. */
export interface ChatGenesis {
  readonly type: 'chat-genesis';
  readonly nonce: Uint8Array;
  readonly account: Uint8Array;
  readonly author: Uint8Array;
  readonly at: number;
}

/** How far the chains of one device count. A device that is not named has none that count. */
export interface DeviceChains {
  readonly device: Uint8Array;
  readonly chains: readonly CutChain[];
}

export type Role = 'member' | 'admin';

/** What a member entry does. A leave ends its author's account, a merge does nothing but follow its parents. */
export type MemberChange =
  | { readonly action: 'add'; readonly subject: Uint8Array; readonly role: Role }
  | { readonly action: 'remove'; readonly subject: Uint8Array; readonly chains: readonly DeviceChains[] }
  | { readonly action: 'leave'; readonly chains: readonly DeviceChains[] }
  | { readonly action: 'promote' | 'demote'; readonly subject: Uint8Array }
  | { readonly action: 'rename'; readonly title: string }
  /** To another room at the relay: 32 bytes, its id. */
  | { readonly action: 'move'; readonly room: Uint8Array }
  | { readonly action: 'merge' };

/** A change of a chat's membership. Accounts are members; a device of one speaks for it. */
export interface MemberEntry {
  readonly type: 'member';
  /** Chat id. */
  readonly log: Uint8Array;
  readonly parents: readonly Uint8Array[];
  readonly author: Uint8Array;
  /** The author's account. */
  readonly account: Uint8Array;
  readonly change: MemberChange;
  readonly at: number;
}

/** Keys of older epochs, for a member who joined after them. */
export interface Share {
  readonly type: 'share';
  readonly log: Uint8Array;
  readonly author: Uint8Array;
  /** Whom it is for. */
  readonly account: Uint8Array;
  readonly accountKey: Uint8Array;
  /** HPKE: encapsulated key, then 1 to 1,024 epoch keys one behind the other, sealed (16 more). */
  readonly sealed: Uint8Array;
}

export interface Recipient {
  readonly account: Uint8Array;
  readonly accountKey: Uint8Array;
  /** HPKE: encapsulated key and sealed epoch key (48). */
  readonly wrapped: Uint8Array;
}

export interface EpochEntry {
  readonly type: 'epoch';
  /** Account root or chat id. */
  readonly log: Uint8Array;
  readonly index: number;
  /** The epochs that this one follows; none for epoch 0. */
  readonly parents: readonly Uint8Array[];
  /** The log heads under which it was made. */
  readonly heads: readonly Uint8Array[];
  readonly author: Uint8Array;
  readonly commitment: Uint8Array;
  readonly recipients: readonly Recipient[];
}

export type LogEntry =
  | DeviceGenesis
  | DeviceAdd
  | DeviceRevoke
  | DeviceRenew
  | AccountKey
  | Cut
  | ChatGenesis
  | EpochEntry
  | MemberEntry
  | Share;

/** The entries that make up a device log. */
export type DeviceLogEntry = DeviceGenesis | DeviceAdd | DeviceRevoke | AccountKey | DeviceRenew;

/** An entry with its bytes, hash and signatures. */
export interface SignedEntry<E extends LogEntry = LogEntry> {
  readonly entry: E;
  /** Everything but the signatures. */
  readonly unsigned: Uint8Array;
  /** SHA-256 over label and `unsigned`: names the entry. */
  readonly hash: Uint8Array;
  /** The author's; for device-add the new device's after it. 64 bytes each. */
  readonly signatures: readonly Uint8Array[];
}

const signatureCount = (entry: LogEntry): number => (entry.type === 'device-add' ? 2 : 1);

/** The entry's hash: what others name it by. */
export const entryHash = (unsigned: Uint8Array): Uint8Array =>
  sha256(utf8('sealwire/v1/log-entry'), unsigned);

/** What each of an entry's signers signs. */
export const entryStatement = (hash: Uint8Array): Uint8Array =>
  concat(utf8('sealwire/v1/log-signature'), hash);

/** Signs an entry. @param signers - the author's signing function, for device-add then the new device's. */
export const signEntry = <E extends LogEntry>(
  entry: E,
  ...signers: readonly ((statement: Uint8Array) => Uint8Array)[]
): SignedEntry<E> => {
  const unsigned = encodeUnsigned(entry);
  const hash = entryHash(unsigned);
  return { entry, unsigned, hash, signatures: signers.map((sign) => sign(entryStatement(hash))) };
};

/** The bytes of a signed entry, as they lie in a control frame. */
export const encodeEntryBytes = (signed: SignedEntry): Uint8Array =>
  concat(signed.unsigned, ...signed.signatures);

/**
 * Decodes a signed entry. Total; signatures are not checked here but in device-log.ts.
 *
 * @throws SealwireError MALFORMED, UNSUPPORTED_VERSION
 */
export const decodeEntryBytes = (bytes: Uint8Array): SignedEntry => {
  const reader = new Reader(bytes);
  const entry = readUnsigned(reader);
  const unsigned = bytes.subarray(0, bytes.length - reader.left);
  const signatures = Array.from({ length: signatureCount(entry) }, () => reader.fixed(64));
  reader.end();
  return { entry, unsigned, hash: entryHash(unsigned), signatures };
};
