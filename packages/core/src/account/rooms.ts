// Makes the rooms of an account: its own and those of its chats, from keys that the account document holds. Rules:
// spec/keys.md §4.
import { SealwireError, sameBytes, toHex } from '@sealwire/protocol';
import { fromBase64Url, fromHex, toBase64Url } from '../bytes.ts';
import { roomIdOf } from '../identity/device-keys.ts';
import type { LoggedDevice } from '../identity/device-log.ts';
import { createEpoch, type EpochMember } from '../identity/epoch.ts';
import {
  decodeEntryBytes,
  encodeEntryBytes,
  type MemberChange,
  type SignedEntry,
  signEntry,
} from '../identity/log-entry.ts';
import { createMemberEntries, startMembershipLog } from '../identity/membership.ts';
import type { ChatEntry } from '../logdoc/entries.ts';
import type { OwnAccount } from '../room/control.ts';
import type { RoomAddress } from '../room/keyring.ts';
import type { RoomRecord } from '../room/records.ts';
import { createRoom, type Room, type RoomOptions } from '../room/room.ts';
import type { RecordId } from '../vault/vault.ts';

/** What all rooms of a device have in common. */
export type RoomCommons = Omit<RoomOptions, 'kind' | 'id' | 'secret' | 'logId' | 'epochKeys' | 'send'> & {
  readonly send: (room: Uint8Array, stream: string, frame: Uint8Array) => void;
  /** What the vault holds, by room id, hexadecimal. */
  readonly records: ReadonlyMap<string, readonly { id: RecordId; record: RoomRecord }[]>;
};

export interface RoomKeys {
  readonly secret: Uint8Array;
  readonly logId: Uint8Array;
  readonly epochKeys: readonly Uint8Array[];
  readonly logEntries?: readonly SignedEntry[];
}

/**
 * Opens a room; it loads from the vault by itself, see `ready`.
 *
 * @param addresses - the rooms that a chat was in or may be in, if not only that of its keys: it is where the newest record
 *   of its own is.
 */
export const openRoom = (
  commons: RoomCommons,
  kind: RoomOptions['kind'],
  keys: RoomKeys,
  addresses: readonly RoomAddress[] = [{ id: roomIdOf(keys.secret), secret: keys.secret }],
): Room => {
  const send: RoomOptions['send'] = ({ room, stream, frame }) => commons.send(room, stream, frame);
  const records = addresses
    .flatMap(({ id }) => commons.records.get(toHex(id)) ?? [])
    .filter(({ record }) => record.type !== 'aside')
    .sort((a, b) => a.id - b.id);
  const last = records.findLast(({ record }) => record.type === 'bodies')?.record.room;
  const address = addresses.find(({ id }) => last && sameBytes(id, last)) ?? addresses[0]!;
  const epochs = records.flatMap(({ record }) => (record.type === 'epoch' ? [record] : []));
  const epochKeys = [...keys.epochKeys, ...epochs.flatMap(({ key }) => key ?? [])];
  const epochStarts = new Map(
    epochs.map(({ commitment, at, position }) => [toHex(commitment), { at, position }]),
  );
  const of = { ...commons, ...keys, ...address, epochKeys, epochStarts, kind, send };
  return createRoom(of, records);
};

/** Names of all values in the archive that records name. */
export const archivedIn = (records: RoomCommons['records']): ReadonlySet<string> =>
  new Set(
    [...records.values()].flat().flatMap(({ record }) => (record.type === 'closed' ? [record.archive] : [])),
  );

/** The keys in a chat's entry of the account document. @throws SealwireError MALFORMED */
export const chatKeys = (entry: ChatEntry): RoomKeys => {
  const secret = fromBase64Url(entry.s);
  const epochKeys = entry.e.map(fromBase64Url);
  if (secret?.length !== 32 || epochKeys.some((key) => key?.length !== 32))
    throw new SealwireError('MALFORMED', 'A chat entry of the account holds keys of a wrong length.');
  const logEntries = (entry.l ?? []).map((text) => {
    const bytes = fromBase64Url(text);
    if (!bytes) throw new SealwireError('MALFORMED', 'A chat entry of the account holds no log entries.');
    return decodeEntryBytes(bytes);
  });
  return { secret, logId: fromHex(entry.id), epochKeys: epochKeys as Uint8Array[], logEntries };
};

export interface NewChat {
  readonly keys: RoomKeys;
  /** For the account document, but for title and stamp. */
  readonly entry: Pick<ChatEntry, 'k' | 'id' | 's' | 'e' | 'l'>;
  /** For the room's control stream. */
  readonly log: readonly SignedEntry[];
}

/** Makes a chat: its first membership entries, a room secret, and epoch 0, which is for all its first members. */
export const makeChat = async (options: {
  readonly account: OwnAccount;
  readonly device: LoggedDevice;
  /** The account's key to use: X25519, 32 bytes. */
  readonly accountKey: Uint8Array;
  /** Accounts that are members from the beginning, at most `LIMITS.firstMembers`, and what it is called to them. */
  readonly others?: { readonly members: readonly EpochMember[]; readonly title: string };
  readonly sign: (statement: Uint8Array) => Uint8Array;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly now: () => number;
}): Promise<NewChat> => {
  const { account, device, accountKey, others, sign, randomBytes } = options;
  const genesis = signEntry(
    {
      type: 'chat-genesis',
      nonce: randomBytes(16),
      account: account.id,
      author: device.id,
      at: options.now(),
    },
    sign,
  );
  const secret = randomBytes(32);
  const epochKey = randomBytes(32);
  const guests = others?.members ?? [];
  const changes: MemberChange[] = others?.members.length
    ? [
        { action: 'rename', title: others.title },
        ...guests.map(({ account: subject }) => ({ action: 'add', subject, role: 'member' }) as const),
      ]
    : [];
  const log = await startMembershipLog(genesis, device);
  const additions = await createMemberEntries({ log, device, changes, at: options.now(), sign });
  const epoch = await createEpoch({
    log: genesis.hash,
    index: 0,
    parents: [],
    heads: [(additions.at(-1) ?? genesis).hash],
    author: device.id,
    epochKey,
    members: [{ account: account.id, accountKey }, ...guests],
    sign,
  });
  const entries = [genesis, ...additions, epoch];
  return {
    keys: { secret, logId: genesis.hash, epochKeys: [epochKey] },
    entry: {
      k: 'chat',
      id: toHex(genesis.hash),
      s: toBase64Url(secret),
      e: [toBase64Url(epochKey)],
      l: entries.map((signed) => toBase64Url(encodeEntryBytes(signed))),
    },
    log: entries,
  };
};
