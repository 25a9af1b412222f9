// The device log of one account: who may speak for it, and under which account key. Rules: spec/device-log.md §3, §4.
import { compareBytes, LIMITS, SealwireError, sameBytes, toHex } from '@sealwire/protocol';
import { verifyEd25519 } from '#native';
import { isUsablePublicKey } from '../crypto/public-key.ts';
import { compareKeys, compareSeniority, holds, pastOfNodes, unfollowed } from './causal.ts';
import { type DevicePublic, deviceIdOf } from './device-keys.ts';
import { type Fold, fold, isRevocation, type LogNode, placeNode } from './device-log-fold.ts';
import {
  type AccountKey,
  type DeviceAdd,
  type DeviceGenesis,
  type DeviceLogEntry,
  type DeviceRenew,
  type DeviceRevoke,
  entryStatement,
  type LogEntry,
  RIGHT,
  type SignedEntry,
} from './log-entry.ts';

/** A device as its account's log has it. */
export interface LoggedDevice {
  readonly id: Uint8Array;
  readonly account: Uint8Array;
  readonly keys: DevicePublic;
  readonly rights: number;
  readonly at: number;
  /** When it last said that it is there, if it ever did. Milliseconds since 1970, by its own clock. */
  readonly renewedAt: number | undefined;
  /** The hash of the revocation that ended it; undefined while it is active. */
  readonly revokedBy: Uint8Array | undefined;
}

/** An account key that counts. */
export interface LoggedAccountKey {
  /** Of the log's suite. */
  readonly publicKey: Uint8Array;
  /** Of the entry that brought it. */
  readonly hash: Uint8Array;
  /** What each device opens it from; none for the first key, which is handed over by linking. */
  readonly wraps: AccountKey['wraps'];
  /** True if its entry follows every revocation that counts: then no revoked device was given it. */
  readonly covers: boolean;
}

/** A revocation that counts. */
export interface Revocation {
  /** The device that it ends; 16 bytes. */
  readonly device: Uint8Array;
  readonly hash: Uint8Array;
  readonly entry: DeviceRevoke;
}

/** The accepted entries of one account's device log, and what they come to. Never changed; only made anew. */
export interface DeviceLog {
  /** The account's id: the hash of its first entry. */
  readonly root: Uint8Array;
  readonly genesis: DeviceGenesis;
  /** All accepted entries but renewals, void ones too, as they arrived: parents first. */
  readonly entries: readonly SignedEntry<DeviceLogEntry>[];
  /** Of each device's renewals the newest, void ones too. They stay in the account's room: nothing else needs them. */
  readonly renewals: readonly SignedEntry<DeviceRenew>[];
  /** By id, hexadecimal: each device that an entry which counts added, revoked ones too. */
  readonly devices: ReadonlyMap<string, LoggedDevice>;
  /** Hashes of the entries that count and that no other such entry follows, ascending; at most `LIMITS.headsNamed`. */
  readonly heads: readonly Uint8Array[];
  /** The account keys that count. The first is the one to use, the last the first that there was. */
  readonly accountKeys: readonly LoggedAccountKey[];
  /** True if a device was revoked and no account key has been made since. */
  readonly keyOwed: boolean;
  /** For this file alone. */
  readonly state: LogState;
}

interface LogState {
  readonly nodes: readonly LogNode[];
  readonly byKey: ReadonlyMap<string, LogNode>;
  readonly fold: Fold;
  readonly newest: Renewals;
}

/** The newest renewal by what made its author a device. */
type Renewals = ReadonlyMap<LogNode, SignedEntry<DeviceRenew>>;

/**
 * Opens a log with its first entry.
 *
 * @throws SealwireError LOG_ENTRY_REFUSED if its signature is not its own device's, or a key of it cannot be used.
 */
export const startDeviceLog = async (signed: SignedEntry<DeviceGenesis>): Promise<DeviceLog> => {
  const { entry, hash } = signed;
  requireUsable(entry.device.hpke);
  requireUsable(entry.accountKey);
  await requireSignature(entry.device.identity, hash, signed.signatures[0]);
  return logOf([placeNode(signed, 0, [], new Uint32Array(0), undefined)], new Map());
};

