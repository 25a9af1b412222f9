// The strict parser against its readable twin, the long run. Rules: spec/log-document.md §1.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fuzzParser } from './parser-fuzz-kit.ts';

const test = suite('strict parser, fuzzed for long');

for (let seed = 2; seed < 12; seed++)
  test(`[LD7] the parser accepts exactly what its twin would write: seed ${seed}`, () => {
    const { accepted, refused } = fuzzParser(seed, 60_000);
    assert.ok(accepted > 5_000 && refused > 5_000, `${accepted} accepted, ${refused} refused`);
  });

test.run();
