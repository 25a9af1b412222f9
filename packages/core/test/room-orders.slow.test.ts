// The same as room-orders.test.ts, for hundreds of orders of each story. Rules: spec/frame.md §8.
import { suite } from 'uvu';
import { orders } from './orders-kit.ts';
import { STORIES } from './stories.ts';

const test = suite('many orders of a room');

for (const [name, make] of Object.entries(STORIES))
  test(`[FR12] every order ends alike, hundreds of them: ${name}`, () =>
    orders(
      make,
      name === 'anything' ? { seeds: 60, rounds: 20, first: 100 } : { seeds: 1, rounds: 300, first: 2 },
    ));

test.run();
