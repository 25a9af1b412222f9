// For the tests of linking: a rendezvous cell in memory, time that moves by hand, and a phone and a new device whose
// callbacks can be held back. Contract of the cell: src/link/rendezvous.ts.
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { type ErrorCode, LIMITS, SealwireError, toHex } from '@sealwire/protocol';
import { signEd25519, verifyEd25519 } from '#native';
import type { LinkNewState, LinkPhoneState, Readable } from '../src/api.ts';
import { utf8 } from '../src/bytes.ts';
import { parseLinkCode } from '../src/link/code.ts';
import { startNewDeviceLink } from '../src/link/new-device-driver.ts';
import { startPhoneLink } from '../src/link/phone-driver.ts';
import { type Confirmed, requireConfirmed } from '../src/link/proof.ts';
import type { Rendezvous, RendezvousEvents, Timers } from '../src/link/rendezvous.ts';

/** Sees every message in a cell; returns what the other side gets instead. `index` counts from 0, both directions. */
export type Tap = (payload: Uint8Array, index: number, deliver: (payload: Uint8Array) => void) => void;

interface Cell {
  readonly payload: Uint8Array;
  readonly members: Member[];
  bytes: number;
  messages: number;
}

interface Member {
  readonly connection: Map<string, RendezvousEvents>;
}

/** Time moves only by `advance`. */
export const createTimers = (): Timers & { advance(ms: number): void; readonly pending: number } => {
  let now = 0;
  const waiting = new Set<{ at: number; run: () => void }>();
  return {
    after: (ms, run) => {
      const timer = { at: now + ms, run };
      waiting.add(timer);
      return () => {
        waiting.delete(timer);
      };
    },
    advance: (ms) => {
      now += ms;
      for (const timer of [...waiting].sort((a, b) => a.at - b.at)) {
        if (timer.at > now || !waiting.delete(timer)) continue;
        timer.run();
      }
    },
    get pending() {
      return waiting.size;
    },
  };
};

/** A relay that has nothing but rendezvous cells. What it tells a device comes in order, later than the call. */
export const createFakeRelay = (timers: Timers, lives = { openMs: 60_000, totalMs: 180_000 }) => {
  const cells = new Map<string, Cell>();
  const ended = new Map<string, ErrorCode>();
  const relay = {
    tap: ((payload, _index, deliver) => deliver(payload)) as Tap,
    /** What a joiner finds instead of what was left there. */
    swap: (payload: Uint8Array): Uint8Array => payload,
    openRefusal: undefined as ErrorCode | undefined,
    joins: 0,
    /** Every message as it was sent. */
    wire: [] as Uint8Array[],
    get cells() {
      return cells.size;
    },
    /** Ends a cell for all. */
    end(name: string, code: ErrorCode, except?: Member): void {
      const cell = cells.get(name);
      if (cells.delete(name)) ended.set(name, code);
      for (const member of cell?.members ?? []) {
        if (member !== except) tell(member, name, (events) => events.closed(code));
      }
    },
    /** Bytes that nobody sent, for one side of the cell that a code names. */
    inject(code: string, side: 'phone' | 'new-device', payload: Uint8Array): void {
      const name = toHex(parseLinkCode(code).rendezvousId);
      const member = cells.get(name)?.members[side === 'phone' ? 1 : 0];
      if (member) tell(member, name, (events) => events.message(payload));
    },
    connect(): Rendezvous {
      const member: Member = { connection: new Map() };
      return {
        listen: (id, events) => {
          member.connection.set(toHex(id), events);
          return () => {
            member.connection.delete(toHex(id));
          };
        },
        open: async (id, payload) => {
          const name = toHex(id);
          if (relay.openRefusal) throw new SealwireError(relay.openRefusal, 'refused');
          if (cells.has(name)) throw new SealwireError('RENDEZVOUS_EXISTS', 'exists');
          const cell: Cell = {
            payload: payload.slice(),
            members: [member],
            bytes: payload.length,
            messages: 0,
          };
          cells.set(name, cell);
          const expire = () => cells.get(name) === cell && relay.end(name, 'RENDEZVOUS_EXPIRED');
          timers.after(lives.openMs, () => cell.members.length === 1 && expire());
          timers.after(lives.totalMs, expire);
          return lives;
        },
        join: async (id) => {
          relay.joins++;
          const name = toHex(id);
          const cell = cells.get(name);
          if (!cell) throw new SealwireError(ended.get(name) ?? 'RENDEZVOUS_UNKNOWN', 'no cell');
          if (cell.members.length > 1) {
            relay.end(name, 'RENDEZVOUS_SECOND_JOINER');
            throw new SealwireError('RENDEZVOUS_SECOND_JOINER', 'second joiner');
          }
          cell.members.push(member);
          tell(cell.members[0]!, name, (events) => events.joined());
          return relay.swap(cell.payload.slice());
        },
        send: (id, payload) => {
          const name = toHex(id);
          const cell = cells.get(name);
          if (!cell?.members.includes(member)) return;
          cell.bytes += payload.length;
          if (cell.bytes > LIMITS.rendezvousBytes) return relay.end(name, 'RENDEZVOUS_FULL');
          relay.wire.push(payload.slice());
          const other = cell.members.find((each) => each !== member);
          relay.tap(payload.slice(), cell.messages++, (changed) => {
            if (other && cells.get(name) === cell) tell(other, name, (events) => events.message(changed));
          });
        },
        close: (id) => {
          const name = toHex(id);
          if (cells.get(name)?.members.includes(member)) relay.end(name, 'RENDEZVOUS_PEER_LEFT', member);
        },
      };
    },
  };
  return relay;
};

const tell = (member: Member, name: string, run: (events: RendezvousEvents) => void): void => {
  queueMicrotask(() => {
    const events = member.connection.get(name);
    if (events) run(events);
  });
};

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
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (name.charCodeAt(i % name.length) * 31 + i * 17) & 255;
  return bytes;
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
  readonly lives?: { readonly openMs: number; readonly totalMs: number };
  /** The relay refuses to open a cell. */
  readonly openRefusal?: ErrorCode;
}

/** A phone and a new device at one relay. The phone has not scanned anything yet. */
export const createScene = (options: SceneOptions = {}) => {
  const timers = createTimers();
  const relay = createFakeRelay(timers, options.lives);
  relay.openRefusal = options.openRefusal;
  const gates = {
    makeOffer: createGate(),
    acceptOffer: createGate(),
    releaseKeys: createGate(),
    storeBundle: createGate(),
  };
  const seen = { stored: [] as Uint8Array[], offers: [] as Uint8Array[], proofs: [] as Confirmed[] };
  const newDevice = startNewDeviceLink({
    rendezvous: relay.connect(),
    relayId: RELAY_ID,
    identity: NEW_DEVICE,
    verify,
    relayKey: RELAY_KEY,
    hpkeKey: HPKE_KEY,
    deviceName: options.deviceName ?? "Ada's laptop",
    platform: 'web',
    randomBytes: randomOf('new'),
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
      randomBytes: randomOf('phone'),
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
