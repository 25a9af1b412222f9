// What tests, the demo and the benchmark need of core's inside. Reachable from sources only, not from the package.
import { decodeSelf } from './account/self.ts';
import { randomBytes } from './random.ts';
import { decodeRecord } from './room/records.ts';
import type { Storage } from './vault/storage.ts';
import { openVault } from './vault/vault.ts';

export { signEd25519 } from '#native';
export { makeChat, type NewChat, openRoom } from './account/rooms.ts';
export { hpkeKeyPair } from './crypto/hpke.ts';
export {
  createDeviceSecrets,
  type DeviceSecrets,
  deviceIdOf,
  devicePublic,
  principalIdOf,
} from './identity/device-keys.ts';
export { addToDeviceLog, type DeviceLog, startDeviceLog } from './identity/device-log.ts';
export { createDirectory, requireDevice } from './identity/directory.ts';
export { signEntry } from './identity/log-entry.ts';
export { encodeEntry, type MessageEntry } from './logdoc/entries.ts';
export { createClock } from './logdoc/stamp.ts';
export type { DeviceInternals } from './open.ts';
export { chainKey } from './room/chains.ts';
export type { Page } from './room/page.ts';
export type { Room } from './room/room.ts';
export { type Edge, PLATFORM_EDGE, type RelaySocket } from './sync/edge.ts';
export { openProvider } from './sync/provider.ts';
export type { OpenStorage } from './vault/storage.ts';
export { openVault, type RecordId, type Vault } from './vault/vault.ts';

/** The secret keys in a vault, named: to search for them where they must not be. The vault must be closed. */
export const readSecrets = async (
  storage: Storage,
): Promise<{ readonly name: string; readonly bytes: Uint8Array }[]> => {
  const vault = await openVault(await storage.open(), { randomBytes });
  try {
    for (const { bytes } of vault.load()) {
      const record = decodeRecord(bytes);
      if (record.type !== 'self') continue;
      const self = await decodeSelf(record.json);
      return [
        { name: 'identity seed', bytes: self.secrets.identity },
        { name: 'relay seed', bytes: self.secrets.relay },
        { name: 'HPKE key', bytes: self.secrets.hpke },
        { name: 'account key', bytes: self.accountKey },
        { name: 'room secret', bytes: self.roomSecret },
        ...self.epochKeys.map((key) => ({ name: 'epoch key', bytes: key })),
        ...(self.manageSeed ? [{ name: 'manage seed', bytes: self.manageSeed }] : []),
      ];
    }
    return [];
  } finally {
    await vault.close();
  }
};
