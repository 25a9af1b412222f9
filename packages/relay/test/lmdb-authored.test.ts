// What principals have in rooms reaches the disk by itself, and nothing of a deleted room stays there. Rules:
// spec/relay-protocol.md §12 (RP125).
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createSavedAuthors, type SavedAuthors } from '../src/lmdb-authored.ts';
import { type OpenTables, openTables } from '../src/lmdb-tables.ts';

const test = suite('authors in LMDB');

interface World {
  readonly open: OpenTables;
  readonly authors: SavedAuthors;
  readonly failures: unknown[];
}

const withAuthors =
  (saveAfterMs: number, run: (world: World) => Promise<void>) => async (): Promise<void> => {
    const directory = await mkdtemp(join(tmpdir(), 'sealwire-authors-'));
    const open = await openTables(directory);
    const failures: unknown[] = [];
    const authors = createSavedAuthors(open, (error) => failures.push(error), saveAfterMs);
    try {
      await run({ open, authors, failures });
    } finally {
      await authors.close();
      await open.root.close();
      await rm(directory, { recursive: true, force: true });
    }
  };

const room = randomBytes(32);
const keys = [0, 1, 2].map(() => room.toString('latin1') + randomBytes(32).toString('latin1'));
const usage = (bytes: number) => ({ rooms: 0, bytes });
const rows = ({ tables }: OpenTables): number => tables.authored.getCount();
const there = (authors: SavedAuthors): number[] =>
  [...authors.of(room)].map((author) => author.usage.bytes).sort((one, other) => one - other);

/** As the store does in the transaction of the deletion. */
const removeRows = ({ root, tables }: OpenTables, gone: readonly string[]): Promise<unknown> =>
  root.batch(() => {
    for (const key of gone) void tables.authored.remove(Buffer.from(key, 'latin1'));
  });

test(
  '[RP125] what was counted is on disk after a while, once for many changes, and seen at any time',
  withAuthors(20, async ({ open, authors }) => {
    for (let i = 1; i <= 100; i++) authors.ended([], new Map([[keys[i % 2]!, usage(i)]]));
    assert.equal(there(authors), [99, 100]);
    assert.is(rows(open), 0);
    while (rows(open) < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    authors.ended([], new Map([[keys[2]!, usage(7)]]));
    assert.equal(there(authors), [7, 99, 100]);
  }),
);

test(
  '[RP125] a room that is deleted while its counts are on their way leaves none, and a deletion that fails keeps them',
  withAuthors(60_000, async ({ open, authors, failures }) => {
    const all = new Map(keys.map((key, i) => [key, usage(i + 1)]));
    const deletion = new Map(keys.map((key) => [key, undefined]));
    authors.ended([], all);
    const failed = authors.gone(deletion);
    authors.ended(failed, undefined);
    assert.equal(there(authors), [1, 2, 3]);
    // The save begins first, the deletion's own transaction follows it.
    const saving = authors.close();
    const gone = authors.gone(deletion);
    assert.is(gone.length, 3);
    await removeRows(open, gone);
    authors.ended(gone, deletion);
    await saving;
    assert.equal([rows(open), there(authors)], [0, []]);
    // And the other way round: what waits when the deletion begins is not written after it.
    authors.ended([], all);
    const again = authors.gone(deletion);
    await authors.close();
    assert.is(rows(open), 0);
    authors.ended(again, undefined);
    await authors.close();
    assert.is(rows(open), 3, 'it failed');
    const last = authors.gone(deletion);
    await removeRows(open, last);
    authors.ended(last, deletion);
    await authors.close();
    assert.equal([there(authors), failures], [[], []]);
  }),
);

test.run();
