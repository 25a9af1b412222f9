// The strict parser and the reader of payloads against their readable twins, the long run. Rules: spec/log-document.md
// §1 and §7.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fuzzParser } from './parser-fuzz-kit.ts';
import { fuzzPayloads } from './payload-fuzz-kit.ts';

const test = suite('strict parser, fuzzed for long');

for (let seed = 2; seed < 12; seed++) {
  test(`[LD7] the parser accepts exactly what its twin would write: seed ${seed}`, () => {
    const { accepted, refused } = fuzzParser(seed, 60_000);
    assert.ok(accepted > 5_000 && refused > 5_000, `${accepted} accepted, ${refused} refused`);
  });

  test(`[LD17] a payload is read exactly if its twin would have written it: seed ${seed}`, () => {
    const { accepted, refused } = fuzzPayloads(seed, 60_000);
    assert.ok(accepted > 5_000 && refused > 5_000, `${accepted} accepted, ${refused} refused`);
  });
}

test.run();
