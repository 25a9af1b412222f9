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
  hpkeKeyPairOf,
  openEpoch,
  type Suite,
  signEd25519,
  verifyEd25519,
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

/** A room of so many accounts, all of one suite. */
export const createRoom = async (members: number, suite: Suite): Promise<Room> => {
  const author = createDeviceSecrets(randomBytes);
  const { identity } = devicePublic(author);
  const log = randomBytes(32);
  const parent = randomBytes(32);
  const accounts: { account: Uint8Array; keys: Awaited<ReturnType<typeof hpkeKeyPairOf>> }[] = [];
  for (let i = 0; i < members; i++)
    accounts.push({ account: fresh(), keys: await hpkeKeyPairOf(suite, fresh()) });
  let epochKey: Uint8Array = new Uint8Array(32);
  return {
    async rotate() {
      epochKey = fresh();
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

const fresh = (): Uint8Array => new Uint8Array(randomBytes(32));
