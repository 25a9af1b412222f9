// Runs the vectors of membership logs. Rules: spec/membership.md; each vector names its own.
import { toHex } from '@sealwire/protocol';
import * as assert from 'uvu/assert';
import { deviceIdOf } from '../src/identity/device-keys.ts';
import {
  type ChatGenesis,
  type Cut,
  decodeEntryBytes,
  encodeEntryBytes,
  encodeUnsigned,
  type MemberEntry,
  type SignedEntry,
} from '../src/identity/log-entry.ts';
import {
  addToMembershipLog,
  type EntrySigner,
  foldWith,
  type Members,
  type MembershipLog,
  membersAt,
  removalOver,
  startMembershipLog,
} from '../src/identity/membership.ts';
import { runVectors, type VectorInput } from './vectors-kit.ts';

const entry = (input: VectorInput) => {
  const signed = decodeEntryBytes(input.bytes('entry'));
  assert.is(toHex(encodeEntryBytes(signed)), input.text('entry'));
  assert.is(toHex(encodeUnsigned(signed.entry)), toHex(signed.unsigned));
  return { type: signed.entry.type, hash: toHex(signed.hash), signatures: signed.signatures.map(toHex) };
};

const unused = new Uint8Array(32);

const signersIn = (input: VectorInput) => {
  const signers = input.list('devices').map((bytes): [string, EntrySigner] => {
    const identity = bytes.subarray(32);
    const id = deviceIdOf(identity);
    return [
      toHex(id),
      { id, account: bytes.subarray(0, 32), keys: { identity, relay: unused, hpke: unused } },
    ];
  });
  return new Map(signers);
};

const logOf = async (input: VectorInput): Promise<MembershipLog> => {
  const signers = signersIn(input);
  const [first, ...rest] = input.list('entries').map(decodeEntryBytes);
  const genesis = first as SignedEntry<ChatGenesis>;
  let made = await startMembershipLog(genesis, signers.get(toHex(genesis.entry.author))!);
  for (const [i, next] of rest.entries()) {
    const signed = next as SignedEntry<MemberEntry | Cut>;
    try {
      made = await addToMembershipLog(made, signed, signers.get(toHex(signed.entry.author))!);
    } catch (error) {
      assert.is(i, rest.length - 1, 'refused before the last entry');
      throw error;
    }
  }
  return foldWith(made, new Set(input.list('cuts').map(toHex)));
};

const membersIn = (members: Members) =>
  [...members]
    .map(([account, { role }]) => ({ account, role }))
    .sort((a, b) => (a.account < b.account ? -1 : 1));

const log = async (input: VectorInput) => {
  const made = await logOf(input);
  const { id, title, move, heads, members } = made;
  const room = move ? toHex(move.room) : null;
  return { id: toHex(id), members: membersIn(members), title: title ?? null, room, heads: heads.map(toHex) };
};

const at = async (input: VectorInput) => ({
  members: membersIn(membersAt(await logOf(input), input.list('heads'))!),
});

const ruling = async (input: VectorInput) => {
  const removal = removalOver(await logOf(input), input.text('account'), input.list('heads'));
  return { ruling: typeof removal === 'object' ? toHex(removal.hash) : (removal ?? null) };
};

runVectors('membership', { entry, log, at, ruling }, 70);
