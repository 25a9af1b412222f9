// A membership log's entries and cuts in their places, and the judgement of a new one. Rules: spec/membership.md §2.
import { SealwireError, sameBytes, toHex } from '@sealwire/protocol';
import { compareKeys, compareSeniority, holds, pastOfNodes, unfollowed } from './causal.ts';
import type { Cut, MemberEntry, SignedEntry } from './log-entry.ts';
import {
  type CutPasts,
  foldMembers,
  givesAdmin,
  isAddition,
  isEnding,
  type MemberFold,
  type MemberNode,
  needsAdmin,
  placeMember,
} from './membership-fold.ts';

/** Entries of one device that another entry of it may follow: a thief's branch ends there. */
export const DEVICE_ENTRIES = 4_096;

export interface LogState {
  readonly arena: Arena;
  /** How many of the arena's nodes are this log's: the first. */
  readonly size: number;
  /** By hash, hexadecimal. */
  readonly cuts: ReadonlyMap<string, KnownCut>;
  /** The hashes, hexadecimal, of those that count. */
  readonly counting: ReadonlySet<string>;
  /** What all of it comes to; found when it is first asked for. */
  readonly fold: () => MemberFold;
}

/** Nodes that a log shares with the longer ones that began as it. */
export interface Arena {
  readonly nodes: MemberNode[];
  readonly byKey: Map<string, MemberNode>;
  /** By account, hexadecimal: what gave to it or took from it. */
  readonly about: Map<string, MemberNode[]>;
  /** By device id, hexadecimal: what it wrote. */
  readonly by: Map<string, MemberNode[]>;
}

export interface KnownCut {
  readonly hash: Uint8Array;
  readonly key: string;
  /** The account of its author, and the device of that account that it cuts; hexadecimal. */
  readonly account: string;
  readonly device: string;
  /** The entries that its heads are or follow. */
  readonly past: Uint32Array;
}

/** Heads or parents, sorted out. */
export interface Named {
  readonly nodes: readonly MemberNode[];
  readonly cuts: readonly KnownCut[];
}

export const startOf = (first: MemberNode): LogState => stateOf(arenaOf([first]), 1, new Map(), new Set());

export const nodesOf = ({ arena, size }: LogState): MemberNode[] => arena.nodes.slice(0, size);

export const nodeOf = ({ arena, size }: LogState, key: string): MemberNode | undefined => {
  const node = arena.byKey.get(key);
  return node && node.index < size ? node : undefined;
};

/** The state with one node more; in the same arena if nothing else has been added to it meanwhile. */
export const withNode = (state: LogState, node: MemberNode): LogState => {
  const { size, cuts, counting } = state;
  const arena = state.arena.nodes.length === size ? state.arena : arenaOf(nodesOf(state));
  put(arena, node);
  return stateOf(arena, size + 1, cuts, counting);
};

/** The state with a cut more, which counts for nothing yet. @param account - its author's, which is its device's. */
export const withCut = (
  state: LogState,
  { entry, hash }: SignedEntry<Cut>,
  account: Uint8Array,
): LogState => {
  const { arena, size, cuts, counting } = state;
  const { nodes } = namedBy(state, entry.heads.map(toHex))!;
  const key = toHex(hash);
  const past = pastOfNodes(nodes, size);
  const cut: KnownCut = { hash, key, device: toHex(entry.device), account: toHex(account), past };
  return stateOf(arena, size, new Map([...cuts, [key, cut]]), counting);
};

export const withCounting = ({ arena, size, cuts }: LogState, counting: ReadonlySet<string>): LogState =>
  stateOf(arena, size, cuts, counting);

/** The entries and cuts of these hashes, hexadecimal; undefined if one is not known. */
export const namedBy = (state: LogState, keys: readonly string[]): Named | undefined => {
  const nodes: MemberNode[] = [];
  const cuts: KnownCut[] = [];
  for (const key of keys) {
    const node = nodeOf(state, key);
    const cut = state.cuts.get(key);
    if (node) nodes.push(node);
    else if (cut) cuts.push(cut);
    else return undefined;
  }
  return { nodes, cuts };
};

/** What the named entries, with all that they follow, come to under the named cuts. */
export const foldOf = (state: LogState, { nodes, cuts }: Named): MemberFold => {
  const past = pastOfNodes(nodes, state.size);
  return foldMembers(
    nodesOf(state).filter((node) => holds(past, node)),
    pastsOf(cuts),
  );
};

