// What becomes of a verified inbox message, and of a person's yes or no: entries for the account document. Pure; the
// same book and message give the same verdict on every own device. Rules: spec/contacts.md §2 and §4.
import { LIMITS, sameBytes, toHex } from '@sealwire/protocol';
import { fromBase64Url, toBase64Url } from '../bytes.ts';
import { roomIdOf } from '../identity/device-keys.ts';
import { decodeEntryBytes, encodeEntryBytes } from '../identity/log-entry.ts';
import type { ContactEntry, ContactsEntry, MailEntry } from '../logdoc/contact-entries.ts';
import type { ChatEntry, RoomEntry } from '../logdoc/entries.ts';
import type { Book } from './book.ts';
import type { Card } from './card.ts';
import type { VerifiedMessage } from './messages.ts';

/** An entry before it gets its stamp. */
export type Unstamped = ContactsEntry | ChatEntry | RoomEntry extends infer E
  ? E extends ContactsEntry | ChatEntry | RoomEntry
    ? Omit<E, 't'>
    : never
  : never;

/** Requests that may wait for a person at once; what comes after stays at the relay, whose inbox is bounded too. */
export const PENDING_REQUESTS = 64;

export type Verdict =
  /** Write these; once they are durable the message may go from the relay. None: it was dealt with before. */
  | { readonly type: 'take'; readonly entries: readonly Unstamped[] }
  /** It stays at the relay: too much waits for a person. */
  | { readonly type: 'later' }
  /** Nobody wants it; `why` is for the evidence. */
  | { readonly type: 'refuse'; readonly why: string };

export interface JudgeContext {
  readonly book: Book;
  /** The secrets of a chat's rooms, base64url, each with the root of who sent it; undefined if the account has no such chat. */
  readonly roomsOf: (chatId: string) => ReadonlyMap<string, string> | undefined;
  /** The own device, hexadecimal: it answers what it decides. */
  readonly deviceId: string;
  readonly randomBytes: (length: number) => Uint8Array;
}

/** Judges one message that was verified. @param bytes - its content, kept with a request for later. */
export const judgeMessage = (message: VerifiedMessage, bytes: Uint8Array, context: JudgeContext): Verdict => {
  const { book } = context;
  const { content } = message;
  const id = toHex(content.id);
  const root = toHex(message.log.root);
  if (book.knows(id)) return take();
  const seen: Unstamped = { k: 'seen', id };
  const contact = book.contacts.get(root);
  switch (content.type) {
    case 'request': {
      const card = book.cards.get(toHex(content.card));
      if (!card?.v || card.q !== 'shown')
        return { type: 'refuse', why: 'it names no card of this account, or a revoked one' };
      // Who was asked already, or is known, needs no second yes of this person.
      if (contact) return take(seen, knownContact(message), mailOf(context, root, 'accept', id));
      return ask(message, bytes, context, 'contact');
    }
    case 'accept': {
      const request = book.mail.get(toHex(content.request));
      if (!contact || request?.q !== 'request' || request.f !== root)
        return { type: 'refuse', why: 'it answers nothing that this account asked' };
      if (!sameBytes(message.log.genesis.principal, fromBase64Url(contact.p) ?? new Uint8Array(0)))
        return { type: 'refuse', why: "its account is not the card's" };
      return take(seen, knownContact(message));
    }
    case 'invite':
      if (context.roomsOf(toHex(content.chat)))
        return take(seen, ...(contact?.s === 'known' ? otherRoom(message, context) : []));
      if (contact?.s === 'known') return take(seen, chatOf(message)!, ...changesOf(message, contact));
      return ask(message, bytes, context, 'invitation');
  }
};

/** The person said yes to a request whose content was verified again. */
export const acceptEntries = (message: VerifiedMessage, context: JudgeContext): readonly Unstamped[] => {
  const id = toHex(message.content.id);
  const root = toHex(message.log.root);
  const chat = chatOf(message);
  const decided = decision(context.book, id, 'accepted');
  if (!decided) return [];
  if (chat) return [decided, chat];
  return [decided, knownContact(message), mailOf(context, root, 'accept', id)];
};

/** The person said no. Nobody is told. */
export const declineEntries = (book: Book, id: string): readonly Unstamped[] => {
  const decided = decision(book, id, 'declined');
  return decided ? [decided] : [];
};

