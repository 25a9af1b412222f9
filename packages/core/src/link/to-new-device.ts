// Linking as the new device: shows a code, is let in, and becomes a device of the account. Rules: spec/link.md §6 and §9.
import { SealwireError } from '@sealwire/protocol';
import { signEd25519 } from '#native';
import { encodeSelf, type Self } from '../account/self.ts';
import type { Device, LinkNewState, LinkOptions, LinkRequest } from '../api.ts';
import { hpkeKeyPairOf } from '../crypto/hpke.ts';
import { verifyNow } from '../crypto/native.ed25519.ts';
import { requireSuite } from '../crypto/suites.ts';
import { createDevice, requireName } from '../device.ts';
import {
  createDeviceSecrets,
  type DevicePublic,
  type DeviceSecrets,
  devicePublic,
  devicePublicOf,
} from '../identity/device-keys.ts';
import { encodeUnsigned, entryHash, entryStatement } from '../identity/log-entry.ts';
import { type DeviceInternals, deviceParts, openEmptyVault } from '../open.ts';
import { randomBytes } from '../random.ts';
import { createReadable } from '../readable.ts';
import { encodeRecord } from '../room/records.ts';
import { createEngine, type Engine } from '../sync/engine.ts';
import type { RecordId, Vault } from '../vault/vault.ts';
import { joinAccount, type LinkOffer, readOffer } from './bundle.ts';
import { type NewDeviceLink, startNewDeviceLink } from './new-device-driver.ts';
import { platformTimers, relayRendezvous } from './relay-cell.ts';

/**
 * Asks to be linked to an account: shows a code that its phone scans.
 *
 * @returns at once; the code comes with the state `code`. The storage is held until the request ends.
 */
export const linkDevice = (options: LinkOptions & DeviceInternals): LinkRequest => {
  requireName(options.deviceName, 'deviceName');
  requireSuite(options.suite);
  let link: NewDeviceLink | undefined;
  let cancelled = false;
  let failure: SealwireError | undefined;
  let done = false;
  const state = createReadable<LinkNewState>(() => {
    if (failure) return { step: 'failed', error: failure };
    if (done) return { step: 'done' };
    const current = link?.state.get() ?? { step: 'connecting' };
    // The person is told `done` only when the device is open.
    return current.step === 'done' ? { step: 'receiving' } : current;
  });
  const device = run(options, {
    started(started) {
      link = started;
      started.state.subscribe(() => state.invalidate());
      if (cancelled) started.cancel();
      state.invalidate();
    },
    cancelled: () => cancelled,
  });
  device.then(
    () => {
      done = true;
      state.invalidate();
    },
    (error: unknown) => {
      failure =
        error instanceof SealwireError
          ? error
          : new SealwireError('CLOSED', 'Linking failed.', { cause: error });
      state.invalidate();
    },
  );
  return {
    state,
    submitDigits(digits) {
      if (!link) throw new RangeError('digits come after the code was scanned');
      link.submitDigits(digits);
    },
    cancel() {
      cancelled = true;
      link?.cancel();
    },
    device,
  };
};

interface Progress {
  started(link: NewDeviceLink): void;
  cancelled(): boolean;
}

const run = async (options: LinkOptions & DeviceInternals, progress: Progress): Promise<Device> => {
  const vault = await openEmptyVault(options);
  try {
    const secrets = createDeviceSecrets(options.randomBytes ?? randomBytes);
    const engine = linkEngine(options, secrets);
    try {
      const stored = await link(options, vault, secrets, engine, progress);
      engine.close();
      const parts = deviceParts(options, vault, stored.self, stored.record, new Map());
      return (await createDevice(parts, options.offline ?? false)).device;
    } finally {
      engine.close();
    }
  } catch (error) {
    await vault.close();
    throw error;
  }
};

const linkEngine = (options: LinkOptions & DeviceInternals, secrets: DeviceSecrets): Engine =>
  createEngine({
    url: options.relay,
    relaySeed: secrets.relay,
    relayKey: devicePublic(secrets).relay,
    randomBytes: options.randomBytes ?? randomBytes,
    onConnection: () => undefined,
    onProblem: () => undefined,
    ...(options.onTraffic && { onTraffic: options.onTraffic }),
    ...(options.times && { times: options.times }),
    ...(options.edge && { edge: options.edge }),
  });

const link = async (
  options: LinkOptions & DeviceInternals,
  vault: Vault,
  secrets: DeviceSecrets,
  engine: Engine,
  progress: Progress,
): Promise<{ self: Self; record: RecordId }> => {
  engine.setNetwork(true);
  await engine.whenOnline();
  const draw = options.randomBytes ?? randomBytes;
  const suite = requireSuite(options.suite);
  const oneTimeKeys = await hpkeKeyPairOf(suite, draw(32));
  if (progress.cancelled()) throw new SealwireError('LINK_CANCELLED', 'Linking was cancelled.');
  const keys: DevicePublic = devicePublic(secrets);
  // Which of the two is used is decided by the account, and the other never leaves this function: one seed, one suite.
  const keys2 = suite === 2 ? await devicePublicOf(secrets, 2) : undefined;
  const sign = (message: Uint8Array): Uint8Array => signEd25519(secrets.identity, message);
  let offer: LinkOffer | undefined;
  let stored: { self: Self; record: RecordId } | undefined;
  const started = startNewDeviceLink({
    rendezvous: relayRendezvous(engine),
    relayId: engine.relayId()!,
    identity: { publicKey: keys.identity, sign },
    verify: verifyNow,
    oneTimeKeys,
    relayKey: keys.relay,
    hpkeKey: keys.hpke,
    ...(keys2 && { hpkeKey2: keys2.hpke }),
    deviceName: options.deviceName,
    platform: options.platform,
    randomBytes: draw,
    timers: options.edge ?? platformTimers,
    now: options.now ?? Date.now,
    callbacks: {
      async acceptOffer(bytes, inviter) {
        offer = await readOffer(bytes, inviter, inviter.accountSuite === 2 && keys2 ? keys2 : keys);
        return sign(entryStatement(entryHash(encodeUnsigned(offer.add))));
      },
      async storeBundle(bytes) {
        if (!offer) throw new Error('keys came before the offer');
        const joined = await joinAccount(offer, bytes);
        const self: Self = {
          ...joined,
          secrets,
          manageSeed: undefined,
          principalWritten: { version: 0, keys: '' },
        };
        const { ids, durable } = vault.commit({
          put: [encodeRecord({ type: 'self', json: encodeSelf(self) })],
        });
        stored = { self, record: ids[0]! };
        await durable;
      },
    },
  });
  progress.started(started);
  try {
    await started.result;
  } catch (error) {
    // What was stored of a link that failed after all is taken back: the phone did not count this device in.
    if (stored) await vault.commit({ remove: [stored.record] }).durable;
    throw error;
  }
  return stored!;
};
