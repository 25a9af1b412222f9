// For the tests of linking: a phone and a new device at one relay, their callbacks held back where a test wants it,
// and the two people who use them. Rules: spec/link.md.
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { type ErrorCode, toHex } from '@sealwire/protocol';
import { sha256, signEd25519, verifyEd25519 } from '#native';
import type { LinkNewState, LinkPhoneState, Readable } from '../src/api.ts';
import { concat, utf8 } from '../src/bytes.ts';
import { type HpkeKeyPair, hpkeKeyPair } from '../src/crypto/hpke.ts';
import { startNewDeviceLink } from '../src/link/new-device-driver.ts';
import { startPhoneLink } from '../src/link/phone-driver.ts';
import { type Confirmed, requireConfirmed } from '../src/link/proof.ts';
import { createFakeRelay, createTimers } from './link-relay.ts';

/** A callback that can be held back, and counts its calls. */
export const createGate = () => {
  let open: () => void = () => undefined;
  let reach: () => void = () => undefined;
  const gate = {
    calls: 0,
    held: false,
    fault: undefined as Error | undefined,
    reached: new Promise<void>((resolve) => {
      reach = resolve;
    }),
    async pass(): Promise<void> {
      gate.calls++;
      reach();
      if (gate.held) {
        await new Promise<void>((resolve) => {
          open = resolve;
        });
      }
      if (gate.fault) throw gate.fault;
    },
    release(): void {
      gate.held = false;
      open();
    },
  };
  return gate;
};

/** Repeatable bytes, different for each name. */
export const bytesOf = (name: string, length = 32): Uint8Array => {
  let bytes = sha256(utf8(name));
  while (bytes.length < length) bytes = concat(bytes, sha256(bytes));
  return bytes.slice(0, length);
};

export const identityOf = (name: string) => {
  const seed = bytesOf(name);
  return { publicKey: ed25519.getPublicKey(seed), sign: (message: Uint8Array) => signEd25519(seed, message) };
};

export const verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean =>
  verifyEd25519(publicKey, message, signature) === true;

/** A source of randomness that is repeatable: a counter under a name. */
export const randomOf = (name: string) => {
  let calls = 0;
  return (length: number): Uint8Array => bytesOf(`${name}${calls++}`, length);
};

export const RELAY_ID = bytesOf('relay', 16);
export const ACCOUNT_ROOT = bytesOf('account');
export const BUNDLE = utf8('the secrets of the account');
const PHONE = identityOf('phone');
const NEW_DEVICE = identityOf('new device');
const RELAY_KEY = ed25519.getPublicKey(bytesOf('relay key'));
const HPKE_KEY = x25519.getPublicKey(bytesOf('hpke key'));

export interface SceneOptions {
  readonly phoneRelayId?: Uint8Array;
  readonly deviceName?: string;
  /** Names the randomness of both sides. */
  readonly random?: string;
  /** Is told the length of each draw. */
  readonly asked?: number[];
  readonly lives?: { readonly openMs: number; readonly totalMs: number };
  /** For a link of another suite. */
  readonly oneTimeKeys?: HpkeKeyPair;
  /** The relay refuses to open a cell. */
  readonly openRefusal?: ErrorCode;
}

/** A phone and a new device at one relay. The phone has not scanned anything yet. */
export const createScene = (options: SceneOptions = {}) => {
  const timers = createTimers();
  const relay = createFakeRelay(timers, options.lives);
  relay.openRefusal = options.openRefusal;
  const random = (side: string) => {
    const draw = randomOf(`${side} ${options.random ?? ''}`);
    return (length: number): Uint8Array => {
      options.asked?.push(length);
      return draw(length);
    };
  };
  const gates = {
    makeOffer: createGate(),
    acceptOffer: createGate(),
    releaseKeys: createGate(),
    storeBundle: createGate(),
  };
  const seen = { stored: [] as Uint8Array[], offers: [] as Uint8Array[], proofs: [] as Confirmed[] };
  const newRandom = random('new');
  const newDevice = startNewDeviceLink({
    oneTimeKeys: options.oneTimeKeys ?? hpkeKeyPair(newRandom(32)),
    rendezvous: relay.connect(),
    relayId: RELAY_ID,
    identity: NEW_DEVICE,
    verify,
    relayKey: RELAY_KEY,
    hpkeKey: HPKE_KEY,
    deviceName: options.deviceName ?? "Ada's laptop",
    platform: 'web',
    randomBytes: newRandom,
    timers,
    now: () => 1_000,
    callbacks: {
      acceptOffer: async (offer, inviter) => {
        seen.offers.push(offer);
        if (toHex(inviter.accountRoot) !== toHex(ACCOUNT_ROOT)) throw new Error('another account');
        if (toHex(inviter.phoneKey) !== toHex(PHONE.publicKey)) throw new Error('another phone');
        await gates.acceptOffer.pass();
        return utf8('acceptance');
      },
      storeBundle: async (bundle) => {
        await gates.storeBundle.pass();
        seen.stored.push(bundle);
      },
    },
  });
  const scan = (code: string) =>
    startPhoneLink({
      rendezvous: relay.connect(),
      code,
      relayId: options.phoneRelayId ?? RELAY_ID,
      identity: PHONE,
      verify,
      accountRoot: ACCOUNT_ROOT,
      deviceId: (key) => toHex(key).slice(0, 8),
      randomBytes: random('phone'),
      timers,
      callbacks: {
        makeOffer: async (proof) => {
          seen.proofs.push(proof);
          await gates.makeOffer.pass();
          return utf8(`offer for ${requireConfirmed(proof).deviceName}`);
        },
        releaseKeys: async (proof, acceptance) => {
          requireConfirmed(proof);
          await gates.releaseKeys.pass();
          if (toHex(acceptance) !== toHex(utf8('acceptance'))) throw new Error('another acceptance');
          return BUNDLE;
        },
      },
    });
  const scene = { timers, relay, gates, seen, newDevice, scan, shownCode: '' };
  newDevice.state.subscribe(() => {
    const state = newDevice.state.get();
    if (state.step === 'code') scene.shownCode = state.code;
  });
  return scene;
};

