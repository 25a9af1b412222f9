// Which page is the newest, asked of a relay that lists none, and what is read before its turn. Rules: spec/pages.md §4.
import { LIMITS, pageIndex, pageStream, SealwireError, type StoredFrame } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createAhead, newestPage, type ReadStream } from '../src/room/ahead.ts';
import type { RoomState } from '../src/room/state.ts';

const test = suite('ahead');

const frame = (stream: string, position: number, bytes = 1): StoredFrame => ({
  ...{ stream, position },
  frame: new Uint8Array(bytes),
});

/** A relay with pages 0 to `last`, and perhaps one far out, which counts what it is asked. */
const relayWith = (last: number, farOut?: number) => {
  const asked: number[][] = [];
  let turn: number[] | undefined;
  const read: ReadStream = async (stream) => {
    const page = pageIndex(stream)!;
    if (!turn) {
      turn = [];
      asked.push(turn);
      queueMicrotask(() => {
        turn = undefined;
      });
    }
    turn.push(page);
    const frames = page <= last || page === farOut ? [frame(stream, page + 1)] : [];
    return { frames, complete: true };
  };
  return { read, asked };
};

test('[PG12] the last page is found in a few rounds, however many there are', async () => {
  for (const last of [-1, 0, 1, 2, 3, 7, 8, 15, 16, 100, 1_000, 1_999, 32_766]) {
    const { read, asked } = relayWith(last);
    assert.is(await newestPage(read), last < 0 ? undefined : last, `${last}`);
    assert.ok(asked.length <= 2 + Math.ceil(Math.log2(last + 2) / 1.5), `${asked.length} rounds for ${last}`);
    for (const round of asked) assert.ok(round.length <= 6);
  }
});

test('[PG12] a page far out leads nobody there', async () => {
  assert.is(await newestPage(relayWith(5, 999_999_999).read), 5);
  assert.is(await newestPage(relayWith(-1, 12).read), undefined);
});

/** A chat of which nothing is here, over streams of these frames. */
const stage = (
  streams: Readonly<Record<string, readonly StoredFrame[]>>,
  { kind = 'chat', cursor = 0, held = 0 } = {},
) => {
  const taken: string[][] = [];
  const asked: string[] = [];
  const sizes = new Map(Array.from({ length: held }, (_, i) => [pageStream(i), {}]));
  const state = { cursor, sizes, options: { kind, aheadFrames: 100 } } as unknown as RoomState;
  const ahead = createAhead({
    state,
    take: async (frames) => void taken.push(frames.map(({ stream, position }) => `${stream} ${position}`)),
  });
  const read: ReadStream = async (stream, after, maxBytes) => {
    asked.push(`${stream} after ${after}`);
    const all = (streams[stream] ?? []).filter(({ position }) => position > after);
    const frames = maxBytes === 1 ? all.slice(0, 1) : all.slice(0, 2);
    return { frames, complete: frames.length === all.length };
  };
  return { ahead, read, taken, asked };
};

const PAGES = {
  control: [frame('control', 1), frame('control', 5), frame('control', 200)],
  [pageStream(0)]: [frame(pageStream(0), 2)],
  [pageStream(1)]: [frame(pageStream(1), 120)],
  [pageStream(2)]: [frame(pageStream(2), 130)],
  [pageStream(3)]: [frame(pageStream(3), 150)],
};

test('[PG12] who has nothing of a long chat reads the log and the last two pages whole, and holds these until all has come', async () => {
  const { ahead, read, taken } = stage(PAGES);
  await ahead.read(150, read);
  assert.equal(
    taken,
    [['control 1', 'control 5', 'page-3 150', 'page-2 130']],
    'up to the head that was told',
  );
  assert.equal([...ahead.pages()], ['page-3', 'page-2']);
  assert.ok(ahead.holds('page-2') && !ahead.holds('page-1'));
  ahead.end();
  assert.is(ahead.pages().size, 0);
});

test('[PG12] of a short chat, of one that is partly here, and of what is no chat, all is read in its order', async () => {
  const stages = [
    [100, stage(PAGES)],
    [1_000, stage(PAGES, { cursor: 1 })],
    [1_000, stage(PAGES, { held: 1 })],
    [1_000, stage(PAGES, { kind: 'account' })],
  ] as const;
  for (const [head, { ahead, read, asked, taken }] of stages) {
    await ahead.read(head, read);
    assert.equal([...asked, ...taken], []);
  }
});

test('[PG12] with hardly more pages than are read first, nothing is read twice', async () => {
  const { [pageStream(3)]: _, ...few } = PAGES;
  const { ahead, read, taken } = stage(few);
  await ahead.read(1_000, read);
  assert.equal(taken, []);
});

test('[PG12] a relay that has every page that one asks for is not believed for long', async () => {
  const { read, asked } = relayWith(Number.MAX_SAFE_INTEGER);
  await newestPage(read).catch(() => undefined);
  assert.ok(asked.length <= 30, `${asked.length} rounds`);
});

test('[PG12] more than aheadBytes, or a relay that does not answer, leaves all of it to its order', async () => {
  const half = LIMITS.aheadBytes / 2;
  const large = [1, 2, 3].map((position) => frame('control', position, half));
  const heavy = stage({ ...PAGES, control: large });
  await heavy.ahead.read(1_000, heavy.read);
  assert.equal(heavy.taken, []);
  assert.is(heavy.ahead.pages().size, 0);
  const silent = stage(PAGES);
  await silent.ahead.read(1_000, () =>
    Promise.reject(new SealwireError('RELAY_UNREACHABLE', 'The connection to the relay ended.')),
  );
  assert.equal(silent.taken, []);
});

test.run();
