// The vault as one room uses it: remembers which records are the room's, so that it can be judged again from them.
// Rules: spec/vault.md §6, spec/frame.md §8, spec/pages.md §3.
import type { RecordId, Vault } from '../vault/vault.ts';
import { decodeRecord, type RoomRecord } from './records.ts';

export interface RoomVault extends Pick<Vault, 'problem' | 'archive'> {
  /**
   * As the vault's. @param apart - how many of those put, from the front, say nothing that is ever judged: pages that were put
   * aside, of which there may be very many.
   */
  commit(change: Parameters<Vault['commit']>[0], apart?: number): ReturnType<Vault['commit']>;
  /** All records of the room as they are now, but those that were put apart, those of pages that were woken first, each in the order of putting. */
  records(): LoadedRecord[];
  /** Counts the records of a woken page among the room's; none once it is closed. */
  wake(stream: string, records: readonly RoomRecord[] | undefined): void;
}

export interface LoadedRecord {
  /** Undefined for one from the archive. */
  readonly id: RecordId | undefined;
  readonly record: RoomRecord;
}

/** @param ids - the room's records that the vault holds, without those of closed pages. */
export const createRoomVault = (
  vault: Pick<Vault, 'commit' | 'problem' | 'read' | 'archive'>,
  ids: Iterable<RecordId>,
): RoomVault => {
  const own = new Set(ids);
  const awake = new Map<string, readonly LoadedRecord[]>();
  return {
    get problem() {
      return vault.problem;
    },
    archive: vault.archive,
    commit(change, apart = 0) {
      const result = vault.commit(change);
      for (const id of change.remove ?? []) own.delete(id);
      for (const id of result.ids.slice(apart)) own.add(id);
      return result;
    },
    records: () => [
      ...[...awake.values()].flat(),
      ...vault.read([...own]).map(({ id, bytes }) => ({ id, record: decodeRecord(bytes) as RoomRecord })),
    ],
    wake(stream, records) {
      if (records)
        awake.set(
          stream,
          records.map((record) => ({ id: undefined, record })),
        );
      else awake.delete(stream);
    },
  };
};