/**
 * The log with one more entry. An entry that the log has already changes nothing. It is judged by what it follows and by
 * nothing else that the log holds: otherwise the order of arrival would decide who may speak. Whether it counts beside
 * the others is a question for all of them together; an entry that is void today may count tomorrow.
 *
 * @throws SealwireError LOG_ENTRY_REFUSED: another account's, an unknown parent, an author who is no active device
 *   there or lacks the right, a wrong signature, a key that cannot be used; or the device to add was there already, the
 *   one to revoke was not, or an account key is wrapped to others than the active devices.
 */
export const addToDeviceLog = async (
  log: DeviceLog,
  signed: SignedEntry<DeviceLogEntry>,
): Promise<DeviceLog> => {
  const { entry, hash } = signed;
  if (knows(log, hash)) return log;
  const node = judged(log, signed);
  if (entry.type === 'device-add') requireOfLog(log, entry.device.hpke);
  if (entry.type === 'account-key') requireOfLog(log, entry.accountKey);
  const [first, second] = signed.signatures;
  await requireSignature(adding(node.sponsor!).device.identity, hash, first);
  if (entry.type === 'device-add') await requireSignature(entry.device.identity, hash, second);
  const { nodes, newest } = log.state;
  if (entry.type !== 'device-renew') return logOf([...nodes, node], newest);
  const held = newest.get(node.sponsor!);
  const renewal = signed as SignedEntry<DeviceRenew>;
  if (held && compareRenewals(held, renewal) <= 0) return log;
  return logOf(nodes, new Map([...newest, [node.sponsor!, renewal]]), log.state.fold);
};

/** Whether a device, by its id in hexadecimal, is in the log and not revoked. */
export const isActive = (log: DeviceLog, deviceId: string): boolean => {
  const device = log.devices.get(deviceId);
  return device !== undefined && device.revokedBy === undefined;
};

/** The devices that are not revoked. */
export const activeDevices = (log: DeviceLog): LoggedDevice[] =>
  [...log.devices.values()].filter(({ revokedBy }) => revokedBy === undefined);

/** The device that has been there longest of those that are active, by id in hexadecimal. */
export const mostSenior = ({ state }: DeviceLog): string | undefined =>
  [...state.fold.devices]
    .filter(([, { revocation }]) => !revocation)
    .sort(([, a], [, b]) => compareSeniority(a.add, b.add))[0]?.[0];

/** The revocations that count, that of the most senior author first. A device may have several. */
export const revocationsOf = (log: DeviceLog): Revocation[] =>
  log.state.fold.revocations.map(({ signed }) => {
    const entry = signed.entry as DeviceRevoke;
    return { device: entry.device, hash: signed.hash, entry };
  });

/** True if whoever knew these heads knew every revocation that counts. Heads that the log does not know say nothing. */
export const coversRevocations = (log: DeviceLog, heads: readonly Uint8Array[]): boolean => {
  const past = bitsOf(log, heads);
  return log.state.fold.revocations.every((node) => holds(past, node));
};

/** The hashes, hexadecimal, of these heads and of all that they follow. Heads that the log does not know are left out. */
export const pastOf = (log: DeviceLog, heads: readonly Uint8Array[]): ReadonlySet<string> => {
  const past = bitsOf(log, heads);
  return new Set(log.state.nodes.filter((node) => holds(past, node)).map(({ key }) => key));
};

/** Whether an entry belongs in a device log, whichever account's. */
export const isDeviceLogEntry = (signed: SignedEntry): signed is SignedEntry<DeviceLogEntry> =>
  DEVICE_LOG_TYPES.has(signed.entry.type);

const DEVICE_LOG_TYPES: ReadonlySet<LogEntry['type']> = new Set<DeviceLogEntry['type']>([
  'device-genesis',
  'device-add',
  'device-revoke',
  'account-key',
  'device-renew',
]);

/** Whether the log has the entry of this hash, void or not. */
export const knows = (log: DeviceLog, hash: Uint8Array): boolean => log.state.byKey.has(toHex(hash));

/**
 * Active devices that nobody gave the account key to use: it was not wrapped to them, and they were not linked by one who
 * knew it. It happens when a device is linked while another makes a key.
 */
