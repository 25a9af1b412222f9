// The new device's side of a link as a pure machine: it shows a code, proves that it was given the phone's digits, and
// checks whom it joins before it accepts anything. Rules: spec/link.md §5 and §6.
import { SealwireError } from '@sealwire/protocol';
import type { LinkNewState } from '../api.ts';
import type { Suite } from '../crypto/suites.ts';
import { encodeLinkCell, encodeLinkCode, type LinkCell, type LinkCode, linkCodeBytes } from './code.ts';
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
import {
  ACCEPTANCE_BYTES,
  answerFront,
  type HelloMessage,
  type OfferMessage,
  offerFront,
  type Proposal,
} from './messages.ts';
import { isDigits, macOfDigits, opensTo } from './proof.ts';
import { endedByRelay, endedHere, endedThere } from './reasons.ts';
import { startTranscript, statementOf } from './transcript.ts';

/** What the new device brings. Keys are public. */
export interface NewDeviceSetup extends Proposal, LinkCell {
  readonly code: LinkCode;
  /** The HPKE key for an account of suite 2, in place of `hpkeKey`. Without it no such account is joined. */
  readonly hpkeKey2?: Uint8Array;
}

/** Whom the new device is about to join. */
export interface Inviter {
  /** 32 bytes: the account's id. */
  readonly accountRoot: Uint8Array;
  /** Ed25519, 32 bytes: the device that scanned the code, and signed the transcript. */
  readonly phoneKey: Uint8Array;
  /** What suite the phone says that the account is of. */
  readonly accountSuite: Suite;
}

interface Base {
  readonly setup: NewDeviceSetup;
}

export type NewDeviceState =
  | (Base & { readonly step: 'opening' })
  | (Base & { readonly step: 'code'; readonly expiresAt: number })
  /** Somebody joined, the channel is not open yet. */
  | (Base & { readonly step: 'joined'; readonly expiresAt: number })
  /** The channel is open, the first message not understood yet. */
  | (Base & Talk & { readonly step: 'connected'; readonly expiresAt: number })
  | (Base & Talk & { readonly step: 'typing'; readonly hello: HelloMessage })
  | (Base & Talk & { readonly step: 'typed'; readonly hello: HelloMessage; readonly digits: string })
  /** `accept-offer` runs. */
  | (Base & Talk & { readonly step: 'accepting' })
  | (Base & Talk & { readonly step: 'accepted' })
  /** `store-bundle` runs. */
  | (Base & Talk & { readonly step: 'storing' })
  | { readonly step: 'done' }
  | { readonly step: 'failed'; readonly error: SealwireError };

export type NewDeviceEvent =
  | LinkEvent
  /** The cell is open. @see LinkNewState for `expiresAt` */
  | { readonly type: 'opened'; readonly expiresAt: number }
  | { readonly type: 'joined' }
  /** Six ASCII digits. */
  | { readonly type: 'typed'; readonly digits: string }
  /** `accept-offer` gave this. */
  | { readonly type: 'acceptance'; readonly acceptance: Uint8Array }
  /** `store-bundle` is durable. */
  | { readonly type: 'stored' }
  /** The time for joining, or for all of the link, is over. */
  | { readonly type: 'timeout'; readonly of: 'code' | 'link' };

export type NewDeviceEffect =
  | LinkEffect
  | { readonly type: 'open'; readonly id: Uint8Array; readonly payload: Uint8Array }
  | { readonly type: 'accept-offer'; readonly offer: Uint8Array; readonly inviter: Inviter }
  | { readonly type: 'store-bundle'; readonly bundle: Uint8Array };

type NewDeviceNext = Next<NewDeviceState, NewDeviceEffect>;

/** Begins by opening the cell that the code names. @throws RangeError if the name or a length is wrong. */
export const startNewDevice = (setup: NewDeviceSetup): NewDeviceNext => {
  answerFront(setup); // Refuses a bad name now, not when the digits are typed.
  const payload = encodeLinkCell(setup);
  return {
    state: { step: 'opening', setup },
    effects: [{ type: 'open', id: setup.code.rendezvousId, payload }],
  };
};

/** Where the new device's transcript starts. */
export const startOfNewDevice = (setup: NewDeviceSetup): Uint8Array =>
  startTranscript(linkCodeBytes(setup.code), encodeLinkCell(setup));

/**
 * What follows from an event. Events that no longer matter change nothing.
 *
 * @throws RangeError for a `typed` that is not six ASCII digits.
 */
export const stepNewDevice = (
  state: NewDeviceState,
  event: NewDeviceEvent,
  tools: LinkTools,
): NewDeviceNext => {
  if (state.step === 'done' || state.step === 'failed') return { state, effects: [] };
  switch (event.type) {
    case 'opened':
      if (state.step !== 'opening') return { state, effects: [] };
      return { state: { step: 'code', setup: state.setup, expiresAt: event.expiresAt }, effects: [] };
    case 'joined':
      return onJoined(state);
    case 'channel':
      return onChannel(state, event.macKey);
    case 'message':
      return onMessage(state, event, tools);
    case 'unreadable':
      return fail(state, endedHere('new-device', 'LINK_TAMPERED'));
    case 'typed':
      return onTyped(state, event.digits, tools);
    case 'acceptance':
      return onAcceptance(state, event.acceptance);
    case 'stored':
      if (state.step !== 'storing') return { state, effects: [] };
      return { state: { step: 'done' }, effects: [say(state, { type: 'done' }).effect, { type: 'close' }] };
    case 'cancelled':
      return fail(state, endedHere('new-device', 'LINK_CANCELLED'));
    case 'timeout':
      if (event.of === 'code' && state.step !== 'opening' && state.step !== 'code') {
        return { state, effects: [] };
      }
      return fail(state, endedHere('new-device', 'LINK_CODE_EXPIRED'));
    case 'failed':
      return fail(state, event.error);
    case 'closed':
      return {
        state: { step: 'failed', error: endedByRelay('new-device', event.code) },
        effects: [],
      };
  }
};

