// The strict parser and the reader of payloads against their readable twins, the short run. Rules: spec/log-document.md
// §1 and §7.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fuzzParser } from './parser-fuzz-kit.ts';
import { fuzzPayloads } from './payload-fuzz-kit.ts';

const test = suite('strict parser, fuzzed');

test('[LD7] the parser accepts exactly what its twin would write, and Yjs takes that whole', () => {
  const { accepted, refused } = fuzzParser(1, 6_000);
  assert.ok(accepted > 500 && refused > 500, `${accepted} accepted, ${refused} refused`);
});

test('[LD17] a payload is read exactly if its twin would have written it, and Yjs takes that whole', () => {
  const { accepted, refused } = fuzzPayloads(1, 6_000);
  assert.ok(accepted > 500 && refused > 500, `${accepted} accepted, ${refused} refused`);
});

test.run();
