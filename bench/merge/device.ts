// Devices of one account as the benchmark runs them: core's own rooms, over a relay that is a list and a vault that is
// a map. What a device keeps on disk and how frames travel is not measured here.
import { randomBytes } from 'node:crypto';
import {
  addToDeviceLog,
  createDeviceSecrets,
  createDirectory,
  createOwnAccount,
  type DeviceLog,
  type DeviceSecrets,
  deviceIdOf,
  devicePublic,
  encodeEntries,
  hpkeKeyPair,
  makeChat,
  memoryArchive,
  memoryVaultArchive,
  type NewChat,
  openRoom,
  openVault,
  type Page,
  principalIdOf,
  type RecordId,
  type Room,
  requireDevice,
  signEd25519,
  signEntry,
  startDeviceLog,
  type Vault,
} from '@sealwire/core/testing';
import { pageStream } from '@sealwire/protocol';
import * as Y from 'yjs';
import { ResultsDiffer } from '../lib/result.ts';

export const PAGE = pageStream(0);

/** An account with its devices, and one chat. */
export interface BenchAccount {
  readonly log: DeviceLog;
  readonly secrets: readonly DeviceSecrets[];
  readonly accountKey: ReturnType<typeof hpkeKeyPair>;
  readonly chat: NewChat;
}

export const createBenchAccount = async (devices: number, now: () => number): Promise<BenchAccount> => {
  const secrets = Array.from({ length: devices }, () => createDeviceSecrets(randomBytes));
  const accountKey = hpkeKeyPair(randomBytes(32));
  const [first, ...others] = secrets as [DeviceSecrets, ...DeviceSecrets[]];
  const genesis = {
    type: 'device-genesis',
    nonce: randomBytes(16),
    device: devicePublic(first),
    accountKey: accountKey.publicKey,
    principal: principalIdOf(randomBytes(32)),
    at: now(),
  } as const;
  let log = await startDeviceLog(signEntry(genesis, signer(first)));
  const author = deviceIdOf(genesis.device.identity);
  for (const other of others) {
    const entry = {
      type: 'device-add',
      account: log.root,
      parents: log.heads,
      author,
      device: devicePublic(other),
      rights: 0,
      at: now(),
    } as const;
    log = await addToDeviceLog(log, signEntry(entry, signer(first), signer(other)));
  }
  const account = await createOwnAccount(log.root, [accountKey.privateKey]);
  const device = requireDevice(createDirectory([log]), author);
  const sign = signer(first);
  const chat = await makeChat({ account, device, accountKey: accountKey.publicKey, sign, randomBytes, now });
  return { log, secrets, accountKey, chat };
};

export interface BenchDevice {
  readonly room: Room;
  readonly page: Page;
}

export interface BenchDeviceOptions {
  readonly account: BenchAccount;
  readonly index: number;
  readonly vault: Vault;
  readonly now: () => number;
  readonly send: (stream: string, frame: Uint8Array) => void;
  /** False while frames come that are not all that others tell of. Default: true. */
  readonly isCaughtUp?: () => boolean;
}

/** The chat's room as one device holds it. Whatever it refuses or notices is an error: nothing here is hostile. */
export const openBenchDevice = async (options: BenchDeviceOptions): Promise<BenchDevice> => {
  const { log, secrets, accountKey, chat } = options.account;
  const own = secrets[options.index]!;
  const directory = createDirectory([log]);
  const room = openRoom(
    {
      device: requireDevice(directory, deviceIdOf(devicePublic(own).identity)),
      account: await createOwnAccount(log.root, [accountKey.privateKey]),
      directory,
      sign: signer(own),
      vault: options.vault,
      randomBytes,
      now: options.now,
      report: ({ code, message }) => {
        throw new ResultsDiffer(`a device reported ${code}: ${message}`);
      },
      fault: (error) => {
        throw error;
      },
      records: new Map(),
      ...(options.isCaughtUp && { isCaughtUp: options.isCaughtUp }),
      send: (_room, stream, frame) => options.send(stream, frame),
    },
    'chat',
    chat.keys,
  );
  await room.ready;
  await room.state.control.accept(encodeEntries(chat.log));
  return { room, page: room.page(PAGE) };
};

/** A vault without a disk, and without a seal: records stay in memory as they are. */
export const memoryVault = (): Vault => {
  const records = new Map<RecordId, Uint8Array>();
  let next = 1;
  return {
    load: () => [],
    read: (ids) => ids.map((id) => ({ id, bytes: records.get(id)! })),
    commit({ put = [], remove = [] }) {
      for (const id of remove) records.delete(id);
      const ids = put.map((bytes) => {
        records.set(next, bytes);
        return next++;
      });
      return { ids, durable: Promise.resolve() };
    },
    archive: memoryVaultArchive(),
    problem: undefined,
    onProblem: () => () => undefined,
    repair: async () => undefined,
    close: async () => undefined,
    destroy: async () => undefined,
  };
};

/** The vault that a real device has, each record sealed into its Yjs document, but on no disk. */
export const sealedVault = (): Promise<Vault> =>
  openVault(
    {
      doc: new Y.Doc(),
      key: randomBytes(32),
      archive: memoryArchive(),
      barrier: async () => undefined,
      repair: async () => undefined,
      onLost: () => undefined,
      close: async () => undefined,
      destroy: async () => undefined,
    },
    { randomBytes },
  );

const signer =
  ({ identity }: DeviceSecrets) =>
  (statement: Uint8Array): Uint8Array =>
    signEd25519(identity, statement);
