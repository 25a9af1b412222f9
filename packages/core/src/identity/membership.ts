// The membership log of one chat: which accounts are in it, and who may change that. Rules: spec/membership.md.
import { compareBytes, fromHex, LIMITS, sameBytes, toHex } from '@sealwire/protocol';
import { verifyEd25519 } from '#native';
import { isName } from '../names.ts';
import { holds, pastOfNodes } from './causal.ts';
import type { LoggedDevice } from './device-log.ts';
import {
  type ChatGenesis,
  type Cut,
  type DeviceChains,
  entryStatement,
  type MemberChange,
  type MemberEntry,
  type Role,
  type SignedEntry,
  signEntry,
} from './log-entry.ts';
import {
  isAddition,
  isRemoval,
  latestOf,
  type MemberFold,
  type MemberNode,
  placeMember,
} from './membership-fold.ts';
import {
  foldOf,
  headsOf,
  judged,
  type LogState,
  namedBy,
  nodeOf,
  nodesOf,
  once,
  refused,
  startOf,
  withCounting,
  withCut,
  withNode,
} from './membership-state.ts';

export { DEVICE_ENTRIES } from './membership-state.ts';

/** What is needed of a device to check what it signed; a device that its account's log ever took in will do. */
export type EntrySigner = Pick<LoggedDevice, 'id' | 'account' | 'keys'>;

/** An account as a chat's log has it. */
export interface Member {
  readonly account: Uint8Array;
  readonly role: Role;
  /** The hash of the entry that made it a member; of several that count the most senior. */
  readonly addedBy: Uint8Array;
  readonly at: number;
}

/** By account, hexadecimal; the member who has been there longest first. */
export type Members = ReadonlyMap<string, Member>;

/** A removal or leave that counts. */
export interface Removal {
  /** The account that it ends. */
  readonly account: Uint8Array;
  readonly hash: Uint8Array;
  /** How far its devices count in the chat; a device of it that is not named has nothing that counts. */
  readonly chains: readonly DeviceChains[];
}

/** Where a chat is at the relay, if an admin moved it there. */
export interface Move {
  /** The room's id, 32 bytes. */
  readonly room: Uint8Array;
  /** The hash of the entry that says so, and the device that signed it with its account. */
  readonly hash: Uint8Array;
  readonly author: Uint8Array;
  readonly account: Uint8Array;
}

/** The accepted entries of one chat's membership log, and what they come to. Never changed; only made anew. */
export interface MembershipLog {
  /** The chat's id: the hash of its first entry. */
  readonly id: Uint8Array;
  readonly genesis: ChatGenesis;
  /** All accepted entries, void ones too, as they arrived: parents first. Cuts are not among them. */
  readonly entries: readonly SignedEntry<ChatGenesis | MemberEntry>[];
  readonly members: Members;
  /** What the chat was last called; undefined if it never was. */
  readonly title: string | undefined;
  /** Undefined while it is in the room that it was made with. */
  readonly move: Move | undefined;
  /**
   * What an entry follows, and an epoch or a frame names; ascending, at most `LIMITS.headsNamed`. Hashes of the entries
   * that count and that no other such entry follows, and of those cuts without which these would give other members.
   */
  readonly heads: readonly Uint8Array[];
  /** True if there are more heads than can be named: somebody has to write an entry that merges them. */
  readonly mergeOwed: boolean;
  /** For this file alone. */
  readonly state: LogState;
}

/**
 * Opens a log with its first entry.
 *
 * @param device - the author, as its account's log has it.
 * @throws SealwireError LOG_ENTRY_REFUSED if the device is not the author or did not sign it.
 */
export const startMembershipLog = async (
  signed: SignedEntry<ChatGenesis>,
  device: EntrySigner,
): Promise<MembershipLog> => {
  await requireSigned(signed, signed.entry.account, device);
  const node = placeMember(signed, 0, [], new Uint32Array(0), false);
  return logOf(startOf(node));
};

