// The committed vectors of linking are what their generator makes, no more and no less. What they mean is tested in
// packages/core/test/link-vectors.test.ts.
import { readdirSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { linkVectors, vectorText } from '../../spec/vectors/link/generate.ts';

const FOLDER = new URL('../../spec/vectors/link/', import.meta.url);
const test = suite('link vectors, made again');

test('every file is as generated', () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));
  assert.equal(files.sort(), [...linkVectors().keys()].map((name) => `${name}.json`).sort());
  for (const [name, vector] of linkVectors()) {
    assert.is(readFileSync(new URL(`${name}.json`, FOLDER), 'utf8'), vectorText(vector), name);
  }
});

test('each vector says what is wrong with it, and who refuses it with what', () => {
  for (const [name, { layer, rule, fault, refuse, expect }] of linkVectors()) {
    assert.ok(name.startsWith(`${layer}-`), name);
    assert.match(rule, /^LK[0-9]+$/);
    assert.is(fault.startsWith('none'), refuse === null, name);
    assert.is(Object.keys(expect).length > 0, refuse === null, name);
  }
});

test.run();
