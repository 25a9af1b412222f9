// All suites, in the order in which they run.
import { idleSuite } from './idle/bench.ts';
import type { Suite } from './lib/suite.ts';
import { linkSuite } from './link/bench.ts';
import { mergeSuite } from './merge/bench.ts';
import { natsSuite } from './nats/bench.ts';
import { openSuite } from './open/bench.ts';
import { relaySuite } from './relay/bench.ts';
import { rotationSuite } from './rotation/bench.ts';
import { sealSuite } from './seal/bench.ts';
import { sizeSuite } from './size/bench.ts';

export const SUITES: readonly Suite[] = [
  mergeSuite,
  sealSuite,
  sizeSuite,
  openSuite,
  idleSuite,
  rotationSuite,
  linkSuite,
  relaySuite,
  natsSuite,
];
