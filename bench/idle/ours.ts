// Our side: a device with many chats that comes back to its relay, where nothing has happened meanwhile.
import { join } from 'node:path';
import { createAccount, openDevice, when } from '@sealwire/core';
import { fileStorage } from '@sealwire/core/node';
import type { DeviceInternals } from '@sealwire/core/testing';
import { decodeClientMessage, decodeRelayMessage } from '@sealwire/protocol';
import { startRelayProcess } from '@sealwire/testkit/relay-process';
import { ResultsDiffer } from '../lib/result.ts';
import { messagesOf, SOURCE } from '../open/chat.ts';
import { onSocket } from '../size/wire.ts';
import type { Return, Side } from './sides.ts';

const PATIENCE_MS = 600_000;

export const openOurs = async (folder: string, rooms: number, messages: number): Promise<Side> => {
  const relay = await startRelayProcess({ data: join(folder, 'relay') });
  const place = { storage: fileStorage(join(folder, 'device')), relay: relay.address };
  const device = await createAccount({ ...place, name: 'Ada', deviceName: 'phone', platform: 'phone' });
  for (let i = 0; i < rooms; i++) {
    const chat = await device.openChat(await device.createChat(`Chat ${i}`));
    await chat.import(messagesOf(messages), SOURCE);
    chat.close();
  }
  const isQuiet = ({ connection, pending }: { connection: string; pending: number }): boolean =>
    connection === 'online' && pending === 0;
  await when(device.status, isQuiet, AbortSignal.timeout(PATIENCE_MS));
  await device.close();
  return {
    comeBack: () => comeBack(place, rooms, messages),
    end: () => relay.stop(),
  };
};

/** From the open vault until the relay has answered everything that the device asked. */
const comeBack = async (
  place: { storage: ReturnType<typeof fileStorage>; relay: string },
  rooms: number,
  messages: number,
): Promise<Return> => {
  const counted = { sent: 0, received: 0, roundTrips: 0 };
  const asked = new Map<number, number>();
  let resumed = 0;
  let news = 0;
  let lastWasUp = false;
  let settle = (): void => undefined;
  const settled = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const onTraffic: DeviceInternals['onTraffic'] = (direction, bytes) => {
    const isUp = direction === 'up';
    // What goes up together is waited for together.
    if (isUp && !lastWasUp) counted.roundTrips++;
    lastWasUp = isUp;
    counted[isUp ? 'sent' : 'received'] += onSocket(bytes.length, isUp ? 'client' : 'server');
    const message = isUp ? decodeClientMessage(bytes) : decodeRelayMessage(bytes);
    if (!('request' in message)) return undefined;
    if (isUp) asked.set(message.request, message.type === 'resume' ? message.rooms.length : 0);
    else {
      resumed += asked.get(message.request) ?? 0;
      asked.delete(message.request);
      if (message.type === 'resumed') news += message.news.length + message.refused.length;
    }
    // The account has a room of its own.
    if (resumed === rooms + 1 && asked.size === 0) settle();
    return undefined;
  };
  const device = await openDevice({ ...place, onTraffic } as Parameters<typeof openDevice>[0]);
  await Promise.race([settled, failAfter(PATIENCE_MS)]);
  const held = device.chats.get().filter((chat) => chat.messages === messages).length;
  await device.close();
  if (held !== rooms || news !== 0)
    throw new ResultsDiffer(`idle: ${held} of ${rooms} chats are whole, and ${news} have news`);
  return { ...counted, connections: 1 };
};

const failAfter = (ms: number): Promise<never> =>
  new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`the relay has not answered within ${ms} ms`)), ms).unref();
  });
