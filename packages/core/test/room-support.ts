// Rooms of one account's devices over a relay that is a list, and a vault that is a map: for tests of judging.
import { x25519 } from '@noble/curves/ed25519.js';
import { pageStream, toHex } from '@sealwire/protocol';
import type { Evidence } from '../src/api.ts';
import { createOwnAccount } from '../src/identity/account-keys.ts';
import { principalIdOf, roomIdOf } from '../src/identity/device-keys.ts';
import { addToDeviceLog, type DeviceLog, startDeviceLog } from '../src/identity/device-log.ts';
import { createDirectory } from '../src/identity/directory.ts';
import { createEpoch } from '../src/identity/epoch.ts';
import { signEntry } from '../src/identity/log-entry.ts';
import { encodeEntry } from '../src/logdoc/entries.ts';
import { encodeEntries } from '../src/room/control.ts';
import type { Cuts } from '../src/room/cuts.ts';
import { decodeRecord, type RoomRecord } from '../src/room/records.ts';
import { createRoom, type Room, type RoomOptions } from '../src/room/room.ts';
import { openProvider } from '../src/sync/provider.ts';
import { memoryVaultArchive } from '../src/testing.ts';
import type { RecordId, Vault } from '../src/vault/vault.ts';
import { type Seeded, type TestDevice, testDevice } from './support.ts';

export const PAGE = pageStream(0);

/** A vault without a disk. `durable` may be held back. */
export const memoryVault = (records = new Map<RecordId, Uint8Array>()) => {
  let next = Math.max(0, ...records.keys()) + 1;
  const vault: Vault = {
    load: () => [...records].map(([id, bytes]) => ({ id, bytes })),
    read: (ids) => ids.map((id) => ({ id, bytes: records.get(id)! })),
    commit({ put = [], remove = [] }) {
      for (const id of remove) records.delete(id);
      const ids = put.map((bytes) => {
        records.set(next, bytes.slice());
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
  return { vault, records };
};

export interface TestAccount {
  readonly log: DeviceLog;
  readonly devices: readonly TestDevice[];
  readonly accountKey: Uint8Array;
  readonly secret: Uint8Array;
  readonly epochKey: Uint8Array;
}

/** An account with `count` devices, of which the first may link others. */
export const testAccount = async (random: Seeded, count: number): Promise<TestAccount> => {
  const made = Array.from({ length: count }, () => testDevice(random, new Uint8Array(32)));
  const accountKey = random.bytes(32);
  const [first, ...others] = made as [TestDevice, ...TestDevice[]];
  let log = await startDeviceLog(
    signEntry(
      {
        type: 'device-genesis',
        nonce: random.bytes(16),
        device: first.logged.keys,
        accountKey: x25519.getPublicKey(accountKey),
        principal: principalIdOf(random.bytes(32)),
        at: 1,
      },
      first.sign,
    ),
  );
  for (const other of others) {
    const entry = {
      type: 'device-add',
      account: log.root,
      parents: log.heads,
      author: first.logged.id,
      device: other.logged.keys,
      rights: 0,
      at: 2,
    } as const;
    log = await addToDeviceLog(log, signEntry(entry, first.sign, other.sign));
  }
  const devices = made.map((device) => ({ ...device, logged: log.devices.get(toHex(device.logged.id))! }));
  return { log, devices, accountKey, secret: random.bytes(32), epochKey: random.bytes(32) };
};

export interface TestRoom {
  readonly room: Room;
  readonly evidence: Evidence[];
  readonly records: Map<RecordId, Uint8Array>;
  /** Frames that left, in order. */
  readonly sent: { readonly stream: string; readonly frame: Uint8Array }[];
  write(text: string): Promise<string>;
  texts(): string[];
}

/** A chat room as one device of the account holds it. `kind` account makes it the account document's. */
export const testRoom = async (
  random: Seeded,
  account: TestAccount,
  index: number,
  options: {
    readonly kind?: RoomOptions['kind'];
    readonly records?: Map<RecordId, Uint8Array>;
    readonly epochKeys?: readonly Uint8Array[];
    /** Accounts that are known beside it. */
    readonly others?: readonly TestAccount[];
    readonly cuts?: Cuts;
  } = {},
): Promise<TestRoom> => {
  const device = account.devices[index]!;
  const { vault, records } = memoryVault(options.records);
  const evidence: Evidence[] = [];
  const sent: TestRoom['sent'] = [];
  let now = 1_700_000_000_000;
  const loaded = vault.load().map(({ id, bytes }) => ({ id, record: decodeRecord(bytes) as RoomRecord }));
  const room = createRoom(
    {
      kind: options.kind ?? 'chat',
      id: roomIdOf(account.secret),
      secret: account.secret,
      logId: account.log.root,
      epochKeys: options.epochKeys ?? [account.epochKey],
      ...(options.cuts && { cuts: options.cuts }),
      device: device.logged,
      account: await createOwnAccount(account.log.root, [account.accountKey]),
      directory: createDirectory([account, ...(options.others ?? [])].map(({ log }) => log)),
      sign: device.sign,
      vault,
      randomBytes: random.bytes,
      now: () => now++,
      report: (item) => evidence.push(item),
      send: (frame) => sent.push(frame),
      fault: (error) => {
        throw error;
      },
    },
    loaded,
  );
  await room.ready;
  // The room's first epoch came long ago, by a frame that no test wants to see.
  if (options.epochKeys?.length !== 0)
    await room.state.control.accept(encodeEntries([await firstEpoch(account)]));
  const page = room.page(PAGE);
  let attached: Promise<() => void> | undefined;
  let stamp = 0;
  return {
    room,
    evidence,
    records,
    sent,
    async write(text) {
      attached ??= openProvider(room, page);
      const release = await attached;
      const id = page.append(encodeEntry({ k: 'm', t: 1024 * ++stamp, x: text }));
      await room.stored();
      release();
      attached = undefined;
      return id;
    },
    texts: () => [...page.entries()].map(({ entry }) => (entry.k === 'm' ? entry.x : entry.k)).sort(),
  };
};

/** The epoch entry of the account's own room, as its first device made it: one, whoever asks. */
export const firstEpoch = (account: TestAccount): ReturnType<typeof createEpoch> => {
  const made =
    firstEpochs.get(account) ??
    createEpoch({
      log: account.log.root,
      index: 0,
      parents: [],
      heads: account.log.heads,
      author: account.devices[0]!.logged.id,
      epochKey: account.epochKey,
      members: [{ account: account.log.root, accountKey: account.log.genesis.accountKey }],
      sign: account.devices[0]!.sign,
    });
  firstEpochs.set(account, made);
  return made;
};

const firstEpochs = new WeakMap<TestAccount, ReturnType<typeof createEpoch>>();

/** Lets a live room send all that it has, acknowledging each frame at the next position. */
export const drain = async (
  from: TestRoom,
  position = { next: 1 },
): Promise<{ position: number; stream: string; frame: Uint8Array }[]> => {
  const frames = [];
  await from.room.goLive();
  for (;;) {
    await from.room.idle();
    const frame = from.sent.shift();
    if (!frame) break;
    frames.push({ position: position.next, ...frame });
    await from.room.appended(position.next++, frame.frame);
  }
  from.room.goDown();
  return frames;
};
