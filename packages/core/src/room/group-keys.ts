// Under which key a room's members speak: which epochs are valid, which one is written under, when a new one is owed.
// The decisions are pure; unwrapping and signing are at the end. Rules: spec/epochs.md.
import { LIMITS, SealwireError, sameBytes, toHex } from '@sealwire/protocol';
import { verifyEd25519 } from '#native';
import { type DeviceLog, isActive, knowsAccountKey } from '../identity/device-log.ts';
import { createEpoch, type EpochMember, openEpoch } from '../identity/epoch.ts';
import { type EpochEntry, entryStatement, type SignedEntry } from '../identity/log-entry.ts';
import type { Members } from './members.ts';

/**
 * The keys of a group, whatever makes them. Entries go in and come out; they travel in the room's control stream. Epochs
 * wrapped to each member are the one implementation; a tree of keys could stand behind the same shape.
 */
export interface GroupKeys {
  /**
   * Takes an entry of the control stream. `early` if it cannot be judged yet: give it again when anything was learned.
   * @throws SealwireError LOG_ENTRY_REFUSED
   */
  take(signed: SignedEntry<EpochEntry>): Promise<'taken' | 'early'>;
  /** Opens what can be opened by now. @returns true if frames can be opened that could not. */
  open(): Promise<boolean>;
  /** What a writer seals under; undefined while there is nothing that leaves out nobody and lets in nobody else. */
  current(): Epoch | undefined;
  /** Whether a new epoch must come before the next word, and what it has to be. */
  owed(): Owed;
  /** Makes what is owed. For the control stream; it counts when it is taken from there. */
  make(plan: EpochPlan): Promise<SignedEntry<EpochEntry>>;
}

/** An epoch that is valid. */
export interface Epoch {
  readonly entry: EpochEntry;
  /** The entry's hash. */
  readonly hash: Uint8Array;
}

/** What a new epoch is to be; everything but its key. */
export interface EpochPlan {
  readonly index: number;
  readonly parents: readonly Uint8Array[];
  readonly heads: readonly Uint8Array[];
  readonly members: readonly EpochMember[];
}

export type Owed =
  | { readonly state: 'nothing' }
  /** `late`: nothing leaks if this epoch is made only with the next word. */
  | { readonly state: 'possible'; readonly plan: EpochPlan; readonly late: boolean }
  /** These members have no account key to wrap to, as far as is known here. */
  | { readonly state: 'impossible'; readonly waitsFor: readonly Uint8Array[] };

/** What is known of those for whom keys are made. */
export interface Group {
  /** Account root or chat id. */
  readonly logId: Uint8Array;
  readonly members: Members;
  /** The device log of an account, by id in hexadecimal. */
  readonly log: (accountId: string) => DeviceLog | undefined;
}

/** Validity but for the signature: it never changes once it is decided, whatever else arrives. */
export const judgeEpoch = (
  entry: EpochEntry,
  { logId, members, log }: Group,
  epochs: ReadonlyMap<string, Epoch>,
): 'valid' | 'early' | { readonly refused: string } => {
  if (!sameBytes(entry.log, logId)) return { refused: 'it is an epoch of another log' };
  const listed = new Set(entry.recipients.map(({ account }) => toHex(account)));
  if (listed.size !== entry.recipients.length) return { refused: 'it names a member twice' };
  const parents = entry.parents.map((parent) => epochs.get(toHex(parent)));
  if (parents.some((parent) => !parent)) return 'early';
  const index = Math.max(-1, ...parents.map((parent) => parent!.entry.index)) + 1;
  if (entry.index !== index) return { refused: 'its number does not follow from those before it' };
  if (entry.heads.length === 0) return { refused: 'it names no members' };
  const accounts = members.accountsAt(entry.heads);
  if (!accounts) return 'early';
  if (accounts.length !== listed.size || !accounts.every((account) => listed.has(toHex(account))))
    return { refused: "it is not wrapped to exactly the room's members" };
  for (const { account, accountKey } of entry.recipients) {
    const known = log(toHex(account));
    if (!known || !knowsAccountKey(known, accountKey)) return 'early';
  }
  return 'valid';
};

