// Which limits a relay takes as parameters, so that tests need not wait or fill memory. Rules: spec/limits.md.
import { LIMITS } from '@sealwire/protocol';

/** The limits that a relay enforces alone, so that each may have its own numbers. */
export const RELAY_LIMIT_NAMES = [
  'readBytes',
  'rendezvousBytes',
  'rendezvousOpenMs',
  'rendezvousTotalMs',
  'rendezvousPerConnection',
  'rendezvousPerAddress',
  'rendezvousCells',
  'authenticateMs',
  'unauthenticatedBytes',
  'socketPauseBytes',
  'socketDropBytes',
  'appendsInFlight',
  'appendBytesWaiting',
  'connections',
  'connectionsPerAddress',
  'strangersPerAddress',
  'connectsAtOnce',
  'connectsPerSecond',
  'messagesAtOnce',
  'messagesPerSecond',
  'bytesAtOnce',
  'bytesPerSecond',
  'principalsAtOnce',
  'principalMs',
  'roomsAtOnce',
  'roomMs',
  'roomAppendsAtOnce',
  'roomAppendsPerSecond',
  'roomBytesAtOnce',
  'roomBytesPerSecond',
  'roomsPerPrincipal',
  'bytesPerPrincipal',
  'streamsPerRoom',
  'bytesPerRoom',
  'roomWarnPercent',
  'blobBytes',
  'blobParts',
  'blobPartMs',
  'blobClockMs',
  'blobTransfers',
  'blobRequestsAtOnce',
  'blobRequestsPerSecond',
  'inboxSends',
  'inboxSendMs',
  'inboxTakes',
  'inboxTakeMs',
  'inboxTokenTakes',
  'inboxTokenTakeMs',
  'pingMs',
  'closeMs',
  'drainMs',
  'comeBackMs',
  'reconnectsPerSecond',
  'idleMs',
] as const satisfies readonly (keyof typeof LIMITS)[];

/** Numbers of one relay; each defaults to the constant of the same name in `LIMITS`, with the unit given there. */
export type RelayLimits = { readonly [N in (typeof RELAY_LIMIT_NAMES)[number]]: number };

/**
 * The limits of the protocol with a relay's own in their place.
 *
 * @throws RangeError if one is not above 0, or not one that a relay may set.
 */
export const relayLimits = (own: Partial<RelayLimits> = {}): RelayLimits => {
  const names: readonly string[] = RELAY_LIMIT_NAMES;
  for (const [name, value] of Object.entries(own)) {
    if (!names.includes(name)) throw new RangeError(`limits.${name}: no limit that a relay may set`);
    if (!(Number.isFinite(value) && value > 0)) throw new RangeError(`limits.${name}: not a number above 0`);
  }
  return { ...LIMITS, ...own };
};
