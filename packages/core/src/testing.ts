// What tests, the demo and the benchmark need of core's inside. Reachable from sources only, not from the package.
import { SealwireError, sameBytes, toHex } from '@sealwire/protocol';
import { chatKeys, type RoomKeys } from './account/rooms.ts';
import { decodeSelf, type Self } from './account/self.ts';
import { decodeBody } from './frame/body.ts';
import { roomIdOf } from './identity/device-keys.ts';
import { decodeEntry, type Entry } from './logdoc/entries.ts';
import { decodePayload } from './logdoc/payload.ts';
import { randomBytes } from './random.ts';
import { type BodiesRecord, decodeRecord, type EpochRecord } from './room/records.ts';
import type { Archive, Storage } from './vault/storage.ts';
import { openVault, type VaultArchive } from './vault/vault.ts';

export { openManyXChaCha, openXChaCha, sealXChaCha, signEd25519, verifyEd25519 } from '#native';
export type { Core } from './account/core.ts';
export { makeChat, type NewChat, openRoom } from './account/rooms.ts';
export { hpkeKeyPair, hpkeKeyPairOf, unwrapKey, wrapKey } from './crypto/hpke.ts';
export type { Suite } from './crypto/suites.ts';
export { type Body, decodeBody, encodeBody, encodeSigned, KIND } from './frame/body.ts';
export { type ChainAddress, chainNext, chainStart, chainStatement } from './frame/chain.ts';
export { deriveClientId } from './frame/client-id.ts';
export { epochTagOf, openFrame, openFrames, sealFrame, streamKey } from './frame/envelope.ts';
export {
  createAccountKey,
  createOwnAccount,
  type OwnAccount,
  openAccountKey,
} from './identity/account-keys.ts';
export {
  createDeviceSecrets,
  type DeviceSecrets,
  deviceIdOf,
  devicePublic,
  principalIdOf,
} from './identity/device-keys.ts';
export { addToDeviceLog, type DeviceLog, startDeviceLog } from './identity/device-log.ts';
export { createDirectory, requireDevice } from './identity/directory.ts';
export { createEpoch, openEpoch } from './identity/epoch.ts';
export {
  decodeEntryBytes,
  type EpochEntry,
  encodeEntryBytes,
  entryStatement,
  type SignedEntry,
  signEntry,
} from './identity/log-entry.ts';
export { openNewDeviceChannel, openPhoneChannel } from './link/channel.ts';
export { encodeEntry, type MessageEntry } from './logdoc/entries.ts';
export { PAGE_LIMITS, type PageLimits } from './logdoc/page-choice.ts';
export { createClock } from './logdoc/stamp.ts';
export type { DeviceInternals } from './open.ts';
export { randomBytes } from './random.ts';
export { chainKey } from './room/chains.ts';
export { decodeEntries, encodeEntries } from './room/control.ts';
export type { Page } from './room/page.ts';
export type { Room } from './room/room.ts';
export { attachDocument } from './shareddoc/attach.ts';
export type { SharedDocument } from './shareddoc/document.ts';
export { documentStream } from './shareddoc/name.ts';
export { type Edge, PLATFORM_EDGE, type RelaySocket } from './sync/edge.ts';
export { createEngine, type Engine } from './sync/engine.ts';
export { openProvider } from './sync/provider.ts';
export type { OpenStorage } from './vault/storage.ts';
export { openVault, type RecordId, type Vault } from './vault/vault.ts';

/** An archive without a disk. */
export const memoryArchive = (values = new Map<string, Uint8Array>()): Archive => ({
  async put(name, value) {
    values.set(name, value);
  },
  get: async (name) => values.get(name),
  async remove(names) {
    for (const name of names) values.delete(name);
  },
  names: async () => [...values.keys()],
});

/** The same as a vault has it, without a seal. */
export const memoryVaultArchive = (values = new Map<string, Uint8Array>()): VaultArchive => {
  let next = 0;
  return {
    async put(value) {
      const name = (next++).toString(16).padStart(32, '0');
      values.set(name, value);
      return name;
    },
    get: async (name) => values.get(name),
    async remove(names) {
      for (const name of names) values.delete(name);
    },
    missing: async (names) => [...names].filter((name) => !values.has(name)),
    async keep(names) {
      for (const name of [...values.keys()]) if (!names.has(name)) values.delete(name);
    },
  };
};

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
        ...self.accountKeys.map((key) => ({ name: 'account key', bytes: key })),
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

/** A room as a member could speak in it. */
export interface KnownRoom extends RoomKeys {
  /** 32 bytes. */
  readonly id: Uint8Array;
  readonly kind: 'account' | 'chat';
}

/**
 * All that a linked device knows, for a member who turns against the others. The vault must be closed.
 *
 * @throws TypeError if the storage holds no device.
 */
export const readKeys = async (
  storage: Storage,
): Promise<{ readonly self: Self; readonly rooms: readonly KnownRoom[] }> => {
  const vault = await openVault(await storage.open(), { randomBytes });
  try {
    const records = vault.load().map(({ bytes }) => decodeRecord(bytes));
    const found = records.find((record) => record.type === 'self');
    if (!found) throw new TypeError('storage: there is no device in it');
    const self = await decodeSelf(found.json);
    const account: KnownRoom = {
      id: roomIdOf(self.roomSecret),
      kind: 'account',
      logId: self.log.root,
      secret: self.roomSecret,
      epochKeys: self.epochKeys,
    };
    const bodies = records.filter((record): record is BodiesRecord => record.type === 'bodies');
    const unwrapped = records.filter((record): record is EpochRecord => record.type === 'epoch');
    const rooms = [account, ...chatsIn(bodies, toHex(account.id))].map((room) => {
      const more = unwrapped.flatMap(({ room: of, key }) => (key && sameBytes(of, room.id) ? [key] : []));
      return { ...room, epochKeys: [...room.epochKeys, ...more] };
    });
    return { self, rooms };
  } finally {
    await vault.close();
  }
};

/** Nothing in an account document is deleted; none of what was refused in it. */
const entriesIn = (encoded: Uint8Array): (Entry | undefined)[] => {
  const { payload, clientId } = decodeBody(encoded);
  try {
    return decodePayload(payload, clientId, 0).entries.map(({ content }) => content && decodeEntry(content));
  } catch (error) {
    if (error instanceof SealwireError) return [];
    throw error;
  }
};

/** The chats that an account document names. @param room - the account's room, hexadecimal. */
const chatsIn = (records: readonly BodiesRecord[], room: string): KnownRoom[] => {
  const bodies = records.flatMap((record) => (toHex(record.room) === room ? record.bodies : []));
  const entries = bodies.flatMap(({ stream, body }) => (stream.startsWith('page-') ? entriesIn(body) : []));
  return entries.flatMap((entry) => {
    if (entry?.k !== 'chat') return [];
    const keys = chatKeys(entry);
    return [{ ...keys, id: roomIdOf(keys.secret), kind: 'chat' as const }];
  });
};
