// The newest pages of a long chat of which a device has nothing yet, read before all that lies before them: what a person sees first
// does not wait for what is old. All of it comes once more in its order, and counts as it does then. Rules: spec/pages.md §4.
import { CONTROL_STREAM, LIMITS, pageStream, SealwireError, type StoredFrame } from '@sealwire/protocol';
import type { RoomState } from './state.ts';

/**
 * Frames of one stream behind a position, as the relay gives them: at least one if there is any.
 * @throws SealwireError (rejects) as refused by the relay; RELAY_UNREACHABLE.
 */
export type ReadStream = (
  stream: string,
  after: number,
  maxBytes: number,
) => Promise<{ readonly frames: readonly StoredFrame[]; readonly complete: boolean }>;

export interface AheadOptions {
  readonly state: RoomState;
  /** Judges and stores frames that came ahead of others. */
  readonly take: (frames: readonly StoredFrame[]) => Promise<void>;
}

/** Pages that are shown first: the last one may have a message or two. */
const PAGES = 2;

/** All but `pages` and `holds` is to be called in the room's turn: what is delivered meanwhile waits until the newest is there. */
export const createAhead = ({ state, take }: AheadOptions) => {
  let pages: ReadonlySet<string> = new Set();

  const begin = async (head: number, read: ReadStream): Promise<void> => {
    const newest = await newestPage(read);
    // With hardly more pages than these, all of it comes as soon.
    if (newest === undefined || newest <= PAGES) return;
    const streams = Array.from({ length: PAGES }, (_, i) => pageStream(newest - i));
    // Who wrote them, and under which keys, is told by the log.
    const frames = await readWhole([CONTROL_STREAM, ...streams], read);
    if (!frames) return;
    pages = new Set(streams);
    // What came since then is delivered behind the head, and what it builds on with it.
    await take(frames.filter(({ position }) => position <= head));
  };

  return {
    /** Whether the newest pages are to be read first, when the relay has frames up to `head`: they are many, and none is here. */
    isWanted(head: number): boolean {
      const { kind, aheadFrames = LIMITS.aheadFrames } = state.options;
      // Who holds something of the chat goes on from there: nothing that was shown is hidden again.
      return kind === 'chat' && state.cursor === 0 && state.sizes.size === 0 && head > aheadFrames;
    },
    /** Reads the newest pages. What fails here comes in its order as well. */
    async read(head: number, read: ReadStream): Promise<void> {
      if (this.isWanted(head)) await begin(head, read).catch(ignoreRefusal);
    },
    /** Streams of pages that came first, while what lies before them loads. */
    pages: (): ReadonlySet<string> => pages,
    /** Whether a page must stay open. */
    holds: (stream: string): boolean => pages.has(stream),
    /** All has come. */
    end(): void {
      pages = new Set();
    },
  };
};

const ignoreRefusal = (error: unknown): void => {
  if (!(error instanceof SealwireError)) throw error;
};

/** Pages asked for at once. */
const PROBES = 6;

/**
 * The last page that the relay has, when they follow each other from 0 on: one that lies further out was not chosen by PG2.
 *
 * @returns undefined if there is none.
 */
export const newestPage = async (read: ReadStream): Promise<number | undefined> => {
  const has = async (page: number): Promise<boolean> =>
    (await read(pageStream(page), 0, 1)).frames.length > 0;
  /** How many of `probes` are there before the first that is not. */
  const found = async (probes: readonly number[]): Promise<number> => {
    const missing = (await Promise.all(probes.map(has))).indexOf(false);
    return missing < 0 ? probes.length : missing;
  };
  let low = -1;
  let high = Number.POSITIVE_INFINITY;
  for (let power = 0; high === Number.POSITIVE_INFINITY && power < MOST_POWERS; power += PROBES) {
    const probes = Array.from({ length: PROBES }, (_, i) => 2 ** (power + i) - 1);
    const count = await found(probes);
    low = probes[count - 1] ?? low;
    high = probes[count] ?? high;
  }
  while (high !== Number.POSITIVE_INFINITY && high - low > 1) {
    const step = Math.max(1, Math.floor((high - low) / (PROBES + 1)));
    const probes = Array.from({ length: PROBES }, (_, i) => low + (i + 1) * step).filter(
      (page) => page < high,
    );
    const count = await found(probes);
    high = probes[count] ?? high;
    low = probes[count - 1] ?? low;
  }
  return low < 0 ? undefined : low;
};

/** No chat has so many pages, whatever a relay says: 2 to this power. */
const MOST_POWERS = 24;

/** All frames of some streams; undefined if that is more than is read ahead, or goes back and forth. */
const readWhole = async (
  streams: readonly string[],
  read: ReadStream,
): Promise<StoredFrame[] | undefined> => {
  const all: StoredFrame[] = [];
  let left: number = LIMITS.aheadBytes;
  for (const stream of streams)
    for (let after = 0, isWhole = false; !isWhole; ) {
      const { frames, complete } = await read(stream, after, LIMITS.readBytes);
      for (const { position, frame } of frames) {
        left -= frame.length;
        if (position <= after || left < 0) return undefined;
        after = position;
      }
      all.push(...frames);
      isWhole = complete || frames.length === 0;
    }
  return all;
};
