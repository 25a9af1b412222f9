// What must hold after every run, asked of each device and compared with the readable model.
import type { Message } from '@sealwire/core';
import { readSecrets } from '@sealwire/core/testing';
import type { SimDevice } from './device.ts';
import type { FaultKind } from './faults.ts';
import type { Ledger } from './ledger.ts';
import type { Network } from './network.ts';
import { SimFailure, type World } from './world.ts';

export interface Checked {
  readonly world: World;
  readonly ledger: Ledger;
  readonly devices: readonly SimDevice[];
  readonly network: Network;
}

/** Closes the devices. @throws SimFailure saying what does not hold. */
export const checkAll = async (checked: Checked): Promise<void> => {
  const { world, devices } = checked;
  const present = devices.filter(({ device }) => device);
  checkChats(checked, present);
  for (const { id } of present[0]!.device!.chats.get()) await checkChat(checked, present, id);
  for (const device of present) checkEvidence(checked, device);
  for (const device of present) device.close();
  if (!(await world.run(world.now() + 60_000, () => present.every(({ life }) => life === 'off'))))
    throw new SimFailure('a device does not close');
  await checkSecrets(checked, present);
};

const checkChats = ({ ledger }: Checked, devices: readonly SimDevice[]): void => {
  for (const { name, device } of devices) {
    const shown = new Map(device!.chats.get().map(({ id, title }) => [id, title]));
    for (const { id, title, state } of ledger.chats.values())
      if (state === 'stored' && shown.get(id!) !== title) throw new SimFailure(`${name} lacks ${title}`);
    for (const title of shown.values())
      if (!ledger.chats.has(title)) throw new SimFailure(`${name} shows a chat that nobody made`);
  }
};

const checkChat = async (
  { world, ledger }: Checked,
  devices: readonly SimDevice[],
  id: string,
): Promise<void> => {
  const timelines: { readonly name: string; readonly shown: readonly Message[] }[] = [];
  for (const device of devices) {
    device.chat(id);
    await world.settle();
    const chat = device.chat(id);
    if (!chat) throw new SimFailure(`${device.name} does not open a chat`);
    timelines.push({ name: device.name, shown: chat.timeline.get() });
  }
  for (const { name, shown } of timelines) {
    const texts = new Set(shown.map(({ text }) => text));
    for (const word of ledger.expected(id))
      if (!texts.has(word.text))
        throw new SimFailure(`${name} lost ${word.text}, which was shown as ${word.state}`);
    for (const word of ledger.gone(id))
      if (texts.has(word.text)) throw new SimFailure(`${name} still shows ${word.text}, which was deleted`);
    for (const message of shown)
      if (message.state !== 'sent')
        throw new SimFailure(`${name} still shows ${message.text} as ${message.state}`);
    if (lineOf(shown) !== lineOf(timelines[0]!.shown))
      throw new SimFailure(`${name} and ${timelines[0]!.name} show different timelines`);
  }
};

const lineOf = (shown: readonly Message[]): string =>
  shown.map(({ id, text, at, author }) => `${id} ${at} ${author.deviceId} ${text}`).join('\n');

/** What a device may say when there was no lie: what befell it, and nothing else. */
const NOTICES: Readonly<Record<string, readonly FaultKind[]>> = {
  STORE_FULL: ['relay disk full'],
  STORE_FAILED: ['relay dies'],
};

const checkEvidence = ({ world }: Checked, { name, evidence }: SimDevice): void => {
  for (const { code, message } of evidence)
    if (!NOTICES[code]?.some((fault) => world.counts.has(fault)))
      throw new SimFailure(`${name} reports ${code} for nothing: ${message}`);
};

const checkSecrets = async (
  { world, ledger, network }: Checked,
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
