// What must hold after every run, asked of each device and compared with the readable model.
import type { Message } from '@sealwire/core';
import { readSecrets } from '@sealwire/core/testing';
import type { SimDevice } from './device.ts';
import { checkEvidence, hasSaidSo, mayLose } from './evidence.ts';
import { checkEnded, checkReaches } from './revocation.ts';
import { checkMembers, everybody } from './society.ts';
import type { Stage } from './stage.ts';
import type { Turncoat } from './turncoat.ts';
import { SimFailure } from './world.ts';

/**
 * Closes the devices. @throws SimFailure saying what does not hold.
 *
 * @param auditor - a device that was linked last: it shows what the relay alone can tell.
 */
export const checkAll = async (
  stage: Stage,
  auditor: SimDevice,
  turncoat: Turncoat | undefined,
): Promise<void> => {
  const { world } = stage;
  const present = [...everybody(stage).filter(({ device }) => device), auditor];
  await checkEnded(stage);
  await checkMembers(stage, present);
  await checkShown(stage, present);
  checkEvidence(stage, present, turncoat);
  for (const device of present) device.close();
  if (!(await world.run(world.now() + 60_000, () => present.every(({ life }) => life === 'off'))))
    throw new SimFailure('a device does not close');
  await checkSecrets(stage, present);
  await checkReaches(stage);
};

/** What a device shows, by chat. */
type Shown = ReadonlyMap<string, readonly Message[]>;

/**
 * Devices show what was said, all alike. Where the relay lied in a way that loses something, a device may differ, but
 * somebody must have said that something is wrong.
 */
const checkShown = async (stage: Stage, devices: readonly SimDevice[]): Promise<void> => {
  const shown = new Map<SimDevice, Shown>();
  for (const device of devices) shown.set(device, await timelines(stage, device));
  const differences = new Map(
    devices.map((device) => [device, difference(stage, device, shown.get(device)!)]),
  );
  const right = devices.filter((device) => differences.get(device) === undefined);
  for (const { id } of stage.ledger.chats.values()) {
    const founders = right.filter((device) => id !== undefined && stage.ledger.isFounder(id, device.id));
    const [other] = founders;
    for (const device of founders)
      if (textOf(shown.get(device)!.get(id!)) !== textOf(shown.get(other!)!.get(id!)))
        differences.set(device, `${device.name} and ${other!.name} show different timelines`);
  }
  for (const [device, what] of differences) {
    if (what === undefined) continue;
    if (!mayLose(stage)) throw new SimFailure(what);
    if (!hasSaidSo(stage, devices, device))
      throw new SimFailure(`${what}, and nobody says that something is wrong`);
    stage.world.count('devices that lack something, and say so');
  }
};

const timelines = async ({ world }: Stage, device: SimDevice): Promise<Shown> => {
  const shown = new Map<string, readonly Message[]>();
  for (const { id } of device.device!.chats.get()) {
    device.chat(id);
    await world.settle();
    const chat = device.chat(id);
    if (!chat) throw new SimFailure(`${device.name} does not open a chat`);
    const older = chat.status.get().older;
    if (older > 0) world.count('chats with pages put aside');
    let isWhole = false;
    void chat.loadOlder(Number.NEGATIVE_INFINITY).then(() => {
      isWhole = true;
    });
    if (!(await world.run(world.now() + 60_000, () => isWhole)))
      throw new SimFailure(`${device.name} does not show the whole of a chat`);
    const listed = device.device!.chats.get().find((chat) => chat.id === id)?.messages;
    const count = chat.timeline.get().length;
    if (listed !== count) throw new SimFailure(`${device.name} lists ${listed} messages and shows ${count}`);
    shown.set(id, chat.timeline.get());
  }
  return shown;
};

const textOf = (messages: readonly Message[] = []): string =>
  messages.map(({ id, text, at, author }) => `${id} ${at} ${author.deviceId} ${text}`).join('\n');

/** Where a device's chats are not what the model says, as a sentence. */
const difference = (
  { ledger }: Stage,
  { name, id: self, device }: SimDevice,
  shown: Shown,
): string | undefined => {
  const titles = new Map(device!.chats.get().map(({ id, title }) => [id, title]));
  for (const title of titles.values())
    if (!ledger.chats.has(title)) throw new SimFailure(`${name} shows a chat that nobody made`);
  for (const { id, title, state, isDoubtful } of ledger.chats.values())
    if (state === 'stored' && !isDoubtful && ledger.isFounder(id!, self) && titles.get(id!) !== title)
      return `${name} lacks ${title}`;
  for (const { id } of ledger.chats.values()) {
    const messages = (id !== undefined && shown.get(id)) || [];
    const texts = new Set(messages.map(({ text }) => text));
    for (const word of id === undefined ? [] : ledger.expected(id, self))
      if (!texts.has(word.text)) return `${name} lost ${word.text}, which was shown as ${word.state}`;
    for (const word of id === undefined ? [] : ledger.gone(id, self))
      if (texts.has(word.text)) return `${name} still shows ${word.text}, which was deleted`;
    const isMember = id !== undefined && ledger.placeOf(id, self)?.since !== Number.POSITIVE_INFINITY;
    for (const { text, state } of messages)
      if (isMember && state !== 'sent') return `${name} still shows ${text} as ${state}`;
  }
  return undefined;
};

const checkSecrets = async (
  { world, ledger, network }: Stage,
  devices: readonly SimDevice[],
): Promise<void> => {
  const secrets: { readonly name: string; readonly bytes: Uint8Array }[] = [
    { name: "a message's text or a chat's title", bytes: ledger.canary },
  ];
  for (const { disk } of devices) {
    let found: typeof secrets | undefined;
    void readSecrets(disk.storage).then((list) => {
      found = list;
    });
    await world.run(world.now() + 60_000, () => found !== undefined);
    secrets.push(...found!);
  }
  const wire = network.seen.map((bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  for (const { name, bytes } of secrets)
    if (wire.some((message) => message.includes(Buffer.from(bytes))))
      throw new SimFailure(`${name} crossed the network in the clear`);
  for (const { disk, name } of devices)
    for (const row of disk.bytes())
      if (Buffer.from(row).includes(Buffer.from(ledger.canary)))
        throw new SimFailure(`${name} has a text on its disk in the clear`);
};