/** What the new device's screen shows. */
export const viewNewDevice = (state: NewDeviceState): LinkNewState => {
  switch (state.step) {
    case 'opening':
      return { step: 'connecting' };
    case 'code':
    case 'joined':
    case 'connected':
      return { step: 'code', code: encodeLinkCode(state.setup.code), expiresAt: state.expiresAt };
    case 'typing':
      return { step: 'type-digits' };
    case 'typed':
      return { step: 'waiting' };
    case 'done':
      return { step: 'done' };
    case 'failed':
      return { step: 'failed', error: state.error };
    default:
      return { step: 'receiving' };
  }
};

const onJoined = (state: Exclude<NewDeviceState, { readonly step: 'done' | 'failed' }>): NewDeviceNext => {
  if (state.step === 'code') return { state: { ...state, step: 'joined' }, effects: [] };
  return fail(state, endedHere('new-device', 'LINK_SECOND_JOINER'));
};

const onChannel = (state: NewDeviceState, macKey: Uint8Array): NewDeviceNext => {
  if (state.step !== 'joined') return { state, effects: [] };
  const transcript = startOfNewDevice(state.setup);
  return { state: { ...state, step: 'connected', macKey, transcript, before: undefined }, effects: [] };
};

const onMessage = (
  state: NewDeviceState,
  event: Extract<NewDeviceEvent, { readonly type: 'message' }>,
  tools: LinkTools,
): NewDeviceNext => {
  const message = 'transcript' in state ? understand(state, event) : undefined;
  if (message?.type === 'abort') {
    const error = endedThere('new-device', message.reason);
    return { state: { step: 'failed', error }, effects: [{ type: 'close' }] };
  }
  if (state.step === 'connected' && message?.type === 'hello') {
    const { setup } = state;
    // An account of suite 2 is joined through a channel of suite 2 alone: its secrets must not be sealed with less.
    if (message.accountSuite === 2 && (setup.suite !== 2 || !setup.hpkeKey2))
      return fail(state, endedHere('new-device', 'LINK_TAMPERED'));
    return {
      state: { ...heard(state, event.plaintext), step: 'typing', setup, hello: message },
      effects: [],
    };
  }
  if (state.step === 'typed' && message?.type === 'offer') {
    return onOffer(state, message, event.plaintext, tools);
  }
  if (state.step === 'accepted' && message?.type === 'bundle') {
    return {
      state: { ...heard(state, event.plaintext), step: 'storing', setup: state.setup },
      effects: [{ type: 'store-bundle', bundle: message.bundle }],
    };
  }
  return fail(state, endedHere('new-device', 'LINK_TAMPERED'));
};

const onTyped = (state: NewDeviceState, digits: string, tools: LinkTools): NewDeviceNext => {
  if (!isDigits(digits)) throw new RangeError('digits: not six ASCII digits');
  if (state.step !== 'typing') return { state, effects: [] };
  const { setup, hello, macKey } = state;
  const { deviceName, platform, relayKey } = setup;
  const hpkeKey = (hello.accountSuite === 2 && setup.hpkeKey2) || setup.hpkeKey;
  const proposal: Proposal = { deviceName, platform, relayKey, hpkeKey };
  const statement = statementOf(state.transcript, answerFront(proposal));
  const { talk, effect } = say(state, {
    type: 'answer',
    ...proposal,
    possession: tools.sign(possessionOf(statement)),
    mac: macOfDigits(macKey, digits, statement),
  });
  return { state: { ...talk, step: 'typed', setup, hello, digits }, effects: [effect] };
};

/** First that the phone was bound to the typed digits before it saw the answer, then that it signed all of it. */
const onOffer = (
  state: Extract<NewDeviceState, { readonly step: 'typed' }>,
  message: OfferMessage,
  plaintext: Uint8Array,
  tools: LinkTools,
): NewDeviceNext => {
  const { setup, hello, digits } = state;
  const { accountRoot, phoneKey, commitment, accountSuite = 1 } = hello;
  const statement = statementOf(state.transcript, offerFront(message));
  if (
    !opensTo(commitment, digits, message.opening) ||
    !tools.verify(phoneKey, approvalOf(statement), message.approval)
  ) {
    return fail(state, endedHere('new-device', 'LINK_TAMPERED'));
  }
  return {
    state: { ...heard(state, plaintext), step: 'accepting', setup },
    effects: [
      { type: 'accept-offer', offer: message.offer, inviter: { accountRoot, phoneKey, accountSuite } },
    ],
  };
};

const onAcceptance = (state: NewDeviceState, acceptance: Uint8Array): NewDeviceNext => {
  if (state.step !== 'accepting') return { state, effects: [] };
  if (acceptance.length > ACCEPTANCE_BYTES) {
    const error = new SealwireError('TOO_LARGE', 'The answer to the phone is too large; start again.');
    return fail(state, error);
  }
  const { talk, effect } = say(state, { type: 'acceptance', acceptance });
  return { state: { ...talk, step: 'accepted', setup: state.setup }, effects: [effect] };
};

const fail = (state: NewDeviceState, error: SealwireError): NewDeviceNext => ({
  state: { step: 'failed', error },
  effects: farewell(state, error.code),
});
