// Which entries of a membership log count, and who is a member by them: a pure function of the set of entries and of
// the cuts. Judges no signature. Rules: spec/membership.md §3.
import { LIMITS, toHex } from '@sealwire/protocol';
import { type CausalNode, compareKeys, compareSeniority, depthBehind, holds } from './causal.ts';
import type { ChatGenesis, MemberEntry, Role, SignedEntry } from './log-entry.ts';

/** An entry of a membership log in its place. */
export interface MemberNode extends CausalNode {
  readonly signed: SignedEntry<ChatGenesis | MemberEntry>;
  /** The author's account and device, hexadecimal. */
  readonly account: string;
  readonly author: string;
  /** The account that it gives something to, or takes it from, hexadecimal. */
  readonly subject: string | undefined;
  /** True if its past has no admin and its author as the most senior member. */
  readonly isHeir: boolean;
}

/** By account and device id, hexadecimal, with a space between: the one cut of the device that counts. */
export type CutPasts = ReadonlyMap<string, { readonly past: Uint32Array }>;

/** What a set of entries comes to. */
export interface MemberFold {
  /** The entries that count, each with the grant under which its author wrote it; itself for the first entry. */
  readonly counting: ReadonlyMap<MemberNode, MemberNode>;
  /** The endings among them, as they were judged. */
  readonly endings: readonly MemberNode[];
  /** By account, hexadecimal; the most senior first. */
  readonly members: ReadonlyMap<string, FoldedMember>;
  /** The member who has the rights of an admin because nobody was given them, hexadecimal. */
  readonly heir: string | undefined;
}

export interface FoldedMember {
  /** The entry that made it a member. */
  readonly add: MemberNode;
  readonly role: Role;
}

interface State {
  readonly cuts: CutPasts;
  /** By account: the entries that give it something, senior ones first. */
  readonly grants: ReadonlyMap<string, readonly MemberNode[]>;
  /** By account: what its devices wrote, parents first. */
  readonly written: ReadonlyMap<string, readonly MemberNode[]>;
  /** By account: the endings of it that count so far. */
  readonly endings: Map<string, MemberNode[]>;
  /** Of each entry the grants of its author that are of no use to it: so many, from the front. Only ever more. */
  readonly passed: Map<MemberNode, number>;
}

/**
 * Decides which entries count. Endings are judged in the order of the seniority of their authors, so that each is
 * decided before it is needed; whatever else there is, by the endings.
 *
 * @param nodes - a set of entries with all that each of them follows, parents first. Other orders do not exist for it:
 *   two orders of one set give the same.
 */
export const foldMembers = (nodes: readonly MemberNode[], cuts: CutPasts): MemberFold => {
  const grants = groupedBy(nodes.filter(isAddition), ({ subject }) => subject!);
  for (const list of grants.values()) list.sort(compareSeniority);
  const written = groupedBy(nodes.slice(1), ({ account }) => account);
  const state: State = { cuts, grants, written, endings: new Map(), passed: new Map() };
  for (const node of nodes) if (node.depth > 0) pass(state, node);
  const endings = judgeEndings(state, nodes.filter(isEnding));
  const counting = new Map<MemberNode, MemberNode>();
  for (const node of nodes) {
    const basis = isEnding(node) ? endings.get(node) : basisOf(state, node);
    if (basis) counting.set(node, basis);
  }
  return { counting, endings: [...endings.keys()], ...membersOf(state) };
};

/** The place of an entry behind those nodes that it follows. */
export const placeMember = (
  signed: SignedEntry<ChatGenesis | MemberEntry>,
  index: number,
  parents: readonly MemberNode[],
  past: Uint32Array,
  isHeir: boolean,
): MemberNode => {
  const { entry, hash } = signed;
  const account = toHex(entry.account);
  const own = entry.type === 'chat-genesis' || entry.change.action === 'leave' ? account : undefined;
  const subject = entry.type === 'member' && 'subject' in entry.change ? toHex(entry.change.subject) : own;
  const author = toHex(entry.author);
  return {
    ...{ signed, key: toHex(hash), index, depth: depthBehind(parents), past },
    ...{ account, author, subject, isHeir },
  };
};

/** What an entry does; the first one starts the chat. */
export const actionOf = ({ signed: { entry } }: MemberNode) =>
  entry.type === 'chat-genesis' ? 'start' : entry.change.action;

/** Whether it makes its subject a member; a promotion vouches for one as an addition does. */
export const isAddition = (node: MemberNode): boolean => ['start', 'add', 'promote'].includes(actionOf(node));

/** Whether it ends its subject's membership. */
export const isRemoval = (node: MemberNode): boolean => ['remove', 'leave'].includes(actionOf(node));

export const isEnding = (node: MemberNode): boolean => isRemoval(node) || actionOf(node) === 'demote';

/** Whether it gives its subject the rights of an admin. */
export const givesAdmin = ({ signed: { entry } }: MemberNode): boolean =>
  entry.type === 'chat-genesis' ||
  entry.change.action === 'promote' ||
  (entry.change.action === 'add' && entry.change.role === 'admin');

/** Whether the rights of an admin are needed for it. */
export const needsAdmin = (node: MemberNode): boolean => !['leave', 'merge'].includes(actionOf(node));

/** The most senior of the grants under which the author may have written the entry; the first entry stands for itself. */
const basisOf = (state: State, node: MemberNode): MemberNode | undefined =>
  node.depth === 0 ? node : state.grants.get(node.account)?.[state.passed.get(node)!];

/** Passes over the grants that are of no use to an entry. */
const pass = (state: State, node: MemberNode): void => {
  const grants = state.grants.get(node.account) ?? [];
  let at = isCut(state, node) ? grants.length : (state.passed.get(node) ?? 0);
  while (at < grants.length && !allows(state, grants[at]!, node)) at++;
  state.passed.set(node, at);
};

