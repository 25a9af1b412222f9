// What the tests of contacts share: people with a device log, cards and messages of theirs.

import type { Card } from '../src/contacts/card.ts';
import { type Content, logForMessage } from '../src/contacts/content.ts';
import { signContent, type VerifiedMessage, verifyContent } from '../src/contacts/messages.ts';
import { hpkeKeyPair } from '../src/crypto/hpke.ts';
import { addToDeviceLog, type DeviceLog, startDeviceLog } from '../src/identity/device-log.ts';
import { signEntry } from '../src/identity/log-entry.ts';
import { addOf } from './device-log-kit.ts';
import { type Seeded, type TestDevice, testDevice } from './support.ts';

export const NOW = 1_700_000_000_000;

export interface Person {
  readonly name: string;
  readonly devices: readonly TestDevice[];
  readonly log: DeviceLog;
  readonly accountKey: ReturnType<typeof hpkeKeyPair>;
  readonly principal: Uint8Array;
}

/** A person with so many devices, the phone first. */
export const person = async (random: Seeded, name: string, devices = 1): Promise<Person> => {
  const all = Array.from({ length: devices }, () => testDevice(random, new Uint8Array(32)));
  const [phone, ...rest] = all;
  const accountKey = hpkeKeyPair(random.bytes(32));
  const principal = random.bytes(32);
  let log = await startDeviceLog(
    signEntry(
      {
        type: 'device-genesis',
        nonce: random.bytes(16),
        device: phone!.logged.keys,
        accountKey: accountKey.publicKey,
        principal,
        at: 0,
      },
      phone!.sign,
    ),
  );
  for (const device of rest) log = await addToDeviceLog(log, addOf(log, phone!, device));
  return { name, devices: all, log, accountKey, principal };
};

export const cardOf = ({ log, accountKey, principal, name }: Person, random: Seeded): Card => ({
  account: log.root,
  principal,
  accountKey: accountKey.publicKey,
  token: random.bytes(16),
  relayId: random.bytes(16),
  relay: 'wss://relay.example',
  name,
});

/** The fields of one type of content. */
export type ContentFields = Content extends infer C
  ? C extends Content
    ? Omit<C, 'id' | 'at' | 'author' | 'log' | 'from'>
    : never
  : never;

/** A signed content of one person for another. */
export const contentBytes = (
  from: Person,
  to: Pick<Person, 'log'>,
  random: Seeded,
  fields: ContentFields,
  changes: Partial<Content> = {},
): Uint8Array => {
  const [device] = from.devices;
  const content = {
    id: random.bytes(16),
    at: NOW,
    author: device!.logged.id,
    log: logForMessage(from.log, device!.logged.id),
    from: { token: random.bytes(16), relayId: random.bytes(16), relay: '', name: from.name },
    ...fields,
    ...changes,
  } as Content;
  return signContent(content, to.log.root, device!.sign);
};

/** A message as its recipient has it after all checks. */
export const messageOf = async (
  from: Person,
  to: Person,
  random: Seeded,
  fields: ContentFields,
  changes: Partial<Content> = {},
): Promise<{ readonly bytes: Uint8Array; readonly message: VerifiedMessage }> => {
  const bytes = contentBytes(from, to, random, fields, changes);
  return { bytes, message: await verifyContent(bytes, to.log.root, NOW) };
};
