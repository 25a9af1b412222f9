// The membership log of one chat as its room holds it: fed from the control stream, asked for members, and for how far
// removed ones count. Rules: spec/membership.md, spec/chats.md §1.
import { SealwireError, sameBytes, toHex } from '@sealwire/protocol';
import { deviceIdOf } from '../identity/device-keys.ts';
import type { Directory } from '../identity/directory.ts';
import type { ChatGenesis, Cut, CutChain, MemberEntry, SignedEntry } from '../identity/log-entry.ts';
import {
  addToMembershipLog,
  foldWith,
  type MembershipLog,
  membersAt,
  missingFrom,
  removalOver,
  removalsOf,
  startMembershipLog,
} from '../identity/membership.ts';
import type { Members } from './members.ts';

/** How far the devices of one account count, since it is no member any more. */
export interface RuledDevice {
  /** Hash of the removal, hexadecimal. */
  readonly order: string;
  readonly chains: readonly CutChain[];
}

export const createChatLog = (logId: Uint8Array, directory: Directory) => {
  let log: MembershipLog | undefined;
  /** The account that made the chat: the chat's id is the hash of the entry that says so. */
  let founder: Uint8Array | undefined;
  const cuts = new Map<string, SignedEntry<Cut>>();

  const accounts = (): readonly Uint8Array[] =>
    [...(log?.members.values() ?? [])].map(({ account }) => account);

  const members: Members = {
    heads: () => log?.heads ?? [],
    accounts,
    accountsAt(heads) {
      const found = log && membersAt(log, heads);
      return found && [...found.values()].map(({ account }) => account);
    },
    names: (account) =>
      (founder !== undefined && sameBytes(founder, account)) ||
      (log?.entries.some(({ entry }) => namesAccount(entry, account)) ?? false),
  };

  /** Adds cuts whose heads have come. */
  const addCuts = async (): Promise<void> => {
    for (const cut of cuts.values()) {
      const device = directory.author(toHex(cut.entry.author));
      if (log && device && missingFrom(log, cut).length === 0)
        log = await addToMembershipLog(log, cut, device).catch(ifRefused(log));
    }
  };

  return {
    members,
    /** The log; undefined while its first entry has not come. */
    log: (): MembershipLog | undefined => log,
    /** Takes note of whose chat it is before the first entry's author is known. */
    note({ entry, hash }: SignedEntry): void {
      if (entry.type === 'chat-genesis' && sameBytes(hash, logId)) founder = entry.account;
    },
    /** @returns false if its author is not known yet. @throws SealwireError LOG_ENTRY_REFUSED */
    async takeGenesis(signed: SignedEntry<ChatGenesis>): Promise<boolean> {
      if (!sameBytes(signed.hash, logId)) throw refused('it opens another chat');
      if (log) return true;
      const author = directory.author(toHex(signed.entry.author));
      if (!author) return false;
      const started = await startMembershipLog(signed, author);
      log ??= started;
      return true;
    },
    /** @returns false if its author, or what it follows, is not known yet. @throws SealwireError LOG_ENTRY_REFUSED */
    async takeMember(signed: SignedEntry<MemberEntry>): Promise<boolean> {
      if (!sameBytes(signed.entry.log, logId)) throw refused('it belongs to another chat');
      const author = directory.author(toHex(signed.entry.author));
      if (!log || !author) return false;
      await addCuts();
      if (missingFrom(log, signed).length > 0) return false;
      log = await addToMembershipLog(log, signed, author);
      return true;
    },
    /** A cut whose signature was checked. */
    takeCut(signed: SignedEntry<Cut>): void {
      cuts.set(toHex(signed.hash), signed);
    },
    /** Says which cuts count. */
    async settle(counting: ReadonlyMap<string, SignedEntry<Cut>>): Promise<void> {
      await addCuts();
      if (log) log = foldWith(log, new Set([...counting.values()].map(({ hash }) => toHex(hash))));
    },
    /** The devices of accounts that were members and are none, by id in hexadecimal: see spec/chats.md, CH3. */
    ruled(): ReadonlyMap<string, RuledDevice> {
      const devices = new Map<string, RuledDevice>();
      if (!log) return devices;
      for (const { account } of removalsOf(log)) {
        const name = toHex(account);
        if (log.members.has(name)) continue;
        const removal = removalOver(log, name, log.heads);
        if (!removal || removal === 'unknown') continue;
        const order = toHex(removal.hash);
        const named = new Map(removal.chains.map(({ device, chains }) => [toHex(device), chains]));
        for (const { entry } of directory.log(name)?.entries ?? []) {
          if (entry.type !== 'device-add' && entry.type !== 'device-genesis') continue;
          const device = toHex(deviceIdOf(entry.device.identity));
          devices.set(device, { order, chains: named.get(device) ?? [] });
        }
      }
      return devices;
    },
  };
};

export type ChatLog = ReturnType<typeof createChatLog>;

const namesAccount = (entry: ChatGenesis | MemberEntry, account: Uint8Array): boolean =>
  sameBytes(entry.account, account) ||
  (entry.type === 'member' && 'subject' in entry.change && sameBytes(entry.change.subject, account));

/** A cut that the log does not take changes nothing in it: it was said when the cut came. */
const ifRefused =
  (log: MembershipLog) =>
  (error: unknown): MembershipLog => {
    if (error instanceof SealwireError) return log;
    throw error;
  };

const refused = (why: string): SealwireError =>
  new SealwireError('LOG_ENTRY_REFUSED', `A membership entry was refused: ${why}.`);