export const keylessDevices = (log: DeviceLog): LoggedDevice[] => {
  const { byKey, fold: folded } = log.state;
  const [use] = log.accountKeys;
  const key = byKey.get(toHex(use!.hash))!;
  const wrapped = new Set(use!.wraps.map(({ device }) => toHex(device)));
  return activeDevices(log).filter(({ id }) => {
    const name = toHex(id);
    const add = folded.devices.get(name)?.add;
    return add !== undefined && add !== key && !wrapped.has(name) && !holds(add.past, key);
  });
};

/** Whether the log has an account key, void or not: what it took once it has for ever. */
export const knowsAccountKey = ({ state }: DeviceLog, publicKey: Uint8Array): boolean =>
  state.nodes.some(
    ({ signed: { entry } }) => 'accountKey' in entry && sameBytes(entry.accountKey, publicKey),
  );

/**
 * A device that the log ever took in, even by an entry that turned out void: whoever believed it built on what it signed.
 *
 * @param deviceId - hexadecimal.
 */
export const everDevice = (
  { root, devices, state }: DeviceLog,
  deviceId: string,
): Pick<LoggedDevice, 'id' | 'account' | 'keys'> | undefined => {
  const known = devices.get(deviceId);
  if (known) return known;
  const add = state.nodes.find((node) => node.device === deviceId && !isRevocation(node));
  return add && { id: deviceIdOf(adding(add).device.identity), account: root, keys: adding(add).device };
};

const bitsOf = ({ state }: DeviceLog, heads: readonly Uint8Array[]): Uint32Array => {
  const nodes = heads.map((head) => state.byKey.get(toHex(head))).filter((node) => node !== undefined);
  return pastOfNodes(nodes, state.nodes.length);
};

/** An entry in its place, found right by all but its signatures and keys. @throws SealwireError LOG_ENTRY_REFUSED */
const judged = ({ root, state }: DeviceLog, signed: SignedEntry<DeviceLogEntry>): LogNode => {
  const { entry } = signed;
  if (entry.type === 'device-genesis' || !sameBytes(entry.account, root))
    throw refused('it belongs to another account');
  if (entry.parents.length < 1) throw refused('it follows no entry');
  const parents = entry.parents.map((parent) => {
    const node = state.byKey.get(toHex(parent));
    if (!node) throw refused('it follows an unknown entry');
    return node;
  });
  const past = pastOfNodes(parents, state.nodes.length);
  const followed = state.nodes.filter((node) => holds(past, node));
  const { devices } = followed.length === state.nodes.length ? state.fold : fold(followed);
  const author = devices.get(toHex(entry.author));
  if (!author) throw refused('its author is not in the log');
  if (author.revocation) throw refused('its author was revoked');
  const node = placeNode(signed, state.nodes.length, parents, past, author.add);
  const mayLink = (rightsOf(author.add) & RIGHT.link) !== 0;
  const active = [...devices].filter(([, device]) => !device.revocation).map(([id]) => id);
  if (entry.type === 'device-add') {
    if (!mayLink) throw refused('its author may not link devices');
    if (devices.has(node.device!)) throw refused('the log has that device already');
    if (active.length >= LIMITS.principalKeys) throw refused('the account has as many devices as it may');
  } else if (entry.type === 'device-revoke') {
    if (!mayLink && node.author !== node.device) throw refused('its author may not revoke other devices');
    const device = devices.get(node.device!);
    if (!device) throw refused('the device to revoke is not in the log');
    if (device.revocation) throw refused('the device was revoked already');
  } else if (entry.type === 'account-key') {
    const wrapped = new Set(entry.wraps.map(({ device }) => toHex(device)));
    if (entry.wraps.length !== active.length || !active.every((id) => wrapped.has(id)))
      throw refused('its account key is not wrapped to exactly the active devices');
  }
  return node;
};

/** The newest first. */
const compareRenewals = (a: SignedEntry<DeviceRenew>, b: SignedEntry<DeviceRenew>): number =>
  b.entry.at - a.entry.at || compareBytes(a.hash, b.hash);

