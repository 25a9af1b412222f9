// Which frames of a contested chain count: a cut names the line by its hash, a fork ends it. A function of the set of
// frames, whatever their order. Rules: spec/frame.md §8.
import { LIMITS, sameBytes } from '@sealwire/protocol';
import type { Body } from '../frame/body.ts';
import { chainNext } from '../frame/chain.ts';
import { type Candidate, type Chain, fingerprint, isSigned } from './chains.ts';

export interface ContestedFrame extends Candidate {
  readonly body: Body;
  /** True if its signature was found good when it was accepted. */
  readonly trusted: boolean;
}

/**
 * The frames that count, in chain order.
 *
 * @param chain - as it was opened: nothing accepted, its limit set.
 * @param frames - all that came of it, in any order; frames beyond the limit are left out here.
 */
export const countingLine = async <F extends ContestedFrame>(
  chain: Chain,
  frames: readonly F[],
): Promise<readonly F[]> => {
  const following = byPrevious(frames.filter(({ body }) => body.counter <= chain.limit));
  if (chain.limitHash) {
    const named = await lineTo(chain, following, chain.limitHash);
    if (named) return named;
    removeAt(following, chain.limit); // It is not the one that the cut names.
  }
  return lineToFork(chain, following);
};

interface Node<F> {
  readonly frame: F | undefined;
  readonly counter: number;
  readonly hash: Uint8Array;
  readonly before: Node<F> | undefined;
}

type Following<F> = Map<number, F[]>;

/** The line that ends at the limit with this hash: it needs no signatures, but where there is a choice. */
const lineTo = async <F extends ContestedFrame>(
  chain: Chain,
  following: Following<F>,
  hash: Uint8Array,
): Promise<readonly F[] | undefined> => {
  const open: Node<F>[] = [{ frame: undefined, counter: 0, hash: chain.hash, before: undefined }];
  let checks = 0;
  for (let node = open.pop(); node; node = open.pop()) {
    if (node.counter === chain.limit && sameBytes(node.hash, hash)) return framesTo(node);
    const next = following.get(node.counter) ?? [];
    for (const frame of next) {
      const after = chainNext(node.hash, frame.body.signed);
      if (next.length > 1) {
        checks += 1;
        if (checks > LIMITS.lineChecks) return undefined;
        if (!(await isSigned(chain, frame, after))) continue;
      }
      open.push({ frame, counter: frame.body.counter, hash: after, before: node });
    }
  }
  return undefined;
};

const framesTo = <F>(end: Node<F>): F[] => {
  const frames: F[] = [];
  for (let node: Node<F> | undefined = end; node; node = node.before) if (node.frame) frames.push(node.frame);
  return frames.reverse();
};

/** From the start until nothing follows, or two frames that the device signed do. */
const lineToFork = async <F extends ContestedFrame>(
  chain: Chain,
  following: Following<F>,
): Promise<readonly F[]> => {
  const isSure = [...following.values()].every(([frame, second]) => !second && frame?.trusted !== false);
  const line: F[] = [];
  for (let last = 0, { hash } = chain; ; ) {
    const good: { readonly frame: F; readonly hash: Uint8Array }[] = [];
    for (const frame of following.get(last) ?? []) {
      const after = chainNext(hash, frame.body.signed);
      if (isSure || (await isSigned(chain, frame, after))) good.push({ frame, hash: after });
      if (good.length === 2) return line;
    }
    if (!good[0]) return line;
    line.push(good[0].frame);
    last = good[0].frame.body.counter;
    hash = good[0].hash;
  }
};

const byPrevious = <F extends ContestedFrame>(frames: readonly F[]): Following<F> => {
  const following: Following<F> = new Map();
  const seen = new Set<string>();
  for (const frame of frames) {
    const { counter, previous, signature } = frame.body;
    const name = `${counter}/${fingerprint(signature)}`;
    if (seen.has(name) || counter <= previous) continue;
    seen.add(name);
    const list = following.get(previous);
    if (list) list.push(frame);
    else following.set(previous, [frame]);
  }
  return following;
};

const removeAt = <F extends ContestedFrame>(following: Following<F>, counter: number): void => {
  for (const [previous, frames] of following)
    following.set(
      previous,
      frames.filter(({ body }) => body.counter !== counter),
    );
};
