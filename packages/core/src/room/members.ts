// Who is in a room, as its log has it: what epochs and frames are judged by. Rules: spec/epochs.md §1.
import { sameBytes, toHex } from '@sealwire/protocol';
import { knows } from '../identity/device-log.ts';
import type { Directory } from '../identity/directory.ts';

export interface Members {
  /** Hashes of the newest entries of the room's log; empty while nothing of it is known. */
  heads(): readonly Uint8Array[];
  /** The accounts that are members today; 32 bytes each. */
  accounts(): readonly Uint8Array[];
  /** The accounts that were members for one who knew these heads; undefined if one of them is not known. */
  accountsAt(heads: readonly Uint8Array[]): readonly Uint8Array[] | undefined;
  /** Whether the log, as far as it is known, ever named this account. */
  names(account: Uint8Array): boolean;
}

/** The members of a room whose log is one account's device log: that account, whatever its devices. */
export const accountMembers = (root: Uint8Array, directory: Directory): Members => {
  const name = toHex(root);
  const accounts = [root];
  const log = () => directory.log(name);
  return {
    heads: () => log()?.heads ?? [],
    accounts: () => accounts,
    accountsAt(heads) {
      const known = log();
      return known && heads.every((head) => knows(known, head)) ? accounts : undefined;
    },
    names: (account) => sameBytes(account, root),
  };
};
