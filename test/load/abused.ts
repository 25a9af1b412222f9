// One honest load twice: undisturbed, and beside every abuse at once. Rules: see abuse.ts.
import { join } from 'node:path';
import { ABUSES } from './abuse.ts';
import { type LoadResult, runLoad } from './load.ts';

export interface Compared {
  readonly calm: LoadResult;
  readonly abused: LoadResult;
  /** How much of each abuse there was. */
  readonly done: ReadonlyMap<string, number>;
}

/** The relay runs with its default limits; honest groups and each abuser have addresses of their own on loopback. */
export const compareAbuse = async ({
  seconds,
  data,
  say,
}: {
  readonly seconds: number;
  readonly data: string;
  readonly say: (line: string) => void;
}): Promise<Compared> => {
  const done = new Map<string, number>();
  const load = {
    connections: 200,
    rooms: 20,
    seconds,
    perSecond: 200,
    say,
    args: [],
    addressOf: (index: number) => `127.0.1.${index + 1}`,
  };
  const calm = await runLoad({ ...load, data: join(data, 'calm') });
  const beside = async (address: string, isOver: () => boolean): Promise<void> => {
    const run = async ({ name, run }: (typeof ABUSES)[number], i: number): Promise<void> => {
      done.set(name, await run(address, `127.0.2.${i + 1}`, isOver));
    };
    await Promise.all(ABUSES.map(run));
  };
  const abused = await runLoad({ ...load, beside, data: join(data, 'abused') });
  return { calm, abused, done };
};
