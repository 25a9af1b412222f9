// Which entries of a membership log count, and who is a member by them: a pure function of the set of entries and of
// the cuts. Judges no signature. Rules: spec/membership.md §3.
import { LIMITS, toHex } from '@sealwire/protocol';
import { type CausalNode, compareKeys, compareSeniority, depthBehind, holds } from './causal.ts';
import type { ChatGenesis, MemberEntry, Role, SignedEntry } from './log-entry.ts';

export type Action = MemberEntry['change']['action'] | 'start';

/** An entry of a membership log in its place. */
export interface MemberNode extends CausalNode {
  readonly signed: SignedEntry<ChatGenesis | MemberEntry>;
  /** The author's account and device, hexadecimal. */
  readonly account: string;
  readonly author: string;
  /** What it does; the first one starts the chat. */
  readonly action: Action;
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

/** An entry while it is being decided. */
interface Work {
  readonly node: MemberNode;
  /** What was given to its author's account, senior ones first. */
  readonly grants: readonly Work[];
  /** So many of those, from the front, do not allow it. Only ever more. */
  passed: number;
  /** If it is a grant: the entries of which it is the most senior that allows them. */
  under: Work[];
  /** If it is a grant: the endings that count so far and that it does not follow, but for those that add nothing. */
  readonly endings: MemberNode[];
}

/** By account: what was given to it, senior ones first. */
type Grants = ReadonlyMap<string, readonly Work[]>;

/**
 * Decides which entries count. Endings are judged in the order of the seniority of their authors, so that each is
 * decided before it is needed; whatever else there is, by the endings.
 *
 * @param nodes - a set of entries with all that each of them follows, parents first. Other orders do not exist for it:
 *   two orders of one set give the same.
 */
export const foldMembers = (nodes: readonly MemberNode[], cuts: CutPasts): MemberFold => {
  const grants = new Map<string, Work[]>();
  const grantsOf = (account: string): Work[] => {
    const list = grants.get(account) ?? [];
    grants.set(account, list);
    return list;
  };
  const works = nodes.map((node): Work => {
    const own = node.action === 'start' || isCut(node, cuts) ? [] : grantsOf(node.account);
    return { node, grants: own, passed: 0, under: [], endings: [] };
  });
  for (const work of works) if (isAddition(work.node)) grantsOf(work.node.subject!).push(work);
  for (const list of grants.values()) list.sort((a, b) => compareSeniority(a.node, b.node));
  for (const work of works) place(work);
  const endings = judgeEndings(
    grants,
    works.filter(({ node }) => isEnding(node)),
  );
  const counting = new Map<MemberNode, MemberNode>();
  for (const work of works) {
    const basis = isEnding(work.node) ? endings.get(work.node) : basisOf(work)?.node;
    if (basis) counting.set(work.node, basis);
  }
  return { counting, endings: [...endings.keys()], ...membersOf(grants) };
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
  const action = entry.type === 'chat-genesis' ? 'start' : entry.change.action;
  const own = action === 'start' || action === 'leave' ? account : undefined;
  const subject = entry.type === 'member' && 'subject' in entry.change ? toHex(entry.change.subject) : own;
  const author = toHex(entry.author);
  return {
    ...{ signed, key: toHex(hash), index, depth: depthBehind(parents), past },
    ...{ account, author, action, subject, isHeir },
  };
};

/** Whether it makes its subject a member; a promotion vouches for one as an addition does. */
export const isAddition = ({ action }: MemberNode): boolean =>
  action === 'start' || action === 'add' || action === 'promote';

/** Whether it ends its subject's membership. */
export const isRemoval = ({ action }: MemberNode): boolean => action === 'remove' || action === 'leave';

export const isEnding = (node: MemberNode): boolean => isRemoval(node) || node.action === 'demote';

/** Whether it gives its subject the rights of an admin. */
export const givesAdmin = ({ signed: { entry } }: MemberNode): boolean =>
  entry.type === 'chat-genesis' ||
  entry.change.action === 'promote' ||
  (entry.change.action === 'add' && entry.change.role === 'admin');

/** Whether the rights of an admin are needed for it. */
export const needsAdmin = ({ action }: MemberNode): boolean => action !== 'leave' && action !== 'merge';

/** The most senior of the grants that allow an entry, so far; the first entry stands for itself. */
const basisOf = (work: Work): Work | undefined =>
  work.node.action === 'start' ? work : work.grants[work.passed];

/** Puts an entry under the first of the grants it has not passed that allows it. @returns false if none does. */
const place = (work: Work): boolean => {
  const { node, grants } = work;
  while (work.passed < grants.length && !allows(grants[work.passed]!, node)) work.passed++;
  grants[work.passed]?.under.push(work);
  return basisOf(work) !== undefined;
};

const isCut = (node: MemberNode, cuts: CutPasts): boolean => {
  const cut = cuts.get(`${node.account} ${node.author}`);
  return cut !== undefined && !holds(cut.past, node);
};

/** Whether a grant to the author of an entry allows the entry, by the endings so far. */
const allows = (grant: Work, node: MemberNode): boolean =>
  holds(node.past, grant.node) &&
  (!needsAdmin(node) || node.isHeir || givesAdmin(grant.node)) &&
  basisOf(grant) !== undefined &&
  !grant.endings.some((ending) => takesBack(ending, node));

/**
 * Whether an ending takes the grants that do not follow it back from an entry: if it does not know of the entry. A
 * demotion takes only what needs the rights of an admin by the grant; of several leaves none takes back another.
 */
const takesBack = (ending: MemberNode, node: MemberNode): boolean =>
  ending !== node &&
  !holds(ending.past, node) &&
  (isRemoval(ending) ? !(ending.action === 'leave' && node.action === 'leave') : needsAdminByGrant(node));

const needsAdminByGrant = (node: MemberNode): boolean => needsAdmin(node) && !node.isHeir;

/** The endings that count, in the order of their judgement, each with the grant under which it was made. */
const judgeEndings = (grants: Grants, endings: readonly Work[]): ReadonlyMap<MemberNode, MemberNode> => {
  const waiting = endings.flatMap((work): Waiting[] => {
    const basis = basisOf(work);
    return basis ? [{ work, node: work.node, basis: basis.node }] : [];
  });
  waiting.sort(byJudgement);
  const counting = new Map<MemberNode, MemberNode>();
  for (let i = 0; i < waiting.length; i++) {
    const { work, node, basis } = waiting[i]!;
    const now = basisOf(work)?.node;
    if (!now) continue;
    if (now !== basis) {
      // It lost the grant with which it stood here: its turn comes later.
      insert(waiting, { work, node, basis: now }, i + 1);
      continue;
    }
    counting.set(node, basis);
    takeBack(grants, node);
  }
  return counting;
};

interface Waiting {
  readonly work: Work;
  readonly node: MemberNode;
  readonly basis: MemberNode;
}

/** Those of senior authors first; of one author first its leaves. */
const byJudgement = (a: Waiting, b: Waiting): number =>
  compareSeniority(a.basis, b.basis) ||
  Number(b.node.action === 'leave') - Number(a.node.action === 'leave') ||
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

/** Takes back what stands under the grants that do not follow an ending, what stood under that, and so on. */
const takeBack = (grants: Grants, ending: MemberNode): void => {
  const fallen: Work[] = [];
  const lift = (grant: Work, leaving: readonly Work[]): void => {
    if (leaving.length === 0) return;
    const gone = new Set(leaving);
    grant.under = grant.under.filter((work) => !gone.has(work));
    for (const work of leaving) if (!place(work) && isAddition(work.node)) fallen.push(work);
  };
  // In this order: most of a long list go by what lies in one place in memory.
  const ended = (grants.get(ending.subject!) ?? []).filter(
    ({ node, endings }) => !endings.some((other) => addsNothing(ending, other)) && !holds(node.past, ending),
  );
  for (const grant of ended) grant.endings.push(ending);
  for (const grant of ended)
    lift(
      grant,
      grant.under.filter(({ node }) => takesBack(ending, node)),
    );
  for (const grant of fallen) lift(grant, grant.under);
};

/** Whether an ending takes back no more than another, which it follows: what it does not know, that did not either. */
const addsNothing = (ending: MemberNode, other: MemberNode): boolean =>
  holds(ending.past, other) && (other.action === 'remove' || other.action === ending.action);

/** Today's members. Of more than a room may have the most senior; where there is no admin, the most senior is one. */
const membersOf = (all: Grants): Pick<MemberFold, 'members' | 'heir'> => {
  const found: { account: string; add: MemberNode; role: Role }[] = [];
  for (const [account, grants] of all) {
    const held = grants.filter((grant) => basisOf(grant) && !grant.endings.some(isRemoval));
    const [first] = held;
    if (!first) continue;
    const isAdmin = held.some(({ node, endings }) => givesAdmin(node) && endings.length === 0);
    found.push({ account, add: first.node, role: isAdmin ? 'admin' : 'member' });
  }
  found.sort((a, b) => compareSeniority(a.add, b.add)).splice(LIMITS.roomMembers);
  const heir = found.some(({ role }) => role === 'admin') ? undefined : found[0]?.account;
  const members = new Map<string, FoldedMember>();
  for (const { account, add, role } of found)
    members.set(account, { add, role: account === heir ? 'admin' : role });
  return { members, heir };
};

/** Of the entries that count and do this the one of greatest depth, of those the one of greatest hash. */
export const latestOf = ({ counting }: MemberFold, action: Action): MemberNode | undefined => {
  let latest: MemberNode | undefined;
  for (const node of counting.keys())
    if (node.action === action && (!latest || compareLatest(node, latest) > 0)) latest = node;
  return latest;
};

const compareLatest = (a: MemberNode, b: MemberNode): number => a.depth - b.depth || compareKeys(a, b);