/** Whether an epoch may be written under: its author still speaks for a member, and its recipients are today's members. */
export const isCurrent = ({ entry }: Epoch, { members, log }: Group): boolean => {
  const accounts = members.accounts();
  if (accounts.length !== entry.recipients.length) return false;
  const author = toHex(entry.author);
  return (
    accounts.some((account) => {
      const known = log(toHex(account));
      return known !== undefined && isActive(known, author);
    }) &&
    entry.recipients.every(({ account, accountKey }) => {
      const [use] = log(toHex(account))?.accountKeys ?? [];
      return (
        accounts.some((member) => sameBytes(member, account)) &&
        use?.covers === true &&
        sameBytes(use.publicKey, accountKey)
      );
    })
  );
};

/** The order in which writers prefer epochs: the highest number, then the lesser hash. */
export const compareEpochs = (a: Epoch, b: Epoch): number =>
  b.entry.index - a.entry.index || (toHex(a.hash) < toHex(b.hash) ? -1 : 1);

/** The epoch that would be made now: for today's members, following all that there are. */
export const planEpoch = (
  { members, log }: Group,
  epochs: ReadonlyMap<string, Epoch>,
): EpochPlan | { readonly waitsFor: readonly Uint8Array[] } => {
  const waitsFor: Uint8Array[] = [];
  const recipients: EpochMember[] = [];
  for (const account of members.accounts()) {
    const [use] = log(toHex(account))?.accountKeys ?? [];
    if (use?.covers) recipients.push({ account, accountKey: use.publicKey });
    else waitsFor.push(account);
  }
  const heads = members.heads();
  if (waitsFor.length > 0 || recipients.length === 0 || heads.length === 0) return { waitsFor };
  const followed = new Set([...epochs.values()].flatMap(({ entry }) => entry.parents.map(toHex)));
  const newest = [...epochs.values()].filter(({ hash }) => !followed.has(toHex(hash))).sort(compareEpochs);
  const index = (newest[0]?.entry.index ?? -1) + 1;
  const parents = newest.slice(0, LIMITS.headsNamed).map(({ hash }) => hash);
  return { index, parents, heads, members: recipients };
};

/** When an epoch came, and how many frames the room had then: for its age and volume. */
export interface EpochStart {
  /** Milliseconds since 1970, on this device. */
  readonly at: number;
  readonly position: number;
}

export interface EpochLimits {
  readonly ageMs: number;
  readonly frames: number;
}

export interface GroupKeysOptions extends Group {
  readonly account: { readonly id: Uint8Array; privateKey(publicKey: Uint8Array): Uint8Array | undefined };
  /** This device. */
  readonly device: { readonly id: Uint8Array };
  /** Identity key of a device, also of one that was revoked, and the account it is of. */
  readonly author: (
    deviceId: string,
  ) => { readonly account: Uint8Array; readonly keys: { readonly identity: Uint8Array } } | undefined;
  readonly keyring: {
    has(commitment: Uint8Array): boolean;
    add(epochKey: Uint8Array): boolean;
    addOther(commitment: Uint8Array): void;
  };
  readonly sign: (statement: Uint8Array) => Uint8Array;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly now: () => number;
  /** How many frames the room has, about. */
  readonly position: () => number;
  /** By commitment, hexadecimal. */
  readonly starts: Map<string, EpochStart>;
  /** An epoch's key is here for the first time: keep both. */
  readonly keep: (commitment: Uint8Array, epochKey: Uint8Array | undefined, start: EpochStart) => void;
  /** What is wrapped to this account does not open, or is another key. */
  readonly cheated: (error: SealwireError, signed: SignedEntry<EpochEntry>) => void;
  readonly limits?: EpochLimits;
}

