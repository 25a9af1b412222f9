// What devices must report, what they may, and what would be a false alarm.
import { type ErrorCode, toHex } from '@sealwire/protocol';
import { attackOf } from './attacks.ts';
import type { SimDevice } from './device.ts';
import type { FaultKind } from './faults.ts';
import { lieType } from './lies.ts';
import type { Stage } from './stage.ts';
import type { Turncoat } from './turncoat.ts';
import { SimFailure } from './world.ts';

/** What a device may say when there was no lie: what befell it, and nothing else. */
const NOTICES: Readonly<Partial<Record<ErrorCode, readonly FaultKind[]>>> = {
  STORE_FULL: ['relay disk full'],
  STORE_FAILED: ['relay dies'],
};

/** What says that something is missing, or may be. */
const LOSSES: ReadonlySet<ErrorCode> = new Set([
  'FRAME_GAP',
  'LOG_FORKED',
  'FRAME_UNREADABLE',
  'UNSUPPORTED_VERSION',
  'FRAME_KEY_MISSING',
  'FRAME_EQUIVOCATION',
  'UPDATE_REFUSED',
  'RELAY_ROLLED_BACK',
]);

/**
 * True if the relay lied in a way after which a device may lack something for good, or gave a room away while a device's disk lost
 * what it had put aside: then neither has it.
 */
export const mayLose = ({ liar, world }: Stage): boolean =>
  [...liar.told.keys()].some((kind) => lieType(kind).loses) ||
  (world.counts.has('rooms seized') && world.counts.has('disk lost' satisfies FaultKind));

/** True if the device, or for what the relay lost for everybody, any device, has said that something is wrong. */
export const hasSaidSo = ({ liar }: Stage, devices: readonly SimDevice[], device: SimDevice): boolean => {
  const isForAll = liar.told.has('rolled back') || liar.told.has('acknowledged and lost');
  return (isForAll ? devices : [device]).some(({ evidence }) =>
    evidence.some(({ code }) => LOSSES.has(code)),
  );
};

/** Lies and attacks were reported, and nothing else was. @throws SimFailure */
export const checkEvidence = (
  stage: Stage,
  devices: readonly SimDevice[],
  turncoat: Turncoat | undefined,
): void => {
  const { world, liar, relay } = stage;
  const reported = new Set(devices.flatMap(({ evidence }) => evidence.map(({ code }) => code)));
  const durable = new Set(relay.frames().map(toHex));
  const allowed = new Set<ErrorCode>(mayLose(stage) ? LOSSES : []);
  // What a device says after it was logged out is refused by all, and leaves a hole where it was counted on.
  if (stage.ended.length > 0) for (const code of ['FRAME_VOID', 'FRAME_GAP'] as const) allowed.add(code);
  const require = (what: string, codes: readonly ErrorCode[], frames: readonly Uint8Array[]): void => {
    for (const code of codes) allowed.add(code);
    const isThere = frames.length > 0 && frames.every((frame) => durable.has(toHex(frame)));
    if (codes.length === 0 || !isThere) return;
    world.count(`reported: ${what}`);
    if (!codes.some((code) => reported.has(code)))
      throw new SimFailure(`nobody reports ${codes.join(' or ')}: ${what}`);
  };
  for (const kind of liar.told.keys())
    for (const code of [...lieType(kind).codes, ...(lieType(kind).also ?? [])]) allowed.add(code);
  for (const [kind, frames] of liar.injected)
    for (const frame of frames) require(`the relay's ${kind}`, lieType(kind).codes, [frame]);
  for (const [kind, attempts] of turncoat?.frames ?? []) {
    const { codes, also = [] } = attackOf(kind);
    for (const code of also) allowed.add(code);
    // What was on its way when its device was logged out is void, whatever else it is.
    const answers = turncoat?.isOver() && codes.length > 0 ? [...codes, 'FRAME_VOID' as const] : codes;
    for (const sent of attempts) require(`a member ${kind}`, answers, sent.map(({ frame }) => frame));
  }
  // A member's frames that are refused, or wait for ever, leave their counters behind.
  if (turncoat) for (const code of ['FRAME_GAP', 'LOG_FORKED', 'PARKING_FULL'] as const) allowed.add(code);
  // The relay refuses who was removed, and who was added until its list is edited. What they say meanwhile is void.
  if (world.counts.has('changes of members tried'))
    for (const code of ['NOT_A_MEMBER', 'NOT_AN_ADMIN', 'FRAME_VOID'] as const) allowed.add(code);
  // What was in a room that was taken is missing until its author puts it into the next one.
  if (world.counts.has('rooms seized'))
    for (const code of ['NOT_A_MEMBER', 'NOT_AN_ADMIN', 'FRAME_GAP', 'LOG_FORKED'] as const)
      allowed.add(code);
  if (world.counts.has('foreign edits')) allowed.add('FOREIGN_EDIT_DROPPED');
  if (liar.told.has('false head') && !reported.has('RELAY_ROLLED_BACK'))
    throw new SimFailure('nobody reports RELAY_ROLLED_BACK: the relay gave a false head');
  for (const { name, evidence } of devices)
    for (const { code, message } of evidence)
      if (!allowed.has(code) && !NOTICES[code]?.some((fault) => world.counts.has(fault)))
        throw new SimFailure(`${name} reports ${code} for nothing: ${message}`);
};
