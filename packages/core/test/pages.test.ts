// Several pages of one chat in one room: which page is written on, and what a cut does to them. Rules: spec/pages.md.
import { LIMITS, pageStream, toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { streamKey } from '../src/frame/envelope.ts';
import { roomIdOf } from '../src/identity/device-keys.ts';
import { EMPTY_PAGE, isFull, PAGE_LIMITS, type PageSize, pageToWrite } from '../src/logdoc/page-choice.ts';
import { indexPage } from '../src/logdoc/page-index.ts';
import { startLine } from './frames-kit.ts';
import { type TestRoom, testAccount, testRoom } from './room-support.ts';
import { seeded, type TestDevice } from './support.ts';

const test = suite('pages');

/** Sizes by page; others are empty. */
const sizes = (list: readonly PageSize[]) => (page: number) => list[page] ?? EMPTY_PAGE;

const FULL = { entries: LIMITS.pageEntries, bytes: 1 };

test('[PG2] the lowest page that is not full, and none below the one written on before', () => {
  const half = { entries: 3, bytes: 90 };
  const cases: readonly (readonly [number, readonly PageSize[], number])[] = [
    [0, [], 0],
    [0, [half], 0],
    [0, [FULL, half], 1],
    [0, [FULL, FULL], 2],
    [1, [half, half], 1],
    [2, [FULL, half], 2],
    [0, [FULL, EMPTY_PAGE, EMPTY_PAGE, half], 1],
  ];
  for (const [from, held, page] of cases) assert.is(pageToWrite(from, sizes(held)), page);
});

test('[PG2] a page is full by entries or by their bytes', () => {
  const { pageEntries: entries, pageBytes: bytes } = LIMITS;
  assert.not(isFull({ entries: entries - 1, bytes: bytes - 1 }, PAGE_LIMITS));
  assert.ok(isFull({ entries, bytes: 0 }, PAGE_LIMITS));
  assert.ok(isFull({ entries: 1, bytes }, PAGE_LIMITS));
});

const stage = async (seed: number) => {
  const random = seeded(seed);
  const account = await testAccount(random, 3);
  const reader = await testRoom(random, account, 0);
  const [, device, other] = account.devices as [TestDevice, TestDevice, TestDevice];
  let position = 0;
  return {
    reader,
    device,
    other,
    line: (of: TestDevice, page: number) => {
      const stream = pageStream(page);
      const key = streamKey(account.epochKey, roomIdOf(account.secret), stream, account.log.root);
      return startLine({ random, logId: account.log.root, device: of, key, stream });
    },
    give: (...made: readonly { readonly stream: string; readonly frame: Uint8Array }[]) =>
      reader.room.receive(made.map((frame) => ({ ...frame, position: ++position }))),
  };
};

const textsOn = ({ room }: TestRoom, page: number): string[] =>
  [...room.page(pageStream(page)).entries()].map(({ entry }) => (entry.k === 'm' ? entry.x : entry.k)).sort();

test('[PG1] [PG3] an entry counts on whichever page its author put it, and leads nobody there', async () => {
  const { reader, device, line, give } = await stage(1);
  await give(line(device, 999_999_999).say(1, { texts: ['far away'] }));
  assert.equal(textsOn(reader, 999_999_999), ['far away']);
  assert.equal(reader.evidence, []);
  assert.is(
    pageToWrite(0, (page) => reader.room.size(pageStream(page))),
    0,
  );
});

test('[PG3] no page is too large for a reader, and every one may be written in late', async () => {
  const { reader, device, other, line, give } = await stage(2);
  const many = Array.from({ length: LIMITS.pageEntries + 1 }, (_, i) => `message ${i}`);
  await give(line(device, 0).say(1, { texts: many }), line(device, 1).say(2, { texts: ['on the next'] }));
  await give(line(other, 0).say(1, { texts: ['late'] }));
  assert.is(textsOn(reader, 0).length, LIMITS.pageEntries + 2);
  assert.is(reader.room.size(pageStream(0)).entries, LIMITS.pageEntries + 2);
  assert.is(
    pageToWrite(0, (page) => reader.room.size(pageStream(page))),
    1,
  );
  assert.equal(reader.evidence, []);
});

test('[PG6] a cut makes anew the pages that its device wrote in, and no other', async () => {
  const { reader, device, other, line, give } = await stage(3);
  const old = line(device, 0);
  const words = line(other, 1);
  await give(old.say(1, { texts: ['counts'] }), words.say(1, { texts: ["the other's"] }));
  const limit = old.limit();
  await give(old.say(2, { texts: ['void'] }));
  const resets: string[] = [];
  for (const page of reader.room.pages()) page.onReset(() => resets.push(page.stream));
  const documents = reader.room.pages().map(({ doc }) => doc);
  const chains = new Map([[old.key, limit]]);
  reader.room.state.cuts.set(toHex(device.logged.id), { order: 'aa', chains });
  await Promise.resolve();
  await reader.room.idle();
  await reader.room.idle();
  assert.equal(textsOn(reader, 0), ['counts']);
  assert.equal(textsOn(reader, 1), ["the other's"]);
  assert.equal(resets, [pageStream(0)]);
  const isKept = reader.room.pages().map(({ doc, stream }) => [stream, documents.includes(doc)]);
  assert.equal(new Map(isKept as [string, boolean][]).get(pageStream(1)), true);
});

test('[PG5] of all names that a person gave, the newest is said, whichever page it is on', () => {
  const said = [
    { id: '7:0', entry: { k: 'me', t: 2048, n: 'Ada L.' } },
    { id: '7:1', entry: { k: 'me', t: 1024, n: 'Ada' } },
    { id: '8:0', entry: { k: 'm', t: 5 * 1024, x: 'newest' } },
    { id: '8:1', entry: { k: 'm', t: 3 * 1024, x: 'oldest' } },
  ] as const;
  for (const entries of [said, [...said].reverse()])
    assert.equal(
      indexPage(entries, (id) => id.slice(0, 1)),
      { messages: 2, from: 3, to: 5, text: 'newest', names: [['7', { k: 'me', t: 2048, n: 'Ada L.' }]] },
    );
});

test.run();
