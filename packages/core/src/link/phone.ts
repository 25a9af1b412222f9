// The phone's side of a link as a pure machine. Keys are released by one effect, which carries a proof that only
// checked digits and the person's word give. Rules: spec/link.md §5 and §6.
import { SealwireError, sameBytes } from '@sealwire/protocol';
import type { LinkPhoneState } from '../api.ts';
import { type Suite, suiteOfPublicKey } from '../crypto/suites.ts';
import { type LinkCell, type LinkCode, linkCodeBytes, openLinkCell } from './code.ts';
import {
  approvalOf,
  farewell,
  heard,
  type LinkEffect,
  type LinkEvent,
  type LinkTools,
  type Next,
  possessionOf,
  say,
  type Talk,
  understand,
} from './machine.ts';
import { type AnswerMessage, answerFront, LINK_PAYLOAD_BYTES, offerFront } from './messages.ts';
import {
  type Confirmed,
  checkDigits,
  commitDigits,
  confirmDevice,
  type DigitsChecked,
  type ProposedDevice,
} from './proof.ts';
import { afterRelease, endedByRelay, endedHere, endedThere } from './reasons.ts';
import { startTranscript, statementOf } from './transcript.ts';

/** What the phone brings. Byte fields are 32 bytes, `relayId` 16. */
export interface PhoneSetup {
  readonly code: LinkCode;
  /** The phone's own relay. */
  readonly relayId: Uint8Array;
  readonly accountRoot: Uint8Array;
  /** Default: 1. */
  readonly accountSuite?: Suite;
  /** Ed25519 identity key of the phone. */
  readonly phoneKey: Uint8Array;
  /** From {@link drawDigits}, for this link alone. */
  readonly digits: string;
  /** Random, for this link alone. */
  readonly opening: Uint8Array;
}

export type PhoneState =
  | { readonly step: 'joining'; readonly setup: PhoneSetup }
  | {
      readonly step: 'connecting';
      readonly setup: PhoneSetup;
      readonly cell: LinkCell;
      readonly start: Uint8Array;
    }
  /** The digits are shown; an answer is awaited. */
  | (Talk & { readonly step: 'digits'; readonly setup: PhoneSetup; readonly cell: LinkCell })
  | (Talk & { readonly step: 'confirm'; readonly setup: PhoneSetup; readonly proof: DigitsChecked })
  /** `make-offer` runs. */
  | (Talk & { readonly step: 'offering'; readonly setup: PhoneSetup; readonly proof: Confirmed })
  /** The acceptance is awaited. `left` payload bytes may still pass. */
  | (Talk & { readonly step: 'offered'; readonly proof: Confirmed; readonly left: number })
  /** `release-keys` runs. */
  | (Talk & { readonly step: 'releasing'; readonly proof: Confirmed; readonly left: number })
  /** The keys are out; word that they are stored is awaited. */
  | (Talk & { readonly step: 'released'; readonly proof: Confirmed })
  | { readonly step: 'done'; readonly device: ProposedDevice }
  | { readonly step: 'failed'; readonly error: SealwireError };

export type PhoneEvent =
  | LinkEvent
  /** What waited in the cell. */
  | { readonly type: 'found'; readonly payload: Uint8Array }
  | { readonly type: 'confirmed'; readonly deviceName: string }
  | { readonly type: 'refused' }
  /** `make-offer` gave this. */
  | { readonly type: 'offer'; readonly offer: Uint8Array }
  /** `release-keys` gave this. */
  | { readonly type: 'bundle'; readonly bundle: Uint8Array }
  /** All time for the link is over. */
  | { readonly type: 'timeout' };

export type PhoneEffect =
  | LinkEffect
  | { readonly type: 'join'; readonly id: Uint8Array }
  | { readonly type: 'open-channel'; readonly cell: LinkCell; readonly start: Uint8Array }
  | { readonly type: 'make-offer'; readonly proof: Confirmed }
  | { readonly type: 'release-keys'; readonly proof: Confirmed; readonly acceptance: Uint8Array };

type PhoneNext = Next<PhoneState, PhoneEffect>;

