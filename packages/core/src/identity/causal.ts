// Signed logs whose entries name what they follow: places, pasts, seniority and heads. Rules: spec/device-log.md §4.

/** An entry in its place. All of it follows from the entry and what that follows, but for `index`. */
export interface CausalNode {
  /** The entry's hash, hexadecimal. */
  readonly key: string;
  /** Its place in one log's order of arrival. */
  readonly index: number;
  /** Length of the longest way back to the first entry. */
  readonly depth: number;
  /** One bit for each entry that it follows, by `index`. */
  readonly past: Uint32Array;
}

/** The depth of an entry that follows these. */
export const depthBehind = (parents: readonly CausalNode[]): number =>
  parents.reduce((depth, parent) => Math.max(depth, parent.depth + 1), 0);

/** The bits of these entries and of all that they follow. @param size - one past the highest index. */
export const pastOfNodes = (nodes: Iterable<CausalNode>, size: number): Uint32Array => {
  const past = new Uint32Array(Math.ceil(size / 32));
  for (const node of nodes) {
    for (let i = 0; i < node.past.length; i++) past[i]! |= node.past[i]!;
    past[node.index >>> 5]! |= 1 << (node.index & 31);
  }
  return past;
};

export const holds = (past: Uint32Array, { index }: CausalNode): boolean =>
  ((past[index >>> 5] ?? 0) & (1 << (index & 31))) !== 0;

/** Those of the entries that no other of them follows. @param size - one past the highest index. */
export const unfollowed = <N extends CausalNode>(nodes: Iterable<N>, size: number): N[] => {
  const past = new Uint32Array(Math.ceil(size / 32));
  const heads: N[] = [];
  // What comes later follows nothing that comes still later: whoever is reached unfollowed stays so.
  for (const node of [...nodes].sort((a, b) => b.index - a.index)) {
    if (holds(past, node)) continue;
    heads.push(node);
    for (let i = 0; i < node.past.length; i++) past[i]! |= node.past[i]!;
  }
  return heads;
};

/** Less than 0 if `a` is senior to `b`: nearer to the first entry, and of equals the lesser hash. */
export const compareSeniority = (a: CausalNode, b: CausalNode): number =>
  a.depth - b.depth || compareKeys(a, b);

export const compareKeys = (a: CausalNode, b: CausalNode): number =>
  a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
