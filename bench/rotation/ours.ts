// Our side of a rotation: an epoch entry for so many member accounts, made by core's own code, and taken by one of them.
import { randomBytes } from 'node:crypto';
import {
  createDeviceSecrets,
  createEpoch,
  decodeEntryBytes,
  deviceIdOf,
  devicePublic,
  encodeEntryBytes,
  entryStatement,
  hpkeKeyPair,
  hpkeKeyPairOf,
  openEpoch,
  signEd25519,
  verifyEd25519,
  wrapKey,
} from '@sealwire/core/testing';
import { ResultsDiffer } from '../lib/result.ts';

export interface Room {
  /** Makes the entry. @returns its bytes as they lie in a control frame. */
  rotate(): Promise<Uint8Array>;
  /** What one member does with it: decodes, checks the signature, opens its key. @returns the key. */
  take(entry: Uint8Array, member: number): Promise<Uint8Array>;
  /** The key of the epoch that was made last. */
  key(): Uint8Array;
}

/** A room of so many accounts. */
export const createRoom = (members: number): Room => {
  const author = createDeviceSecrets(randomBytes);
  const { identity } = devicePublic(author);
  const log = randomBytes(32);
  const parent = randomBytes(32);
  const accounts = Array.from({ length: members }, () => ({
    account: new Uint8Array(randomBytes(32)),
    keys: hpkeKeyPair(new Uint8Array(randomBytes(32))),
  }));
  let epochKey: Uint8Array = new Uint8Array(32);
  return {
    async rotate() {
      epochKey = new Uint8Array(randomBytes(32));
      const signed = await createEpoch({
        log,
        index: 1,
        parents: [parent],
        heads: [parent],
        author: deviceIdOf(identity),
        epochKey,
        members: accounts.map(({ account, keys }) => ({ account, accountKey: keys.publicKey })),
        sign: (statement) => signEd25519(author.identity, statement),
      });
      return encodeEntryBytes(signed);
    },
    async take(bytes, member) {
      const { entry, hash, signatures } = decodeEntryBytes(bytes);
      const [signature] = signatures;
      const signed = signature && (await verifyEd25519(identity, entryStatement(hash), signature));
      if (!signed || entry.type !== 'epoch') throw new ResultsDiffer('an epoch entry is not what was made');
      const { account, keys } = accounts[member]!;
      return openEpoch(entry, account, keys.privateKey);
    },
    key: () => epochKey,
  };
};

/** Wraps of one key in suite 2 (X-Wing), which epoch entries do not hold yet. @returns what makes them. */
export const createWraps2 = async (members: number): Promise<() => Promise<Uint8Array[]>> => {
  const keys: Uint8Array[] = [];
  for (let i = 0; i < members; i++)
    keys.push((await hpkeKeyPairOf(2, new Uint8Array(randomBytes(32)))).publicKey);
  const epochKey = new Uint8Array(randomBytes(32));
  const info = Buffer.from('bench');
  return async () => {
    const wraps: Uint8Array[] = [];
    for (const key of keys) wraps.push(await wrapKey(key, epochKey, info, 2));
    return wraps;
  };
};
