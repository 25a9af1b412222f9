// The inside of a device: vault, device log, rooms and engine wired together. device.ts is what apps see of it.
// The life of a message through it: ARCHITECTURE.md.
import { ed25519 } from '@noble/curves/ed25519.js';
import { pageStream, SealwireError, toHex } from '@sealwire/protocol';
import { signEd25519 } from '#native';
import type { Connection, Evidence } from '../api.ts';
import { type ChatModel, createChatModel } from '../chat.ts';
import { suiteOfPublicKey } from '../crypto/suites.ts';
import { createOwnAccount } from '../identity/account-keys.ts';
import { deviceIdOf, devicePublic } from '../identity/device-keys.ts';
import { activeDevices } from '../identity/device-log.ts';
import { createDirectory, requireDevice } from '../identity/directory.ts';
import { type ChatEntry, type Entry, encodeEntry } from '../logdoc/entries.ts';
import { createClock, stampMs } from '../logdoc/stamp.ts';
import { encodeRecord } from '../room/records.ts';
import type { Room } from '../room/room.ts';
import type { Edge } from '../sync/edge.ts';
import { createEngine } from '../sync/engine.ts';
import { openProvider } from '../sync/provider.ts';
import type { SessionTimes } from '../sync/session.ts';
import type { RecordId, Vault } from '../vault/vault.ts';
import { readAccount } from './account-doc.ts';
import { chatKeys, makeChat, openRoom, type RoomCommons } from './rooms.ts';
import { encodeSelf, type Self } from './self.ts';

const ACCOUNT_STREAM = pageStream(0);

/** What a device is made of. */
export interface DeviceParts {
  readonly vault: Vault;
  readonly self: Self;
  readonly selfRecord: RecordId;
  /** The vault's other records by room id, hexadecimal. */
  readonly records: RoomCommons['records'];
  readonly relay: string;
  readonly now: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly onTraffic?: (direction: 'up' | 'down', bytes: Uint8Array) => Uint8Array | undefined;
  readonly times?: Partial<SessionTimes>;
  readonly edge?: Edge;
}

/** An entry of the account document before it gets its stamp. */
export type NewEntry = Entry extends infer E ? (E extends Entry ? Omit<E, 't'> : never) : never;

export interface CoreEvents {
  /** Something that a person sees has changed. */
  changed(): void;
  evidence(evidence: Evidence): void;
}

