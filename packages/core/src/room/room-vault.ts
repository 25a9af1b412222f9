// The vault as one room uses it: remembers which records are the room's, so that it can be judged again from them.
// Rules: spec/vault.md §6, spec/frame.md §8.
import type { RecordId, Vault } from '../vault/vault.ts';
import { decodeRecord, type RoomRecord } from './records.ts';

export interface RoomVault extends Pick<Vault, 'commit' | 'problem'> {
  /** All records of the room as they are now, in the order in which they were put. Opens each anew. */
  records(): LoadedRecord[];
}

export interface LoadedRecord {
  readonly id: RecordId;
  readonly record: RoomRecord;
}

/** @param ids - the room's records that the vault holds. */
export const createRoomVault = (
  vault: Pick<Vault, 'commit' | 'problem' | 'read'>,
  ids: Iterable<RecordId>,
): RoomVault => {
  const own = new Set(ids);
  return {
    get problem() {
      return vault.problem;
    },
    commit(change) {
      const result = vault.commit(change);
      for (const id of change.remove ?? []) own.delete(id);
      for (const id of result.ids) own.add(id);
      return result;
    },
    records: () =>
      vault.read([...own]).map(({ id, bytes }) => ({ id, record: decodeRecord(bytes) as RoomRecord })),
  };
};
