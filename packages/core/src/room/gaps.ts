// Says once what is missing in a room when nothing that could fill the gap is on its way. Rules: spec/frame.md §7.
import { toHex } from '@sealwire/protocol';
import type { Evidence } from '../api.ts';
import { knows } from '../identity/device-log.ts';
import type { Directory } from '../identity/directory.ts';
import { type Chain, chainKey } from './chains.ts';
import type { Waiting } from './opening.ts';
import type { RoomState } from './state.ts';

/**
 * The function to be called when all has come that the relay has: what waits then builds on what was left out, and what
 * is neither here nor waiting was left out itself.
 *
 * @param parked - what waits; one frame that waits for ever must not hide what others lack.
 */
export const gapReporter = (
  { counters, chains, options }: RoomState,
  parked: () => readonly Waiting[],
  report: (evidence: Omit<Evidence, 'room'>) => void,
): (() => boolean) => {
  const reported = new Set<string>();
  let isMissing = false;
  const once = (name: string, evidence: Omit<Evidence, 'room'>): void => {
    isMissing = true;
    if (reported.has(name)) return;
    reported.add(name);
    report(evidence);
  };
  return () => {
    isMissing = false;
    for (const { stream, position, frame, body } of parked()) {
      if (!body) {
        const bytes = frame.slice();
        once(`key/${position}`, { code: 'FRAME_KEY_MISSING', message: KEY_MISSING, stream, bytes });
        continue;
      }
      const name = chainKey(stream, body.clientId);
      const deviceId = chains.get(name)?.deviceHex ?? (body.opening && toHex(body.opening.deviceId));
      once(`chain/${name}`, { code: 'FRAME_GAP', message: GAP, stream, ...(deviceId && { deviceId }) });
    }
    const gaps = counters.gaps();
    // Of a device that was ended or found lying, what is missing is missing for good.
    const ended = new Set<string>();
    if (gaps.length > 0)
      for (const { limit, deviceTag } of chains.values()) if (limit !== NO_LIMIT) ended.add(deviceTag);
    for (const { device, counter } of gaps)
      if (!ended.has(device))
        once(`counter/${device}/${counter}`, { code: 'FRAME_GAP', message: GAP, deviceId: device });
    for (const chain of chains.values())
      for (const head of strangeHeads(chain, options.directory))
        once(`head/${toHex(head)}`, { code: 'LOG_FORKED', message: FORKED, deviceId: chain.deviceHex });
    return isMissing;
  };
};

/** The heads that a device named of its account's log and that this device was never shown. */
const strangeHeads = ({ heads, device }: Chain, directory: Directory): readonly Uint8Array[] => {
  if (heads.length === 0) return heads;
  const log = directory.log(toHex(device.account));
  return log ? heads.filter((head) => !knows(log, head)) : [];
};

/**
 * When to ask the relay for a whole room once more since something in it is missing: at once, then ever more rarely, since
 * what somebody claims falsely never comes. What has come in the meantime is as if nothing had been missing.
 *
 * @param again - asks.
 * @returns the function to be told whether something is missing, when all has come that the relay has.
 */
export const gapRepair = (now: () => number, again: () => void): ((isMissing: boolean) => void) => {
  let pauseMs = 0;
  let notBefore = Number.NEGATIVE_INFINITY;
  return (missing) => {
    if (!missing) pauseMs = 0;
    if (!missing || now() < notBefore) return;
    pauseMs = Math.min(Math.max(4 * pauseMs, FIRST_PAUSE_MS), LONGEST_PAUSE_MS);
    notBefore = now() + pauseMs;
    again();
  };
};

const FIRST_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 24 * 3_600_000;

const GAP = 'A frame that a device sent never came: the relay withheld or lost it.';
const FORKED =
  'A device names entries of its device log that never came here: the relay shows people different logs.';
const KEY_MISSING = 'A frame waits for a key that has not come.';
const NO_LIMIT = Number.POSITIVE_INFINITY;
