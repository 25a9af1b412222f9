// One tab's hold on its device: finding it, opening it, creating or linking it, losing it to another tab.
// Lives outside React, so that mounting twice cannot open a vault twice. No spec rules here.
import {
  createAccount,
  type Device,
  type Evidence,
  type LinkRequest,
  linkDevice,
  openDevice,
  type Readable,
} from '@sealwire/core';
import { browserStorage } from '@sealwire/core/browser';
import { codeOf } from './explain.ts';
import { rememberOffline, wasOffline } from './network-preference.ts';
import { findRelay } from './relay-address.ts';
import { value } from './value.ts';

const STORAGE = 'sealwire';
const NOTICES_KEPT = 200;

/** A security notice: what was refused and why, without any content. */
export interface Notice {
  readonly id: number;
  readonly code: Evidence['code'];
  readonly message: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export type SessionState =
  | { readonly kind: 'starting' }
  /** No device in this browser yet. */
  | { readonly kind: 'new' }
  | { readonly kind: 'open'; readonly device: Device; readonly justLinked: boolean }
  /** Another tab holds the vault. `moved` when this tab held it before. */
  | { readonly kind: 'in-use'; readonly moved: boolean }
  /** Another device ended this one; nothing is left in this browser. */
  | { readonly kind: 'logged-out' }
  | { readonly kind: 'failed'; readonly error: unknown };

export interface Session {
  readonly state: Readable<SessionState>;
  readonly notices: Readable<readonly Notice[]>;
  start(): void;
  /** Takes the vault over from another tab. */
  useHere(): void;
  /** Removes what is stored here for good, then starts as a browser without a device. */
  startOver(): Promise<void>;
  /** @throws SealwireError when the vault cannot be made. */
  create(name: string, deviceName: string): Promise<void>;
  /**
   * Begins linking this browser, once a request before it has let go of the storage. The session opens by itself when
   * it is done.
   */
  link(deviceName: string): Promise<LinkRequest>;
  /** The network switch, remembered across reloads. */
  setNetwork(on: boolean): void;
}

export function createSession(): Session {
  const state = value<SessionState>({ kind: 'starting' });
  const notices = value<readonly Notice[]>([]);
  let relay = '';
  let linking: Promise<void> = Promise.resolve();

  const adopt = (device: Device, justLinked: boolean): void => {
    device.onEvidence(({ code, message }) => {
      const notice: Notice = { id: Date.now() + Math.random(), code, message, at: Date.now() };
      notices.set([notice, ...notices.get()].slice(0, NOTICES_KEPT));
    });
    state.set({ kind: 'open', device, justLinked });
    watch(device, state.set);
  };

  const fail = (error: unknown): void => {
    const code = codeOf(error);
    if (code === 'NO_DEVICE') state.set({ kind: 'new' });
    else if (code === 'STORAGE_IN_USE') state.set({ kind: 'in-use', moved: false });
    else state.set({ kind: 'failed', error });
  };

  const open = async (steal: boolean): Promise<void> => {
    state.set({ kind: 'starting' });
    try {
      relay = await findRelay();
      adopt(await openDevice({ storage: browserStorage(STORAGE, { steal }), ...network() }), false);
    } catch (error) {
      fail(error);
    }
  };

  const network = () => ({ relay, offline: wasOffline() });

  return {
    state,
    notices,
    start: () => void open(false),
    useHere: () => void open(true),
    async startOver() {
      await browserStorage(STORAGE).destroy();
      await open(false);
    },
    async create(name, deviceName) {
      const storage = browserStorage(STORAGE);
      adopt(await createAccount({ storage, ...network(), name, deviceName, platform: 'phone' }), false);
    },
    async link(deviceName) {
      await linking;
      rememberOffline(false);
      const request = linkDevice({ storage: browserStorage(STORAGE), relay, deviceName, platform: 'web' });
      linking = request.device.then(
        (device) => adopt(device, true),
        async (error: unknown) => {
          // The request's state shows every other failure.
          if (codeOf(error) === 'STORAGE_IN_USE') fail(error);
          if (codeOf(error) === 'DEVICE_EXISTS') await open(false);
        },
      );
      return request;
    },
    setNetwork(on) {
      rememberOffline(!on);
      const now = state.get();
      if (now.kind === 'open') now.device.setNetwork(on);
    },
  };
}

/** Calls `ended` once when another tab takes the vault over or the device is logged out, and lets go of the device. */
function watch(device: Device, ended: (state: SessionState) => void): void {
  const look = (): void => {
    const end = ENDS[codeOf(device.status.get().problem) ?? ''];
    if (end === undefined) return;
    stop();
    ended(end);
    // Its storage is gone already, so there is nothing left to fail for a person to see.
    device.close().catch(() => undefined);
  };
  const stop = device.status.subscribe(look);
  look();
}

const ENDS: Readonly<Record<string, SessionState>> = {
  STORAGE_IN_USE: { kind: 'in-use', moved: true },
  LOGGED_OUT: { kind: 'logged-out' },
};
