// The inside of a device: vault, device log, rooms and engine wired together. device.ts is what apps see of it.
// The life of a message through it: ARCHITECTURE.md.
import { pageStream, SealwireError, sameBytes, toHex } from '@sealwire/protocol';
import { signEd25519 } from '#native';
import type { Connection, Evidence } from '../api.ts';
import { fromBase64Url, toBase64Url } from '../bytes.ts';
import { type ChatModel, createChatModel } from '../chat.ts';
import { hpkeKeyPairOf } from '../crypto/hpke.ts';
import { suiteOfPublicKey } from '../crypto/suites.ts';
import { createOwnAccount } from '../identity/account-keys.ts';
import { deviceIdOf, devicePublic } from '../identity/device-keys.ts';
import { createDirectory, requireDevice } from '../identity/directory.ts';
import { type ChatEntry, type Entry, encodeEntry } from '../logdoc/entries.ts';
import type { PageLimits } from '../logdoc/page-choice.ts';
import { createClock, stampMs } from '../logdoc/stamp.ts';
import { encodeRecord } from '../room/records.ts';
import type { Room } from '../room/room.ts';
import { type Edge, PLATFORM_EDGE } from '../sync/edge.ts';
import { createEngine } from '../sync/engine.ts';
import { openProvider } from '../sync/provider.ts';
import type { SessionTimes } from '../sync/session.ts';
import type { RecordId, Vault } from '../vault/vault.ts';
import { readAccount } from './account-doc.ts';
import { createChatRooms } from './chat-rooms.ts';
import { chatMaker } from './create-chat.ts';
import { accountPrincipal } from './principal.ts';
import { createRevocation } from './revocation.ts';
import { archivedIn, openRoom, type RoomCommons } from './rooms.ts';
import { encodeSelf, type Self } from './self.ts';

const ACCOUNT_STREAM = pageStream(0);

