// The control stream of one room: which log entries it holds, and what they give this device. Rules: spec/epochs.md,
// spec/device-log.md §5.
import { LIMITS, Reader, SealwireError, sameBytes, toHex } from '@sealwire/protocol';
import * as encoding from 'lib0/encoding';
import { verifyEd25519 } from '#native';
import type { Evidence } from '../api.ts';
import { epochCommitment } from '../crypto/kdf.ts';
import type { OwnAccount } from '../identity/account-keys.ts';
import { isDeviceLogEntry, type LoggedDevice } from '../identity/device-log.ts';
import type { Directory } from '../identity/directory.ts';
import {
  type ChatGenesis,
  type Cut,
  type CutChain,
  type DeviceGenesis,
  decodeEntryBytes,
  type EpochEntry,
  encodeEntryBytes,
  entryStatement,
  type MemberEntry,
  type Share,
  type SignedEntry,
} from '../identity/log-entry.ts';
import { type ChatLog, createChatLog } from './chat-log.ts';
import { countingCuts } from './counting-cuts.ts';
import { type Cuts, createCuts } from './cuts.ts';
import { createEarlyEntries } from './early-entries.ts';
import { createEpochs, type EpochLimits, type EpochStart } from './group-keys.ts';
import type { Keyring } from './keyring.ts';
import { accountMembers } from './members.ts';
import { openShare } from './share.ts';

export type { OwnAccount } from '../identity/account-keys.ts';

export interface ControlOptions {
  readonly logId: Uint8Array;
  readonly account: OwnAccount;
  readonly device: Pick<LoggedDevice, 'id'>;
  readonly directory: Directory;
  readonly keyring: Keyring;
  /** Epoch keys known from the account document: what they commit to needs no unwrapping. */
  readonly epochKeys: readonly Uint8Array[];
  /** When each epoch came, by commitment in hexadecimal; of those that the vault holds. */
  readonly epochStarts?: ReadonlyMap<string, EpochStart>;
  readonly epochLimits?: EpochLimits;
  /** An epoch's key is here for the first time; the key is undefined if it was known from elsewhere. */
  readonly keepEpoch?: (commitment: Uint8Array, epochKey: Uint8Array | undefined, start: EpochStart) => void;
  readonly sign: (statement: Uint8Array) => Uint8Array;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly now: () => number;
  /** How many frames the room has, about. */
  readonly position?: () => number;
  /** Fed with the cuts that count. */
  readonly cuts?: Cuts;
  /** Older epochs can be read by now: what was passed over must be fetched again. */
  readonly shared?: () => void;
  readonly report: (evidence: Omit<Evidence, 'room'>) => void;
}

/** The payload of a control frame: entries, each after its length. */
export const encodeEntries = (entries: readonly SignedEntry[]): Uint8Array => {
  const out = encoding.createEncoder();
  for (const entry of entries) encoding.writeVarUint8Array(out, encodeEntryBytes(entry));
  return encoding.toUint8Array(out);
};

/** Each entry, or why it cannot be read: one of a newer version does not hide the others. @throws SealwireError MALFORMED */
export const decodeEntries = (payload: Uint8Array): (SignedEntry | SealwireError)[] => {
  const reader = new Reader(payload);
  const entries: (SignedEntry | SealwireError)[] = [];
  while (reader.left > 0) {
    const bytes = reader.sized(LIMITS.frameBytes);
    try {
      entries.push(decodeEntryBytes(bytes));
    } catch (error) {
      entries.push(asFault(error));
    }
  }
  return entries;
};

