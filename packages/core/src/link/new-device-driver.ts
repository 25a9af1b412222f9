// Linking, as the new device runs it: its machine over the relay connection, with the vault's callbacks.
// Rules: spec/link.md §5 and §6.
import { LIMITS } from '@sealwire/protocol';
import type { LinkNewState, Platform, Readable } from '../api.ts';
import type { HpkeKeyPair } from '../crypto/hpke.ts';
import { openNewDeviceChannel } from './channel.ts';
import { encodeLinkCell, hashOfCell } from './code.ts';
import { codeOfRefusal, createLinkDriver, type LinkDriver, toolsOf } from './driver.ts';
import {
  type Inviter,
  type NewDeviceEffect,
  type NewDeviceEvent,
  type NewDeviceSetup,
  type NewDeviceState,
  startNewDevice,
  startOfNewDevice,
  stepNewDevice,
  viewNewDevice,
} from './new-device.ts';
import type { Rendezvous, Timers } from './rendezvous.ts';

/** What the vault does at its points of a link. A rejection with a SealwireError ends the link with its code. */
export interface NewDeviceCallbacks {
  /**
   * Checks the offer: the account's log is whole, its root is `inviter.accountRoot`, `inviter.phoneKey` is in it with
   * the right to link, and the entry to be added names this device's own keys.
   *
   * @returns this device's signature over that entry; at most 1 KiB.
   * @throws SealwireError if anything is not so, LINK_NOT_ALLOWED if the phone may not link.
   */
  acceptOffer(offer: Uint8Array, inviter: Inviter): Promise<Uint8Array>;
  /** Resolves once the account's secrets are durable. If the link fails after all, the owner discards them. */
  storeBundle(bundle: Uint8Array): Promise<void>;
}

export interface NewDeviceLinkOptions {
  readonly rendezvous: Rendezvous;
  /** The relay that `rendezvous` speaks to; 16 bytes. */
  readonly relayId: Uint8Array;
  /** This device's Ed25519 identity: its public key, and signatures by it. */
  readonly identity: { readonly publicKey: Uint8Array; sign(message: Uint8Array): Uint8Array };
  /** Ed25519; false for anything that is no valid signature. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /** Fresh from {@link hpkeKeyPairOf} for this link alone; its suite is that of the link. */
  readonly oneTimeKeys: HpkeKeyPair;
  /** Ed25519 public key for the relay; 32 bytes. */
  readonly relayKey: Uint8Array;
  /** X25519 public key; 32 bytes. */
  readonly hpkeKey: Uint8Array;
  /** Public key of suite 2, for an account of that. */
  readonly hpkeKey2?: Uint8Array;
  /** A proposal; see {@link isDeviceName}. */
  readonly deviceName: string;
  readonly platform: Platform;
  /** Uniformly random bytes. */
  randomBytes(length: number): Uint8Array;
  readonly callbacks: NewDeviceCallbacks;
  readonly timers: Timers;
  /** Milliseconds since 1970. */
  now(): number;
}

/** A running request to be linked. */
export interface NewDeviceLink {
  readonly state: Readable<LinkNewState>;
  /** @param digits - as typed. @throws RangeError if they are not six ASCII digits. */
  submitDigits(digits: string): void;
  cancel(): void;
  /**
   * Resolves when the account's secrets are durable here; rejects with the error of the `failed` state. Either way
   * only after the last message to the phone, `done` or why it ended, is sent: the connection may then be closed.
   */
  readonly result: Promise<void>;
}

/**
 * Makes a code, and waits for a phone to scan it. Everything that goes wrong is in the `failed`
 * state and rejects `result`.
 *
 * @throws RangeError if a key, the relay id or the name is not as described.
 */