/** Epochs: random keys, each wrapped by HPKE to the account key of every member. */
export const createEpochs = (options: GroupKeysOptions): GroupKeys => {
  const { keyring, account, starts, limits = EPOCH_LIMITS } = options;
  const epochs = new Map<string, Epoch>();
  /** Valid, and the key has not been opened; by hash. */
  const closed = new Map<string, SignedEntry<EpochEntry>>();

  const started = (entry: EpochEntry, epochKey?: Uint8Array): void => {
    const name = toHex(entry.commitment);
    if (starts.has(name)) return;
    const start = { at: options.now(), position: options.position() };
    starts.set(name, start);
    options.keep(entry.commitment, epochKey, start);
  };

  const openOne = async (signed: SignedEntry<EpochEntry>): Promise<boolean> => {
    const { entry, hash } = signed;
    const mine = entry.recipients.find((recipient) => sameBytes(recipient.account, account.id));
    if (!mine) {
      closed.delete(toHex(hash));
      keyring.addOther(entry.commitment);
      return true;
    }
    if (keyring.has(entry.commitment)) {
      closed.delete(toHex(hash));
      started(entry);
      return false;
    }
    const privateKey = account.privateKey(mine.accountKey);
    if (!privateKey) return false;
    closed.delete(toHex(hash));
    try {
      const epochKey = await openEpoch(entry, account.id, privateKey);
      keyring.add(epochKey);
      started(entry, epochKey);
      return true;
    } catch (error) {
      if (!(error instanceof SealwireError)) throw error;
      options.cheated(error, signed);
      return false;
    }
  };

  const findCurrent = (): Epoch | undefined => {
    let best: Epoch | undefined;
    for (const epoch of epochs.values())
      if ((!best || compareEpochs(epoch, best) < 0) && isCurrent(epoch, options)) best = epoch;
    return best;
  };
  /** The last answer, and all that it followed from: the logs of the members, and the epochs. */
  let found: { readonly epoch: Epoch | undefined; readonly from: readonly unknown[] } | undefined;
  const current = (): Epoch | undefined => {
    const accounts = options.members.accounts();
    const from = [epochs.size, ...accounts, ...accounts.map((account) => options.log(nameOf(account)))];
    if (!found || found.from.length !== from.length || found.from.some((value, i) => value !== from[i]))
      found = { epoch: findCurrent(), from };
    // One whose key this device does not get is no use: it makes the next, which all others then prefer.
    return found.epoch && keyring.has(found.epoch.entry.commitment) ? found.epoch : undefined;
  };

  const isWornOut = ({ entry }: Epoch): boolean => {
    const start = starts.get(toHex(entry.commitment));
    if (!start) return false;
    // Its maker renews it; should that device be gone, so does whoever writes.
    const patience = sameBytes(entry.author, options.device.id) ? 1 : 2;
    return (
      options.now() - start.at >= patience * limits.ageMs ||
      options.position() - start.position >= patience * limits.frames
    );
  };

  return {
    async take(signed) {
      const { entry, hash } = signed;
      const name = toHex(hash);
      if (epochs.has(name)) return 'taken';
      const author = options.author(toHex(entry.author));
      const verdict = judgeEpoch(entry, options, epochs);
      if (typeof verdict === 'object') throw refused(verdict.refused);
      if (verdict === 'early' || !author) return 'early';
      if (!entry.recipients.some((recipient) => sameBytes(recipient.account, author.account)))
        throw refused('its author speaks for no member');
      const [signature] = signed.signatures;
      if (!signature || !(await verifyEd25519(author.keys.identity, entryStatement(hash), signature)))
        throw refused('its signature is wrong');
      epochs.set(name, { entry, hash });
      closed.set(name, signed);
      return 'taken';
    },
    async open() {
      let opened = false;
      for (const signed of [...closed.values()]) opened = (await openOne(signed)) || opened;
      return opened;
    },
    current,
    owed() {
      const use = current();
      if (use && !isWornOut(use)) return { state: 'nothing' };
      const plan = planEpoch(options, epochs);
      if ('waitsFor' in plan) return use ? { state: 'nothing' } : { state: 'impossible', ...plan };
      return { state: 'possible', plan, late: use !== undefined };
    },
    make({ index, parents, heads, members }) {
      const epochKey = options.randomBytes(32);
      const { logId: log, sign, device } = options;
      return createEpoch({ log, index, parents, heads, author: device.id, epochKey, members, sign });
    },
  };
};

const names = new WeakMap<Uint8Array, string>();
/** An account's id in hexadecimal; asked for at each change of anything. */
const nameOf = (account: Uint8Array): string => {
  const known = names.get(account);
  if (known !== undefined) return known;
  const name = toHex(account);
  names.set(account, name);
  return name;
};

const EPOCH_LIMITS: EpochLimits = { ageMs: LIMITS.epochMs, frames: LIMITS.epochFrames };

const refused = (why: string): SealwireError =>
  new SealwireError('LOG_ENTRY_REFUSED', `An epoch was refused: ${why}.`);
