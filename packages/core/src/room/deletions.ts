// Which deletions of a room count, range by range: by whose words they delete, never by what came first. What is not
// held yet is deleted when it comes. Rules: spec/log-document.md §1.
import { LIMITS, sameBytes } from '@sealwire/protocol';
import type { Evidence } from '../api.ts';
import type { DeletedRange, ParsedUpdate } from '../logdoc/parser.ts';
import { type Chain, chainKey } from './chains.ts';

/** Whose deletion it is. */
export interface Deleter {
  readonly deviceHex: string;
  readonly account: Uint8Array;
  readonly stream: string;
}

export interface DeletionsOptions {
  readonly chains: ReadonlyMap<string, Chain>;
  /** False for the account document, whose entries nobody may delete. */
  readonly allowed: boolean;
  /** The clock before which this device's own entries of a clientID are held though no frame has them. */
  readonly ownClock: (stream: string, clientId: number) => number;
  readonly report: (evidence: Omit<Evidence, 'room'>) => void;
}

interface WaitingRange extends Deleter {
  clock: number;
  readonly end: number;
}

export const createDeletions = ({ chains, allowed, ownClock, report }: DeletionsOptions) => {
  /** By the chain whose entries they delete. */
  const waiting = new Map<string, WaitingRange[]>();
  const countOf = new Map<string, number>();
  let quiet = false;

  const refuse = ({ stream, deviceHex }: Deleter, bytes?: Uint8Array): void => {
    if (quiet) return;
    const message = allowed ? FOREIGN : FORBIDDEN;
    report({ code: 'UPDATE_REFUSED', message, stream, deviceId: deviceHex, ...(bytes && { bytes }) });
  };

  const wait = (key: string, range: WaitingRange): void => {
    const list = waiting.get(key);
    if (list) list.push(range);
    else waiting.set(key, [range]);
    countOf.set(range.deviceHex, (countOf.get(range.deviceHex) ?? 0) + 1);
  };

  const heldOf = (stream: string, clientId: number): number =>
    Math.max(chains.get(chainKey(stream, clientId))?.clock ?? 0, ownClock(stream, clientId));

  /** What a new update's entries are deleted by: ranges that came before them. */
  const release = (target: Chain, into: DeletedRange[]): void => {
    const { stream, clientId } = target.address;
    const key = chainKey(stream, clientId);
    const ranges = waiting.get(key);
    if (!ranges) return;
    const left = ranges.filter((range) => {
      const isForeign = !sameBytes(range.account, target.device.account);
      if (isForeign) refuse(range);
      else if (range.clock < target.clock) {
        const end = Math.min(range.end, target.clock);
        into.push({ clientId, clock: range.clock, length: end - range.clock });
        range.clock = end;
      }
      const isDone = isForeign || range.clock === range.end;
      if (isDone) countOf.set(range.deviceHex, countOf.get(range.deviceHex)! - 1);
      return !isDone;
    });
    if (left.length > 0) waiting.set(key, left);
    else waiting.delete(key);
  };

  const judge = (by: Deleter, ranges: readonly DeletedRange[], bytes?: Uint8Array): DeletedRange[] => {
    const counting: DeletedRange[] = [];
    let isRefused = false;
    for (const { clientId, clock, length } of ranges) {
      const key = chainKey(by.stream, clientId);
      const target = chains.get(key);
      if (!allowed || (target && !sameBytes(target.device.account, by.account))) {
        isRefused = true;
        continue;
      }
      const held = Math.min(clock + length, Math.max(clock, heldOf(by.stream, clientId)));
      if (held > clock) counting.push({ clientId, clock, length: held - clock });
      if (held < clock + length) wait(key, { ...by, clock: held, end: clock + length });
    }
    if (isRefused) refuse(by, bytes);
    return counting;
  };

  return {
    /** True if an author's deletions that must wait are few enough, with these. */
    fit(chain: Chain, update: ParsedUpdate): boolean {
      const { stream } = chain.address;
      let count = countOf.get(chain.deviceHex) ?? 0;
      for (const { clientId, clock, length } of update.deletions) {
        const own = clientId === update.clientId ? chain.clock + update.entries.length : 0;
        const held = Math.max(own, heldOf(stream, clientId));
        if (held < clock + length) count += 1;
      }
      return count <= LIMITS.waitingDeletions;
    },
    /**
     * An accepted update with the deletions that count now: its own, and those that waited for its entries.
     *
     * @param chain - its author's, moved over it.
     * @param bytes - evidence, should it delete another's words.
     */
    admit(chain: Chain, update: ParsedUpdate, bytes: Uint8Array): ParsedUpdate {
      if (update.deletions.length === 0 && waiting.size === 0) return update;
      const { deviceHex, device, address } = chain;
      const by = { deviceHex, account: device.account, stream: address.stream };
      const deletions = judge(by, update.deletions, bytes);
      if (update.entries.length > 0) release(chain, deletions);
      return { ...update, deletions };
    },
    /** The same for an own edit that no frame has yet. */
    admitOwn(by: Deleter, update: ParsedUpdate): ParsedUpdate {
      if (update.deletions.length === 0) return update;
      return { ...update, deletions: judge(by, update.deletions) };
    },
    /** For what was judged before: says nothing again. */
    async quietly(run: () => Promise<void>): Promise<void> {
      quiet = true;
      try {
        await run();
      } finally {
        quiet = false;
      }
    },
    /** Whether deletions wait for entries of a chain. */
    isAwaited: (chainKey: string): boolean => waiting.has(chainKey),
    /** Forgets what waits for entries of these chains. */
    clear(which: (chainKey: string) => boolean): void {
      for (const [key, ranges] of [...waiting]) {
        if (!which(key)) continue;
        waiting.delete(key);
        for (const { deviceHex } of ranges) countOf.set(deviceHex, countOf.get(deviceHex)! - 1);
      }
    },
  };
};

export type Deletions = ReturnType<typeof createDeletions>;

const FOREIGN = "A deletion of another's words was left out of an update.";
const FORBIDDEN = 'A deletion was left out of an update: nothing here may be deleted.';