export const createCore = async (parts: DeviceParts, events: CoreEvents) => {
  const { vault, now, randomBytes } = parts;
  let { self, selfRecord } = parts;
  const keys = devicePublic(self.secrets);
  const deviceId = deviceIdOf(keys.identity);
  const accountId = toHex(self.log.root);
  const directory = createDirectory([self.log]);
  const device = requireDevice(directory, deviceId);
  const clock = createClock(now);
  const sign = (statement: Uint8Array): Uint8Array => signEd25519(self.secrets.identity, statement);
  const suite = suiteOfPublicKey(self.log.genesis.accountKey);
  const account = await createOwnAccount(self.log.root, self.accountKeys, suite);
  const heads = new Map<string, number>();
  const chats = new Map<string, ChatModel>();
  let connection: Connection = 'offline';
  let problem: SealwireError | undefined;

  const deviceLog = () => directory.log(accountId)!;

  const saveSelf = (changes: Partial<Self>): Promise<void> => {
    self = { ...self, ...changes };
    const record = encodeRecord({ type: 'self', json: encodeSelf(self) });
    const { ids, durable } = vault.commit({ put: [record], remove: [selfRecord] });
    selfRecord = ids[0]!;
    return durable;
  };

  const relayKeys = () => activeDevices(deviceLog()).map((logged) => logged.keys.relay);
  const relayKeysText = () => relayKeys().map(toHex).sort().join();

  const engine = createEngine({
    url: parts.relay,
    relaySeed: self.secrets.relay,
    relayKey: keys.relay,
    principal: {
      id: self.log.genesis.principal,
      ...(self.manageSeed && {
        manage: {
          seed: self.manageSeed,
          key: ed25519.getPublicKey(self.manageSeed),
          relayKeys,
          writtenVersion: () =>
            self.principalWritten.keys === relayKeysText() ? self.principalWritten.version : 0,
          written: (version) => {
            if (version === self.principalWritten.version && self.principalWritten.keys === relayKeysText())
              return;
            // If this is not stored, the list is written once more: no harm.
            saveSelf({ principalWritten: { version, keys: relayKeysText() } }).catch(() => undefined);
          },
        },
      }),
    },
    randomBytes,
    onConnection: (value) => {
      connection = value;
      if (value === 'online') problem = undefined;
      refresh();
    },
    onProblem: (error, room) => {
      events.evidence({ code: error.code, message: error.message, ...(room !== undefined && { room }) });
      if (room === undefined) problem = error;
      events.changed();
    },
    onNews: (room, head) => {
      heads.set(room, head);
      refresh();
    },
    ...(parts.onTraffic && { onTraffic: parts.onTraffic }),
    ...(parts.times && { times: parts.times }),
    ...(parts.edge && { edge: parts.edge }),
  });

  const refresh = (): void => {
    for (const chat of chats.values()) chat.refresh();
    events.changed();
  };

  const fault = (error: unknown): void => {
    if (error instanceof SealwireError) {
      // What the vault suffers it says itself, and takes back when it is whole again.
      if (error !== vault.problem) problem = error;
      events.changed();
      return;
    }
    // A bug: it must be seen, and it must not be taken for the world's fault.
    queueMicrotask(() => {
      throw error;
    });
  };

  const commons: RoomCommons = {
    device,
    account,
    directory,
    sign,
    vault,
    randomBytes,
    now,
    report: events.evidence,
    fault,
    send: (room, stream, frame) => engine.append(room, stream, frame),
    records: parts.records,
  };

  const accountRoom = openRoom(commons, 'account', {
    secret: self.roomSecret,
    logId: self.log.root,
    epochKeys: self.epochKeys,
  });
  await accountRoom.ready;
  const accountPage = accountRoom.page(ACCOUNT_STREAM);
  const releaseProvider = await openProvider(accountRoom, accountPage);

  const requireWritable = (): void => {
    if (vault.problem) throw vault.problem;
  };

  /** Writes entries of the account document. Resolves when they are durable on this device. */
  const writeAccount = (...entries: readonly NewEntry[]): Promise<void> => {
    accountPage.doc.transact(() => {
      for (const entry of entries) accountPage.append(encodeEntry({ ...entry, t: clock.next() } as Entry));
    });
    return accountRoom.stored();
  };

  const addChat = async (entry: ChatEntry): Promise<void> => {
    if (chats.has(entry.id)) return;
    const room = openRoom(commons, 'chat', chatKeys(entry));
    const model = createChatModel({
      room,
      id: entry.id,
      clock,
      now,
      title: () => state.get().chats.get(entry.id)?.n ?? entry.n,
      createdAt: () => stampMs(entry.t),
      personName: () => state.get().personName,
      connection: () => connection,
      head: () => heads.get(room.key) ?? 0,
      requireWritable,
      onClockAhead: () =>
        events.evidence({
          code: 'CLOCK_AHEAD',
          message:
            "A message is dated more than five minutes ahead: check this device's clock and the sender's.",
          room: room.key,
        }),
      onChange: events.changed,
    });
    chats.set(entry.id, model);
    await room.ready;
    engine.follow(room);
    events.changed();
  };

  const state = readAccount(accountPage, () => {
    for (const entry of state.get().chats.values()) void addChat(entry).catch(fault);
    events.changed();
  });
  await Promise.all([...state.get().chats.values()].map(addChat));

  directory.onChange(() => {
    void accountRoom.retry();
    for (const { room } of chats.values()) void room.retry();
    engine.principalChanged();
    events.changed();
  });
  accountRoom.onChange(events.changed);
  vault.onProblem(() => events.changed());
  engine.follow(accountRoom);

  return {
    vault,
    engine,
    directory,
    accountRoom,
    chats,
    deviceId,
    accountId,
    account,
    keys,
    sign,
    clock,
    saveSelf,
    writeAccount,
    requireWritable,
    fault,
    deviceLog,
    self: () => self,
    accountState: () => state.get(),
    connection: () => connection,
    problem: () => (vault.problem as SealwireError | undefined) ?? problem,
    rooms: (): Room[] => [accountRoom, ...[...chats.values()].map(({ room }) => room)],
    head: (room: Room) => heads.get(room.key) ?? 0,
    /** Makes the vault whole again, and sends what waited for that. @throws SealwireError STORAGE_* */
    async recover(): Promise<void> {
      await vault.repair();
      problem = undefined;
      for (const room of [accountRoom, ...[...chats.values()].map((chat) => chat.room)])
        void room.recovered();
      events.changed();
    },
    /** Makes a chat with nobody else in it. Works offline. @returns its id, once it is durable here. */
    async createChat(title: string): Promise<string> {
      requireWritable();
      const accountKey = deviceLog().accountKeys[0]!.publicKey;
      const made = await makeChat({ account, device, accountKey, sign, randomBytes, now });
      const entry = { ...made.entry, n: title, t: clock.next() };
      await addChat(entry);
      const model = chats.get(entry.id)!;
      await Promise.all([model.room.putControl([...deviceLog().entries, ...made.log]), writeAccount(entry)]);
      return entry.id;
    },
    async close(): Promise<void> {
      engine.close();
      await Promise.all([accountRoom.idle(), ...[...chats.values()].map(({ room }) => room.idle())]);
      releaseProvider();
      for (const chat of chats.values()) chat.dispose();
      accountPage.doc.destroy();
      await vault.close();
    },
  };
};

export type Core = Awaited<ReturnType<typeof createCore>>;
