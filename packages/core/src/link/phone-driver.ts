// Linking, as the phone runs it: its machine over the relay connection, with the account's callbacks.
// Rules: spec/link.md §5 and §6.
import { LIMITS, SealwireError } from '@sealwire/protocol';
import type { LinkPhoneState, LinkSession } from '../api.ts';
import type { Suite } from '../crypto/suites.ts';
import { openPhoneChannel } from './channel.ts';
import { type LinkCode, parseLinkCode } from './code.ts';
import { codeOfRefusal, createLinkDriver, type LinkDriver, toolsOf } from './driver.ts';
import {
  type PhoneEffect,
  type PhoneEvent,
  type PhoneSetup,
  type PhoneState,
  startPhone,
  stepPhone,
  viewPhone,
} from './phone.ts';
import { type Confirmed, drawDigits } from './proof.ts';
import type { Rendezvous, Timers } from './rendezvous.ts';

/** What the account does at its points of a link. A rejection with a SealwireError ends the link with its code. */
export interface PhoneCallbacks {
  /**
   * The account's device log and the entry that would add `proof.device`; at most 60 KiB with all that follows.
   * Nothing secret belongs into it.
   */
  makeOffer(proof: Confirmed): Promise<Uint8Array>;
  /**
   * Checks the new device's signature over the entry, adds the device, and gives the account's secrets for it.
   *
   * @param proof - exists only if the digits were right and the person agreed: {@link requireConfirmed}.
   * @param acceptance - any bytes, as the new device sent them. @throws SealwireError if they are not right.
   */
  releaseKeys(proof: Confirmed, acceptance: Uint8Array): Promise<Uint8Array>;
}

export interface PhoneLinkOptions {
  readonly rendezvous: Rendezvous;
  /** As scanned or pasted. */
  readonly code: string;
  /** The relay that `rendezvous` speaks to; 16 bytes. */
  readonly relayId: Uint8Array;
  /** The phone's Ed25519 identity: its public key, and signatures by it. */
  readonly identity: { readonly publicKey: Uint8Array; sign(message: Uint8Array): Uint8Array };
  /** Ed25519; false for anything that is no valid signature. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /** The account's id; 32 bytes. */
  readonly accountRoot: Uint8Array;
  /** Default: 1. */
  readonly accountSuite?: Suite;
  /** The id of a device, for the `done` state. */
  deviceId(identityKey: Uint8Array): string;
  /** Uniformly random bytes. */
  randomBytes(length: number): Uint8Array;
  readonly callbacks: PhoneCallbacks;
  readonly timers: Timers;
  /** Milliseconds for all of the link, capped by {@link LIMITS.rendezvousTotalMs}, which is the default. */
  readonly totalMs?: number;
}

/**
 * Links the device whose code was scanned. Everything that goes wrong is in the session's `failed` state, a code that
 * is none included.
 */
export const startPhoneLink = (options: PhoneLinkOptions): LinkSession => {
  let code: LinkCode;
  try {
    code = parseLinkCode(options.code);
  } catch (error) {
    if (error instanceof SealwireError) return failedSession(error);
    throw error;
  }
  const setup: PhoneSetup = {
    code,
    relayId: options.relayId,
    accountRoot: options.accountRoot,
    accountSuite: options.accountSuite ?? 1,
    phoneKey: options.identity.publicKey,
    digits: drawDigits(options.randomBytes),
    opening: options.randomBytes(32),
  };
  const tools = toolsOf(options);
  const { driver, begin } = createLinkDriver<PhoneState, PhoneEvent, PhoneEffect, LinkPhoneState>({
    id: code.rendezvousId,
    rendezvous: options.rendezvous,
    start: startPhone(setup),
    step: (state, event) => stepPhone(state, event, tools),
    view: (state) => viewPhone(state, options.deviceId),
    isOver: (state) => state.step === 'done' || state.step === 'failed',
    perform: (effect) => perform(effect, options, driver),
  });
  const totalMs = Math.min(options.totalMs ?? LIMITS.rendezvousTotalMs, LIMITS.rendezvousTotalMs);
  driver.whenOver(options.timers.after(totalMs, () => driver.dispatch({ type: 'timeout' })));
  begin();
  return {
    state: driver.view,
    confirm: (deviceName) => driver.dispatch({ type: 'confirmed', deviceName }),
    refuse: () => driver.dispatch({ type: 'refused' }),
    cancel: () => driver.dispatch({ type: 'cancelled' }),
  };
};

type OwnEffect = Exclude<PhoneEffect, { readonly type: 'send' | 'close' }>;

const perform = (
  effect: OwnEffect,
  { rendezvous, callbacks }: PhoneLinkOptions,
  driver: LinkDriver<PhoneState, PhoneEvent, LinkPhoneState>,
): void => {
  if (effect.type === 'join') {
    driver.inTurn(async () =>
      rendezvous.join(effect.id).then(
        (payload) => ({ type: 'found', payload }) as const,
        (error: unknown) => ({ type: 'closed', code: codeOfRefusal(error) }) as const,
      ),
    );
  } else if (effect.type === 'open-channel') {
    driver.later(async () => {
      const { oneTimeKey, suite } = effect.cell;
      const channel = await openPhoneChannel(oneTimeKey, effect.start, suite);
      driver.useChannel(channel);
      return { type: 'channel', macKey: channel.macKey };
    });
  } else if (effect.type === 'make-offer') {
    driver.later(async () => ({ type: 'offer', offer: await callbacks.makeOffer(effect.proof) }));
  } else {
    const { proof, acceptance } = effect;
    driver.later(async () => ({ type: 'bundle', bundle: await callbacks.releaseKeys(proof, acceptance) }));
  }
};

const failedSession = (error: SealwireError): LinkSession => {
  const state: LinkPhoneState = { step: 'failed', error };
  return {
    state: { get: () => state, subscribe: () => () => undefined },
    confirm: () => undefined,
    refuse: () => undefined,
    cancel: () => undefined,
  };
};