export const startNewDeviceLink = (options: NewDeviceLinkOptions): NewDeviceLink => {
  const { randomBytes, rendezvous, relayId, identity, timers, oneTimeKeys } = options;
  const keys = {
    suite: oneTimeKeys.suite,
    oneTimeKey: oneTimeKeys.publicKey,
    identityKey: identity.publicKey,
  };
  const setup: NewDeviceSetup = {
    ...keys,
    code: { rendezvousId: randomBytes(16), relayId, hash: hashOfCell(encodeLinkCell(keys)) },
    deviceName: options.deviceName,
    platform: options.platform,
    relayKey: options.relayKey,
    hpkeKey: options.hpkeKey,
    ...(options.hpkeKey2 && { hpkeKey2: options.hpkeKey2 }),
  };
  const tools = toolsOf(options);
  const start = startNewDevice(setup);
  const { driver, begin } = createLinkDriver<NewDeviceState, NewDeviceEvent, NewDeviceEffect, LinkNewState>({
    id: setup.code.rendezvousId,
    rendezvous,
    start,
    joined: { type: 'joined' },
    step: (state, event) => stepNewDevice(state, event, tools),
    view: viewNewDevice,
    isOver: (state) => state.step === 'done' || state.step === 'failed',
    perform: (effect) => perform(effect, options, driver),
    answerChannel: (state, first) =>
      state.step === 'joined'
        ? openNewDeviceChannel(oneTimeKeys, startOfNewDevice(setup), first)
        : Promise.resolve(undefined),
  });
  const result = resultOf(driver);
  driver.whenOver(
    timers.after(LIMITS.rendezvousTotalMs, () => driver.dispatch({ type: 'timeout', of: 'link' })),
  );
  begin();
  return {
    state: driver.view,
    submitDigits: (digits) => driver.dispatch({ type: 'typed', digits }),
    cancel: () => driver.dispatch({ type: 'cancelled' }),
    result,
  };
};

type Driver = LinkDriver<NewDeviceState, NewDeviceEvent, LinkNewState>;
type OwnEffect = Exclude<NewDeviceEffect, { readonly type: 'send' | 'close' }>;

const perform = (effect: OwnEffect, options: NewDeviceLinkOptions, driver: Driver): void => {
  const { callbacks } = options;
  if (effect.type === 'open') driver.inTurn(() => open(effect, options, driver));
  else if (effect.type === 'accept-offer') {
    const { offer, inviter } = effect;
    driver.later(async () => ({
      type: 'acceptance',
      acceptance: await callbacks.acceptOffer(offer, inviter),
    }));
  } else {
    driver.later(async () => {
      await callbacks.storeBundle(effect.bundle);
      return { type: 'stored' };
    });
  }
};

/** Opens the cell; whatever the relay says, a code lives no longer than this version's limits. */
const open = async (
  effect: Extract<NewDeviceEffect, { readonly type: 'open' }>,
  { rendezvous, timers, now }: NewDeviceLinkOptions,
  driver: Driver,
): Promise<NewDeviceEvent> => {
  let granted: { readonly openMs: number; readonly totalMs: number };
  try {
    granted = await rendezvous.open(effect.id, effect.payload);
  } catch (error) {
    return { type: 'closed', code: codeOfRefusal(error) };
  }
  const openMs = Math.min(granted.openMs, LIMITS.rendezvousOpenMs);
  const totalMs = Math.min(granted.totalMs, LIMITS.rendezvousTotalMs);
  driver.whenOver(timers.after(openMs, () => driver.dispatch({ type: 'timeout', of: 'code' })));
  driver.whenOver(timers.after(totalMs, () => driver.dispatch({ type: 'timeout', of: 'link' })));
  return { type: 'opened', expiresAt: now() + openMs };
};

const resultOf = (driver: Driver): Promise<void> => {
  const result = driver.silent.then(() => {
    const state = driver.current();
    if (state.step === 'failed') throw state.error;
  });
  // The error is in the state as well, so an owner who reads only that has nothing left unhandled.
  result.catch(() => undefined);
  return result;
};
