// Reads what the frames of pages and of shared documents say, and whether it can be taken now. Rules: spec/frame.md §8.
import { SealwireError } from '@sealwire/protocol';
import type { Body } from '../frame/body.ts';
import type { ParsedUpdate } from '../logdoc/parser.ts';
import { decodePayload } from '../logdoc/payload.ts';
import { fitsDocument } from '../shareddoc/fits.ts';
import { isDocumentStream } from '../shareddoc/name.ts';
import { readDocument } from '../shareddoc/parser.ts';
import type { Chain } from './chains.ts';
import type { InboxOptions } from './inbox.ts';
import { asSealwireError } from './opening.ts';

/** Not a promise: a catch-up judges tens of thousands of these in one go. */
export const judgeUpdate = (
  { deletions, chains }: Pick<InboxOptions, 'deletions' | 'chains'>,
  chain: Chain,
  body: Body,
): ParsedUpdate | 'wait' | SealwireError => {
  const update = readUpdate(chain, body);
  if (!(update instanceof SealwireError) && update.document)
    return fitsDocument(chains, chain.address.stream, update.document) ? update : 'wait';
  if (update instanceof SealwireError || update.deletions.length === 0) return update;
  return deletions.fit(chain, update) ? update : 'wait';
};

/** The update of a frame, or why its content is void: its own bytes and the clock before it decide alone. */
export const readUpdate = (chain: Chain, { payload, clientId }: Body): ParsedUpdate | SealwireError => {
  try {
    if (isDocumentStream(chain.address.stream)) {
      const document = readDocument(payload, clientId, chain.clock);
      return { clientId, entries: [], deletions: [], document };
    }
    return decodePayload(payload, clientId, chain.clock);
  } catch (error) {
    return asSealwireError(error);
  }
};
