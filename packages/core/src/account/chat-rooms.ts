// Keeps each chat in the room that its log names, and hears its other rooms. Rules: spec/chats.md §4.
import { toHex } from '@sealwire/protocol';
import { fromBase64Url, fromHex } from '../bytes.ts';
import { roomIdOf } from '../identity/device-keys.ts';
import type { MembershipLog } from '../identity/membership.ts';
import type { ChatEntry } from '../logdoc/entries.ts';
import { createAsideRoom, type Followed } from '../room/aside-room.ts';
import type { RoomAddress } from '../room/keyring.ts';
import { encodeRecord } from '../room/records.ts';
import type { Room } from '../room/room.ts';
import type { RecordId } from '../vault/vault.ts';
import { chatKeys, openRoom, type RoomCommons } from './rooms.ts';

export interface ChatRoomsOptions {
  readonly commons: RoomCommons;
  readonly follow: (room: Followed) => void;
  readonly unfollow: (room: Pick<Followed, 'id' | 'key'>) => void;
  /** Secrets of other rooms of a chat than the one in its entry, base64url. */
  readonly others: (chatId: string) => Iterable<string>;
}

/** A chat whose room is open. */
interface Placed {
  readonly entry: ChatEntry;
  readonly room: Room;
  readonly asides: Map<string, Followed>;
  /** What it was placed by: nothing is to be done while these are the same. */
  log: MembershipLog | undefined;
  known: number;
  turn: Promise<void>;
}

export const createChatRooms = (options: ChatRoomsOptions) => {
  const { commons } = options;
  const placed = new Map<string, Placed>();

  /** By room id, hexadecimal; the one in the chat's entry first. */
  const addressesOf = (entry: ChatEntry): Map<string, RoomAddress> => {
    const found = [entry.s, ...options.others(entry.id)].map((text) => {
      const secret = fromBase64Url(text)!;
      const id = roomIdOf(secret);
      return [toHex(id), { id, secret }] as const;
    });
    return new Map(found);
  };

  const aside = (chat: Placed, address: RoomAddress): Followed => {
    let record: RecordId | undefined;
    let cursor = 0;
    for (const stored of commons.records.get(toHex(address.id)) ?? [])
      if (stored.record.type === 'aside') {
        record = stored.id;
        cursor = stored.record.cursor;
      }
    return createAsideRoom({
      address,
      logId: fromHex(chat.entry.id),
      cursor,
      take: chat.room.learn,
      save(at) {
        const { ids, durable } = commons.vault.commit({
          put: [encodeRecord({ type: 'aside', room: address.id, cursor: at })],
          remove: record === undefined ? [] : [record],
        });
        record = ids[0];
        durable.catch(() => undefined); // A failed vault reports itself; what is not stored is heard again.
      },
    });
  };

  const leave = (chat: Placed, key: string): void => {
    const other = chat.asides.get(key);
    if (other) options.unfollow(other);
    chat.asides.delete(key);
  };

  const place = async (chat: Placed): Promise<void> => {
    const { entry, room, asides } = chat;
    const known = addressesOf(entry);
    const log = room.state.control.chatLog();
    // Until the log is there, or the secret of the room that it names, the chat stays where it is.
    const wanted =
      log && known.get(log.move ? toHex(log.move.room) : toHex(roomIdOf(fromBase64Url(entry.s)!)));
    if (wanted && toHex(wanted.id) !== room.key) {
      options.unfollow(room);
      leave(chat, toHex(wanted.id));
      await room.moveTo(wanted);
      options.follow(room);
    }
    for (const [key, address] of known) {
      if (key === room.key || asides.has(key)) continue;
      const other = aside(chat, address);
      asides.set(key, other);
      options.follow(other);
    }
    chat.log = log;
    chat.known = known.size;
  };

  /** Looks whether a chat is where it belongs. */
  const settle = (chat: Placed): void => {
    const log = chat.room.state.control.chatLog();
    if (chat.log === log && chat.known === addressesOf(chat.entry).size) return;
    chat.turn = chat.turn.then(() => place(chat)).catch(commons.fault);
  };

  return {
    /** Opens the room that a chat was in last, with all that the vault holds of the chat. */
    open(entry: ChatEntry): Room {
      const addresses = [...addressesOf(entry).values()];
      return openRoom(commons, 'chat', chatKeys(entry), addresses);
    },
    /** A room of a chat has loaded: follows it, and from then on takes it where it belongs. */
    start(entry: ChatEntry, room: Room): void {
      const chat: Placed = {
        ...{ entry, room, asides: new Map<string, Followed>(), log: undefined, known: 1 },
        turn: Promise.resolve(),
      };
      placed.set(entry.id, chat);
      options.follow(room);
      settle(chat);
      room.onChange(() => settle(chat));
    },
    /** The account document may know other rooms by now. */
    changed(): void {
      for (const chat of placed.values()) settle(chat);
    },
    /** Settles when all chats are where they belong, as far as is known now. */
    settled: async (): Promise<void> => {
      await Promise.all([...placed.values()].map(({ turn }) => turn));
    },
  };
};

export type ChatRooms = ReturnType<typeof createChatRooms>;
