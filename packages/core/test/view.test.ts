// Which part of a chat is in view, from the ranges of its pages alone. Rules: spec/pages.md §3.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isBehind, pagesFrom, viewAround } from '../src/logdoc/view.ts';

const test = suite('view');

const range = (from: number, to: number) => ({ from, to });
const EMPTY = {};

test('[PG10] the newest messages begin behind the newest of all closed pages', () => {
  assert.equal(viewAround([], undefined), { from: undefined, before: undefined });
  assert.equal(viewAround([range(1, 5), range(3, 9), EMPTY, range(6, 7)], undefined), {
    from: 9,
    before: undefined,
  });
});

test('[PG11] what is looked at reaches from the closed page before it to the one behind it', () => {
  const closed = [range(1, 5), range(20, 25), EMPTY, range(30, 31), range(2, 7)];
  assert.equal(viewAround(closed, 10), { from: 7, before: 20 });
  assert.equal(viewAround(closed, 0), { from: undefined, before: 1 });
  assert.equal(viewAround(closed, 40), { from: 31, before: undefined });
  assert.equal(viewAround([range(1, 15), range(2, 3), range(30, 31)], 10), { from: 3, before: 30 });
  assert.equal(
    [range(1, 15), range(11, 15), EMPTY].map((page) => isBehind(page, 10)),
    [false, true, false],
  );
  assert.not(isBehind(range(11, 15), undefined));
});

test('[PG11] a time is in the pages that reach over it, else in the next one', () => {
  const pages = [range(1, 5), range(4, 9), EMPTY, range(30, 31), range(20, 25)];
  assert.equal(pagesFrom(pages, 4), [range(1, 5), range(4, 9)]);
  assert.equal(pagesFrom(pages, 9), [range(4, 9)]);
  assert.equal(pagesFrom(pages, 10), [range(20, 25)]);
  assert.equal(pagesFrom(pages, 26), [range(30, 31)]);
  assert.equal(pagesFrom(pages, 32), []);
  assert.equal(pagesFrom([], 1), []);
});

test.run();
