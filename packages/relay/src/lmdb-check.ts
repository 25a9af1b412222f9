// Whether an LMDB store is whole: quickly at each start, thoroughly for a backup or when asked.
// Rules: spec/relay-protocol.md §10 (RP190).
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { RELAY_ID_BYTES, SealwireError } from '@sealwire/protocol';
import { keyOf } from './keys.ts';
import { META, type OpenTables, type Tables } from './lmdb-tables.ts';
import {
  decodeFrame,
  decodeHead,
  decodeInbox,
  decodePrincipal,
  decodeRoom,
  decodeRun,
  decodeUsage,
  frameKey,
  positionOfKey,
} from './records.ts';
import { principalIdOf } from './signatures.ts';
import { FRAME_OVERHEAD } from './store.ts';
import type { StoreReport } from './store-report.ts';

/** Records looked at, at each end of each table, when a store is opened. */
const GLANCE = 100;

/** The file's layout, of LMDB's data format as the `lmdb` package writes it: two meta pages, the newer one counts. */
const AT = { magic: 24, pageBytes: 48, lastPage: 144, transaction: 152 } as const;
const MAGIC = 0xbeefc0de;

/**
 * Refuses a file that is cut short, before it is mapped: reading behind its end would end the process.
 *
 * @throws SealwireError (rejects) STORE_FAILED; errors of the file system. A file that is not there is no fault.
 */