const isCut = ({ cuts }: State, node: MemberNode): boolean => {
  const cut = cuts.get(`${node.account} ${node.author}`);
  return cut !== undefined && !holds(cut.past, node);
};

/** Whether a grant to the author of an entry allows the entry, by the endings so far. */
const allows = (state: State, grant: MemberNode, node: MemberNode): boolean =>
  holds(node.past, grant) &&
  (!needsAdmin(node) || node.isHeir || givesAdmin(grant)) &&
  basisOf(state, grant) !== undefined &&
  !state.endings.get(node.account)?.some((ending) => takesBack(ending, grant, node));

/**
 * Whether an ending takes a grant back from an entry written under it: if the grant does not follow the ending and the
 * ending does not know of the entry. A demotion takes only what needs the rights of an admin by the grant; of several
 * leaves none takes back another.
 */
const takesBack = (ending: MemberNode, grant: MemberNode, node: MemberNode): boolean =>
  !holds(grant.past, ending) &&
  !holds(ending.past, node) &&
  ending !== node &&
  (isRemoval(ending)
    ? !(actionOf(ending) === 'leave' && actionOf(node) === 'leave')
    : needsAdminByGrant(node));

const needsAdminByGrant = (node: MemberNode): boolean => needsAdmin(node) && !node.isHeir;

/** The endings that count, in the order of their judgement, each with the grant under which it was made. */
const judgeEndings = (state: State, endings: readonly MemberNode[]): ReadonlyMap<MemberNode, MemberNode> => {
  const waiting = endings
    .map((node) => ({ node, basis: basisOf(state, node) }))
    .filter((item): item is Waiting => item.basis !== undefined)
    .sort(byJudgement);
  const counting = new Map<MemberNode, MemberNode>();
  for (let i = 0; i < waiting.length; i++) {
    const { node, basis } = waiting[i]!;
    const now = basisOf(state, node);
    if (!now) continue;
    if (now !== basis) {
      // It lost the grant with which it stood here: its turn comes later.
      insert(waiting, { node, basis: now }, i + 1);
      continue;
    }
    counting.set(node, basis);
    const ofSubject = state.endings.get(node.subject!);
    if (ofSubject) ofSubject.push(node);
    else state.endings.set(node.subject!, [node]);
    settle(state, node);
  }
  return counting;
};

interface Waiting {
  readonly node: MemberNode;
  readonly basis: MemberNode;
}

/** Those of senior authors first; of one author first its leaves. */
const byJudgement = (a: Waiting, b: Waiting): number =>
  compareSeniority(a.basis, b.basis) ||
  Number(actionOf(b.node) === 'leave') - Number(actionOf(a.node) === 'leave') ||
  compareSeniority(a.node, b.node);

const insert = (sorted: Waiting[], item: Waiting, from: number): void => {
  let [low, high] = [from, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (byJudgement(sorted[middle]!, item) < 0) low = middle + 1;
    else high = middle;
  }
  sorted.splice(low, 0, item);
};

/** Takes back what an account wrote under grants that an ending takes back, then what that gave to others, and so on. */
const settle = (state: State, ending: MemberNode): void => {
  const open = new Set([ending.subject!]);
  for (const account of open) {
    open.delete(account);
    for (const node of state.written.get(account) ?? []) {
      const basis = basisOf(state, node);
      if (!basis || (basisOf(state, basis) && !endedBy(ending, basis, node))) continue;
      pass(state, node);
      if (isAddition(node) && !basisOf(state, node)) open.add(node.subject!);
    }
  }
};

const endedBy = (ending: MemberNode, grant: MemberNode, node: MemberNode): boolean =>
  ending.subject === node.account && takesBack(ending, grant, node);

/** Today's members. Of more than a room may have the most senior; where there is no admin, the most senior is one. */
const membersOf = (state: State): Pick<MemberFold, 'members' | 'heir'> => {
  const found: { account: string; add: MemberNode; role: Role }[] = [];
  for (const [account, grants] of state.grants) {
    const endings = state.endings.get(account) ?? [];
    const removals = endings.filter(isRemoval);
    const held = grants.filter(
      (grant) => basisOf(state, grant) && !removals.some((ending) => !holds(grant.past, ending)),
    );
    const [add] = held;
    if (!add) continue;
    const isAdmin = held.some(
      (grant) => givesAdmin(grant) && !endings.some((ending) => !holds(grant.past, ending)),
    );
    found.push({ account, add, role: isAdmin ? 'admin' : 'member' });
  }
  found.sort((a, b) => compareSeniority(a.add, b.add)).splice(LIMITS.roomMembers);
  const heir = found.some(({ role }) => role === 'admin') ? undefined : found[0]?.account;
  const members = new Map<string, FoldedMember>();
  for (const { account, add, role } of found)
    members.set(account, { add, role: account === heir ? 'admin' : role });
  return { members, heir };
};

/** Of the renames that count the one of greatest depth, of those the one of greatest hash. */
export const latestRename = ({ counting }: MemberFold): MemberNode | undefined => {
  let latest: MemberNode | undefined;
  for (const node of counting.keys())
    if (actionOf(node) === 'rename' && (!latest || compareRenames(node, latest) > 0)) latest = node;
  return latest;
};

const compareRenames = (a: MemberNode, b: MemberNode): number => a.depth - b.depth || compareKeys(a, b);

const groupedBy = (nodes: readonly MemberNode[], nameOf: (node: MemberNode) => string) => {
  const groups = new Map<string, MemberNode[]>();
  for (const node of nodes) {
    const group = groups.get(nameOf(node));
    if (group) group.push(node);
    else groups.set(nameOf(node), [node]);
  }
  return groups;
};