/** When a device last renewed itself by an entry that counts. */
const renewedAt = (device: string, { counting }: Fold, newest: Renewals): number | undefined => {
  const times = [...newest].flatMap(([sponsor, { entry }]) =>
    sponsor.device === device && counting.has(sponsor) ? [entry.at] : [],
  );
  return times.length > 0 ? Math.max(...times) : undefined;
};

const logOf = (nodes: readonly LogNode[], newest: Renewals, folded = fold(nodes)): DeviceLog => {
  const { hash: root, entry: genesis } = nodes[0]!.signed as SignedEntry<DeviceGenesis>;
  const devices = new Map<string, LoggedDevice>();
  for (const [key, { add, revocation }] of folded.devices) {
    const { device: keys, at } = adding(add);
    const id = deviceIdOf(keys.identity);
    const revokedBy = revocation?.signed.hash;
    // Nothing follows a renewal, so a revocation voids all of them.
    const renewed = revokedBy ? undefined : renewedAt(key, folded, newest);
    devices.set(key, { id, account: root, keys, rights: rightsOf(add), at, renewedAt: renewed, revokedBy });
  }
  const accountKeys = accountKeysOf(folded);
  return {
    root,
    genesis,
    entries: nodes.map(({ signed }) => signed),
    renewals: [...newest.values()],
    devices,
    heads: headsOf(folded, nodes.length),
    accountKeys,
    keyOwed: !accountKeys[0]!.covers,
    state: { nodes, byKey: new Map(nodes.map((node) => [node.key, node])), fold: folded, newest },
  };
};

/** Best first: what knows every revocation, then what came later in the log, then the lesser hash. */
const accountKeysOf = ({ counting, revocations }: Fold): LoggedAccountKey[] =>
  [...counting]
    .filter(({ signed: { entry } }) => entry.type === 'device-genesis' || entry.type === 'account-key')
    .map((node) => ({ node, covers: revocations.every((revocation) => holds(node.past, revocation)) }))
    .sort(
      (a, b) =>
        Number(b.covers) - Number(a.covers) || b.node.depth - a.node.depth || compareKeys(a.node, b.node),
    )
    .map(({ node: { signed }, covers }) => {
      const entry = signed.entry as DeviceGenesis | AccountKey;
      const wraps = entry.type === 'account-key' ? entry.wraps : [];
      return { publicKey: entry.accountKey, hash: signed.hash, wraps, covers };
    });

/**
 * What a new entry follows and a frame names. Void entries are not among them, and where there are too many, revocations
 * and then the words of senior devices go first: a thief's branches cannot crowd out what others must know.
 */
const headsOf = ({ counting }: Fold, size: number): Uint8Array[] =>
  unfollowed(counting, size)
    .sort(
      (a, b) =>
        Number(isRevocation(b)) - Number(isRevocation(a)) ||
        compareSeniority(a.sponsor ?? a, b.sponsor ?? b) ||
        compareKeys(a, b),
    )
    .slice(0, LIMITS.headsNamed)
    .map(({ signed }) => signed.hash)
    .sort(compareBytes);

const adding = (add: LogNode): DeviceGenesis | DeviceAdd => add.signed.entry as DeviceGenesis | DeviceAdd;

const rightsOf = (add: LogNode): number => {
  const entry = adding(add);
  return entry.type === 'device-add' ? entry.rights : RIGHT.link;
};

/** A public key of low order gives a secret that everybody knows; keys wrapped to it would be wrapped to nobody. */
const requireUsable = (publicKey: Uint8Array): void => {
  if (!isUsablePublicKey(publicKey)) throw refused('a key in it cannot be used');
};

/** One suite a log: a shorter key among longer ones would undo what they are for. */
const requireOfLog = ({ genesis }: DeviceLog, publicKey: Uint8Array): void => {
  if (publicKey.length !== genesis.accountKey.length) throw refused('it is of another suite than its log');
  requireUsable(publicKey);
};

const requireSignature = async (
  key: Uint8Array,
  hash: Uint8Array,
  signature: Uint8Array | undefined,
): Promise<void> => {
  if (!signature || !(await verifyEd25519(key, entryStatement(hash), signature)))
    throw refused('a signature is wrong');
};

const refused = (why: string): SealwireError =>
  new SealwireError('LOG_ENTRY_REFUSED', `A device log entry was refused: ${why}.`);
