// Whether all that an update of a shared document builds on is there, or will never be. Rules: spec/shared-document.md §2.
import type { DocumentUpdate } from '../logdoc/parser.ts';
import { type Chain, chainKey, isUnsettled } from '../room/chains.ts';

/**
 * True if an update can be applied now. What it refers to is held, or lies beyond the end of a chain that was cut or
 * forked and has come up to there: nothing of that will ever count.
 */
export const fitsDocument = (
  chains: ReadonlyMap<string, Chain>,
  stream: string,
  { clientId, references, deletions }: DocumentUpdate,
): boolean => {
  const has = (client: number, clock: number): boolean => {
    const chain = chains.get(chainKey(stream, client));
    return chain !== undefined && (clock < chain.clock || hasEnded(chain));
  };
  for (const [client, clock] of references) if (!has(client, clock)) return false;
  // Own ones were checked by the parser.
  return deletions.every(
    (range) => range.clientId === clientId || has(range.clientId, range.clock + range.length - 1),
  );
};

const hasEnded = (chain: Chain): boolean => chain.last >= chain.limit && !isUnsettled(chain);
