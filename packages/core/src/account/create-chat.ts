// Makes a chat of this account, with its first members. Rules: spec/chats.md, CH13.
import { fromHex, LIMITS } from '@sealwire/protocol';
import type { ChatModel } from '../chat.ts';
import type { LoggedDevice } from '../identity/device-log.ts';
import type { Directory } from '../identity/directory.ts';
import type { EpochMember } from '../identity/epoch.ts';
import type { ChatEntry } from '../logdoc/entries.ts';
import type { Clock } from '../logdoc/stamp.ts';
import type { OwnAccount } from '../room/control.ts';
import { makeChat } from './rooms.ts';

export interface ChatMakerOptions {
  readonly account: OwnAccount;
  readonly device: LoggedDevice;
  readonly directory: Directory;
  readonly sign: (statement: Uint8Array) => Uint8Array;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly now: () => number;
  readonly clock: Clock;
  /** Throws why nothing can be written now. */
  readonly requireWritable: () => void;
  readonly deviceLog: () => { readonly accountKeys: readonly { readonly publicKey: Uint8Array }[] };
  /** Opens the chat of an entry. */
  readonly addChat: (entry: ChatEntry) => Promise<void>;
  readonly chat: (chatId: string) => Pick<ChatModel, 'room' | 'membership'>;
  /** Resolves when the entry is durable here. */
  readonly writeAccount: (entry: ChatEntry) => Promise<void>;
}

export const chatMaker = (options: ChatMakerOptions) => {
  const { account, device, directory, sign, randomBytes, now } = options;
  const guestOf = (id: string): EpochMember => ({
    account: fromHex(id),
    accountKey: directory.log(id)!.accountKeys[0]!.publicKey,
  });

  /**
   * Makes a chat; offline as well. Who is in it stands in its first entries, so that an own device that hears of the chat
   * hears of them too. @returns its id, once it is durable here.
   *
   * @param members - accounts whose device logs are known here, none twice.
   */
  return async (title: string, members: readonly string[] = []): Promise<string> => {
    options.requireWritable();
    const accountKey = options.deviceLog().accountKeys[0]!.publicKey;
    const first = members.slice(0, LIMITS.firstMembers);
    const others = { members: first.map(guestOf), title };
    const made = await makeChat({ account, device, accountKey, others, sign, randomBytes, now });
    const introductions = first.flatMap((id) => directory.log(id)!.entries);
    const entry = { ...made.entry, n: title, t: options.clock.next() };
    await options.addChat(entry);
    const { room, membership } = options.chat(entry.id);
    await Promise.all([room.putLog([...introductions, ...made.log]), options.writeAccount(entry)]);
    for (const id of members.slice(LIMITS.firstMembers)) await membership.add(id, false);
    return entry.id;
  };
};
