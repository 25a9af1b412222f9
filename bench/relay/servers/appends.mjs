// Durable appends, one batch after the other: by the relay's store, or by LMDB as it is. No spec rules here.
// Arguments: store or lmdb, an empty folder, how many at a time, for how many milliseconds.
import { randomBytes } from 'node:crypto';
import { lmdbStore } from '@sealwire/relay';
import { open } from 'lmdb';

const FRAME_BYTES = 304;
const ROOMS = 100;

const [which, folder, batchText, msText] = process.argv.slice(2);
const batch = Number(batchText);

/** Each of these makes one batch durable and ends with its number of appends. */
const writers = {
  async store() {
    const store = await lmdbStore(folder);
    const rooms = Array.from({ length: ROOMS }, () => randomBytes(32));
    const author = randomBytes(32);
    const frame = randomBytes(FRAME_BYTES);
    let next = 0;
    const append = () => store.append({ room: rooms[next++ % ROOMS], stream: 'page-0', frame, author });
    const write = () => Promise.all(Array.from({ length: batch }, append));
    return { write, count: () => next, close: () => store.close() };
  },
  /** Records of the same size under keys of the same size and order, in one table. Synced like the store's. */
  async lmdb() {
    const root = open({ path: folder, noSubdir: false, overlappingSync: false, eventTurnBatching: false });
    const table = root.openDB({ name: 'frames', keyEncoding: 'binary', encoding: 'binary' });
    const rooms = Array.from({ length: ROOMS }, () => randomBytes(32));
    const value = randomBytes(FRAME_BYTES + 7);
    let next = 0;
    const write = () =>
      root.batch(() => {
        for (let i = 0; i < batch; i++) {
          const key = Buffer.alloc(40);
          key.set(rooms[next % ROOMS]);
          key.writeUInt32BE(Math.floor(next++ / ROOMS), 36);
          void table.put(key, value);
        }
      });
    return { write, count: () => next, close: () => root.close() };
  },
};

const { write, count, close } = await writers[which]();
const warmUntil = performance.now() + Number(msText) / 4;
while (performance.now() < warmUntil) await write();
const before = count();
const from = performance.now();
while (performance.now() - from < Number(msText)) await write();
const perSecond = ((count() - before) / (performance.now() - from)) * 1000;
await close();
process.stdout.write(`${JSON.stringify({ perSecond })}\n`);