export type Scene = ReturnType<typeof createScene>;
export type Phone = ReturnType<Scene['scan']>;

/** Resolves with the first state whose step is one of `steps`; rejects if the link is over without it. */
export const until = <T extends LinkPhoneState | LinkNewState, S extends T['step']>(
  state: Readable<T>,
  ...steps: readonly S[]
): Promise<Extract<T, { step: S }>> =>
  new Promise((resolve, reject) => {
    let stop: () => void = () => undefined;
    const look = (): void => {
      const now = state.get();
      const arrived = steps.some((step) => step === now.step);
      if (!arrived && now.step !== 'failed' && now.step !== 'done') return;
      stop();
      if (arrived) resolve(now as Extract<T, { step: S }>);
      else reject(now.step === 'failed' ? now.error : new Error(`the link is ${now.step}`));
    };
    stop = state.subscribe(look);
    look();
  });

export const PHASES = [
  'code',
  'digits',
  'confirm',
  'offering',
  'accepting',
  'releasing',
  'storing',
  'done',
] as const;
export type Phase = (typeof PHASES)[number];

/** Plays both honest parts as far as `phase`, and stops there. */
export const playTo = async (scene: Scene, phase: Phase, digits?: string): Promise<Phone> => {
  const { newDevice, gates } = scene;
  const at = PHASES.indexOf(phase);
  const hold = {
    offering: 'makeOffer',
    accepting: 'acceptOffer',
    releasing: 'releaseKeys',
    storing: 'storeBundle',
  };
  for (const [name, gate] of Object.entries(hold) as [Phase, keyof typeof gates][]) {
    gates[gate].held = name === phase;
  }
  const { code } = await until(newDevice.state, 'code');
  if (at === 0) return undefined as unknown as Phone;
  const phone = scene.scan(code);
  const shown = await until(phone.state, 'digits');
  await until(newDevice.state, 'type-digits');
  if (at === 1) return phone;
  newDevice.submitDigits(digits ?? shown.digits);
  await until(phone.state, 'confirm');
  if (at === 2) return phone;
  phone.confirm("Ada's web");
  if (phase === 'done') await Promise.all([until(phone.state, 'done'), newDevice.result]);
  else await gates[hold[phase as keyof typeof hold] as keyof typeof gates].reached;
  return phone;
};

/** Both people do what they should, whatever comes; resolves when both sides are over. */
export const playOut = async (scene: Scene) => {
  const { newDevice } = scene;
  const { code } = await until(newDevice.state, 'code');
  const phone = scene.scan(code);
  let digits: string | undefined;
  const react = (): void => {
    const shown = phone.state.get();
    if (shown.step === 'digits') digits = shown.digits;
    if (shown.step === 'confirm') phone.confirm("Ada's web");
    if (newDevice.state.get().step === 'type-digits' && digits !== undefined) newDevice.submitDigits(digits);
  };
  const stops = [phone.state.subscribe(react), newDevice.state.subscribe(react)];
  const over = Promise.all([outcome(phone.state), outcome(newDevice.state)]).then(
    ([onPhone, onNewDevice]) => {
      for (const stop of stops) stop();
      return { onPhone, onNewDevice };
    },
  );
  return { phone, over };
};

/** 'done', or the code with which a side failed. */
export const outcome = async (
  state: Phone['state'] | Scene['newDevice']['state'],
): Promise<ErrorCode | 'done'> => {
  const end = await until(state as Phone['state'], 'failed', 'done');
  return end.step === 'failed' ? end.error.code : 'done';
};