export const createControl = (options: ControlOptions) => {
  const { directory, keyring, logId, report, cuts = createCuts() } = options;
  const held = new Set<string>();
  const early = createEarlyEntries(LIMITS.earlyEntries);
  /** What came another way, by hash. */
  const strayed = new Map<string, SignedEntry>();
  const cutEntries = new Map<string, SignedEntry<Cut>>();
  /** Of those the ones that count, as of the last time that anything was learned. */
  let counting: ReadonlyMap<string, SignedEntry<Cut>> = new Map();
  /** What `cuts` was fed with: the entry's hash by device, both hexadecimal. */
  const fed = new Map<string, string>();
  const chat = createChatLog(logId, directory);
  const logName = toHex(logId);
  const isAccountLog = (): boolean => directory.log(logName) !== undefined;
  const ofAccount = accountMembers(logId, directory);
  const members = () => (isAccountLog() ? ofAccount : chat.members);
  for (const key of options.epochKeys) keyring.add(key);

  const epochs = createEpochs({
    logId,
    get members() {
      return members();
    },
    log: (accountId) => directory.log(accountId),
    account: options.account,
    device: options.device,
    author: (deviceId) => directory.author(deviceId),
    keyring,
    sign: options.sign,
    randomBytes: options.randomBytes,
    now: options.now,
    position: options.position ?? (() => 0),
    starts: new Map(options.epochStarts),
    keep: (...epoch) => options.keepEpoch?.(...epoch),
    cheated: ({ code, message }, signed) => {
      const bytes = encodeEntryBytes(signed);
      report({ code, message, stream: 'control', deviceId: toHex(signed.entry.author), bytes });
    },
    ...(options.epochLimits && { limits: options.epochLimits }),
  });

  /** The author's account; undefined while the author is not known. @throws SealwireError LOG_ENTRY_REFUSED */
  const checkedAuthor = async (
    signed: SignedEntry<Cut | Share>,
  ): Promise<{ readonly account: Uint8Array } | undefined> => {
    const device = directory.author(toHex(signed.entry.author));
    if (!device) return undefined;
    const [signature] = signed.signatures;
    if (!signature || !(await verifyEd25519(device.keys.identity, entryStatement(signed.hash), signature)))
      throw refused('its signature is wrong');
    return device;
  };

  const takeCut = async (signed: SignedEntry<Cut>): Promise<boolean> => {
    if (!sameBytes(signed.entry.log, logId)) throw refused('it cuts in another room');
    if (sameBytes(signed.entry.author, signed.entry.device)) throw refused('it cuts its own author');
    if (!(await checkedAuthor(signed))) return false;
    cutEntries.set(toHex(signed.hash), signed);
    chat.takeCut(signed);
    return true;
  };

  /** Keys of epochs that are valid here and were not given to this account: any other is nobody's. */
  const takeShare = async (signed: SignedEntry<Share>): Promise<boolean> => {
    const { entry } = signed;
    if (!sameBytes(entry.log, logId)) throw refused('it shares keys of another room');
    if (!sameBytes(entry.account, options.account.id)) return true;
    const author = await checkedAuthor(signed);
    const privateKey = options.account.privateKey(entry.accountKey);
    if (!author || !members().names(author.account) || !privateKey) return false;
    const keys = await openShare(entry, privateKey);
    const known = keys.filter((key) => {
      const commitment = epochCommitment(logId, key);
      return keyring.has(commitment) || keyring.isOther(commitment);
    });
    if (known.filter((key) => keyring.add(key)).length > 0) options.shared?.();
    return known.length === keys.length;
  };

  /** @returns false if the entry cannot be judged yet. @throws SealwireError LOG_ENTRY_REFUSED */
  const take = async (signed: SignedEntry): Promise<boolean> => {
    const { entry } = signed;
    switch (entry.type) {
      case 'device-genesis':
        if (directory.log(toHex(signed.hash))) return true;
        if (!members().names(signed.hash)) return false;
        await directory.adopt(signed as SignedEntry<DeviceGenesis>);
        return true;
      case 'device-add':
      case 'device-revoke':
      case 'account-key':
      case 'device-renew':
        if (!directory.log(toHex(entry.account))) return false;
        await directory.learn(signed);
        return true;
      case 'chat-genesis':
        return chat.takeGenesis(signed as SignedEntry<ChatGenesis>);
      case 'member':
        return chat.takeMember(signed as SignedEntry<MemberEntry>);
      case 'share':
        return takeShare(signed as SignedEntry<Share>);
      case 'epoch':
        return (await epochs.take(signed as SignedEntry<EpochEntry>)) === 'taken';
      case 'cut':
        return takeCut(signed as SignedEntry<Cut>);
    }
  };

  const note = (entries: readonly (SignedEntry | SealwireError)[]): void => {
    for (const signed of entries) if (!(signed instanceof SealwireError)) chat.note(signed);
  };

  /** Gives what waits to whoever may judge it now, until nothing moves. */
  const settle = async (): Promise<void> => {
    for (let moved = true; moved; ) {
      moved = false;
      for (const { signed, accepted } of early.list())
        try {
          if (!(await take(signed))) continue;
          early.remove(signed);
          moved = true;
        } catch (error) {
          const { code, message } = asFault(error);
          early.remove(signed);
          held.delete(toHex(signed.hash));
          if (accepted) report({ code, message, stream: 'control', bytes: encodeEntryBytes(signed) });
        }
    }
    await epochs.open();
    await feedCuts();
  };

  const feedCuts = async (): Promise<void> => {
    counting = countingCuts([...cutEntries.values()], directory);
    await chat.settle(counting);
    const wanted = new Map<string, { readonly order: string; readonly chains: readonly CutChain[] }>();
    for (const [device, { hash, entry }] of counting)
      wanted.set(device, { order: toHex(hash), chains: entry.chains });
    // Who is removed could cut its own devices as it likes: the removal alone says how far they count.
    for (const [device, ruled] of chat.ruled()) wanted.set(device, ruled);
    for (const [device, { order, chains }] of wanted) {
      const before = fed.get(device);
      if (before === order) continue;
      fed.set(device, order);
      const limits = chains.map(({ stream, clientId, counter, hash: at }) => {
        return [`${stream}/${clientId}`, { counter, hash: at }] as const;
      });
      cuts.set(device, { chains: new Map(limits), order });
      if (before !== undefined) cuts.withdraw(device, before);
    }
    for (const [device, order] of fed)
      if (!wanted.has(device)) {
        fed.delete(device);
        cuts.withdraw(device, order);
      }
  };

  return {
    logId,
    epochs,
    /** Who is in the room. */
    get members() {
      return members();
    },
    /** The chat's membership log; undefined while its first entry has not come, and in an account's room. */
    chatLog: (): ReturnType<ChatLog['log']> => chat.log(),
    /** True if the room's control stream holds the entry of this hash. */
    holds: (hash: Uint8Array): boolean => held.has(toHex(hash)),
    /** The devices that a cut ends in this room, by id in hexadecimal, with the cut that counts. */
    countingCuts: (): ReadonlyMap<string, SignedEntry<Cut>> => counting,
    /** Takes at once what proves itself, so that the frame around it can be judged. */
    async preview(payload: Uint8Array): Promise<void> {
      const entries = decodeEntries(payload);
      note(entries);
      for (const signed of entries) {
        if (signed instanceof SealwireError || !isDeviceLogEntry(signed)) continue;
        // What is wrong with it, or only early, is said when the frame is accepted.
        const isTaken = await take(signed).catch(ignoreRefusal);
        if (isTaken === false) early.put(signed, false);
      }
    },
    /**
     * Takes the entries of an accepted frame; what is early waits.
     * @throws SealwireError LOG_ENTRY_REFUSED, UNSUPPORTED_VERSION for the first that is wrong; the others are taken.
     */
    async accept(payload: Uint8Array): Promise<void> {
      let fault: SealwireError | undefined;
      const entries = decodeEntries(payload);
      note(entries);
      for (const signed of entries) {
        if (signed instanceof SealwireError) {
          fault ??= signed;
          continue;
        }
        try {
          if (await take(signed)) early.remove(signed);
          else early.put(signed, true);
          held.add(toHex(signed.hash));
        } catch (error) {
          fault ??= asFault(error);
        }
      }
      await settle();
      if (fault) throw fault;
    },
    /**
     * Takes entries that came another way than through this room; who speaks here next puts them in. What is wrong with
     * one is said by the room that it belongs to.
     */
    async learn(entries: readonly SignedEntry[]): Promise<void> {
      note(entries);
      for (const signed of entries) {
        strayed.set(toHex(signed.hash), signed);
        if ((await take(signed).catch(ignoreRefusal)) === false) early.put(signed, false);
      }
      await settle();
    },
    /** Of those, the ones that the room does not hold. */
    strayed: (): SignedEntry[] => [...strayed.values()].filter(({ hash }) => !held.has(toHex(hash))),
    /** Something was learned elsewhere: tries again what waits. */
    retry: settle,
    /** The commitment of the epoch that a writer seals under; undefined while it may not write. */
    current: (): Uint8Array | undefined => epochs.current()?.entry.commitment,
    /** Whether this room knows the key: one that the account document brought later. */
    addKey(epochKey: Uint8Array): void {
      if (!keyring.has(epochCommitment(logId, epochKey))) keyring.add(epochKey);
    },
  };
};

export type Control = ReturnType<typeof createControl>;

const refused = (why: string): SealwireError =>
  new SealwireError('LOG_ENTRY_REFUSED', `A log entry was refused: ${why}.`);

const asFault = (error: unknown): SealwireError => {
  if (error instanceof SealwireError) return error;
  throw error;
};

/** @returns true: there is nothing to wait for. */
const ignoreRefusal = (error: unknown): true => {
  if (error instanceof SealwireError) return true;
  throw error;
};
