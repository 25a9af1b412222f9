// The ways to get a device: a new account, a vault that has one. (Linking: link/to-new-device.ts.)

import { ed25519 } from '@noble/curves/ed25519.js';
import { SealwireError, toHex } from '@sealwire/protocol';
import { signEd25519 } from '#native';
import type { Core, DeviceParts } from './account/core.ts';
import { decodeSelf, encodeSelf, type Self } from './account/self.ts';
import type { CreateAccountOptions, Device, DeviceOptions } from './api.ts';
import { hpkeKeyPairOf } from './crypto/hpke.ts';
import { requireSuite, type Suite } from './crypto/suites.ts';
import { createDevice, requireName } from './device.ts';
import { createDeviceSecrets, deviceIdOf, devicePublicOf, principalIdOf } from './identity/device-keys.ts';
import { startDeviceLog } from './identity/device-log.ts';
import { createEpoch } from './identity/epoch.ts';
import { type SignedEntry, signEntry } from './identity/log-entry.ts';
import type { PageLimits } from './logdoc/page-choice.ts';
import { randomBytes } from './random.ts';
import { decodeRecord, encodeRecord, type RoomRecord } from './room/records.ts';
import type { Edge } from './sync/edge.ts';
import type { SessionTimes } from './sync/session.ts';
import type { RecordId } from './vault/vault.ts';
import { openVault, type Vault } from './vault/vault.ts';

/** For tests and figures; not part of the public shape. */
export interface DeviceInternals {
  readonly onTraffic?: (direction: 'up' | 'down', bytes: Uint8Array) => Uint8Array | undefined;
  readonly times?: Partial<SessionTimes>;
  readonly edge?: Edge;
  /** When a page of a chat is full. */
  readonly pageLimits?: PageLimits;
  readonly aheadFrames?: number;
  /** Told of the inside of the device before anybody holds the outside. */
  readonly onOpen?: (core: Core) => void;
  /** Default: the platform's cryptographic source. Anything else is for simulations alone. */
  readonly randomBytes?: (length: number) => Uint8Array;
}

/**
 * Creates an account and its first device, which may link others. Works offline.
 *
 * @throws SealwireError DEVICE_EXISTS if the storage holds a device; STORAGE_*.
 */
export const createAccount = async (options: CreateAccountOptions & DeviceInternals): Promise<Device> => {
  requireName(options.name, 'name');
  requireName(options.deviceName, 'deviceName');
  const suite = requireSuite(options.suite);
  const vault = await openEmptyVault(options);
  try {
    const now = options.now ?? Date.now;
    const { self, log } = await makeAccount(now(), options.randomBytes ?? randomBytes, suite);
    const { ids, durable } = vault.commit({ put: [encodeRecord({ type: 'self', json: encodeSelf(self) })] });
    await durable;
    const parts = deviceParts(options, vault, self, ids[0]!, new Map());
    const { device, core } = await createDevice(parts, options.offline ?? false);
    await Promise.all([
      core.accountRoom.putControl(log),
      core.writeAccount(
        { k: 'me', n: options.name },
        { k: 'device', id: device.id, n: options.deviceName, p: options.platform },
      ),
    ]);
    return device;
  } catch (error) {
    await vault.close();
    throw error;
  }
};

/**
 * Opens the device that a storage holds.
 *
 * @throws SealwireError NO_DEVICE if it holds none; STORAGE_*.
 */
export const openDevice = async (options: DeviceOptions & DeviceInternals): Promise<Device> => {
  const vault = await openVault(await options.storage.open(), {
    randomBytes: options.randomBytes ?? randomBytes,
  });
  try {
    const loaded = readRecords(vault);
    if (!loaded.self)
      throw new SealwireError(
        'NO_DEVICE',
        'There is no device here yet: create an account or link this one.',
      );
    const self = await decodeSelf(loaded.self.json);
    const parts = deviceParts(options, vault, self, loaded.self.id, loaded.rooms);
    return (await createDevice(parts, options.offline ?? false)).device;
  } catch (error) {
    await vault.close();
    throw error;
  }
};

/** A vault without a device in it. @throws SealwireError DEVICE_EXISTS, STORAGE_* */
export const openEmptyVault = async (options: DeviceOptions & DeviceInternals): Promise<Vault> => {
  const vault = await openVault(await options.storage.open(), {
    randomBytes: options.randomBytes ?? randomBytes,
  });
  if (!readRecords(vault).self) return vault;
  await vault.close();
  throw new SealwireError('DEVICE_EXISTS', 'There is a device here already: open it instead.');
};

/** Joins what a caller gave with what a device needs. */
export const deviceParts = (
  options: DeviceOptions & DeviceInternals,
  vault: Vault,
  self: Self,
  selfRecord: RecordId,
  records: DeviceParts['records'],
): DeviceParts => ({
  vault,
  self,
  selfRecord,
  records,
  relay: options.relay,
  now: options.now ?? Date.now,
  randomBytes: options.randomBytes ?? randomBytes,
  ...(options.onTraffic && { onTraffic: options.onTraffic }),
  ...(options.times && { times: options.times }),
  ...(options.edge && { edge: options.edge }),
  ...(options.pageLimits && { pageLimits: options.pageLimits }),
  ...(options.aheadFrames !== undefined && { aheadFrames: options.aheadFrames }),
  ...(options.onOpen && { onOpen: options.onOpen }),
});

const makeAccount = async (
  at: number,
  random: (length: number) => Uint8Array,
  suite: Suite,
): Promise<{ self: Self; log: SignedEntry[] }> => {
  const secrets = createDeviceSecrets(random);
  const keys = await devicePublicOf(secrets, suite);
  const accountKey = random(32);
  const manageSeed = random(32);
  const sign = (statement: Uint8Array): Uint8Array => signEd25519(secrets.identity, statement);
  const genesis = signEntry(
    {
      type: 'device-genesis',
      nonce: random(16),
      device: keys,
      accountKey: (await hpkeKeyPairOf(suite, accountKey)).publicKey,
      principal: principalIdOf(ed25519.getPublicKey(manageSeed)),
      at,
    },
    sign,
  );
  const deviceLog = await startDeviceLog(genesis);
  const epochKey = random(32);
  const epoch = await createEpoch({
    log: deviceLog.root,
    index: 0,
    parents: [],
    heads: deviceLog.heads,
    author: deviceIdOf(keys.identity),
    epochKey,
    members: [{ account: deviceLog.root, accountKey: genesis.entry.accountKey }],
    sign,
  });
  const self: Self = {
    secrets,
    accountKeys: [accountKey],
    roomSecret: random(32),
    epochKeys: [epochKey],
    log: deviceLog,
    manageSeed,
    principalWritten: { version: 0, keys: '' },
  };
  return { self, log: [genesis, epoch] };
};

interface Loaded {
  self: { readonly id: RecordId; readonly json: Uint8Array } | undefined;
  readonly rooms: Map<string, { id: RecordId; record: RoomRecord }[]>;
}

const readRecords = (vault: Vault): Loaded => {
  const loaded: Loaded = { self: undefined, rooms: new Map() };
  for (const { id, bytes } of vault.load()) {
    const record = decodeRecord(bytes);
    if (record.type === 'self') {
      loaded.self = { id, json: record.json };
      continue;
    }
    const room = toHex(record.room);
    const list = loaded.rooms.get(room);
    if (list) list.push({ id, record });
    else loaded.rooms.set(room, [{ id, record }]);
  }
  return loaded;
};
