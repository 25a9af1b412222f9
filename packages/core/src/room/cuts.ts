// The counting cuts of one room: how far each chain of a device that was logged out or removed counts. Pure.
// Rules: spec/frame.md §8.

/** The last frame of a chain that counts: its counter, and the 32-byte cumulative hash after it. */
export interface ChainLimit {
  readonly counter: number;
  readonly hash: Uint8Array;
}

/** What one entry (`cut`, or the removal of a member) says of one device. */
export interface DeviceCut {
  /** By `chainKey(stream, clientId)`. A chain that is not in it does not count at all. */
  readonly chains: ReadonlyMap<string, ChainLimit>;
  /** Hash of the entry, hexadecimal. Of several cuts of one device the one of the lesser hash counts. */
  readonly order: string;
}

/** `none`: the device is cut, and nothing of this chain counts. `undefined`: the device is not cut. */
export type LimitAnswer = ChainLimit | 'none' | undefined;

/**
 * Filled by whoever judges log entries (room/control.ts), asked by whoever judges frames (room/inbox.ts, room/replay.ts).
 *
 * Feed it every cut that counts, in any order and as often as you like; take one back when the revocation it belongs to
 * turns out not to count. Devices are named by their id in hexadecimal. Feeding changes no page by itself: the room
 * hears of it through `onChange`, and judges its frames again in its own turn.
 */
export interface Cuts {
  /** How many devices are cut; 0 lets the hot path ask nothing else. */
  readonly size: number;
  /** @returns false if nothing is different now: the cut was known, or another one counts before it. */
  set(deviceHex: string, cut: DeviceCut): boolean;
  /** Takes back the cut that the entry of this hash made. @returns false if nothing is different now. */
  withdraw(deviceHex: string, order: string): boolean;
  isCut(deviceHex: string): boolean;
  limitOf(deviceHex: string, chainKey: string): LimitAnswer;
  /** True for a frame beyond what counts of its device. At the limit itself the hash decides: see `limitOf`. */
  isVoid(deviceHex: string, chainKey: string, counter: number): boolean;
  /** Told of a device for which another cut counts than before. Called at once, within `set` and `withdraw`. */
  onChange(listener: (deviceHex: string) => void): () => void;
}

export const createCuts = (): Cuts => {
  /** All that were fed, by device and order. */
  const known = new Map<string, Map<string, DeviceCut>>();
  const counting = new Map<string, DeviceCut>();
  const listeners = new Set<(deviceHex: string) => void>();

  const choose = (deviceHex: string): boolean => {
    const before = counting.get(deviceHex)?.order;
    let least: DeviceCut | undefined;
    for (const cut of known.get(deviceHex)?.values() ?? [])
      if (!least || cut.order < least.order) least = cut;
    if (before === least?.order) return false;
    if (least) counting.set(deviceHex, least);
    else counting.delete(deviceHex);
    for (const listener of listeners) listener(deviceHex);
    return true;
  };

  const limitOf = (deviceHex: string, chainKey: string): LimitAnswer => {
    const cut = counting.get(deviceHex);
    return cut && (cut.chains.get(chainKey) ?? 'none');
  };

  return {
    get size() {
      return counting.size;
    },
    set(deviceHex, cut) {
      const cuts = known.get(deviceHex) ?? new Map<string, DeviceCut>();
      if (cuts.has(cut.order)) return false;
      known.set(deviceHex, cuts.set(cut.order, cut));
      return choose(deviceHex);
    },
    withdraw(deviceHex, order) {
      return known.get(deviceHex)?.delete(order) === true && choose(deviceHex);
    },
    isCut: (deviceHex) => counting.has(deviceHex),
    limitOf,
    isVoid(deviceHex, chainKey, counter) {
      const limit = limitOf(deviceHex, chainKey);
      return limit !== undefined && (limit === 'none' || counter > limit.counter);
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
};
