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
    if (newest === undefined) return;
    const streams = Array.from({ length: Math.min(PAGES, newest + 1) }, (_, i) => pageStream(newest - i));
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
const PROBES = 16;

/**
 * The last page that the relay has, when they follow each other from 0 on: one that lies further out was not chosen by PG2.
 *
 * @returns undefined if there is none.
 */
export const newestPage = async (read: ReadStream): Promise<number | undefined> => {
  const has = async (page: number): Promise<boolean> =>
    (await read(pageStream(page), 0, 1)).frames.length > 0;
  /** The last of `probes` that is there before the first that is not. */
  const lastOf = async (probes: readonly number[]): Promise<number> => {
    const found = await Promise.all(probes.map(has));
    const missing = found.indexOf(false);
    return (missing < 0 ? probes.length : missing) - 1;
  };
  const powers = Array.from({ length: PROBES }, (_, i) => 2 ** i - 1);
  const at = await lastOf(powers);
  if (at < 0) return undefined;
  let low = powers[at]!;
  let high = powers[at + 1] ?? low + 1;
  while (high - low > 1) {
    const step = Math.max(1, Math.floor((high - low) / PROBES));
    const probes = Array.from({ length: PROBES }, (_, i) => low + (i + 1) * step).filter(
      (page) => page < high,
    );
    const found = await lastOf(probes);
    high = probes[found + 1] ?? high;
    low = probes[found] ?? low;
  }
  return low;
};

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
