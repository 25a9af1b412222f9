// The committed vectors of frames, log documents, log entries, contacts and the wire are what their generators make, no
// more and no less. What they mean is tested in packages/{core,protocol}/test/*-vectors.test.ts.
import { readdirSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { contactsVectors } from '../../spec/vectors/contacts/generate.ts';
import { deviceLogVectors } from '../../spec/vectors/device-log/generate.ts';
import { epochVectors } from '../../spec/vectors/epoch/generate.ts';
import { type Vector, vectorText } from '../../spec/vectors/form.ts';
import { frameVectors } from '../../spec/vectors/frame/generate.ts';
import { logDocumentVectors } from '../../spec/vectors/log-document/generate.ts';
import { membershipVectors } from '../../spec/vectors/membership/generate.ts';
import { safetyNumberVectors } from '../../spec/vectors/safety-number/generate.ts';
import { wireVectors } from '../../spec/vectors/wire/generate.ts';

const test = suite('vectors, made again');

const FOLDERS: Readonly<Record<string, ReadonlyMap<string, Vector>>> = {
  frame: frameVectors,
  'log-document': logDocumentVectors,
  'device-log': deviceLogVectors,
  contacts: contactsVectors,
  epoch: epochVectors,
  membership: membershipVectors,
  'safety-number': safetyNumberVectors,
  wire: wireVectors,
};

/** The ids of the rules that spec/ has. */
const rules = new Set(
  readdirSync(new URL('../../spec/', import.meta.url))
    .filter((name) => name.endsWith('.md'))
    .flatMap((name) =>
      readFileSync(new URL(`../../spec/${name}`, import.meta.url), 'utf8').match(/\*\*[A-Z]+\d+\*\*/g),
    )
    .map((found) => found?.replaceAll('*', '')),
);

for (const [folder, vectors] of Object.entries(FOLDERS)) {
  const url = new URL(`../../spec/vectors/${folder}/`, import.meta.url);

  test(`${folder}: every file is as generated`, () => {
    const files = readdirSync(url).filter((name) => name.endsWith('.json'));
    assert.equal(files.sort(), [...vectors.keys()].map((name) => `${name}.json`).sort());
    for (const [name, vector] of vectors)
      assert.is(readFileSync(new URL(`${name}.json`, url), 'utf8'), vectorText(vector), name);
  });

  test(`${folder}: each vector says what is wrong with it, by which rule, and who refuses it with what`, () => {
    const inputs = new Set<string>();
    for (const [name, { layer, rule, fault, refuse, input, expect }] of vectors) {
      assert.ok(name.startsWith(`${layer}-`), name);
      assert.ok(rules.has(rule), `${name}: ${rule}`);
      assert.is(fault.startsWith('none'), refuse === null, name);
      assert.is(Object.keys(expect).length > 0, refuse === null, name);
      inputs.add(layer + JSON.stringify(input));
    }
    assert.is(inputs.size, vectors.size, 'two vectors are the same');
  });
}

test.run();
