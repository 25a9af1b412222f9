// One chat: its room's page as messages, and what a person does with them. Rules: spec/log-document.md §3.
import { LIMITS, pageStream, SealwireError, toHex } from '@sealwire/protocol';
import { createMembership, type MembershipOptions } from './account/membership.ts';
import type {
  Author,
  Chat,
  ChatStatus,
  ChatSummary,
  Connection,
  ImportedMessage,
  Message,
  MessageState,
} from './api.ts';
import { utf8 } from './bytes.ts';
import { encodeEntry, type MessageEntry, type PersonEntry } from './logdoc/entries.ts';
import type { Clock } from './logdoc/stamp.ts';
import { createTimeline, type TimelineItem, timelineItem } from './logdoc/timeline.ts';
import { createReadable } from './readable.ts';
import { chainKey } from './room/chains.ts';
import type { PageEntry } from './room/page.ts';
import type { Room } from './room/room.ts';
import { openProvider } from './sync/provider.ts';

/** The only page of a chat in this version; its name is final. */
const STREAM = pageStream(0);

/** Entries of one transaction during an import. */
const IMPORT_CHUNK = 500;

export interface ChatModelOptions {
  readonly room: Room;
  readonly id: string;
  readonly clock: Clock;
  readonly now: () => number;
  readonly title: () => string;
  readonly createdAt: () => number;
  /** What a person calls themself, as far as the account document knows; this account's own name too. */
  readonly nameOf: (accountId: string) => string | undefined;
  /** True for a chat that this account made, false for one that it was invited to. */
  readonly isOwnMade: boolean;
  readonly membership: Omit<MembershipOptions, 'nameOf' | 'title'>;
  readonly connection: () => Connection;
  /** The relay's head for the room, 0 while unknown. */
  readonly head: () => number;
  /** Throws why nothing can be written now: a full disk, a lost vault. */
  readonly requireWritable: () => void;
  /** An entry whose stamp is too far ahead of this device's clock. */
  readonly onClockAhead: (entry: MessageEntry, id: string) => void;
  readonly onChange: () => void;
}

