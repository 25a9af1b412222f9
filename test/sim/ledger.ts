// The readable model: what people said, saw stored, saw sent and deleted. Every device is held to it.
import { toHex } from '@sealwire/protocol';
import type { World } from './world.ts';

/** One message. Texts of a run are all different, so the text names it. */
export interface Word {
  readonly text: string;
  readonly chat: string;
  /** Device id. */
  readonly author: string;
  readonly saidAt: number;
  /** When it was first shown as stored: with a full disk, long after it was said. */
  storedAt: number;
  /** `unsure` until it was shown as stored: then it may be there, or not. */
  state: 'unsure' | 'stored' | 'sent';
  /** `unsure` from the wish to the moment at which its deletion was shown as stored. */
  deleted: 'no' | 'unsure' | 'yes';
  /** Its device was logged out: nobody can say whether it counts. */
  isDoubtful: boolean;
  /** Said by who was no member then, and all knew: it counts only if they become one again. */
  readonly isOutside: boolean;
}

interface Deletion {
  readonly word: Word;
  /** Device id. */
  readonly by: string;
  /** When it was stored. */
  at: number;
}

interface KnownChat {
  readonly title: string;
  readonly by: string;
  /** When it was stored. */
  at: number;
  id: string | undefined;
  state: 'unsure' | 'stored';
  isDoubtful: boolean;
  /** By account: what is to be held of its place in the chat. */
  readonly places: Map<string, Place>;
}

/** An account's place in a chat. */
export interface Place {
  /**
   * Since when it has been a member, with no doubt; what was said from then on it must show, and what it said must be shown.
   * Infinite while nobody can say: somebody wished it in or out, and all need not know.
   */
  since: number;
  /** Since when it is no member, and all others know: what comes later it must not read, and nobody must read it. */
  outAt: number | undefined;
}

