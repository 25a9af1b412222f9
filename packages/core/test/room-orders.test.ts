// Whatever the order in which frames and cuts come, a room ends in the same state. Rules: spec/frame.md §8.
import { suite } from 'uvu';
import { orders } from './orders-kit.ts';
import { STORIES } from './stories.ts';

const test = suite('orders of a room');

for (const [name, make] of Object.entries(STORIES))
  test(`[FR12] every order ends alike: ${name}`, () =>
    orders(make, { seeds: name === 'anything' ? 8 : 1, rounds: 24 }));

test.run();