/** Begins with a scanned code: joins its cell, or fails at once if the code names another relay. */
export const startPhone = (setup: PhoneSetup): PhoneNext => {
  if (!sameBytes(setup.code.relayId, setup.relayId)) {
    const error = new SealwireError(
      'LINK_OTHER_RELAY',
      'The new device uses another relay than this one; set the same relay there, then scan again.',
    );
    return { state: { step: 'failed', error }, effects: [] };
  }
  return { state: { step: 'joining', setup }, effects: [{ type: 'join', id: setup.code.rendezvousId }] };
};

/**
 * What follows from an event. Events that no longer matter, such as a second tap, change nothing.
 *
 * @throws RangeError for a `confirmed` with a name that {@link isDeviceName} refuses.
 */
export const stepPhone = (state: PhoneState, event: PhoneEvent, tools: LinkTools): PhoneNext => {
  if (state.step === 'done' || state.step === 'failed') return { state, effects: [] };
  switch (event.type) {
    case 'found':
      return onFound(state, event.payload);
    case 'channel':
      return onChannel(state, event.macKey);
    case 'message':
      return onMessage(state, event, tools);
    case 'unreadable':
      return fail(state, endedHere('phone', 'LINK_TAMPERED'));
    case 'confirmed':
      return onConfirmed(state, event.deviceName);
    case 'refused':
      return fail(state, endedHere('phone', 'LINK_REFUSED'));
    case 'cancelled':
      return fail(state, endedHere('phone', 'LINK_CANCELLED'));
    case 'offer':
      return onOffer(state, event.offer, tools);
    case 'bundle':
      return onBundle(state, event.bundle);
    case 'timeout':
      return fail(state, endedHere('phone', 'LINK_CODE_EXPIRED'));
    case 'failed':
      return fail(state, event.error);
    case 'closed':
      return { state: failed(state, endedByRelay('phone', event.code)), effects: [] };
  }
};

/** What the phone's screen shows. @param deviceId - the id of the device with an identity key. */
export const viewPhone = (
  state: PhoneState,
  deviceId: (identityKey: Uint8Array) => string,
): LinkPhoneState => {
  switch (state.step) {
    case 'joining':
    case 'connecting':
      return { step: 'connecting' };
    case 'digits':
      return { step: 'digits', digits: state.setup.digits };
    case 'confirm': {
      const { deviceName, platform } = state.proof.device;
      return { step: 'confirm', deviceName, platform };
    }
    case 'done':
      return { step: 'done', deviceId: deviceId(state.device.identityKey) };
    case 'failed':
      return { step: 'failed', error: state.error };
    default:
      return { step: 'sending' };
  }
};

const onFound = (state: PhoneState, payload: Uint8Array): PhoneNext => {
  if (state.step !== 'joining') return { state, effects: [] };
  const { setup } = state;
  try {
    const cell = openLinkCell(setup.code, payload);
    if (setup.accountSuite === 2 && cell.suite !== 2) throw weaker();
    const start = startTranscript(linkCodeBytes(setup.code), payload);
    return {
      state: { step: 'connecting', setup, cell, start },
      effects: [{ type: 'open-channel', cell, start }],
    };
  } catch (error) {
    if (error instanceof SealwireError) return fail(state, error);
    throw error;
  }
};

const onChannel = (state: PhoneState, macKey: Uint8Array): PhoneNext => {
  if (state.step !== 'connecting') return { state, effects: [] };
  const { setup, cell, start } = state;
  const { talk, effect } = say(
    { macKey, transcript: start, before: undefined },
    {
      type: 'hello',
      ...(setup.accountSuite === 2 && { accountSuite: 2 as const }),
      accountRoot: setup.accountRoot,
      phoneKey: setup.phoneKey,
      commitment: commitDigits(setup.digits, setup.opening),
    },
  );
  return { state: { ...talk, step: 'digits', setup, cell }, effects: [effect] };
};