/** How often a device that stays connected looks whether time alone has made something due. */
const LOOK_MS = 60 * 60_000;

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
  readonly pageLimits?: PageLimits;
  readonly aheadFrames?: number;
  readonly onOpen?: (core: Core) => void;
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
  const suite = suiteOfPublicKey(self.log.genesis.accountKey) ?? 1;
  const account = await createOwnAccount(self.log.root, self.accountKeys, suite);
  const heads = new Map<string, number>();
  const chats = new Map<string, ChatModel>();
  let connection: Connection = 'offline';
  let problem: SealwireError | undefined;
  /** This device was ended, and has nothing more to say. */
  let isGone = false;
  /** Rooms that have something to say of what is missing wait for keys. */
  let isWithheld = false;
  let cancelLook = (): void => undefined;

  const deviceLog = () => directory.log(accountId)!;

  const saveSelf = (changes: Partial<Self>): Promise<void> => {
    self = { ...self, ...changes };
    const record = encodeRecord({ type: 'self', json: encodeSelf(self) });
    const { ids, durable } = vault.commit({ put: [record], remove: [selfRecord] });
    selfRecord = ids[0]!;
    return durable;
  };

  const engine = createEngine({
    url: parts.relay,
    relaySeed: self.secrets.relay,
    relayKey: keys.relay,
    principal: accountPrincipal({
      self: () => self,
      saveSelf,
      log: deviceLog,
      relayKey: keys.relay,
      isGone: () => isGone,
      randomBytes,
    }),
    randomBytes,
    onConnection: (value) => {
      connection = value;
      if (value === 'online' && !isGone) problem = undefined;
      refresh();
    },
    onProblem: (error, room) => {
      events.evidence({ code: error.code, message: error.message, ...(room !== undefined && { room }) });
      if (room === undefined && !isGone) problem = error;
      events.changed();
    },
    onFarewell: (note) => void revocation.farewell(note).catch(fault),
    mayMake: (room) =>
      room === accountRoom.key ||
      ([...chats.values()].find((chat) => chat.room.key === room)?.mayMake() ?? false),
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
      if (error !== vault.problem && !isGone) problem = error;
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
    refetch: (room) => engine.refetch(room),
    records: parts.records,
    ...(parts.pageLimits && { pageLimits: parts.pageLimits }),
    ...(parts.aheadFrames !== undefined && { aheadFrames: parts.aheadFrames }),
    isCaughtUp: () => {
      const settled = revocation.isSettled();
      isWithheld ||= !settled;
      return settled;
    },
    keysOwed: (accounts) => {
      if (accounts.some((id) => sameBytes(id, account.id))) revocation.want();
    },
  };

  // Before any page is put aside: what a crash left in the archive that no record names.
  await vault.archive.keep(archivedIn(parts.records)).catch(fault);
  const accountRoom = openRoom(commons, 'account', {
    secret: self.roomSecret,
    logId: self.log.root,
    epochKeys: self.epochKeys,
  });
  await accountRoom.ready;
  const accountPage = accountRoom.page(ACCOUNT_STREAM);
  const releaseProvider = await openProvider(accountRoom, accountPage);

  const requireWritable = (): void => {
    if (isGone) throw loggedOut();
    if (vault.problem) throw vault.problem;
  };

  /** Writes entries of the account document. Resolves when they are durable on this device. */
  const writeAccount = (...entries: readonly NewEntry[]): Promise<void> => {
    accountPage.doc.transact(() => {
      for (const entry of entries) accountPage.append(encodeEntry({ ...entry, t: clock.next() } as Entry));
    });
    return accountRoom.stored();
  };

  const chatRooms = createChatRooms({
    commons,
    follow: engine.follow,
    unfollow: engine.unfollow,
    others: (id) => state.get().rooms.get(id)?.keys() ?? [],
  });

  const addChat = async (entry: ChatEntry): Promise<void> => {
    if (chats.has(entry.id) || isGone) return;
    const room = chatRooms.open(entry);
    const nameOf = (id: string): string | undefined =>
      id === accountId ? state.get().personName : state.get().book.contacts.get(id)?.n;
    const model = createChatModel({
      room,
      nameOf,
      isOwnMade: entry.e.length > 0,
      membership: {
        ...{ room, directory, device, sign, now, requireWritable, randomBytes },
        keepRoom: (secret) => writeAccount({ k: 'room', id: entry.id, s: toBase64Url(secret), f: '' }),
      },
      id: entry.id,
      clock,
      now,
      title: () => state.get().chats.get(entry.id)?.n ?? entry.n,
      createdAt: () => stampMs(entry.t),
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
    chatRooms.start(entry, room);
    events.changed();
  };

  const createChat = chatMaker({
    ...{ account, device, directory, sign, randomBytes, now, clock, requireWritable, deviceLog },
    ...{ addChat, chat: (id) => chats.get(id)!, writeAccount },
  });

  const retryRooms = (): void => {
    void accountRoom.retry();
    for (const { room } of chats.values()) void room.retry();
  };
  const takeKeys = async (): Promise<void> => {
    for (const text of state.get().keys) {
      const seed = fromBase64Url(text)!;
      const { publicKey, privateKey } = await hpkeKeyPairOf(suite, seed);
      if (!account.add(publicKey, privateKey)) continue;
      const saved = saveSelf({ accountKeys: account.privateKeys() });
      retryRooms();
      await saved;
    }
  };
  const state = readAccount(accountPage, () => {
    for (const entry of state.get().chats.values()) void addChat(entry).catch(fault);
    chatRooms.changed();
    void takeKeys().catch(fault);
    events.changed();
  });
  await Promise.all([...state.get().chats.values()].map(addChat));

  const end = async (): Promise<void> => {
    isGone = true;
    cancelLook();
    if (self.manageSeed) await engine.sayGone();
    engine.close();
    await Promise.all([accountRoom.idle(), ...[...chats.values()].map(({ room }) => room.idle())]);
    for (const room of [accountRoom, ...[...chats.values()].map((chat) => chat.room)]) room.forget();
    releaseProvider();
    for (const chat of chats.values()) chat.dispose();
    await vault.destroy().catch((error: unknown) => {
      if (!(error instanceof SealwireError)) throw error;
      events.evidence({ code: error.code, message: error.message });
    });
    chats.clear();
    problem = loggedOut();
    events.changed();
  };
  const revocation = createRevocation({
    directory,
    account,
    deviceId,
    hpke: self.secrets.hpke,
    roomSecret: self.roomSecret,
    sign,
    randomBytes,
    now,
    accountRoom,
    saveSelf,
    handOver: (privateKeys) =>
      writeAccount(...privateKeys.map((key) => ({ k: 'key', s: toBase64Url(key) }) as const)),
    isStuck: () => vault.problem !== undefined,
    learned: retryRooms,
    settled() {
      if (!isWithheld) return;
      isWithheld = false;
      for (const room of [accountRoom, ...[...chats.values()].map((chat) => chat.room)]) void room.caughtUp();
    },
    ended: end,
    report: events.evidence,
    fault,
  });
  directory.onChange(() => {
    retryRooms();
    engine.principalChanged();
    revocation.changed();
    events.changed();
  });
  accountRoom.onChange(() => {
    revocation.changed();
    events.changed();
  });
  vault.onProblem(() => events.changed());
  const lookLater = (): (() => void) =>
    (parts.edge ?? PLATFORM_EDGE).after(LOOK_MS, () => {
      cancelLook = lookLater();
      revocation.changed();
    });
  cancelLook = lookLater();
  await revocation.settled().catch(fault);
  if (!isGone) engine.follow(accountRoom);

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
    problem: () => (isGone ? problem : undefined) ?? (vault.problem as SealwireError | undefined) ?? problem,
    rooms: (): Room[] => [accountRoom, ...[...chats.values()].map(({ room }) => room)],
    head: (room: Room) => heads.get(room.key) ?? 0,
    /** Makes the vault whole again, and sends what waited for that. @throws SealwireError STORAGE_*, LOGGED_OUT */
    async recover(): Promise<void> {
      if (!isGone) await vault.repair();
      if (isGone) throw loggedOut();
      problem = undefined;
      for (const room of [accountRoom, ...[...chats.values()].map((chat) => chat.room)])
        void room.recovered();
      events.changed();
    },
    createChat,
    revocation,
    /** Gives a device of this account another name. Resolves when it is durable here. @throws RangeError */
    async renameDevice(id: string, name: string): Promise<void> {
      requireWritable();
      if (!deviceLog().devices.has(id)) throw new RangeError(`deviceId ${id} is no device of this account`);
      await writeAccount({ k: 'device', id, n: name, p: state.get().devices.get(id)?.p ?? 'headless' });
    },
    /** Ends this device once the relay has all that it wrote. @throws SealwireError RELAY_UNREACHABLE, LOGGED_OUT */
    async logOut(): Promise<void> {
      requireWritable();
      if (connection !== 'online')
        throw new SealwireError('RELAY_UNREACHABLE', 'Logging out needs the relay: others must hear of it.');
      const leave = async (): Promise<void> => {
        await Promise.all([accountRoom.sent(), ...[...chats.values()].map(({ room }) => room.sent())]);
        await revocation.endThis();
      };
      // Another device may end it first: then nothing of it is ever sent.
      await Promise.race([leave(), revocation.over]);
    },
    async close(): Promise<void> {
      cancelLook();
      engine.close();
      await Promise.all([accountRoom.idle(), ...[...chats.values()].map(({ room }) => room.idle())]);
      if (!isGone) releaseProvider();
      for (const chat of chats.values()) chat.dispose();
      accountPage.doc.destroy();
      await vault.close();
    },
  };
};

const loggedOut = (): SealwireError =>
  new SealwireError(
    'LOGGED_OUT',
    'This device was logged out: what it kept is gone. Link it again to use it.',
  );

export type Core = Awaited<ReturnType<typeof createCore>>;
