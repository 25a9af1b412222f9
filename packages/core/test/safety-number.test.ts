// Safety numbers: what both sides see, and what a scan says. Rules: spec/safety-number.md.
import { SealwireError } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compareSafetyCode, safetyNumber } from '../src/identity/safety-number.ts';
import { seeded } from './support.ts';

const test = suite('safety numbers');
const random = seeded(870);

test('[SN1] both sides see the same 60 digits; another root on either side gives others', () => {
  const [mine, theirs, other] = [random.bytes(32), random.bytes(32), random.bytes(32)];
  const { digits } = safetyNumber({ mine, theirs });
  assert.match(digits, /^[0-9]{60}$/);
  assert.is(safetyNumber({ mine: theirs, theirs: mine }).digits, digits);
  const changed = theirs.slice();
  changed[31]! ^= 1;
  const all = [
    digits,
    ...[other, changed].map((theirs_) => safetyNumber({ mine, theirs: theirs_ }).digits),
    safetyNumber({ mine: other, theirs }).digits,
  ];
  assert.is(new Set(all).size, all.length);
  for (const seen of all.slice(1))
    assert.ok(seen.slice(0, 30) !== digits.slice(0, 30) || seen.slice(30) !== digits.slice(30));
});

test('[SN1] a root of another length, or one account twice, is a mistake of the caller', () => {
  const [mine, theirs] = [random.bytes(32), random.bytes(32)];
  for (const pair of [
    { mine, theirs: theirs.subarray(1) },
    { mine: new Uint8Array(0), theirs },
    { mine, theirs: mine.slice() },
  ]) {
    assert.throws(() => safetyNumber(pair), RangeError);
    assert.throws(() => compareSafetyCode('', pair), RangeError);
  }
});

test('[SN3] each side’s code matches on the other side, and there alone; numbers and codes agree', () => {
  const people = Array.from({ length: 4 }, () => random.bytes(32));
  for (const mine of people)
    for (const theirs of people.filter((root) => root !== mine))
      for (const by of people)
        for (const to of people.filter((root) => root !== by)) {
          const verdict = compareSafetyCode(codeBetween(by, to), { mine, theirs });
          assert.is(verdict === 'match', by === theirs && to === mine);
          assert.is(verdict === 'other account', by === mine);
        }
  const [ann, bob, bogus] = people as [Uint8Array, Uint8Array, Uint8Array];
  // Somebody between the two gave Ann a root of their own for Bob.
  const shown = safetyNumber({ mine: bob, theirs: ann });
  assert.is(compareSafetyCode(shown.qr, { mine: ann, theirs: bogus }), 'mismatch');
  assert.is.not(safetyNumber({ mine: ann, theirs: bogus }).digits, shown.digits);
});

const codes = new Map<string, string>();
const codeBetween = (mine: Uint8Array, theirs: Uint8Array): string => {
  const name = `${mine} ${theirs}`;
  const code = codes.get(name) ?? safetyNumber({ mine, theirs }).qr;
  codes.set(name, code);
  return code;
};

test('[SN2] any text gives a verdict or a code', () => {
  const [mine, theirs] = [random.bytes(32), random.bytes(32)];
  const good = codeBetween(theirs, mine);
  const seen = new Map<string, number>();
  for (let run = 0; run < 3_000; run++) {
    let text = random.below(4) === 0 ? String.fromCharCode(...random.bytes(random.below(130))) : good;
    if (random.below(4) > 0) {
      const at = random.below(text.length + 1);
      text =
        text.slice(0, at) + String.fromCodePoint(32 + random.below(96)) + text.slice(at + random.below(2));
    }
    let result: string;
    try {
      result = compareSafetyCode(text, { mine, theirs });
    } catch (error) {
      assert.instance(error, SealwireError);
      result = (error as SealwireError).code;
    }
    assert.ok(['match', 'MALFORMED', 'UNSUPPORTED_VERSION'].includes(result), result);
    seen.set(result, (seen.get(result) ?? 0) + 1);
  }
  for (const result of ['match', 'MALFORMED', 'UNSUPPORTED_VERSION']) assert.ok(seen.has(result), result);
});

test.run();
