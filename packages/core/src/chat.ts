// One chat: its room's pages as messages, and what a person does with them. Rules: spec/log-document.md §3, spec/pages.md.
import { SealwireError, toHex } from '@sealwire/protocol';
import { createMembership, type MembershipOptions } from './account/membership.ts';
import type { Connection } from './api.ts';
import type { Author, Chat, ChatStatus, ChatSummary, Message, MessageState } from './chat-api.ts';
import { createChatPages, idParts, type PagedItem } from './chat-pages.ts';
import { createChatWriter } from './chat-writer.ts';
import { encodeEntry, type MessageEntry } from './logdoc/entries.ts';
import type { Clock } from './logdoc/stamp.ts';
import { requireText, toPieces } from './message-pieces.ts';
import { createReadable } from './readable.ts';
import type { Room } from './room/room.ts';

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
  const shown = new Map<string, Message>();
  let opened = 0;
  const pages = createChatPages({
    room,
    clock,
    onClockAhead: options.onClockAhead,
    forget: (id) => (id === undefined ? shown.clear() : shown.delete(id)),
    changed: () => changed(),
  });
  const writer = createChatWriter(room, () => opened > 0);

  const stateOf = (stream: string, clientId: number, at: number): MessageState => {
    const own = room.state.own.get(clientId);
    // The first entry of a run is seen before the outbox has heard of it.
    if (!own) return clientId === room.state.writers.get(stream)?.clientId ? 'storing' : 'sent';
    if (at < own.sent) return 'sent';
    return at < own.stored ? 'stored' : 'storing';
  };

  const own = toHex(room.options.account.id);
  /** Members who are no contacts are called what they call themselves. */
  const nameOf = (accountId: string): string =>
    (accountId === own ? options.nameOf(own) : (pages.nameOf(accountId) ?? options.nameOf(accountId))) ?? '';
  const authorOf = (stream: string, id: string): Author => {
    const device = pages.deviceOf(stream, id);
    const accountId = toHex(device.account);
    return { accountId, deviceId: toHex(device.id), name: nameOf(accountId), isMe: accountId === own };
  };
  const membership = createMembership({
    ...options.membership,
    nameOf,
    title: options.title,
  });
  const title = (): string => membership.title() ?? options.title();

  const toMessage = ({ id, entry, at, stream }: PagedItem): Message => {
    const known = shown.get(id);
    // Nothing follows `sent`: of a long chat, only what is on its way is looked at again.
    if (known?.state === 'sent') return known;
    const [clientId, clockAt] = idParts(id);
    const state = stateOf(stream, clientId, clockAt);
    if (known?.state === state) return known;
    const { o } = entry;
    const message: Message = {
      id,
      text: entry.x,
      at,
      author: authorOf(stream, id),
      state,
      ...(o && { origin: { name: o.n, sentAt: o.s, source: o.a } }),
    };
    shown.set(id, message);
    return message;
  };

  const timeline = createReadable<readonly Message[]>(() => pages.items().map(toMessage));

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
    ...pages.beside(),
  }));

  const members = createReadable(membership.members);

  const changed = () => {
    timeline.invalidate();
    status.invalidate();
    members.invalidate();
    options.onChange();
  };
  room.onChange(changed);

  const requireOpen = (): void => {
    options.requireWritable();
    if (opened === 0) throw new SealwireError('CLOSED', 'This chat was closed: open it again.');
    membership.requireMember();
  };

  const write = async (
    texts: readonly { readonly text: string; readonly origin?: MessageEntry['o'] }[],
  ): Promise<string[]> => {
    const name = nameOf(own);
    // Others may know nothing of this person but their words.
    const isStranger = membership.isShared() && name !== '' && pages.nameOf(own) !== name;
    const makers = texts.map(({ text, origin }) => () => {
      const entry: MessageEntry = { k: 'm', t: clock.next(), x: text, ...(origin && { o: origin }) };
      return encodeEntry(entry);
    });
    const sayName = () => encodeEntry({ k: 'me', t: clock.next(), n: name });
    const ids = await writer.append(isStranger ? [sayName, ...makers] : makers);
    return isStranger ? ids.slice(1) : ids;
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
    moveRoom: membership.moveRoom,
    async send(text) {
      requireText(text);
      requireOpen();
      const [id] = await write([{ text }]);
      await room.stored();
      return id!;
    },
    async delete(messageId) {
      requireOpen();
      const letGo = pages.holding(messageId) ? undefined : await pages.hold(messageId);
      try {
        const stream = pages.holding(messageId)?.stream;
        if (stream === undefined) throw new RangeError(`messageId ${messageId} is not in this chat`);
        if (!authorOf(stream, messageId).isMe)
          throw new RangeError(`messageId ${messageId} is not one's own`);
        await writer.on(stream, ({ doc, map }) => doc.transact(() => map.delete(messageId)));
        await room.stored();
      } finally {
        letGo?.();
      }
    },
    loadOlder: (since) => pages.loadOlder(since),
    loadNewer: () => pages.loadNewer(),
    async showAround(time) {
      if (Number.isNaN(time)) throw new RangeError('time is no number');
      await pages.showAround(time);
    },
    async import(messages, source, onProgress) {
      const pieces = messages.flatMap(toPieces(source));
      let done = 0;
      for (let at = 0; at < pieces.length; at += IMPORT_CHUNK) {
        requireOpen();
        const chunk = pieces.slice(at, at + IMPORT_CHUNK);
        await write(chunk);
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
      writer.close();
      pages.letGo();
    },
  };

  return {
    id: options.id,
    room,
    membership,
    /** Whether this device may make the room at a relay that has none: who may not would take it from the others. */
    mayMake: (): boolean => membership.isAdmin() ?? options.isOwnMade,
    refresh: changed,
    /** The page that is written on next. */
    writing: () => room.page(writer.choose()),
    async open(): Promise<Chat> {
      opened += 1;
      await writer.keep();
      return chat;
    },
    summary(): ChatSummary {
      const { messages, text = '', at = options.createdAt() } = pages.summary();
      return { id: options.id, title: title(), lastText: text, lastAt: at, messages };
    },
    dispose(): void {
      opened = 0;
      writer.close();
      pages.dispose();
    },
  };
};

export type ChatModel = ReturnType<typeof createChatModel>;