/**
 * The log with one entry more; the same one if it has the entry. The entry is judged by what it follows; whether it then
 * counts beside the others is a question for all of them together, and for the cuts: see {@link foldWith}.
 *
 * @param signed - whose parents, or heads if it is a cut, the log knows: see {@link missingFrom}. A cut counts for
 *   nothing until {@link foldWith} is told that it does.
 * @param device - the author, as its account's log has it or ever had it. Whether it is revoked does not matter here.
 * @throws SealwireError LOG_ENTRY_REFUSED: of another chat, an unknown parent, another author, a wrong signature, an
 *   author who was never given the right to it, a change of an account that was never a member; LIMIT_REACHED if it
 *   follows {@link DEVICE_ENTRIES} entries of its device.
 */
export const addToMembershipLog = async (
  log: MembershipLog,
  signed: SignedEntry<MemberEntry | Cut>,
  device: EntrySigner,
): Promise<MembershipLog> => {
  const { entry } = signed;
  if (knowsMember(log, signed.hash)) return log;
  if (!sameBytes(entry.log, log.id)) throw refused('it belongs to another chat');
  if (missingFrom(log, signed).length > 0) throw refused('it follows an unknown entry');
  if (entry.type === 'cut') {
    await requireSigned(signed, device.account, device);
    return logOf(withCut(log.state, signed as SignedEntry<Cut>, device.account));
  }
  const node = judged(log.state, signed as SignedEntry<MemberEntry>);
  await requireSigned(signed, entry.account, device);
  return logOf(withNode(log.state, node));
};

/**
 * The log as it is if these cuts count and no others. A cut counts if its device's revocation does, see
 * spec/membership.md §4.
 *
 * @param cuts - hashes of cuts, hexadecimal; those that the log has not taken are left out.
 */
export const foldWith = (log: MembershipLog, cuts: ReadonlySet<string>): MembershipLog => {
  const { state } = log;
  const counting = new Set([...cuts].filter((key) => state.cuts.has(key)));
  if (counting.size === state.counting.size && [...counting].every((key) => state.counting.has(key)))
    return log;
  return logOf(withCounting(state, counting));
};

/** Those that an entry follows, or a cut names, and that the log does not have: it waits for them. */
export const missingFrom = (
  log: MembershipLog,
  { entry }: SignedEntry<MemberEntry | Cut>,
): readonly Uint8Array[] =>
  (entry.type === 'cut' ? entry.heads : entry.parents).filter((hash) => !knowsMember(log, hash));

/** Whether the log has the entry or cut of this hash, void or not. */
export const knowsMember = ({ state }: MembershipLog, hash: Uint8Array): boolean =>
  nodeOf(state, toHex(hash)) !== undefined || state.cuts.has(toHex(hash));

/**
 * The members as whoever knew these heads had them: a question for the heads alone, whatever else has come or counts.
 *
 * @returns undefined if the log does not know one of the heads; nobody for no heads.
 */
export const membersAt = (log: MembershipLog, heads: readonly Uint8Array[]): Members | undefined => {
  const named = namedBy(log.state, heads.map(toHex));
  return named && membersIn(foldOf(log.state, named));
};

/** The removals and leaves that count, in the order in which they were judged. An account may have several. */
export const removalsOf = ({ state }: MembershipLog): Removal[] =>
  state.fold().endings.filter(isRemoval).map(removalIn);

/**
 * The removal that rules over what an account's devices say under these heads: what goes beyond its chains is void.
 *
 * @param account - hexadecimal.
 * @returns undefined if there is none: the account was not removed, or the heads follow its return. 'unknown' if the log
 *   does not know one of the heads.
 */
export const removalOver = (
  log: MembershipLog,
  account: string,
  heads: readonly Uint8Array[],
): Removal | 'unknown' | undefined => {
  const { state } = log;
  const named = namedBy(state, heads.map(toHex));
  if (!named) return 'unknown';
  const past = pastOfNodes(named.nodes, state.size);
  const { counting, endings } = state.fold();
  const returns = [...counting.keys()].filter(
    (node) => isAddition(node) && node.subject === account && holds(past, node),
  );
  const ruling = endings.filter(
    (ending) =>
      isRemoval(ending) && ending.subject === account && !returns.some((node) => holds(node.past, ending)),
  );
  const first = ruling.find((ending) => !ruling.some((other) => holds(ending.past, other)));
  return first && removalIn(first);
};

