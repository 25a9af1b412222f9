// Which limits a relay takes as parameters, so that tests need not wait or fill memory. Rules: spec/limits.md.
import { LIMITS } from '@sealwire/protocol';

/** Numbers of one relay; each defaults to the constant of the same name in `LIMITS`, with the unit given there. */
export interface RelayLimits {
  readonly readBytes: number;
  readonly rendezvousBytes: number;
  readonly rendezvousOpenMs: number;
  readonly rendezvousTotalMs: number;
  readonly rendezvousPerConnection: number;
  readonly rendezvousCells: number;
  readonly authenticateMs: number;
  readonly unauthenticatedBytes: number;
  readonly socketPauseBytes: number;
  readonly socketDropBytes: number;
  readonly appendsInFlight: number;
  readonly appendBytesWaiting: number;
  readonly connections: number;
  readonly inboxSends: number;
  readonly inboxSendMs: number;
  readonly inboxTakes: number;
  readonly inboxTakeMs: number;
  readonly inboxTokenTakes: number;
  readonly inboxTokenTakeMs: number;
  readonly pingMs: number;
  readonly closeMs: number;
  readonly drainMs: number;
}

/** The limits of the protocol with a relay's own in their place. @throws RangeError if one is not above 0. */
export const relayLimits = (own: Partial<RelayLimits> = {}): RelayLimits => {
  for (const [name, value] of Object.entries(own)) {
    if (!(Number.isFinite(value) && value > 0)) throw new RangeError(`limits.${name}: not a number above 0`);
  }
  return { ...LIMITS, ...own };
};
