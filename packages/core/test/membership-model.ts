// A plain model of the membership log, word for word from spec/membership.md §3 and §4; shares no code with the log.
import { toHex } from '@sealwire/protocol';
import type { ChatGenesis, MemberEntry, SignedEntry } from '../src/identity/log-entry.ts';
import { parentsOf, type SignedCut } from './membership-kit.ts';

type Any = SignedEntry<ChatGenesis | MemberEntry>;

export interface Model {
  readonly members: readonly { readonly account: string; readonly by: string; readonly isAdmin: boolean }[];
  readonly heir: string | undefined;
  readonly counting: ReadonlySet<string>;
  /** The endings that count, as they were judged. */
  readonly counted: readonly string[];
  readonly pastOf: (hash: string) => ReadonlySet<string>;
  readonly isHeir: (hash: string) => boolean;
}

/**
 * Who is a member, by the words of the specification and without regard for cost. Entries are named by their hashes.
 *
 * @param cuts - those that count.
 * @param known - all that entries may name.
 */
export const modelOf = (all: readonly Any[], cuts: readonly SignedCut[], known = cuts): Model => {
  const byHash = new Map(all.map((signed) => [toHex(signed.hash), signed]));
  const pasts = new Map<string, ReadonlySet<string>>();
  const depths = new Map<string, number>();
  const pastOf = (hash: string): ReadonlySet<string> => {
    const found = pasts.get(hash);
    if (found) return found;
    const parents = parentsOf(byHash.get(hash)!).filter((parent) => byHash.has(parent));
    const past = new Set(parents.flatMap((parent) => [parent, ...pastOf(parent)]));
    pasts.set(hash, past);
    depths.set(hash, Math.max(-1, ...parents.map((parent) => depths.get(parent)!)) + 1);
    return past;
  };
  for (const hash of byHash.keys()) pastOf(hash);
  const rank = (a: string, b: string) => depths.get(a)! - depths.get(b)! || (a < b ? -1 : a > b ? 1 : 0);
  const changeOf = (hash: string) => {
    const { entry } = byHash.get(hash)!;
    return entry.type === 'member' ? entry.change : { action: 'start' as const };
  };
  const accountOf = (hash: string) => toHex(byHash.get(hash)!.entry.account);
  const subjectOf = (hash: string) => {
    const change = changeOf(hash);
    return 'subject' in change ? toHex(change.subject) : accountOf(hash);
  };
  const isKind = (hash: string, ...actions: string[]) => actions.includes(changeOf(hash).action);
  const givesAdmin = (hash: string) => {
    const change = changeOf(hash);
    return change.action === 'add' ? change.role === 'admin' : isKind(hash, 'start', 'promote');
  };
  const grants = [...byHash.keys()].filter((hash) => isKind(hash, 'start', 'add', 'promote')).sort(rank);
  const endings = [...byHash.keys()].filter((hash) => isKind(hash, 'remove', 'leave', 'demote'));
  const isCut = (hash: string): boolean => {
    const { entry } = byHash.get(hash)!;
    const [winner] = cuts
      .filter((cut) => toHex(cut.entry.device) === toHex(entry.author))
      .sort((a, b) => (toHex(a.hash) < toHex(b.hash) ? -1 : 1));
    const kept = winner?.entry.heads.map(toHex).filter((head) => byHash.has(head));
    return kept !== undefined && !kept.some((head) => head === hash || pastOf(head).has(hash));
  };
  const heirs = new Map<string, boolean>();
  /** Whether it looks as if nobody had left the author the right, and its past has it as the heir. */
  const isHeir = (hash: string): boolean => {
    if (!heirs.has(hash)) {
      const past = [...pastOf(hash)];
      const own = past.filter((other) => subjectOf(other) === accountOf(hash));
      const lost = own.filter((other) => endings.includes(other));
      const looksAdmin = own.some(
        (grant) =>
          grants.includes(grant) && givesAdmin(grant) && lost.every((ending) => pastOf(grant).has(ending)),
      );
      const named = known.filter((cut) => parentsOf(byHash.get(hash)!).includes(toHex(cut.hash)));
      heirs.set(
        hash,
        !looksAdmin &&
          modelOf(
            past.map((other) => byHash.get(other)!),
            named,
            known,
          ).heir === accountOf(hash),
      );
    }
    return heirs.get(hash)!;
  };
  const needsAdmin = (hash: string) => !isKind(hash, 'leave', 'merge') && !isHeir(hash);
  const takesBack = (ending: string, grant: string, hash: string) =>
    subjectOf(ending) === accountOf(hash) &&
    ending !== hash &&
    !pastOf(grant).has(ending) &&
    !pastOf(ending).has(hash) &&
    (isKind(ending, 'demote') ? needsAdmin(hash) : !(isKind(ending, 'leave') && isKind(hash, 'leave')));
  const basisOf = (hash: string, counted: readonly string[]): string | undefined => {
    if (isKind(hash, 'start')) return hash;
    if (isCut(hash)) return undefined;
    return grants.find(
      (grant) =>
        subjectOf(grant) === accountOf(hash) &&
        pastOf(hash).has(grant) &&
        (!needsAdmin(hash) || givesAdmin(grant)) &&
        basisOf(grant, counted) !== undefined &&
        !counted.some((ending) => takesBack(ending, grant, hash)),
    );
  };
  const counted: string[] = [];
  for (;;) {
    const left = endings
      .filter((hash) => !counted.includes(hash))
      .map((hash) => ({ hash, basis: basisOf(hash, counted) }))
      .filter(({ basis }) => basis !== undefined)
      .sort(
        (a, b) =>
          rank(a.basis!, b.basis!) ||
          Number(isKind(b.hash, 'leave')) - Number(isKind(a.hash, 'leave')) ||
          rank(a.hash, b.hash),
      );
    if (left.length === 0) break;
    counted.push(left[0]!.hash);
  }
  const counting = new Set([
    ...counted,
    ...[...byHash.keys()].filter((hash) => !endings.includes(hash) && basisOf(hash, counted) !== undefined),
  ]);
  const holding = (account: string, ...ends: string[]) =>
    grants.filter(
      (grant) =>
        subjectOf(grant) === account &&
        counting.has(grant) &&
        counted.every(
          (ending) => subjectOf(ending) !== account || !isKind(ending, ...ends) || pastOf(grant).has(ending),
        ),
    );
  const members = [...new Set(grants.map(subjectOf))]
    .map((account) => ({ account, by: holding(account, 'remove', 'leave')[0] }))
    .filter(({ by }) => by !== undefined)
    .sort((a, b) => rank(a.by!, b.by!))
    .map(({ account, by }) => ({
      ...{ account, by: by! },
      isAdmin: holding(account, 'remove', 'leave', 'demote').some(givesAdmin),
    }));
  const heir = members.some(({ isAdmin }) => isAdmin) ? undefined : members[0]?.account;
  return { members, heir, counting, counted, pastOf, isHeir };
};
