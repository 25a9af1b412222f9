// Shared documents of a device, as apps hold them: a Y.Doc, its awareness, and what carries both. Rules:
// spec/shared-document.md.
import { LIMITS, SealwireError } from '@sealwire/protocol';
import type { Core } from './account/core.ts';
import { isMember } from './account/membership.ts';
import { createReadable } from './readable.ts';
import type { Room } from './room/room.ts';
import type { SharedDoc, SharedDocStatus } from './shared-api.ts';
import { attachDocument } from './shareddoc/attach.ts';
import type { SharedDocument } from './shareddoc/document.ts';
import { documentStream } from './shareddoc/name.ts';
import { type AwarenessChange, createPresence } from './shareddoc/presence.ts';
import { type Edge, PLATFORM_EDGE } from './sync/edge.ts';

/** What carries a document that is open: the same for all who have it open. */
interface Carried {
  readonly document: SharedDocument;
  readonly ready: Promise<void>;
  readonly awareness: () => SharedDoc['awareness'];
  readonly onReplaced: (listener: () => void) => () => void;
  users: number;
  end(): void;
}

export const createSharedDocs = (core: Core, edge: Edge = PLATFORM_EDGE) => {
  const carried = new Map<string, Carried>();
  const statuses = new Set<{ invalidate(): void }>();

  const openOne = (room: Room, stream: string): Carried => {
    const name = `${room.key}/${stream}`;
    const known = carried.get(name);
    if (known) {
      known.users += 1;
      return known;
    }
    const opened = carry(room, stream, core, edge);
    const made: Carried = {
      ...opened,
      users: 1,
      end() {
        carried.delete(name);
        opened.end();
      },
    };
    carried.set(name, made);
    return made;
  };

  return {
    /** @throws SealwireError CHAT_UNKNOWN, LOGGED_OUT; TypeError, RangeError */
    async open(chatId: string, name: string): Promise<SharedDoc> {
      requireDocumentName(name);
      if (core.revocation.isEnded()) core.requireWritable();
      const model = core.chats.get(chatId);
      if (!model) throw new SealwireError('CHAT_UNKNOWN', 'There is no such chat on this device.');
      const { room } = model;
      await room.ready;
      const one = openOne(room, documentStream(room.options.logId, name));
      const status = createReadable<SharedDocStatus>(() => statusOf(core, room));
      statuses.add(status);
      const stop = room.onChange(status.invalidate);
      let isOpen = true;
      await one.ready;
      return {
        chatId,
        name,
        get doc() {
          return one.document.doc;
        },
        get awareness() {
          return one.awareness();
        },
        status,
        onReplaced: one.onReplaced,
        stored: () => room.stored(),
        close() {
          if (!isOpen) return;
          isOpen = false;
          stop();
          statuses.delete(status);
          one.users -= 1;
          if (one.users === 0) one.end();
        },
      };
    },
    /** The connection has changed, or whatever else concerns all. */
    changed(): void {
      for (const status of statuses) status.invalidate();
    },
    close(): void {
      for (const one of [...carried.values()]) one.end();
    },
  };
};

const carry = (room: Room, stream: string, { engine }: Core, edge: Edge): Omit<Carried, 'users'> => {
  const { documents } = room.state;
  const document = documents.open(stream);
  const listeners = new Set<() => void>();
  let attached = attachDocument(room, document, undefined);
  const presence = createPresence({
    room,
    stream,
    awareness: () => attached.awareness,
    signal: (payload) => engine.transmit({ type: 'signal', room: room.id, payload }),
    after: edge.after,
  });
  const heard = (change: AwarenessChange): void => presence.changed(change);
  const listen = (): void => attached.awareness.on('update', heard);
  listen();
  const stop = document.onReset(() => {
    const before = attached;
    before.awareness.off('update', heard);
    attached = attachDocument(room, document, before.awareness);
    before.end();
    listen();
    for (const listener of listeners) listener();
  });
  return {
    document,
    ready: attached.synced,
    awareness: () => attached.awareness,
    onReplaced(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    end() {
      stop();
      attached.awareness.setLocalState(null);
      presence.end();
      attached.end();
      documents.close(stream);
    },
  };
};

const statusOf = (core: Core, room: Room): SharedDocStatus => ({
  state: stateOf(core, room),
  pending: room.pending(),
});

const stateOf = (core: Core, room: Room): SharedDocStatus['state'] => {
  if (!isMember(room, core.accountId)) return 'left';
  if (core.connection() !== 'online') return 'offline';
  if (room.isRefused()) return 'refused';
  return room.isLive() ? 'live' : 'catching-up';
};

const requireDocumentName = (name: string): void => {
  if (typeof name !== 'string') throw new TypeError('name is not a string');
  if (name.length === 0 || name.length > LIMITS.documentNameChars)
    throw new RangeError(`name must have 1 to ${LIMITS.documentNameChars} characters`);
};
