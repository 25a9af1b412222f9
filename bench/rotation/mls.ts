// The peer's side of a rotation: an MLS group (RFC 9420) by ts-mls, whose commit removes one member.
import {
  acceptAll,
  type CiphersuiteImpl,
  type CiphersuiteName,
  type ClientState,
  createCommit,
  createGroup,
  createGroupInfoWithExternalPubAndRatchetTree,
  defaultCapabilities,
  defaultLifetime,
  emptyPskIndex,
  encodeMlsMessage,
  generateKeyPackage,
  getCiphersuiteFromName,
  getCiphersuiteImpl,
  joinGroup,
  joinGroupExternal,
  type MLSMessage,
  processMessage,
  processPublicMessage,
} from 'ts-mls';
import { ResultsDiffer } from '../lib/result.ts';

/** The same KEM, cipher, hash and signature as suite 1 of ours. */
export const LIKE_SUITE_1: CiphersuiteName = 'MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519';
/** The same KEM and cipher as suite 2 of ours. */
export const LIKE_SUITE_2: CiphersuiteName = 'MLS_256_XWING_CHACHA20POLY1305_SHA512_Ed25519';

/**
 * `fresh`: everybody was added by one commit and nobody has sent one since, so the tree has no keys but the leaves'.
 * `warm`: everybody has made a commit, so each node of the tree has its key. MLS is at its best there.
 */
export type Tree = 'fresh' | 'warm';

export interface Group {
  /** Removes one member. @returns the commit; the group stays as it was. */
  remove(): Promise<Removal>;
  /** What one remaining member does with the commit. @returns what all who are in the new epoch have in common. */
  take(removal: Removal): Promise<Uint8Array>;
}

export interface Removal {
  readonly commit: MLSMessage;
  /** As it travels. */
  readonly bytes: Uint8Array;
  readonly authenticator: Uint8Array;
}

export const createMlsGroup = async (members: number, tree: Tree, name: CiphersuiteName): Promise<Group> => {
  const suite = await getCiphersuiteImpl(getCiphersuiteFromName(name));
  const { committer, other, last } = await (tree === 'fresh' ? growFresh : growWarm)(members, suite);
  return {
    async remove() {
      const { commit, newState } = await createCommit(
        { state: committer, cipherSuite: suite },
        { extraProposals: [{ proposalType: 'remove', remove: { removed: last } }] },
      );
      const authenticator = newState.keySchedule.epochAuthenticator;
      return { commit, bytes: encodeMlsMessage(commit), authenticator };
    },
    async take({ commit }) {
      if (commit.wireformat !== 'mls_private_message') throw new ResultsDiffer('a commit of another form');
      const { newState } = await processMessage(commit, other, emptyPskIndex, acceptAll, suite);
      return newState.keySchedule.epochAuthenticator;
    },
  };
};

/** A group as its first member sees it, another member, and the leaf that is to go. */
interface Grown {
  readonly committer: ClientState;
  readonly other: ClientState;
  readonly last: number;
}

const keyPackage = (index: number, suite: CiphersuiteImpl) =>
  generateKeyPackage(
    { credentialType: 'basic', identity: Buffer.from(`member ${index}`) },
    defaultCapabilities(),
    defaultLifetime,
    [],
    suite,
  );

const begin = async (suite: CiphersuiteImpl): Promise<ClientState> => {
  const { publicPackage, privatePackage } = await keyPackage(0, suite);
  return createGroup(Buffer.from('room'), publicPackage, privatePackage, [], suite);
};

const growFresh = async (members: number, suite: CiphersuiteImpl): Promise<Grown> => {
  const first = await begin(suite);
  const others: Awaited<ReturnType<typeof keyPackage>>[] = [];
  for (let i = 1; i < members; i++) others.push(await keyPackage(i, suite));
  const { newState, welcome } = await createCommit(
    { state: first, cipherSuite: suite },
    {
      extraProposals: others.map(({ publicPackage }) => ({
        proposalType: 'add',
        add: { keyPackage: publicPackage },
      })),
    },
  );
  const { publicPackage, privatePackage } = others[0]!;
  const { ratchetTree } = newState;
  const other = await joinGroup(welcome!, publicPackage, privatePackage, emptyPskIndex, suite, ratchetTree);
  return { committer: newState, other, last: members - 1 };
};

/** Each member joins by a commit of its own, which gives keys to all nodes above it. */
const growWarm = async (members: number, suite: CiphersuiteImpl): Promise<Grown> => {
  let committer = await begin(suite);
  let other = committer;
  for (let i = 1; i < members; i++) {
    const info = await createGroupInfoWithExternalPubAndRatchetTree(committer, [], suite);
    const { publicPackage, privatePackage } = await keyPackage(i, suite);
    const joined = await joinGroupExternal(info, publicPackage, privatePackage, false, suite);
    const { newState } = await processPublicMessage(committer, joined.publicMessage, emptyPskIndex, suite);
    committer = newState;
    other = joined.newState;
  }
  return { committer, other, last: members - 2 };
};