export const createLedger = (world: World) => {
  const words = new Map<string, Word>();
  const chats = new Map<string, KnownChat>();
  const deletions: Deletion[] = [];
  /** By device: everything that it did before was at the relay. */
  const settledAt = new Map<string, number>();
  /** By device that was logged out: since when all the others know it. */
  const ends = new Map<string, { overAt: number | undefined }>();
  /** By device. */
  const accounts = new Map<string, string>();
  let next = 1;

  const chatOf = (id: string): KnownChat | undefined => [...chats.values()].find((chat) => chat.id === id);
  const placeOf = (chat: string, device: string): Place | undefined =>
    chatOf(chat)?.places.get(accounts.get(device) ?? '');
  /** Whether nothing happened to the author's place in the chat since a word was said. */
  const isSteady = ({ chat, author, saidAt }: Word): boolean => saidAt >= (placeOf(chat, author)?.since ?? 0);

  /** When a word was first shown as deleted; infinite for one that never was to count. */
  const deletedAt = (word: Word): number =>
    Math.min(...deletions.flatMap((deletion) => (deletion.word === word ? deletion.at : [])));

  return {
    words: words as ReadonlyMap<string, Word>,
    chats: chats as ReadonlyMap<string, KnownChat>,
    /** A device is known by its account from now on. */
    belongs: (device: string, account: string): void => void accounts.set(device, account),
    chatOf,
    placeOf,
    newText: (device: string): string => `word-${next++} of ${device} canary`,
    say(text: string, chat: string, author: string): Word {
      const at = world.now();
      const end = ends.get(author);
      const isOutside = placeOf(chat, author)?.outAt !== undefined;
      const word: Word = {
        text,
        chat,
        author,
        saidAt: at,
        storedAt: at,
        state: 'unsure',
        // What is said after the end must never be shown, as if it had been deleted.
        deleted: end?.overAt !== undefined || isOutside ? 'yes' : 'no',
        isDoubtful: end !== undefined,
        isOutside,
      };
      words.set(text, word);
      return word;
    },
    stored(word: Word): void {
      if (word.state !== 'unsure') return;
      word.state = 'stored';
      word.storedAt = world.now();
    },
    delete(word: Word, by: string): void {
      if (word.deleted === 'no') word.deleted = 'unsure';
      deletions.push({ word, by, at: world.now() });
    },
    deleted(word: Word, by: string): void {
      if (!ends.has(by) && placeOf(word.chat, by)?.since !== Number.POSITIVE_INFINITY) word.deleted = 'yes';
      for (const deletion of deletions)
        if (deletion.word === word && deletion.by === by) deletion.at = world.now();
    },
    newChat(by: string, members: readonly string[] = []): KnownChat {
      const chat: KnownChat = {
        title: `chat-${next++} canary`,
        by,
        at: world.now(),
        id: undefined,
        state: 'unsure',
        isDoubtful: ends.has(by),
        places: new Map(
          [accounts.get(by)!, ...members].map((account) => [account, { since: 0, outAt: undefined }]),
        ),
      };
      chats.set(chat.title, chat);
      return chat;
    },
    /** A device has nothing that the relay has not. */
    settled: (device: string): void => void settledAt.set(device, world.now()),
    /** A device is as it was at `at`: what it did since, and the relay does not have, may be gone. */
    restored(device: string, at: number): void {
      const safe = settledAt.get(device) ?? 0;
      for (const word of words.values())
        if (word.author === device && word.state === 'stored' && word.storedAt >= at && word.storedAt >= safe)
          word.state = 'unsure';
      for (const { word, by, at: deletedAt } of deletions)
        if (by === device && word.deleted === 'yes' && deletedAt >= at && deletedAt >= safe)
          word.deleted = 'unsure';
      for (const chat of chats.values())
        if (chat.by === device && chat.at >= at && chat.at >= safe) {
          chat.state = 'unsure';
          for (const word of words.values()) if (word.chat === chat.id) word.state = 'unsure';
        }
    },
    /** A device is logged out. @param stays - whether what it said before is held by all others. */
    ended(device: string, stays: (word: Word) => boolean): void {
      ends.set(device, { overAt: undefined });
      for (const word of words.values()) if (word.author === device && !stays(word)) word.isDoubtful = true;
      for (const { word, by } of deletions)
        if (by === device && word.deleted === 'yes') word.deleted = 'unsure';
      for (const chat of chats.values())
        if (chat.by === device)
          chat.isDoubtful = ![...words.values()].some(
            (word) => word.chat === chat.id && !word.isDoubtful && stays(word),
          );
    },
    /** Somebody wishes an account into a chat or out of it: from now on nobody can say, until all know. */
    touched(chat: KnownChat, account: string): Place {
      const place: Place = { since: Number.POSITIVE_INFINITY, outAt: undefined };
      chat.places.set(account, place);
      for (const { word, by } of deletions)
        if (word.chat === chat.id && accounts.get(by) === account && word.deleted === 'yes')
          word.deleted = 'unsure';
      for (const word of words.values())
        if (word.isOutside && word.chat === chat.id && accounts.get(word.author) === account)
          word.deleted = 'unsure';
      return place;
    },
    /** All others know that it was logged out. */
    isOver: (device: string): void => void ends.set(device, { overAt: world.now() }),
    /** Since when nothing may reach a device that was logged out; undefined while it may. */
    overAt: (device: string): number | undefined => ends.get(device)?.overAt,
    /** Must be shown by this device, at the end, in this chat. */
    expected: (chat: string, device: string): Word[] => {
      if (chatOf(chat)?.isDoubtful) return [];
      const since = placeOf(chat, device)?.since ?? Number.POSITIVE_INFINITY;
      return [...words.values()].filter(
        (word) =>
          word.chat === chat &&
          word.state !== 'unsure' &&
          word.deleted === 'no' &&
          !word.isDoubtful &&
          word.saidAt >= since &&
          isSteady(word),
      );
    },
    /** Must not be shown by this device, at the end. Who was out does not hear of what was deleted meanwhile. */
    gone: (chat: string, device: string): Word[] => {
      const since = placeOf(chat, device)?.since ?? 0;
      if (since === Number.POSITIVE_INFINITY) return [];
      return [...words.values()].filter(
        (word) => word.chat === chat && word.deleted === 'yes' && deletedAt(word) >= since,
      );
    },
    /** Devices that must show the whole of a chat, and all the same. */
    isFounder: (chat: string, device: string): boolean => placeOf(chat, device)?.since === 0,
    canary: new TextEncoder().encode('canary'),
    hex: toHex,
  };
};

export type Ledger = ReturnType<typeof createLedger>;
