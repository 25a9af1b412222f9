// What an append and a catch-up cost in a store that holds so much already. No spec rules here.
// Arguments: rooms or frames, an empty folder, how many of them, how many commits are timed.
import { createHash, randomBytes } from 'node:crypto';
import { lmdbStore } from '@sealwire/relay';

const FRAME_BYTES = 304;
const BATCH = 100;
const READS_A_BATCH = 20;
/** Frames that a device has missed. */
const MISSED = 50;
const FILL = 2_000;

const [what, folder, ...numbers] = process.argv.slice(2);
const [many, batches] = numbers.map(Number);
const store = await lmdbStore(folder);
const author = randomBytes(32);
const frame = randomBytes(FRAME_BYTES);
const stream = 'page-0';
/** Rooms have random ids. */
const roomOf = (index) => createHash('sha256').update(String(index)).digest();
const rooms = what === 'rooms' ? many : 1;
const each = what === 'rooms' ? MISSED : many;
const random = () => roomOf(Math.floor(Math.random() * rooms));

const member = { principal: author, admin: true };
for (let from = 0; from < rooms; from += FILL) {
  const some = Array.from({ length: Math.min(FILL, rooms - from) }, (_, i) => roomOf(from + i));
  await Promise.all(some.map((room) => store.putRoom({ room, version: 1, members: [member] })));
  // Of many rooms most have little in them; those that are read are filled below.
  if (what === 'rooms') await Promise.all(some.map((room) => store.append({ room, stream, frame, author })));
}
const fill = async (room, count) => {
  for (let left = count; left > 0; left -= FILL)
    await Promise.all(
      Array.from({ length: Math.min(FILL, left) }, () => store.append({ room, stream, frame, author })),
    );
};
const read = Array.from({ length: Math.min(rooms, 200) }, random);
for (const room of what === 'rooms' ? read : [roomOf(0)]) await fill(room, each);

/** Appends as the relay makes them: it looks up the room's list before each. */
const appendBatch = () =>
  Promise.all(
    Array.from({ length: BATCH }, () => {
      const room = random();
      store.room(room);
      return store.append({ room, stream, frame, author });
    }),
  );
const timed = async (count, run) => {
  const from = performance.now();
  for (let i = 0; i < count; i++) await run(i);
  return ((performance.now() - from) / count) * 1000;
};

await timed(batches / 4, appendBatch);
const appendUs = (await timed(batches, appendBatch)) / BATCH;
const catchUp = (i) => {
  const room = read[i % read.length];
  const after = store.head(room) - MISSED;
  const { frames } = store.read({ room, stream: '', after, maxBytes: 256 * 1024 });
  if (frames.length !== MISSED) throw new Error(`${frames.length} frames instead of ${MISSED}`);
};
await timed((batches * READS_A_BATCH) / 4, catchUp);
const catchUpUs = await timed(batches * READS_A_BATCH, catchUp);
await store.close();
process.stdout.write(`${JSON.stringify({ appendUs, catchUpUs })}\n`);