const onMessage = (
  state: PhoneState,
  event: Extract<PhoneEvent, { readonly type: 'message' }>,
  tools: LinkTools,
): PhoneNext => {
  const message = 'transcript' in state ? understand(state, event) : undefined;
  if (message?.type === 'abort') {
    return { state: failed(state, endedThere('phone', message.reason)), effects: [{ type: 'close' }] };
  }
  if (state.step === 'digits' && message?.type === 'answer') {
    return onAnswer(state, message, event.plaintext, tools);
  }
  if (state.step === 'offered' && message?.type === 'acceptance') {
    const { acceptance } = message;
    const left = state.left - acceptance.length;
    return {
      state: { ...heard(state, event.plaintext), step: 'releasing', proof: state.proof, left },
      effects: [{ type: 'release-keys', proof: state.proof, acceptance }],
    };
  }
  if (state.step === 'released' && message?.type === 'done') {
    return { state: { step: 'done', device: state.proof.device }, effects: [{ type: 'close' }] };
  }
  return fail(state, endedHere('phone', 'LINK_TAMPERED'));
};

/** The only place where digits are checked, and the state has left it whatever comes out. */
const onAnswer = (
  state: Extract<PhoneState, { readonly step: 'digits' }>,
  answer: AnswerMessage,
  plaintext: Uint8Array,
  tools: LinkTools,
): PhoneNext => {
  const { setup, cell, macKey } = state;
  const { deviceName, platform, relayKey, hpkeKey, possession, mac } = answer;
  const statement = statementOf(state.transcript, answerFront(answer));
  if (
    suiteOfPublicKey(hpkeKey) !== (setup.accountSuite ?? 1) ||
    !tools.verify(cell.identityKey, possessionOf(statement), possession)
  ) {
    return fail(state, endedHere('phone', 'LINK_TAMPERED'));
  }
  const device = { identityKey: cell.identityKey, relayKey, hpkeKey, deviceName, platform };
  const proof = checkDigits({ macKey, digits: setup.digits, statement, mac, device });
  if (!proof) return fail(state, endedHere('phone', 'LINK_WRONG_DIGITS'));
  return { state: { ...heard(state, plaintext), step: 'confirm', setup, proof }, effects: [] };
};

const onConfirmed = (state: PhoneState, deviceName: string): PhoneNext => {
  if (state.step !== 'confirm') return { state, effects: [] };
  const proof = confirmDevice(state.proof, deviceName);
  return { state: { ...state, step: 'offering', proof }, effects: [{ type: 'make-offer', proof }] };
};

const onOffer = (state: PhoneState, offer: Uint8Array, tools: LinkTools): PhoneNext => {
  if (state.step !== 'offering') return { state, effects: [] };
  const { setup, proof } = state;
  const left = LINK_PAYLOAD_BYTES - offer.length;
  if (left < 0) return fail(state, tooLarge());
  const front = { opening: setup.opening, offer };
  const approval = tools.sign(approvalOf(statementOf(state.transcript, offerFront(front))));
  const { talk, effect } = say(state, { type: 'offer', ...front, approval });
  return { state: { ...talk, step: 'offered', proof, left }, effects: [effect] };
};

const onBundle = (state: PhoneState, bundle: Uint8Array): PhoneNext => {
  if (state.step !== 'releasing') return { state, effects: [] };
  if (bundle.length > state.left) return fail(state, tooLarge());
  const { talk, effect } = say(state, { type: 'bundle', bundle });
  return { state: { ...talk, step: 'released', proof: state.proof }, effects: [effect] };
};

const fail = (state: PhoneState, error: SealwireError): PhoneNext => ({
  state: failed(state, error),
  effects: farewell(state, error.code),
});

const failed = (state: PhoneState, error: SealwireError): PhoneState => ({
  step: 'failed',
  error: state.step === 'released' ? afterRelease(error) : error,
});

const weaker = (): SealwireError =>
  new SealwireError(
    'UNSUPPORTED_VERSION',
    'This account is of suite 2, and the code is not: let the new device show a code of suite 2.',
  );

const tooLarge = (): SealwireError =>
  new SealwireError(
    'TOO_LARGE',
    'The account has too many keys or devices to link another; remove devices you no longer use.',
  );