/** A chat as the device always has it, open or not. */
export const createChatModel = (options: ChatModelOptions) => {
  const { room, clock } = options;
  const page = room.page(STREAM);
  let items = createTimeline();
  const shown = new Map<string, Message>();
  let opened = 0;
  let attaching: Promise<() => void> | undefined;
  const detach = () => {
    void attaching?.then((release) => release());
    attaching = undefined;
  };

  const take = (id: string, entry: MessageEntry): void => {
    if (!clock.hear(entry.t)) options.onClockAhead(entry, id);
    items.add(timelineItem(id, entry));
  };
  const takeAll = (entries: Iterable<PageEntry>): void => {
    for (const { id, entry } of entries)
      if (entry.k === 'm') take(id, entry);
      else if (entry.k === 'me') takeName(id, entry);
  };
  takeAll(page.entries());

  const stateOf = (clientId: number, at: number): MessageState => {
    const own = room.state.own.get(clientId);
    // The first entry of a run is seen before the outbox has heard of it.
    if (!own) return clientId === page.clientId ? 'storing' : 'sent';
    if (at < own.sent) return 'sent';
    return at < own.stored ? 'stored' : 'storing';
  };

  const own = toHex(room.options.account.id);
  const deviceOf = (clientId: number) =>
    room.state.chains.get(chainKey(STREAM, clientId))?.device ?? room.options.device;
  /** What members call themselves here, by account: for those who are no contacts. */
  const names = new Map<string, PersonEntry>();
  const nameOf = (accountId: string): string =>
    (accountId === own ? options.nameOf(own) : (names.get(accountId)?.n ?? options.nameOf(accountId))) ?? '';
  const authorOf = (clientId: number): Author => {
    const device = deviceOf(clientId);
    const accountId = toHex(device.account);
    return { accountId, deviceId: toHex(device.id), name: nameOf(accountId), isMe: accountId === own };
  };
  const membership = createMembership({
    ...options.membership,
    nameOf,
    title: options.title,
  });
  const title = (): string => membership.title() ?? options.title();

  const takeName = (id: string, entry: PersonEntry): void => {
    const accountId = toHex(deviceOf(idParts(id)[0]).account);
    const known = names.get(accountId);
    if (known && (known.t > entry.t || (known.t === entry.t && known.n >= entry.n))) return;
    names.set(accountId, entry);
    shown.clear();
  };

  const toMessage = ({ id, entry, at }: TimelineItem): Message => {
    const known = shown.get(id);
    // Nothing follows `sent`: of a long chat, only what is on its way is looked at again.
    if (known?.state === 'sent') return known;
    const [clientId, clockAt] = idParts(id);
    const state = stateOf(clientId, clockAt);
    if (known?.state === state) return known;
    const { o } = entry;
    const message: Message = {
      id,
      text: entry.x,
      at,
      author: authorOf(clientId),
      state,
      ...(o && { origin: { name: o.n, sentAt: o.s, source: o.a } }),
    };
    shown.set(id, message);
    return message;
  };

  const timeline = createReadable<readonly Message[]>(() => items.items().map(toMessage));

  const stateNow = (): ChatStatus['state'] => {
    if (!membership.isMember()) return 'left';
    if (options.connection() !== 'online') return 'offline';
    if (room.isRefused()) return 'refused';
    return room.isLive() ? 'live' : 'catching-up';
  };

  const status = createReadable<ChatStatus>(() => ({
    state: stateNow(),
    pending: room.pending(),
    loaded: Math.min(room.cursor(), options.head() || room.cursor()),
    total: options.head(),
    lastHeard: new Map(room.state.lastHeard),
    rotationOwed: room.rotationOwed(),
  }));

  const members = createReadable(membership.members);

  const changed = () => {
    timeline.invalidate();
    status.invalidate();
    members.invalidate();
    options.onChange();
  };
  page.onChange(({ added, removed }) => {
    takeAll(added);
    for (const id of removed) {
      items.remove(id);
      shown.delete(id);
    }
    changed();
  });
  page.onReset(() => {
    items = createTimeline();
    shown.clear();
    names.clear();
    takeAll(page.entries());
    changed();
  });
  room.onChange(changed);

  const requireOpen = (): void => {
    options.requireWritable();
    if (opened === 0) throw new SealwireError('CLOSED', 'This chat was closed: open it again.');
    membership.requireMember();
  };

  const write = (
    texts: readonly { readonly text: string; readonly origin?: MessageEntry['o'] }[],
  ): string[] => {
    let ids: string[] = [];
    page.doc.transact(() => {
      const name = nameOf(own);
      // Others may know nothing of this person but their words.
      if (membership.isShared() && name !== '' && names.get(own)?.n !== name)
        page.append(encodeEntry({ k: 'me', t: clock.next(), n: name }));
      ids = texts.map(({ text, origin }) => {
        const entry: MessageEntry = { k: 'm', t: clock.next(), x: text, ...(origin && { o: origin }) };
        return page.append(encodeEntry(entry));
      });
    });
    return ids;
  };

  const chat: Chat = {
    id: options.id,
    get title() {
      return title();
    },
    timeline,
    status,
    members,
    addMember: (accountId, { shareHistory = false } = {}) => membership.add(accountId, shareHistory),
    removeMember: membership.remove,
    promote: membership.promote,
    leave: membership.leave,
    rename: membership.rename,
    async send(text) {
      requireText(text);
      requireOpen();
      await attaching;
      const [id] = write([{ text }]);
      await room.stored();
      return id!;
    },
    async delete(messageId) {
      requireOpen();
      if (!page.map.has(messageId)) throw new RangeError(`messageId ${messageId} is not in this chat`);
      if (!authorOf(idParts(messageId)[0]).isMe)
        throw new RangeError(`messageId ${messageId} is not one's own`);
      await attaching;
      page.doc.transact(() => page.map.delete(messageId));
      await room.stored();
    },
    async import(messages, source, onProgress) {
      const pieces = messages.flatMap(toPieces(source));
      let done = 0;
      for (let at = 0; at < pieces.length; at += IMPORT_CHUNK) {
        requireOpen();
        await attaching;
        const chunk = pieces.slice(at, at + IMPORT_CHUNK);
        write(chunk);
        await room.stored();
        done += chunk.filter(({ first }) => first).length;
        onProgress?.(done, messages.length);
      }
      return done;
    },
    close() {
      if (opened === 0) return;
      opened -= 1;
      if (opened > 0) return;
      detach();
    },
  };

  return {
    id: options.id,
    room,
    membership,
    /** Whether this device may make the room at a relay that has none: who may not would take it from the others. */
    mayMake: (): boolean => membership.isAdmin() ?? options.isOwnMade,
    refresh: changed,
    async open(): Promise<Chat> {
      opened += 1;
      attaching ??= openProvider(room, page);
      await attaching;
      return chat;
    },
    summary(): ChatSummary {
      const list = items.items();
      const last = list.at(-1);
      return {
        id: options.id,
        title: title(),
        lastText: last?.entry.x ?? '',
        lastAt: last?.at ?? options.createdAt(),
        messages: list.length,
      };
    },
    dispose(): void {
      detach();
      opened = 0;
      page.doc.destroy();
    },
  };
};

export type ChatModel = ReturnType<typeof createChatModel>;

/** clientID and clock of an entry's id. */
const idParts = (id: string): readonly [number, number] => {
  const colon = id.indexOf(':');
  return [Number(id.slice(0, colon)), Number(id.slice(colon + 1))];
};

const requireText = (text: string): void => {
  if (typeof text !== 'string') throw new TypeError('text is not a string');
  if (text.length === 0 || !fitsEntry(text))
    throw new RangeError(`text must have 1 to ${LIMITS.textChars} characters, and fit an entry as JSON`);
};

/** Room in an entry for all but its text: stamp, names of fields, an origin. */
const ENTRY_REST_BYTES = 2048;

/** Control characters take six bytes each as JSON: characters alone do not tell whether a text fits. */
const fitsEntry = (text: string): boolean =>
  text.length <= LIMITS.textChars &&
  utf8(JSON.stringify(text)).length <= LIMITS.entryBytes - ENTRY_REST_BYTES;

/** A text that is longer than an entry may be becomes several entries, so that nothing of it is lost. */
const toPieces =
  (source: string) =>
  ({ name, sentAt, text }: ImportedMessage) => {
    const origin = { n: name.slice(0, LIMITS.nameChars), s: Math.floor(sentAt), a: source };
    const pieces = [];
    for (let at = 0; at === 0 || at < text.length; ) {
      let end = Math.min(at + LIMITS.textChars, text.length);
      while (!fitsEntry(text.slice(at, end))) end = at + Math.floor((end - at) / 2);
      // A pair of surrogates is one character: it is not cut in two.
      if (end < text.length && end - at > 1 && /[\uD800-\uDBFF]/.test(text[end - 1]!)) end -= 1;
      pieces.push({ text: text.slice(at, end), origin, first: at === 0 });
      if (end === text.length) break;
      at = end;
    }
    return pieces;
  };
