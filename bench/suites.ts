// All suites, in the order in which they run.
import type { Suite } from './lib/suite.ts';
import { linkingSuite } from './linking/bench.ts';
import { mergeSuite } from './merge/bench.ts';
import { natsSuite } from './nats/bench.ts';
import { relaySuite } from './relay/bench.ts';
import { rotationSuite } from './rotation/bench.ts';
import { sealSuite } from './seal/bench.ts';
import { sizeSuite } from './size/bench.ts';

export const SUITES: readonly Suite[] = [
  mergeSuite,
  sealSuite,
  sizeSuite,
  rotationSuite,
  linkingSuite,
  relaySuite,
  natsSuite,
];
