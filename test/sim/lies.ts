// What a relay may lie about: each kind, what it does to frames on their way, and which code must come of it.
// Answers: spec/frame.md §5 to §8, spec/relay-protocol.md §7.
import { CONTROL_STREAM, type ErrorCode, pageStream, type StoredFrame } from '@sealwire/protocol';
import type { Accomplice } from './accomplice.ts';
import type { Network } from './network.ts';
import type { RelayHost } from './relay.ts';
import type { KnownFrame, Wiretap } from './wiretap.ts';
import type { Dice, World } from './world.ts';

export interface LieWorld {
  readonly world: World;
  readonly dice: Dice;
  readonly network: Network;
  readonly relay: RelayHost;
  readonly wiretap: Wiretap;
  /** Names of the devices. */
  readonly names: () => readonly string[];
  /** A member who turned and helps the relay, if there is one. */
  readonly accomplice: Accomplice | undefined;
  /** Has a frame appended as if a member had sent it. @returns false if no member is connected. */
  append(room: string, stream: string, frame: Uint8Array): boolean;
}

/** A lie while it lasts. */
export interface Lie {
  readonly kind: LieKind;
  /** What becomes of frames on their way to a device; undefined if this lie is not about them. */
  bend?(reader: string, room: string, frames: readonly StoredFrame[]): readonly StoredFrame[];
  /** What becomes of a head that a device asks for. */
  head?(reader: string, head: number, cursor: number): number | undefined;
  /** True if a device's append is thrown away and acknowledged all the same. */
  swallows?(author: string): boolean;
  /** True if a device hears nothing more of rooms. */
  isMute?(reader: string): boolean;
  /** When its time has come. */
  over?(): void;
  readonly lateMs?: (reader: string) => number;
  readonly twice?: (reader: string) => boolean;
}

interface LieType {
  /** One of these must be reported by some device; none means that the lie must change nothing at all. */
  readonly codes: readonly ErrorCode[];
  /** What may be said beside that. */
  readonly also?: readonly ErrorCode[];
  /** True if what a device misses may stay missing: then it must have said so. */
  readonly loses: boolean;
  /** True if what the relay had may be gone from its disk. */
  readonly forgets?: boolean;
  /** Starts it. @returns undefined if there is nothing to lie about at the moment; `done` for a single act. */
  begin(sim: LieWorld): Omit<Lie, 'kind'> | 'done' | undefined;
}

const GAP: readonly ErrorCode[] = ['FRAME_GAP'];
const UNREADABLE: readonly ErrorCode[] = ['FRAME_UNREADABLE', 'UNSUPPORTED_VERSION'];

