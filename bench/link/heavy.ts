// A heavy account: many chats with much in them, to which a device is linked; and plain Yjs documents with the same.
import { join } from 'node:path';
import { createAccount, type Device, when } from '@sealwire/core';
import { fileStorage } from '@sealwire/core/node';
import type { DeviceInternals } from '@sealwire/core/testing';
import { startRelayProcess } from '@sealwire/testkit/relay-process';
import * as Y from 'yjs';
import { someAtOnce, syncOnce } from '../lib/provider.ts';
import { ResultsDiffer } from '../lib/result.ts';
import { messagesOf, SOURCE } from '../open/chat.ts';
import { startServer } from '../relay/server-process.ts';
import { onSocket } from '../size/wire.ts';
import { linkOnce } from './devices.ts';

const PATIENCE_MS = 1_800_000;

export interface Account {
  readonly chats: number;
  /** In all chats together. */
  readonly messages: number;
}

/** What one fresh device took, from the moment at which the person agreed. */
export interface Linked {
  /** Until every chat is in the list, with its title. */
  readonly listMs: number;
  /** Until every message of every chat is there. */
  readonly wholeMs: number;
  /** Sent by the phone since it scanned the code; none for a peer. */
  readonly phoneBytes: number;
}

export interface Side {
  /** @throws ResultsDiffer unless all is there in the end. */
  readonly link: () => Promise<Linked>;
  readonly end: () => Promise<void>;
}

const titleOf = (chat: number): string => `Chat ${chat}`;

export const openOurs = async (folder: string, { chats, messages }: Account): Promise<Side> => {
  const relay = await startRelayProcess({ data: join(folder, 'relay') });
  let sent = 0;
  const place = (name: string) => ({ storage: fileStorage(join(folder, name)), relay: relay.address });
  const onTraffic: DeviceInternals['onTraffic'] = (direction, bytes) => {
    if (direction === 'up') sent += onSocket(bytes.length, 'client');
    return undefined;
  };
  const options = {
    ...place('phone'),
    name: 'Ada',
    deviceName: 'phone',
    platform: 'phone',
    onTraffic,
  } as const;
  const phone = await createAccount(options);
  const content = messagesOf(messages / chats);
  for (let i = 0; i < chats; i++) {
    const chat = await phone.openChat(await phone.createChat(titleOf(i)));
    await chat.import(content, SOURCE);
    chat.close();
  }
  await quiet(phone);
  let made = 0;
  return {
    async link() {
      const before = sent;
      let from = 0;
      const { device } = await linkOnce(phone, place(`web-${made++}`), () => {
        from = performance.now();
      });
      const patience = AbortSignal.timeout(PATIENCE_MS);
      const hasList = (list: ReturnType<Device['chats']['get']>): boolean =>
        list.length === chats && list.every(({ title }) => title !== '');
      await when(device.chats, hasList, patience);
      const listMs = performance.now() - from;
      const isWhole = (list: ReturnType<Device['chats']['get']>): boolean =>
        list.length === chats && list.every((chat) => chat.messages === content.length);
      await when(device.chats, isWhole, patience);
      const wholeMs = performance.now() - from;
      await quiet(phone);
      await quiet(device);
      const phoneBytes = sent - before;
      await requireSame(
        device,
        content.map(({ text }) => text),
        chats,
      );
      await device.close();
      return { listMs, wholeMs, phoneBytes };
    },
    async end() {
      await phone.close();
      await relay.stop();
    },
  };
};

const quiet = (device: Device): Promise<unknown> =>
  when(
    device.status,
    ({ connection, pending }) => connection === 'online' && pending === 0,
    AbortSignal.timeout(PATIENCE_MS),
  );

const requireSame = async (device: Device, texts: readonly string[], chats: number): Promise<void> => {
  const titles = new Set(device.chats.get().map(({ title }) => title));
  if (titles.size !== chats) throw new ResultsDiffer(`link: ${titles.size} titles of ${chats} chats`);
  for (const { id, title } of device.chats.get()) {
    const chat = await device.openChat(id);
    await chat.loadOlder(0);
    const held = chat.timeline.get();
    if (held.length !== texts.length || held.some(({ text }, i) => text !== texts[i]))
      throw new ResultsDiffer(`link: ${title} holds other messages`);
    chat.close();
  }
};

const LIST = 'list';

/** A document for each chat and one for the list of them, at a y-websocket server; a fresh client takes them. */
export const openYjs = async ({ chats, messages }: Account): Promise<Side> => {
  const server = await startServer('servers/y-websocket.mjs');
  const texts = messagesOf(messages / chats).map((message) => JSON.stringify(message));
  const list = new Y.Doc();
  list.transact(() => {
    for (let i = 0; i < chats; i++) list.getMap<string>('chats').set(`chat-${i}`, titleOf(i));
  });
  const put = async (name: string, doc: Y.Doc): Promise<void> => {
    await syncOnce(server.address, name, doc);
    // Asked for again, so that it is known to hold what was sent.
    await syncOnce(server.address, name, new Y.Doc());
  };
  await put(LIST, list);
  await someAtOnce(chats, (i) => {
    const doc = new Y.Doc();
    doc.getArray<string>('messages').push(texts);
    return put(`chat-${i}`, doc);
  });
  return {
    async link() {
      const from = performance.now();
      const fresh = new Y.Doc();
      await syncOnce(server.address, LIST, fresh);
      const names = [...fresh.getMap<string>('chats').keys()];
      const listMs = performance.now() - from;
      const docs = names.map(() => new Y.Doc());
      await someAtOnce(names.length, (i) => syncOnce(server.address, names[i]!, docs[i]!));
      const wholeMs = performance.now() - from;
      const isSame = (doc: Y.Doc): boolean => {
        const held = doc.getArray<string>('messages').toArray();
        return held.length === texts.length && held.every((text, i) => text === texts[i]);
      };
      if (names.length !== chats || !docs.every(isSame))
        throw new ResultsDiffer('link: the documents hold other messages');
      return { listMs, wholeMs, phoneBytes: 0 };
    },
    end: () => server.stop(),
  };
};
