// What the tests of epochs share: an account's epochs, its control stream as a device reads it, a rotation. Rules:
// spec/epochs.md.
import { SealwireError, toHex } from '@sealwire/protocol';
import * as assert from 'uvu/assert';
import type { Evidence } from '../src/api.ts';
import { deriveEpochTag, epochCommitment } from '../src/crypto/kdf.ts';
import { createAccountKey, createOwnAccount } from '../src/identity/account-keys.ts';
import { roomIdOf } from '../src/identity/device-keys.ts';
import { addToDeviceLog, type DeviceLog } from '../src/identity/device-log.ts';
import { createDirectory } from '../src/identity/directory.ts';
import { createEpoch, type EpochMember } from '../src/identity/epoch.ts';
import { type EpochEntry, type SignedEntry, signEntry } from '../src/identity/log-entry.ts';
import { createControl, encodeEntries } from '../src/room/control.ts';
import { createKeyring } from '../src/room/keyring.ts';
import type { TestAccount, TestRoom } from './room-support.ts';
import { seeded, testDevice } from './support.ts';

const random = seeded(301);

export const codeOf = async (run: () => unknown): Promise<string> => {
  try {
    await run();
  } catch (error) {
    assert.instance(error, SealwireError, String(error));
    return (error as SealwireError).code;
  }
  return 'none';
};

export const member = (account: TestAccount): EpochMember => ({
  account: account.log.root,
  accountKey: account.log.genesis.accountKey,
});

/** An epoch of the account's own room; by its first device unless told otherwise. */
export const epochOf = (
  account: TestAccount,
  changes: Partial<Parameters<typeof createEpoch>[0]> = {},
): Promise<SignedEntry<EpochEntry>> =>
  createEpoch({
    log: account.log.root,
    index: 0,
    parents: [],
    heads: account.log.heads,
    author: account.devices[0]!.logged.id,
    epochKey: account.epochKey,
    members: [member(account)],
    sign: account.devices[0]!.sign,
    ...changes,
  });

/** The control stream of the account's own room, as one of its devices reads it; knows no epoch yet. */
export const controlOf = async (
  account: TestAccount,
  options: {
    readonly epochKeys?: readonly Uint8Array[];
    readonly log?: DeviceLog;
    readonly accountKeys?: readonly Uint8Array[];
    readonly device?: number;
    readonly now?: () => number;
    readonly position?: () => number;
  } = {},
) => {
  const room = roomIdOf(account.secret);
  const logId = account.log.root;
  const keyring = createKeyring({ id: room, secret: account.secret }, logId);
  const directory = createDirectory([options.log ?? account.log]);
  const own = await createOwnAccount(logId, options.accountKeys ?? [account.accountKey]);
  const device = account.devices[options.device ?? 0]!;
  const evidence: Omit<Evidence, 'room'>[] = [];
  const control = createControl({
    logId,
    account: own,
    device: device.logged,
    directory,
    keyring,
    epochKeys: options.epochKeys ?? [],
    sign: device.sign,
    randomBytes: random.bytes,
    now: options.now ?? (() => 0),
    position: options.position ?? (() => 0),
    epochLimits: { ageMs: 100, frames: 10 },
    report: (item) => evidence.push(item),
  });
  const tagOf = (epochKey: Uint8Array) => deriveEpochTag(epochCommitment(logId, epochKey), room);
  const opens = (epochKey: Uint8Array): boolean => keyring.opening('page-0', tagOf(epochKey)) !== undefined;
  const accept = (...entries: SignedEntry[]) => control.accept(encodeEntries(entries));
  return { control, opens, accept, directory, own, keyring, evidence, tagOf };
};

export const hashOf = (bytes: Uint8Array | undefined): string => (bytes ? toHex(bytes) : 'none');

/** Of an account of two devices, one more of which is revoked: the entries, the new key, and epochs before and after. */
export const rotation = async (account: TestAccount) => {
  const [phone] = account.devices;
  const web = testDevice(random, account.log.root);
  const { root, heads } = account.log;
  const add = signEntry(
    {
      type: 'device-add',
      account: root,
      parents: heads,
      author: phone!.logged.id,
      device: web.logged.keys,
      rights: 0,
      at: 3,
    },
    phone!.sign,
    web.sign,
  );
  const longer = await addToDeviceLog(account.log, add);
  const revoke = signEntry(
    {
      type: 'device-revoke',
      account: root,
      parents: longer.heads,
      author: phone!.logged.id,
      device: web.logged.id,
      at: 4,
    },
    phone!.sign,
  );
  const ended = await addToDeviceLog(longer, revoke);
  const made = await createAccountKey({
    log: ended,
    author: phone!.logged.id,
    sign: phone!.sign,
    randomBytes: random.bytes,
  });
  const log = await addToDeviceLog(ended, made.entry);
  const rotated = random.bytes(32);
  const before = await epochOf(account);
  const after = await epochOf(account, {
    index: 1,
    parents: [before.hash],
    heads: log.heads,
    epochKey: rotated,
    members: [{ account: root, accountKey: made.entry.entry.accountKey }],
  });
  const revoked = [add, revoke, made.entry];
  return {
    rotated,
    revoked,
    log,
    newKey: made.privateKey,
    newPublic: made.entry.entry.accountKey,
    epochs: [before, after],
    web,
    longer,
  };
};

/** The account with one of its devices revoked by its first, and what a room is told of that. */
export const revoked = async (account: TestAccount, index: number) => {
  const [phone] = account.devices;
  const author = phone!.logged.id;
  const { root } = account.log;
  const revoke = signEntry(
    {
      type: 'device-revoke',
      account: root,
      parents: account.log.heads,
      author,
      device: account.devices[index]!.logged.id,
      at: 9,
    },
    phone!.sign,
  );
  const shorter = await addToDeviceLog(account.log, revoke);
  const key = await createAccountKey({
    log: shorter,
    author,
    sign: phone!.sign,
    randomBytes: random.bytes,
  });
  return { revoke, key };
};

/** What a room hears of its account's log another way. */
export const learn = async (room: TestRoom, ...entries: SignedEntry[]): Promise<void> => {
  for (const entry of entries) await room.room.options.directory.learn(entry);
  await room.room.retry();
};
