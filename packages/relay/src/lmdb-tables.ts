// The tables of the LMDB store, and how they are opened. Rules: spec/relay-protocol.md §7.
import { randomBytes } from 'node:crypto';
import { RELAY_ID_BYTES, SealwireError } from '@sealwire/protocol';
import { type Database, open, type RootDatabase } from 'lmdb';

export type Table = Database<Buffer, Buffer>;

/**
 * `authored` holds what a principal has in a room, by both ids; `ends` the last positions of before a restoring; `doomed` the
 * deleted rooms whose frames are still there.
 */
const NAMES = [
  'meta',
  'principals',
  'owners',
  'farewells',
  'rooms',
  'heads',
  'frames',
  'runs',
  'inboxes',
  'letters',
  'usage',
  'authored',
  'ends',
  'doomed',
] as const;

export type Tables = Readonly<Record<(typeof NAMES)[number], Table>>;

export interface OpenTables {
  readonly root: RootDatabase;
  readonly tables: Tables;
}

/** The layout of the tables; a store of another number is refused. */
const FORMAT = 1;

/** Keys of the table `meta`. */
export const META = {
  format: Buffer.from('format'),
  relayId: Buffer.from('relay-id'),
  /** The least position of frames since the store was restored, less 1. */
  floor: Buffer.from('floor'),
} as const;

/**
 * Opens the tables in a directory; makes them if there are none.
 *
 * @param isReading - opens without making or changing anything, beside a relay that writes.
 * @throws SealwireError (rejects) STORE_FAILED for another format, or none while reading; errors of LMDB.
 */
export const openTables = async (directory: string, isReading = false): Promise<OpenTables> => {
  // Not `overlappingSync`: data, sync, then the meta page, the order that LMDB's crash safety rests on.
  // Not `eventTurnBatching`: when a commit fails it rejects a promise that nobody can get at, which ends the process.
  // `noSubdir` is said, since a directory with a dot in its name would be taken for a file.
  const root = open({
    path: directory,
    noSubdir: false,
    maxDbs: 16,
    overlappingSync: false,
    eventTurnBatching: false,
    readOnly: isReading,
  });
  try {
    const tables = Object.fromEntries(
      NAMES.map((name) => [name, root.openDB({ name, keyEncoding: 'binary', encoding: 'binary' })]),
    ) as unknown as Tables;
    await checkFormat({ root, tables }, isReading);
    return { root, tables };
  } catch (error) {
    await root.close();
    throw error;
  }
};

const checkFormat = async ({ root, tables }: OpenTables, isReading: boolean): Promise<void> => {
  const format = tables.meta?.get(META.format);
  if (format?.[0] === FORMAT) return;
  if (format !== undefined)
    throw new SealwireError('STORE_FAILED', `The relay's store has format ${format[0]}, not ${FORMAT}.`);
  if (isReading) throw new SealwireError('STORE_FAILED', 'There is no store of a relay here.');
  await root.batch(() => {
    void tables.meta.put(META.format, Buffer.of(FORMAT));
    void tables.meta.put(META.relayId, randomBytes(RELAY_ID_BYTES));
  });
};

/** The first key behind all that begin with the first `length` bytes of `key`. */
export const endOf = (key: Buffer, length: number): Buffer => {
  const end = Buffer.from(key.subarray(0, length));
  for (let i = length - 1; i >= 0; i--) {
    end[i] = (end[i]! + 1) & 0xff;
    if (end[i] !== 0) return end;
  }
  return Buffer.alloc(length + 9, 0xff);
};