export const checkLength = async (directory: string): Promise<void> => {
  const file = await open(join(directory, 'data.mdb'), 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return;
  try {
    const first = Buffer.alloc(160);
    await file.read(first, 0, first.length, 0);
    if (first.readUInt32LE(AT.magic) !== MAGIC) throw damaged('begins with something else');
    const pageBytes = first.readUInt32LE(AT.pageBytes);
    const second = Buffer.alloc(160);
    await file.read(second, 0, second.length, pageBytes);
    const newer =
      second.readBigUInt64LE(AT.transaction) > first.readBigUInt64LE(AT.transaction) ? second : first;
    const needed = (Number(newer.readBigUInt64LE(AT.lastPage)) + 1) * pageBytes;
    // Asked for last: a relay that is running makes the file longer before it says how long it has become.
    const { size } = await file.stat();
    if (size < needed) throw damaged(`is cut short: ${size} of ${needed} bytes`);
  } finally {
    await file.close();
  }
};

const damaged = (how: string): SealwireError =>
  new SealwireError('STORE_FAILED', `The relay's store ${how}; restore a backup.`);

/** Looks at some records of each table. @throws SealwireError STORE_FAILED. */
export const glance = ({ tables }: OpenTables): void => {
  if (tables.meta.get(META.relayId)?.length !== RELAY_ID_BYTES) throw damaged('has lost its name');
  const decode = decoders(tables);
  for (const [name, check] of Object.entries(decode)) {
    const table = tables[name as keyof typeof decode];
    for (const reverse of [false, true])
      for (const { key, value } of table.getRange({ limit: GLANCE, reverse })) {
        const problem = attempt(() => check(key, value));
        if (problem !== undefined) throw damaged(`is damaged: ${name}, ${problem}`);
      }
  }
};

/**
 * Reads the whole store. Time goes with its size; memory does not. A relay may be writing meanwhile: what is read within one
 * turn of the event loop is one state of the store, and this is one turn.
 */
export const checkTables = ({ tables }: OpenTables): StoreReport => {
  const problems = new Map<string, number>();
  const note = (problem: string | undefined): void => {
    if (problem !== undefined) problems.set(problem, (problems.get(problem) ?? 0) + 1);
  };
  // Frames are decoded below, where they are counted.
  const { frames: _, ...checks } = decoders(tables);
  for (const [name, check] of Object.entries(checks))
    for (const { key, value } of tables[name as keyof typeof checks].getRange({})) {
      const problem = attempt(() => check(key, value));
      if (problem !== undefined) note(`${name}: ${problem}`);
    }
  for (const { key, value } of tables.principals.getRange({}))
    note(attempt(() => (isOfItsKey(key, value) ? undefined : 'principals: one is not of its key')));
  const { frames, bytes } = checkFrames(tables, note);
  if (checkRuns(tables, note) !== frames) note('runs: not as many entries as frames');
  return {
    rooms: tables.rooms.getCount(),
    principals: tables.principals.getCount(),
    frames,
    bytes,
    problems: [...problems].map(([problem, times]) =>
      times === 1 ? problem : `${problem} (${times} times)`,
    ),
  };
};

const attempt = (check: () => string | undefined): string | undefined => {
  try {
    return check();
  } catch (error) {
    if (error instanceof SealwireError || error instanceof RangeError) return 'a record does not decode';
    throw error;
  }
};

type Check = (key: Buffer, value: Buffer) => string | undefined;

/** What each record must be, by itself and against those that it names. */
const decoders = (tables: Tables) => {
  const checks = {
    principals: (key, value) => {
      const { relayKeys } = decodePrincipal(key, value);
      const isOwner = (relayKey: Uint8Array) => tables.owners.get(Buffer.from(relayKey))?.equals(key);
      return relayKeys.every(isOwner) ? undefined : 'a relay key lacks its principal';
    },
    owners: (_key, value) => (tables.principals.get(value) ? undefined : 'a relay key is of no principal'),
    rooms: (key, value) => void decodeRoom(key, value),
    usage: (_key, value) => void decodeUsage(value),
    authored: (_key, value) => void decodeUsage(value),
    inboxes: (key, value) => {
      const { waiting } = decodeInbox(key, value);
      const isThere = ({ number }: { readonly number: number }) => tables.letters.get(frameKey(key, number));
      return waiting.every(isThere) ? undefined : 'a message is missing';
    },
    heads: (key, value) => {
      const { head } = decodeHead(value);
      const last = { start: frameKey(key, Number.MAX_SAFE_INTEGER), end: frameKey(key, head), limit: 1 };
      for (const _ of tables.frames.getKeys({ ...last, reverse: true })) return 'a frame lies above its head';
      return undefined;
    },
    frames: (_key, value) => void decodeFrame(value),
  } satisfies Partial<Record<keyof Tables, Check>>;
  return checks as Readonly<Record<keyof typeof checks, Check>>;
};

/** What a relay makes sure of before it writes a principal. */
const isOfItsKey = (key: Buffer, value: Buffer): boolean =>
  keyOf(principalIdOf(decodePrincipal(key, value).manageKey)) === keyOf(key);

type Note = (problem: string | undefined) => void;

/** Counts of rooms against their frames. */
const checkFrames = (tables: Tables, note: Note): { readonly frames: number; readonly bytes: number } => {
  let [frames, bytes] = [0, 0];
  let room: Buffer | undefined;
  let counted = { bytes: 0, streams: new Set<string>() };
  const compare = (): void => {
    const value = room && tables.heads.get(room);
    if (room === undefined || tables.doomed.get(room)) return;
    const share = value && decodeHead(value).share;
    // Blobs count for a room as well, so that it may have more than its frames.
    if (value === undefined) note('heads: a room with frames has none');
    else if (share && (share.bytes < counted.bytes || share.streams !== counted.streams.size))
      note('heads: a room takes more than is counted');
  };
  for (const { key, value } of tables.frames.getRange({})) {
    if (room === undefined || room.compare(key, 0, 32) !== 0) {
      compare();
      room = Buffer.from(key.subarray(0, 32));
      counted = { bytes: 0, streams: new Set() };
    }
    frames++;
    note(
      attempt(() => {
        const { stream, frame } = decodeFrame(value);
        const size = frame.length + FRAME_OVERHEAD;
        bytes += size;
        counted.bytes += size;
        counted.streams.add(stream);
        return undefined;
      }) && 'frames: a record does not decode',
    );
  }
  compare();
  return { frames, bytes };
};

/** The streams' index against the frames. @returns how many frames it names. */
const checkRuns = (tables: Tables, note: Note): number => {
  let named = 0;
  for (const { key, value } of tables.runs.getRange({})) {
    const room = key.subarray(0, 32);
    const stream = key.toString('latin1', 32, key.length - 9);
    const problem = attempt(() => {
      const positions = decodeRun(positionOfKey(key), value);
      named += positions.length;
      const isThere = (position: number): boolean => {
        const frame = tables.frames.get(frameKey(room, position));
        return frame !== undefined && decodeFrame(frame).stream === stream;
      };
      return positions.every(isThere) ? undefined : 'an entry without its frame';
    });
    if (problem !== undefined) note(`runs: ${problem}`);
  }
  return named;
};
