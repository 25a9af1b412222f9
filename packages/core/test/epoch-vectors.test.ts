// Runs the vectors of epochs. Rules: spec/epochs.md; each vector names its own.
import { toHex } from '@sealwire/protocol';
import * as assert from 'uvu/assert';
import { deriveEpochTag, epochCommitment } from '../src/crypto/kdf.ts';
import { startDeviceLog } from '../src/identity/device-log.ts';
import { createDirectory } from '../src/identity/directory.ts';
import { openEpoch } from '../src/identity/epoch.ts';
import {
  type ChatGenesis,
  type DeviceGenesis,
  decodeEntryBytes,
  type EpochEntry,
  type LogEntry,
  type MemberEntry,
  type SignedEntry,
} from '../src/identity/log-entry.ts';
import { addToMembershipLog, membersAt, startMembershipLog } from '../src/identity/membership.ts';
import { createEpochs } from '../src/room/group-keys.ts';
import { runVectors, type VectorInput } from './vectors-kit.ts';

const entriesIn = <E extends LogEntry>(input: VectorInput, name: string): SignedEntry<E>[] =>
  input.list(name).map((bytes) => decodeEntryBytes(bytes) as SignedEntry<E>);

const open = async (input: VectorInput) => {
  const { entry } = decodeEntryBytes(input.bytes('entry'));
  const key = await openEpoch(entry as EpochEntry, input.bytes('account'), input.bytes('accountPrivateKey'));
  return { epochKey: toHex(key) };
};

const take = async (input: VectorInput) => {
  const logs = await Promise.all(
    entriesIn<DeviceGenesis>(input, 'logs').map((genesis) => startDeviceLog(genesis)),
  );
  const directory = createDirectory(logs);
  const authorOf = (entry: { readonly author: Uint8Array }) => directory.author(toHex(entry.author))!;
  const [first, ...rest] = entriesIn<ChatGenesis | MemberEntry>(input, 'chat');
  const genesis = first as SignedEntry<ChatGenesis>;
  let chat = await startMembershipLog(genesis, authorOf(genesis.entry));
  for (const next of rest as SignedEntry<MemberEntry>[])
    chat = await addToMembershipLog(chat, next, authorOf(next.entry));
  const accountsOf = (members: ReturnType<typeof membersAt>) =>
    members && [...members.values()].map(({ account }) => account);
  const unused = (): never => {
    throw new Error('nothing is made or opened here');
  };
  const [me] = logs;
  const epochs = createEpochs({
    ...{ logId: chat.id, log: directory.log, author: directory.author },
    members: {
      heads: () => chat.heads,
      accounts: () => accountsOf(chat.members)!,
      accountsAt: (heads) => accountsOf(membersAt(chat, heads)),
      names: () => true,
    },
    account: { id: me!.root, privateKey: unused },
    device: { id: genesis.entry.author },
    keyring: { has: unused, add: unused, addOther: unused },
    ...{ sign: unused, randomBytes: unused, now: unused, position: unused, keep: unused, cheated: unused },
    starts: new Map(),
  });
  const given = entriesIn<EpochEntry>(input, 'epochs');
  for (const before of given.slice(0, -1)) assert.is(await epochs.take(before), 'taken');
  return { verdict: await epochs.take(given.at(-1)!) };
};

const tag = (input: VectorInput) => {
  const commitment = epochCommitment(input.bytes('log'), input.bytes('epochKey'));
  return { commitment: toHex(commitment), tag: toHex(deriveEpochTag(commitment, input.bytes('room'))) };
};

runVectors('epoch', { open, take, tag }, 40);
