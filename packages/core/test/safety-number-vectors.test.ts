// Runs the vectors of safety numbers. Rules: spec/safety-number.md; each vector names its own.
import { compareSafetyCode, safetyNumber } from '../src/identity/safety-number.ts';
import { runVectors, type VectorInput } from './vectors-kit.ts';

const pairOf = (input: VectorInput) => ({ mine: input.bytes('mine'), theirs: input.bytes('theirs') });

runVectors(
  'safety-number',
  {
    number: (input) => safetyNumber(pairOf(input)),
    code: (input) => ({
      verdict: compareSafetyCode(input.text('scanned'), pairOf(input), input.list('others')),
    }),
  },
  20,
);
