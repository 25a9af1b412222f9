// The demo's story: account, import, link, both offline, edits on both, back, converged. Then the search.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Chat,
  createAccount,
  type Device,
  linkDevice,
  type Message,
  type Readable,
  when,
} from '@sealwire/core';
import { parseWhatsAppExport } from '@sealwire/core/import-whatsapp';
import { fileStorage } from '@sealwire/core/node';
import { readSecrets } from '@sealwire/core/testing';
import { type Canary, type Found, searchCanaries } from '@sealwire/testkit/canaries';
import { type Random, seededRandom } from '@sealwire/testkit/random';
import { startRelayProcess } from '@sealwire/testkit/relay-process';
import type { DemoOptions } from './options.ts';
import { createWire, type Wire } from './wire.ts';

export interface DemoResult {
  readonly converged: boolean;
  readonly plaintextFoundOnRelay: boolean;
  /** From the scanned code to an open device. */
  readonly linkMs: number;
  /** From there to the first chat with its messages. */
  readonly firstChatMs: number;
  /** From both networks on again to the same timeline on both. */
  readonly convergeMs: number;
  readonly framesSent: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** Tells what happens, with milliseconds since the start. */
export type Tell = (text: string) => void;

/** Waiting longer than this for devices to agree means that they never will. */
const PATIENCE_MS = 30_000;

const patience = (): AbortSignal => AbortSignal.timeout(PATIENCE_MS);

export const tellStory = async (options: DemoOptions, data: string, tell: Tell): Promise<DemoResult> => {
  const random = seededRandom(options.seed);
  const canaries = makeCanaries();
  const wire = createWire(options.sabotage, Buffer.concat(Object.values(canaries).map(({ bytes }) => bytes)));
  const relayData = join(data, 'relay');
  const relay = await startRelayProcess({ data: relayData });
  tell(`relay process listens on ${relay.address}`);
  const devices: Device[] = [];
  try {
    const phone = await createAccount({
      storage: fileStorage(join(data, 'phone')),
      relay: relay.address,
      name: text(canaries.person),
      deviceName: text(canaries.phone),
      platform: 'phone',
      onTraffic: wire.onTraffic,
    });
    devices.push(phone);
    tell(`account ${phone.accountId.slice(0, 8)} created on the phone`);
    const chat = await importChat(phone, options, text(canaries.title), text(canaries.message), tell);
    await when(
      phone.status,
      ({ connection, pending }) => connection === 'online' && pending === 0,
      patience(),
    );
    tell('everything imported is durable at the relay');

    const { web, linkMs, linkedAt } = await link(phone, relay.address, data, text(canaries.web), wire, tell);
    devices.push(web);
    const total = phone.chats.get()[0]!.messages;
    await when(web.chats, (chats) => chats[0]?.messages === total, patience());
    const firstChatMs = performance.now() - linkedAt;
    tell(`the web device has ${total} messages, ${firstChatMs.toFixed(0)} ms after linking`);

    const webChat = await web.openChat(chat.id);
    phone.setNetwork(false);
    web.setNetwork(false);
    await Promise.all([
      edit(chat, options.edits, 'phone', random),
      edit(webChat, options.edits, 'web', random),
    ]);
    tell(`both offline: ${options.edits} edits on each side, stored`);
    const before = wire.framesSent;
    const startedAt = performance.now();
    phone.setNetwork(true);
    web.setNetwork(true);
    const converged = await agree(chat, webChat, options.sabotage !== undefined);
    const convergeMs = performance.now() - startedAt;
    tell(
      converged
        ? `back online: the same ${chat.timeline.get().length} messages on both after ${convergeMs.toFixed(0)} ms, in ${wire.framesSent - before} frames`
        : 'back online: the devices do not show the same',
    );
    if (options.out) await leaveTimelines(options.out, chat, webChat);
    await Promise.all(devices.splice(0).map((device) => device.close()));
    await relay.stop();
    if (options.sabotage === 'log')
      await writeFile(
        join(relayData, 'relay.log'),
        `frame from ${Buffer.from(text(canaries.message)).toString('base64')}\n`,
      );
    const found = await search(data, relayData, wire, Object.values(canaries));
    for (const { name, encoding, place } of new Map(
      found.map((item) => [`${item.name}${item.place}`, item]),
    ).values())
      tell(`READABLE: ${name} as ${encoding} in ${place}`);
    if (found.length === 0) tell('nothing readable passed through or lies on the relay');
    return {
      converged,
      plaintextFoundOnRelay: found.length > 0,
      linkMs: Math.round(linkMs),
      firstChatMs: Math.round(firstChatMs),
      convergeMs: Math.round(convergeMs),
      framesSent: wire.framesSent,
      bytesUp: wire.bytesUp,
      bytesDown: wire.bytesDown,
    };
  } finally {
    await Promise.all(devices.map((device) => device.close()));
    await relay.stop();
  }
};

const importChat = async (
  phone: Device,
  options: DemoOptions,
  title: string,
  canary: string,
  tell: Tell,
): Promise<Chat> => {
  const file =
    options.importFile ?? new URL('../../test/fixtures/whatsapp-group-android.txt', import.meta.url);
  const parsed = parseWhatsAppExport(await readFile(file));
  const chat = await phone.openChat(await phone.createChat(title));
  const count = await chat.import(parsed.messages, 'WhatsApp');
  await chat.send(canary);
  tell(`${count} messages imported, ${parsed.notUnderstood} lines not understood`);
  return chat;
};

const link = async (
  phone: Device,
  relay: string,
  data: string,
  deviceName: string,
  wire: Wire,
  tell: Tell,
) => {
  const request = linkDevice({
    storage: fileStorage(join(data, 'web')),
    relay,
    deviceName,
    platform: 'web',
    onTraffic: wire.onTraffic,
  });
  const shown = await when(request.state, ({ step }) => step === 'code' || step === 'failed', patience());
  if (shown.step !== 'code') throw shown.step === 'failed' ? shown.error : new Error('no code');
  const startedAt = performance.now();
  const session = phone.link(shown.code);
  const told = await when(session.state, ({ step }) => step === 'digits' || step === 'failed', patience());
  if (told.step !== 'digits') throw told.step === 'failed' ? told.error : new Error('no digits');
  await when(request.state, ({ step }) => step === 'type-digits', patience());
  tell(`the phone shows ${told.digits}; typed on the web device`);
  request.submitDigits(told.digits);
  const asked = await when(session.state, ({ step }) => step === 'confirm' || step === 'failed', patience());
  if (asked.step !== 'confirm') throw asked.step === 'failed' ? asked.error : new Error('not asked');
  session.confirm(asked.deviceName);
  const web = await request.device;
  const linkedAt = performance.now();
  tell(`linked in ${(linkedAt - startedAt).toFixed(0)} ms`);
  return { web, linkMs: linkedAt - startedAt, linkedAt };
};

/** Writes, and now and then deletes one of the own messages. */
const edit = async (chat: Chat, count: number, side: string, random: Random): Promise<void> => {
  const mine: string[] = [];
  for (let i = 0; i < count; i++) {
    if (mine.length > 0 && random.int(10) === 0)
      await chat.delete(mine.splice(random.int(mine.length), 1)[0]!);
    else mine.push(await chat.send(`${side} ${i}: ${'word '.repeat(random.between(1, 12)).trim()}`));
  }
};

const shape = (messages: readonly Message[]): string =>
  JSON.stringify(messages.map(({ id, text, at }) => [id, text, at]));

const agree = async (phone: Chat, web: Chat, mayFail: boolean): Promise<boolean> => {
  /** All is compared, however old. */
  const isWhole = (chat: Chat): boolean => {
    if (chat.status.get().older > 0) void chat.loadOlder(Number.NEGATIVE_INFINITY);
    return chat.status.get().older === 0;
  };
  const same = () =>
    phone.status.get().pending + web.status.get().pending === 0 &&
    [phone, web].every(isWhole) &&
    shape(phone.timeline.get()) === shape(web.timeline.get());
  try {
    await when(
      { get: same, subscribe: both(phone.status, web.timeline, web.status) },
      Boolean,
      AbortSignal.timeout(mayFail ? 3_000 : PATIENCE_MS),
    );
    return true;
  } catch {
    return false; // The result says so, and the exit code.
  }
};

const both =
  (...readables: readonly Pick<Readable<unknown>, 'subscribe'>[]) =>
  (listener: () => void): (() => void) => {
    const ends = readables.map((readable) => readable.subscribe(listener));
    return () => {
      for (const end of ends) end();
    };
  };

const makeCanaries = () => {
  const random = () => Buffer.from(crypto.getRandomValues(new Uint8Array(12))).toString('hex');
  const canary = (name: string): Canary => ({
    name,
    bytes: Buffer.from(`${name.replaceAll(' ', '-')}-${random()}`),
  });
  return {
    person: canary('person'),
    phone: canary('phone name'),
    web: canary('web name'),
    title: canary('chat title'),
    message: canary('message'),
  };
};

const text = ({ bytes }: Canary): string => Buffer.from(bytes).toString();

const search = async (
  data: string,
  relayData: string,
  wire: Wire,
  texts: readonly Canary[],
): Promise<Found[]> => {
  const canaries = [...texts];
  for (const side of ['phone', 'web'])
    for (const { name, bytes } of await readSecrets(fileStorage(join(data, side))))
      canaries.push({ name: `${side}: ${name}`, bytes });
  const found = searchCanaries('the sockets', Buffer.concat(wire.messages), canaries);
  // Folders as well: blobs lie in one.
  for (const entry of await readdir(relayData, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) {
      const bytes = await readFile(join(entry.parentPath, entry.name));
      found.push(...searchCanaries(`the store (${entry.name})`, bytes, canaries));
    }
  return found;
};

const leaveTimelines = async (out: string, phone: Chat, web: Chat): Promise<void> => {
  const lines = (chat: Chat) =>
    chat.timeline.get().map(({ id, author, origin, text: words, at }) => ({
      id,
      author: origin?.name ?? author.name,
      text: words,
      time: at,
    }));
  await writeFile(join(out, 'phone.json'), JSON.stringify(lines(phone), null, 1));
  await writeFile(join(out, 'web.json'), JSON.stringify(lines(web), null, 1));
};
