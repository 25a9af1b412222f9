// In which order the agents of a trace write and hear of each other: the same for both sides.
import type { Patch, Trace } from './trace.ts';

export type Move =
  | { readonly type: 'edit'; readonly agent: number; readonly patches: readonly Patch[] }
  /** All that the agent wrote so far goes out: somebody is going to hear of it, and of no more. */
  | { readonly type: 'publish'; readonly agent: number }
  /** An agent hears of what another one published: the first `parts` times. */
  | { readonly type: 'hear'; readonly agent: number; readonly of: number; readonly parts: number };

/**
 * An agent's steps follow each other, so what it has seen is a count for each agent. Whenever somebody sees another one up
 * to some step, that one publishes there.
 */
export const planOf = ({ steps, agents }: Trace): Move[] => {
  const written = Array.from({ length: agents }, () => 0);
  const seenBy = steps.map(() => new Int32Array(agents));
  const needs: { step: number; of: number; count: number }[] = [];
  const holds = Array.from({ length: agents }, () => new Int32Array(agents));
  for (const [i, { agent, parents }] of steps.entries()) {
    const seen = seenBy[i]!;
    for (const parent of parents ?? (i > 0 ? [i - 1] : []))
      for (let other = 0; other < agents; other++)
        seen[other] = Math.max(seen[other]!, seenBy[parent]![other]!);
    const held = holds[agent]!;
    for (let other = 0; other < agents; other++)
      if (other !== agent && seen[other]! > held[other]!) {
        held[other] = seen[other]!;
        needs.push({ step: i, of: other, count: seen[other]! });
      }
    written[agent]! += 1;
    seen[agent] = written[agent]!;
  }
  const cuts = Array.from({ length: agents }, () => new Set<number>());
  for (const { of, count } of needs) cuts[of]!.add(count);
  const moves: Move[] = [];
  const counts = Array.from({ length: agents }, () => 0);
  /** How often an agent had published when it had written so many steps. */
  const published = Array.from({ length: agents }, () => new Map<number, number>());
  let next = 0;
  for (const [i, { agent, patches }] of steps.entries()) {
    for (; needs[next]?.step === i; next++) {
      const { of, count } = needs[next]!;
      moves.push({ type: 'hear', agent, of, parts: published[of]!.get(count)! });
    }
    moves.push({ type: 'edit', agent, patches });
    counts[agent]! += 1;
    if (!cuts[agent]!.has(counts[agent]!)) continue;
    published[agent]!.set(counts[agent]!, published[agent]!.size + 1);
    moves.push({ type: 'publish', agent });
  }
  for (let agent = 0; agent < agents; agent++) moves.push({ type: 'publish', agent });
  return moves;
};
