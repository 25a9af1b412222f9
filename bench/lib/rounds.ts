// Takes samples of several things in turn, so that whatever else the machine does falls on all of them alike.

/** One thing to time. `prepare` makes what it needs and is not timed. */
export interface Contender {
  readonly name: string;
  /** @returns the part to be timed, once. */
  readonly prepare: () => Promise<() => Promise<unknown>> | (() => Promise<unknown>);
}

export interface RoundOptions {
  /**
   * How often each is run for one sample, of which the mean counts. Collecting garbage shrinks the heap, and what runs
   * right after it pays for the growth; something short should not have that for its result.
   */
  readonly repeat?: number;
  /** Rounds that are taken however long they last. */
  readonly least: number;
  readonly most: number;
  /** No further round is begun after this: milliseconds as `performance.now` gives them. */
  readonly until: number;
  readonly say?: (line: string) => void;
}

/** @returns the milliseconds of each round, by contender. */
export const takeRounds = async (
  contenders: readonly Contender[],
  options: RoundOptions,
): Promise<Map<string, number[]>> => {
  const times = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < options.most; round++) {
    if (round >= options.least && performance.now() >= options.until) break;
    for (const contender of inTurn(contenders, round))
      times.get(contender.name)!.push(await takeSample(contender, options.repeat ?? 1));
    options.say?.(
      `  round ${round + 1}: ${[...times].map(([name, ms]) => `${name} ${last(ms)}`).join(', ')}`,
    );
  }
  return times;
};

/** Each goes first as often as any other, and after any other: a heap is never quite as it was before the last one. */
const inTurn = <T>(items: readonly T[], round: number): T[] => {
  const first = round % items.length;
  const turned = [...items.slice(first), ...items.slice(0, first)];
  return Math.floor(round / items.length) % 2 === 0 ? turned : turned.reverse();
};

const takeSample = async ({ prepare }: Contender, repeat: number): Promise<number> => {
  const runs: (() => Promise<unknown>)[] = [];
  while (runs.length < repeat) runs.push(await prepare());
  collectGarbage();
  const from = performance.now();
  for (const run of runs) await run();
  return (performance.now() - from) / repeat;
};

/** Only where the program was started with --expose-gc, as `pnpm bench` does. */
const collectGarbage = (): void => (globalThis as { gc?: () => void }).gc?.();

const last = (ms: readonly number[]): string => `${Math.round(ms.at(-1)!)} ms`;