export const LIES = {
  delayed: {
    codes: [],
    loses: false,
    begin: (sim) => {
      const victim = victimOf(sim);
      return { lateMs: (reader) => (reader === victim ? sim.dice.between(0, 8_000) : 0) };
    },
  },
  'delivered twice': {
    codes: [],
    loses: false,
    begin: (sim) => {
      const victim = victimOf(sim);
      return { twice: (reader) => reader === victim };
    },
  },
  reordered: {
    codes: [],
    loses: false,
    begin: (sim) => {
      const victim = victimOf(sim);
      return {
        bend(reader, _room, frames) {
          if (reader !== victim) return frames;
          const order = sim.dice.shuffled(frames);
          return frames.map(({ position }, i) => ({ ...order[i]!, position }));
        },
      };
    },
  },
  'tail withheld': {
    codes: [],
    loses: false,
    begin: (sim) => {
      const victim = victimOf(sim);
      return {
        isMute: (reader) => reader === victim,
        // What comes after it would make a hole of the tail.
        over: () => cut(sim, victim),
      };
    },
  },
  replayed: {
    codes: [],
    loses: false,
    begin: (sim) => append(sim, ({ frame }) => ({ frame })),
  },
  'replayed elsewhere': {
    codes: [...UNREADABLE, 'FRAME_KEY_MISSING'],
    loses: false,
    begin: (sim) =>
      append(sim, ({ frame, stream }) => ({
        frame,
        stream: stream === CONTROL_STREAM ? pageStream(0) : pageStream(1),
      })),
  },
  'altered copy': {
    codes: UNREADABLE,
    loses: false,
    begin: (sim) => append(sim, ({ frame }) => ({ frame: altered(sim.dice, frame) })),
  },
  junk: {
    codes: UNREADABLE,
    loses: false,
    begin: (sim) => append(sim, () => ({ frame: sim.dice.bytes(sim.dice.between(1, 300)) })),
  },
  'sealed with a key of nobody': {
    codes: ['FRAME_KEY_MISSING'],
    loses: false,
    begin: (sim) =>
      append(sim, ({ frame }) => ({ frame: withOtherTag(sim.dice, frame), stream: pageStream(0) })),
  },
  dropped: {
    codes: GAP,
    loses: true,
    begin: (sim) => {
      const victim = victimOf(sim);
      return {
        bend: (reader, _room, frames) =>
          reader === victim ? frames.filter(() => !sim.dice.chance(0.3)) : frames,
      };
    },
  },
  'stream withheld': {
    codes: GAP,
    loses: true,
    begin: (sim) => {
      const victim = victimOf(sim);
      const withheld = sim.dice.pick([CONTROL_STREAM, pageStream(0)]);
      return {
        bend: (reader, _room, frames) =>
          reader === victim ? frames.filter(({ stream }) => stream !== withheld) : frames,
      };
    },
  },
  forked: {
    codes: GAP,
    loses: true,
    begin: (sim) => {
      const side = new Set(sim.dice.shuffled(sim.names()).slice(0, Math.ceil(sim.names().length / 2)));
      return {
        bend: (reader, _room, frames) =>
          frames.filter(({ frame }) => {
            const author = sim.wiretap.authorOf(frame);
            return author === undefined || side.has(author) === side.has(reader);
          }),
      };
    },
  },
  altered: {
    codes: [...UNREADABLE, 'FRAME_GAP'],
    loses: true,
    begin: (sim) => {
      const victim = victimOf(sim);
      return {
        bend: (reader, _room, frames) =>
          frames.map((item) =>
            reader === victim && sim.dice.chance(0.3)
              ? { ...item, frame: altered(sim.dice, item.frame) }
              : item,
          ),
      };
    },
  },
  moved: {
    codes: [...UNREADABLE, 'FRAME_GAP'],
    loses: true,
    begin: (sim) => {
      const victim = victimOf(sim);
      return {
        bend: (reader, _room, frames) =>
          frames.map((item) =>
            reader === victim && item.stream !== CONTROL_STREAM && sim.dice.chance(0.3)
              ? { ...item, stream: pageStream(1) }
              : item,
          ),
      };
    },
  },
  'other words in their place': {
    codes: ['FRAME_FORGED', 'FRAME_GAP'],
    // A device that was restored, and whose own frames are hidden from it like this, signs second ones: spec/frame.md §8.
    also: ['FRAME_EQUIVOCATION', 'FRAME_VOID'],
    loses: true,
    begin: (sim) => {
      const { accomplice, world, dice } = sim;
      if (!accomplice) return undefined;
      const victim = victimOf(sim);
      // What is kept back for a while comes all at once.
      let isMute = true;
      world.after(dice.between(3_000, 20_000), () => {
        isMute = false;
        cut(sim, victim);
      });
      return {
        isMute: (reader) => isMute && reader === victim,
        bend: (reader, room, frames) => (reader === victim ? accomplice.swap(room, frames) : frames),
      };
    },
  },
  'acknowledged and lost': {
    codes: GAP,
    loses: true,
    forgets: true,
    begin: (sim) => {
      const victim = victimOf(sim);
      return { swallows: (author) => author === victim && sim.dice.chance(0.5) };
    },
  },
  'false head': {
    codes: ['RELAY_ROLLED_BACK'],
    loses: false,
    begin: (sim) => {
      const victim = victimOf(sim);
      cut(sim, victim);
      return {
        head: (reader, _head, cursor) => (reader === victim && cursor > 1 ? cursor - 1 : undefined),
      };
    },
  },
  'rolled back': {
    codes: ['RELAY_ROLLED_BACK'],
    also: ['NO_PRINCIPAL', 'NOT_A_MEMBER'],
    loses: true,
    forgets: true,
    begin: (sim) => {
      const length = sim.relay.length();
      if (length < 12) return undefined;
      const kept = length - sim.dice.between(1, Math.min(30, length >> 1));
      return restore(sim, (_change, i) => i < kept);
    },
  },
  'room lost': {
    codes: ['RELAY_ROLLED_BACK'],
    also: ['FRAME_GAP'],
    loses: true,
    forgets: true,
    begin: (sim) => {
      const rooms = sim.relay.rooms();
      if (rooms.length === 0) return undefined;
      const lost = sim.dice.pick(rooms);
      return restore(sim, ({ room }) => room !== lost);
    },
  },
} as const satisfies Readonly<Record<string, LieType>>;

export type LieKind = keyof typeof LIES;

export const lieType = (kind: LieKind): LieType => LIES[kind];

/** The relay stops, and comes back with a part of its disk. */
const restore = (sim: LieWorld, holds: Parameters<RelayHost['restore']>[0]): 'done' | undefined => {
  if (!sim.relay.isUp()) return undefined;
  sim.relay.stop();
  for (const connection of sim.network.connections()) connection.cut();
  void sim.relay.restore(holds).then(() => {
    sim.world.after(sim.dice.between(100, 10_000), sim.relay.start);
  });
  return 'done';
};

const cut = ({ network }: LieWorld, victim: string): void => {
  for (const connection of network.connections()) if (connection.name === victim) connection.cut();
};

const victimOf = ({ dice, names }: LieWorld): string => dice.pick(names());

/** Appends something made of a frame that was there before. */
const append = (
  sim: LieWorld,
  make: (known: KnownFrame) => { readonly frame: Uint8Array; readonly stream?: string },
): 'done' | undefined => {
  const known = [...sim.wiretap.frames.values()].filter(({ durableAt }) => durableAt !== undefined);
  if (known.length === 0) return undefined;
  const source = sim.dice.pick(known);
  const { frame, stream = source.stream } = make(source);
  return sim.append(source.room, stream, frame) ? 'done' : undefined;
};

/** Names another epoch; on a page, since the control stream has one key. */
const withOtherTag = (dice: Dice, frame: Uint8Array): Uint8Array => {
  const copy = frame.slice();
  copy.set(dice.bytes(8), 2);
  return copy;
};

const altered = (dice: Dice, frame: Uint8Array): Uint8Array => {
  const copy = frame.slice();
  // Beyond the epoch tag: what names another key is another lie.
  const at = dice.chance(0.1) ? dice.int(2) : dice.between(10, frame.length - 1);
  copy[at]! ^= 1 << dice.int(8);
  return copy;
};
