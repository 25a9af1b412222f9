// A relay with thousands of devices is started anew: all of them follow their room again, and none is sent away for good. That
// the time goes with their number is asserted by `pnpm bench relay` (case restart/5000-over-1000).
// Rules: spec/relay-protocol.md §8 (RP181).
// timeout: 600s
// exclusive
import { suite } from 'uvu';
import { comeBack } from './restart.ts';

const test = suite('restart');

const DEVICES = 5_000;

for (const how of ['stop', 'kill'] as const)
  test(`[RP181] ${DEVICES} devices are all back after a ${how}, none refused for good`, async () => {
    console.log(`${how}: ${DEVICES} back in ${Math.round(await comeBack(DEVICES, how))} ms`);
  });

test.run();