/** The person scanned a card: the contact is asked, unless it is known. */
export const askEntries = (card: Card, context: JudgeContext): readonly Unstamped[] => {
  const root = toHex(card.account);
  if (context.book.contacts.get(root)?.s === 'known') return [];
  const contact: Unstamped = {
    k: 'contact',
    id: root,
    s: 'asked',
    n: card.name,
    p: toBase64Url(card.principal),
    a: toBase64Url(card.accountKey),
    w: toBase64Url(card.token),
    l: [],
  };
  return [contact, mailOf(context, root, 'request', '')];
};

/** A message that this account owes somebody, under a new id. @param r - the request or chat that it is about. */
export const mailOf = (
  { deviceId: d, randomBytes }: Pick<JudgeContext, 'deviceId' | 'randomBytes'>,
  f: string,
  q: MailEntry['q'],
  r: string,
): Unstamped => ({ k: 'mail', id: toHex(randomBytes(16)), f, q, r, d, s: 'due' });

const take = (...entries: readonly Unstamped[]): Verdict => ({ type: 'take', entries });

const ask = (
  { content, log }: VerifiedMessage,
  bytes: Uint8Array,
  { book }: JudgeContext,
  q: 'contact' | 'invitation',
): Verdict => {
  const id = toHex(content.id);
  const f = toHex(log.root);
  const pending = [...book.requests.values()].filter(({ s }) => s === 'pending');
  const again = pending.some(
    (other) => other.f === f && other.q === q && (q === 'contact' || sameChat(book, other.id, bytes)),
  );
  if (again) return take({ k: 'seen', id });
  if (pending.length >= PENDING_REQUESTS) return { type: 'later' };
  const h = content.type === 'invite' ? { h: content.title } : {};
  return take({ k: 'request', id, f, q, s: 'pending', n: content.from.name, ...h, b: toBase64Url(bytes) });
};

/** Two invitations of one person are asked about twice, unless they are the same but for id and time. */
const sameChat = (book: Book, id: string, bytes: Uint8Array): boolean =>
  book.contents.get(id) === toBase64Url(bytes);

const decision = (book: Book, id: string, s: 'accepted' | 'declined'): Unstamped | undefined => {
  const request = book.requests.get(id);
  if (!request || request.s === 'accepted' || request.s === s) return undefined;
  const { t: _, b: __, ...rest } = request;
  return { ...rest, s };
};

const knownContact = ({ content, log }: VerifiedMessage): Unstamped & { readonly k: 'contact' } => ({
  k: 'contact',
  id: toHex(log.root),
  s: 'known',
  n: content.from.name,
  p: toBase64Url(log.genesis.principal),
  a: toBase64Url(log.accountKeys[0]!.publicKey),
  w: toBase64Url(content.from.token),
  l: log.entries.map((entry) => toBase64Url(encodeEntryBytes(entry))),
});

/** What a later message of a contact says anew: another name, another token. */
const changesOf = (message: VerifiedMessage, contact: ContactEntry): readonly Unstamped[] => {
  const now = knownContact(message);
  return now.n === contact.n && now.w === contact.w ? [] : [now];
};

/** Where a chat went on that the account has, if the invitation's log says that it moved there. See spec/chats.md, CH18. */
const otherRoom = ({ content, log }: VerifiedMessage, { roomsOf }: JudgeContext): readonly Unstamped[] => {
  if (content.type !== 'invite') return [];
  const id = toHex(content.chat);
  const [s, f] = [toBase64Url(content.secret), toHex(log.root)];
  const known = roomsOf(id)!;
  const named = [...known.values()].filter((sender) => sender === f).length;
  const room = roomIdOf(content.secret);
  const isNamed = content.entries.some((bytes) => {
    const { entry } = decodeEntryBytes(bytes);
    return entry.type === 'member' && entry.change.action === 'move' && sameBytes(entry.change.room, room);
  });
  return isNamed && !known.has(s) && named < LIMITS.chatRooms ? [{ k: 'room', id, s, f }] : [];
};

const chatOf = ({ content }: VerifiedMessage): Unstamped | undefined =>
  content.type === 'invite'
    ? { k: 'chat', id: toHex(content.chat), s: toBase64Url(content.secret), e: [], n: content.title }
    : undefined;