/**
 * Makes and signs a change that follows the log's heads. Whether its author may make it, the log says when it is added.
 *
 * @throws RangeError for a title that is no name (spec/contacts.md, CT2).
 */
export const createMemberEntry = (options: {
  readonly log: MembershipLog;
  readonly device: Pick<LoggedDevice, 'id' | 'account'>;
  readonly change: MemberChange;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly sign: (statement: Uint8Array) => Uint8Array;
}): SignedEntry<MemberEntry> => {
  const { log, device, change, at, sign } = options;
  if (change.action === 'rename' && !isName(change.title)) throw new RangeError('title: no name');
  const { id: author, account } = device;
  return signEntry({ type: 'member', log: log.id, parents: log.heads, author, account, change, at }, sign);
};

/** Entries of one device for these changes, each following the one before. @throws SealwireError LOG_ENTRY_REFUSED */
export const createMemberEntries = async (options: {
  readonly log: MembershipLog;
  readonly device: LoggedDevice;
  readonly changes: readonly MemberChange[];
  readonly at: number;
  readonly sign: (statement: Uint8Array) => Uint8Array;
}): Promise<SignedEntry<MemberEntry>[]> => {
  const { changes, device } = options;
  const entries: SignedEntry<MemberEntry>[] = [];
  let { log } = options;
  for (const change of changes) {
    const entry = createMemberEntry({ ...options, log, change });
    log = await addToMembershipLog(log, entry, device);
    entries.push(entry);
  }
  return entries;
};

const logOf = (state: LogState): MembershipLog => {
  const members = once(() => membersIn(state.fold()));
  const heads = once(() => headsOf(state));
  const first = state.arena.nodes[0]!.signed as SignedEntry<ChatGenesis>;
  return {
    id: first.hash,
    genesis: first.entry,
    state,
    get entries() {
      return nodesOf(state).map(({ signed }) => signed);
    },
    get members() {
      return members();
    },
    get title() {
      return titleOf(state.fold());
    },
    get move() {
      return moveOf(state.fold());
    },
    get heads() {
      return heads().slice(0, LIMITS.headsNamed).sort(compareBytes);
    },
    get mergeOwed() {
      return heads().length > LIMITS.headsNamed;
    },
  };
};

const membersIn = ({ members }: MemberFold): Members =>
  new Map(
    [...members].map(([key, { add, role }]) => {
      const { entry, hash } = add.signed;
      return [key, { account: fromHex(key), role, addedBy: hash, at: entry.at }];
    }),
  );

const titleOf = (fold: MemberFold): string | undefined => {
  const entry = latestOf(fold, 'rename')?.signed.entry;
  return entry?.type === 'member' && entry.change.action === 'rename' ? entry.change.title : undefined;
};

const moveOf = (fold: MemberFold): Move | undefined => {
  const signed = latestOf(fold, 'move')?.signed;
  if (signed?.entry.type !== 'member' || signed.entry.change.action !== 'move') return undefined;
  const { author, account, change } = signed.entry;
  return { room: change.room, hash: signed.hash, author, account };
};

const removalIn = ({ signed: { entry, hash }, subject }: MemberNode): Removal => {
  const chains = entry.type === 'member' && 'chains' in entry.change ? entry.change.chains : [];
  return { account: fromHex(subject!), hash, chains };
};

/** @throws SealwireError LOG_ENTRY_REFUSED unless this device of this account wrote and signed the entry. */
const requireSigned = async (
  { entry, hash, signatures }: SignedEntry<ChatGenesis | MemberEntry | Cut>,
  account: Uint8Array,
  device: EntrySigner,
): Promise<void> => {
  if (!sameBytes(device.id, entry.author) || !sameBytes(device.account, account))
    throw refused('it is not by a device of the account that it names');
  const [signature] = signatures;
  if (!signature || !(await verifyEd25519(device.keys.identity, entryStatement(hash), signature)))
    throw refused('its signature is wrong');
};
