// What a device owes a room's control stream before it speaks: the logs that it lacks, cuts, a new epoch. Rules:
// spec/epochs.md §3–§4.
import { sameBytes, toHex } from '@sealwire/protocol';
import { type DeviceLog, isActive, mostSenior } from '../identity/device-log.ts';
import { type AccountKey, type Cut, type SignedEntry, signEntry } from '../identity/log-entry.ts';
import { chainEnds } from './closed-page.ts';
import { uncutDevices } from './counting-cuts.ts';
import type { Owed } from './group-keys.ts';
import type { RoomState } from './state.ts';

/** Chains in one cut; more than a device opens in its life. */
const CHAINS_IN_A_CUT = 4096;

export const createDuty = (state: RoomState) => {
  const { options, control } = state;
  const { directory, device, account, logId, sign } = options;
  const ownId = toHex(device.id);
  const accountId = toHex(account.id);

  const ownLog = (): DeviceLog | undefined => {
    const log = directory.log(accountId);
    return log && isActive(log, ownId) ? log : undefined;
  };
  const isMember = (): boolean => control.members.accounts().some((member) => sameBytes(member, account.id));

  /** Entries of the members' device logs that nobody has put into this room yet. */
  const missingEntries = (): SignedEntry[] => [
    ...control.members
      .accounts()
      .flatMap((member): readonly SignedEntry[] => directory.log(toHex(member))?.entries ?? [])
      .filter(({ hash }) => !control.holds(hash)),
    ...control.strayed(),
  ];

  /** Devices of this account that were ended and may still speak here. `mine`: nobody else need be waited for. */
  const uncut = (log: DeviceLog, mine: boolean) =>
    uncutDevices(log, control.countingCuts()).filter(({ revoker }) => {
      if (!mine || sameBytes(revoker, device.id)) return true;
      return !isActive(log, toHex(revoker)) && mostSenior(log) === ownId;
    });

  const cutOf = (ended: Uint8Array, revocation: Uint8Array): SignedEntry<Cut> => {
    const name = toHex(ended);
    const chains = chainEnds(state)
      .filter((end) => end.device === name)
      .sort((a, b) => b.counter - a.counter)
      .slice(0, CHAINS_IN_A_CUT)
      .map(({ stream, clientId, counter, hash }) => ({ stream, clientId, counter, hash }));
    const heads = control.members.heads();
    const { id: author } = device;
    return signEntry(
      { type: 'cut', log: logId, revoke: revocation, author, device: ended, heads, chains },
      sign,
    );
  };

  const owed = (): Owed => (ownLog() && isMember() ? control.epochs.owed() : NOTHING);

  /** True if this device made the account key that is used now: it leads its account into new epochs. */
  const leads = (log: DeviceLog): boolean => {
    const [use] = log.accountKeys;
    const made = log.entries.find(({ hash }) => sameBytes(hash, use!.hash))?.entry;
    return made?.type === 'account-key' && sameBytes((made as AccountKey).author, device.id);
  };

  return {
    /** Entries of the own account's log that nobody has put into this room yet: who reads `changes` needs them first. */
    introduction(changes: readonly SignedEntry[]): SignedEntry[] {
      const there = new Set(changes.map(({ hash }) => toHex(hash)));
      const entries = directory.log(accountId)?.entries ?? [];
      return entries.filter(({ hash }) => !control.holds(hash) && !there.has(toHex(hash)));
    },
    /** Whether something is to be done though nobody here has anything to say. */
    due(): boolean {
      const log = ownLog();
      if (!log || !isMember()) return false;
      if (uncut(log, true).length > 0) return true;
      const epoch = control.epochs.owed();
      return epoch.state === 'possible' && !epoch.late && leads(log);
    },
    /** True if a new epoch is owed and nothing may be said before it. */
    rotationOwed(): boolean {
      const epoch = owed();
      return epoch.state === 'impossible' || (epoch.state === 'possible' && !epoch.late);
    },
    /** The accounts, this device's own among them perhaps, that have no key to wrap to. */
    waitsFor(): readonly Uint8Array[] {
      const epoch = owed();
      return epoch.state === 'impossible' ? epoch.waitsFor : [];
    },
    /** Makes what is owed, in the order in which it is to be read. @param speaks - words wait to follow it. */
    async entries(speaks: boolean): Promise<SignedEntry[]> {
      const log = ownLog();
      if (!log) return [];
      const cuts = uncut(log, !speaks).map((ended) => cutOf(ended.device, ended.revocation));
      const epoch = owed();
      const wanted = epoch.state === 'possible' && (speaks || (!epoch.late && leads(log)));
      const made = wanted ? [await control.epochs.make(epoch.plan)] : [];
      return [...missingEntries(), ...cuts, ...made];
    },
  };
};

export type Duty = ReturnType<typeof createDuty>;

const NOTHING: Owed = { state: 'nothing' };
