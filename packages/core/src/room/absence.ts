// What a member who was none at some time passes over: frames that were sealed for others, and what builds on them. Rules:
// spec/chats.md, CH5.
import { isDocumentStream } from '../shareddoc/name.ts';
import { type Chain, chainKey, streamOfKey } from './chains.ts';
import { listIn, type Waiting } from './opening.ts';

/** Places kept a stream; of more the oldest are forgotten, and what builds on them is said to be missing. */
const PLACES_KEPT = 4_096;

export interface AbsenceOptions {
  readonly chains: ReadonlyMap<string, Chain>;
  /** Whether there are frames here that this account will never open. */
  readonly isLate: () => boolean;
}

export const createAbsence = ({ chains, isLate }: AbsenceOptions) => {
  /** Where frames for others stand in each stream. */
  const places = new Map<string, number[]>();
  /** What frames that were passed over follow: chain and counter. */
  const awaited = new Set<string>();
  let isOwed = false;

  const pass = (items: readonly Waiting[]): readonly Waiting[] => {
    for (const { stream, body } of items)
      awaited.add(`${chainKey(stream, body!.clientId)}/${body!.previous}`);
    for (const name of awaited) {
      if (awaited.size <= PLACES_KEPT) break;
      awaited.delete(name);
    }
    return items;
  };

  const isAbsence = (stream: string, after: number, before: number): boolean =>
    places.get(stream)?.some((position) => after < position && position < before) ?? false;

  /** Of one chain's frames that wait, those that follow what was for others. */
  const stuck = (chain: Chain, items: readonly Waiting[]): Waiting[] => {
    const held = new Set([chain.last]);
    return items
      .filter(({ body }) => body!.counter > chain.last)
      .sort((a, b) => a.body!.counter - b.body!.counter)
      .filter(({ stream, position, body }) => {
        const isHere = held.has(body!.previous);
        if (isHere) held.add(body!.counter);
        return !isHere && isAbsence(stream, chain.position, position);
      });
  };

  return {
    /** A frame for others stands there. */
    note({ stream, position }: Pick<Waiting, 'stream' | 'position'>): void {
      const known = places.get(stream) ?? [];
      places.set(stream, known);
      known.push(position);
      if (known.length > PLACES_KEPT) known.shift();
    },
    /** Of what waits when all has come that the relay has: what will wait for ever, since this account was away. */
    passedOver(waiting: readonly Waiting[]): Waiting[] {
      if (waiting.length === 0 || !isLate()) return [];
      // What cannot be opened yet may be what the others wait for.
      const sealed = new Set(waiting.filter(({ body }) => !body).map(({ stream }) => stream));
      const byChain = new Map<string, Waiting[]>();
      for (const item of waiting) {
        if (!item.body || sealed.has(item.stream)) continue;
        listIn(byChain, chainKey(item.stream, item.body.clientId)).push(item);
      }
      return [...byChain].flatMap(([key, items]) => {
        // What a shared document builds on may have come before this account did.
        if (isDocumentStream(streamOfKey(key))) return items;
        const chain = chains.get(key);
        if (chain) return pass(stuck(chain, items));
        return items.some(({ body }) => body!.opening) ? [] : pass(items);
      });
    },
    /** A frame counts: what was passed over may follow it, which nobody could know. */
    accepted(stream: string, clientId: number, counter: number): void {
      if (awaited.size > 0 && awaited.delete(`${chainKey(stream, clientId)}/${counter}`)) isOwed = true;
    },
    /** True if something that was passed over counts by now and must come again. */
    isOwed: (): boolean => isOwed,
    /** Positions are those of another room from now on. */
    moved(): void {
      places.clear();
      isOwed = false;
      awaited.clear();
    },
    /** All that the relay has comes again. */
    startedOver(): void {
      isOwed = false;
      awaited.clear();
    },
  };
};

export type Absence = ReturnType<typeof createAbsence>;
