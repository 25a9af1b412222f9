// What rooms cost the nodes that hold them: memory, and the time to find one room's head and news among many.
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { natsStore } from '@sealwire/relay/nats';

export interface Growth {
  readonly servers: readonly string[];
  /** Rooms in the one stream, rising. */
  readonly rooms: readonly number[];
  /** Processes of the nodes. */
  readonly pids: readonly number[];
  readonly say: (line: string) => void;
}

const PROBES = 200;

/** One line for each number of rooms: each with one frame of 300 bytes, in one stream. */
export const growthNotes = async ({ servers, rooms, pids, say }: Growth): Promise<string[]> => {
  const store = await natsStore({ servers, prefix: 'growth', shards: 1 });
  const notes: string[] = [];
  const ids: Uint8Array[] = [];
  try {
    const before = await residentBytes(pids);
    for (const wanted of rooms) {
      say(`${wanted} rooms in one stream`);
      while (ids.length < wanted) {
        const more = Array.from(
          { length: Math.min(500, wanted - ids.length) },
          () => new Uint8Array(randomBytes(32)),
        );
        await Promise.all(
          more.map((room) =>
            store.append({ room, stream: 'control', frame: new Uint8Array(randomBytes(300)) }),
          ),
        );
        ids.push(...more);
      }
      const head = await medianMs(async () => store.head(pick(ids)));
      const news = await medianMs(async () => {
        const room = pick(ids);
        const { frames } = await store.read({ room, stream: '', after: 0, maxBytes: 100_000 });
        if (frames.length === 0) throw new Error('a room is empty');
      });
      const bytes = ((await residentBytes(pids)) - before) / pids.length / wanted;
      notes.push(
        `${wanted.toLocaleString('en')} rooms of one frame in one stream: ${head.toFixed(2)} ms for a head, ` +
          `${news.toFixed(2)} ms to read the frame, ${Math.round(bytes)} bytes of memory a room and node`,
      );
    }
    return notes;
  } finally {
    await store.close();
  }
};

const pick = (ids: readonly Uint8Array[]): Uint8Array => ids[Math.floor(Math.random() * ids.length)]!;

const medianMs = async (one: () => Promise<unknown>): Promise<number> => {
  const times: number[] = [];
  for (let i = 0; i < PROBES; i++) {
    const began = performance.now();
    await one();
    times.push(performance.now() - began);
  }
  return times.sort((a, b) => a - b)[PROBES >> 1]!;
};

const residentBytes = async (pids: readonly number[]): Promise<number> => {
  let bytes = 0;
  for (const pid of pids) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    bytes += Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1_024;
  }
  return bytes;
};