/** An entry in its place, found right by all but its signature. @throws SealwireError LOG_ENTRY_REFUSED, LIMIT_REACHED */
export const judged = (state: LogState, signed: SignedEntry<MemberEntry>): MemberNode => {
  const { arena, size } = state;
  const { entry } = signed;
  const named = namedBy(state, entry.parents.map(toHex))!;
  if (named.nodes.length < 1) throw refused('it follows no entry');
  const past = pastOfNodes(named.nodes, size);
  const about = (account: string) => (arena.about.get(account) ?? []).filter((node) => holds(past, node));
  const node = placeMember(signed, size, named.nodes, past, false);
  const own = about(node.account);
  const given = own.filter(isAddition);
  if (given.length < 1) throw refused("its author's account was never a member");
  const { change } = entry;
  if (change.action !== 'add' && 'subject' in change) {
    if (!about(node.subject!).some(isAddition))
      throw refused('it changes an account that was never a member');
    if (change.action === 'remove' && sameBytes(change.subject, entry.account))
      throw refused('an account ends its own membership by leaving');
  }
  const before = (arena.by.get(node.author) ?? []).filter((other) => holds(past, other));
  if (before.length >= DEVICE_ENTRIES)
    throw new SealwireError('LIMIT_REACHED', 'A device has written as many entries of this chat as it may.');
  const admin = given.filter(givesAdmin);
  // The newest first: what does not follow all of them mostly lacks that one.
  const endings = own.filter(isEnding).reverse();
  if (!needsAdmin(node) || admin.some((grant) => endings.every((ending) => holds(grant.past, ending))))
    return node;
  // It looks as if nobody had left it the right: then only as the heir.
  if (foldOf(state, named).heir === node.account) return { ...node, isHeir: true };
  if (admin.length < 1) throw refused('its author was never an admin');
  return node;
};

/**
 * What a new entry follows, and an epoch names. Where there are too many, what ends something goes first, then the words
 * of senior members, then what only merges: nobody's branches can crowd out what others must know.
 */
export const headsOf = (state: LogState): Uint8Array[] => {
  const { counting } = state.fold();
  const entries = unfollowed(counting.keys(), state.size).sort(
    (a, b) =>
      classOf(a) - classOf(b) || compareSeniority(counting.get(a)!, counting.get(b)!) || compareKeys(a, b),
  );
  const past = pastOfNodes(entries, state.size);
  const felt = winning(cutsIn(state.cuts, state.counting)).filter((cut) =>
    state.arena.by
      .get(cut.device)
      ?.some(
        (node) =>
          node.account === cut.account &&
          holds(past, node) &&
          !holds(cut.past, node) &&
          node.action !== 'merge',
      ),
  );
  return [...felt, ...entries.map(({ signed }) => signed)].map(({ hash }) => hash);
};

const classOf = (node: MemberNode): number => (isEnding(node) ? 0 : node.action === 'merge' ? 2 : 1);

export const refused = (why: string): SealwireError =>
  new SealwireError('LOG_ENTRY_REFUSED', `A membership entry was refused: ${why}.`);

const stateOf = (
  arena: Arena,
  size: number,
  cuts: LogState['cuts'],
  counting: ReadonlySet<string>,
): LogState => {
  const fold = once(() => foldMembers(arena.nodes.slice(0, size), pastsOf(cutsIn(cuts, counting))));
  return { arena, size, cuts, counting, fold };
};

/** A value that is made when it is first asked for. */
export const once = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
};

const cutsIn = (cuts: LogState['cuts'], counting: ReadonlySet<string>): KnownCut[] =>
  [...counting].map((key) => cuts.get(key)!);

/** Of several cuts of one device the one of the lesser hash. */
const winning = (cuts: readonly KnownCut[]): KnownCut[] => {
  const byDevice = new Map<string, KnownCut>();
  for (const cut of cuts) {
    const name = `${cut.account} ${cut.device}`;
    const other = byDevice.get(name);
    if (!other || cut.key < other.key) byDevice.set(name, cut);
  }
  return [...byDevice.values()];
};

const pastsOf = (cuts: readonly KnownCut[]): CutPasts =>
  new Map(winning(cuts).map((cut) => [`${cut.account} ${cut.device}`, cut]));

const arenaOf = (nodes: readonly MemberNode[]): Arena => {
  const arena: Arena = { nodes: [], byKey: new Map(), about: new Map(), by: new Map() };
  for (const node of nodes) put(arena, node);
  return arena;
};

const put = (arena: Arena, node: MemberNode): void => {
  arena.nodes.push(node);
  arena.byKey.set(node.key, node);
  append(arena.by, node.author, node);
  if (node.subject !== undefined) append(arena.about, node.subject, node);
};

const append = (lists: Map<string, MemberNode[]>, name: string, node: MemberNode): void => {
  const list = lists.get(name);
  if (list) list.push(node);
  else lists.set(name, [node]);
};
