// Plays a story in many orders and holds all endings to the first. Rules: spec/frame.md §8.
import * as assert from 'uvu/assert';
import { type Ending, encodedBodyOf, play, type Story } from './frames-kit.ts';
import { type Seeded, seeded } from './support.ts';

/**
 * @param options.seeds - how many stories are made.
 * @param options.rounds - orders of each; half of them with a restart in the middle, a quarter with repeated frames.
 */
export const orders = async (
  make: (random: Seeded) => Promise<Story>,
  options: { readonly seeds: number; readonly rounds: number; readonly first?: number },
): Promise<void> => {
  const from = options.first ?? 1;
  for (let seed = from; seed < from + options.seeds; seed++) {
    const random = seeded(seed);
    const story = await make(random);
    let expected: Ending | undefined;
    for (let round = 0; round < options.rounds; round++) {
      const events = round === 0 ? story.events : random.shuffled([...story.events]);
      const again = round % 4 === 3 ? random.shuffled([...story.events]).slice(0, 5) : [];
      const all = [...events, ...again];
      const reported: string[] = [];
      const restartAt = round % 2 === 1 ? random.below(all.length) : -1;
      const batch = 1 + random.below(round % 3 === 0 ? 1 : 12);
      const ending = await play(random, story, all, { restartAt, batch, reported });
      const where = `seed ${seed}, round ${round}`;
      expected ??= ending;
      assert.ok(ending.page.length > 0 || ending.verdicts.includes('refused'), 'nothing happened');
      assert.equal(ending, expected, where);
      // After a restart one that came to count again, and then not, is told of again.
      if (restartAt < 0)
        assert.is(new Set(reported).size, reported.length, `${where}: a frame was reported twice`);
      const frames = story.events.flatMap((event) => ('frame' in event ? [event.frame] : []));
      frames.forEach((frame, i) => {
        if (ending.verdicts[i] === 'refused')
          assert.ok(
            reported.some((one) => one.endsWith(` ${encodedBodyOf(story, frame)}`)),
            `${where}: frame ${i} was refused in silence`,
          );
      });
    }
  }
};
