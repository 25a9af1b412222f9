// One workload: what both sides make of one script, and the proof that they hold the same messages.
import { seededRandom } from '@sealwire/testkit/random';
import { ResultsDiffer } from '../lib/result.ts';
import { conversation, inFramesOf, type Pace, type Step } from './conversation.ts';
import { memoryVault } from './device.ts';
import { catchUpInOne, catchUpOneByOne, playPlain } from './plain.ts';
import {
  type CaughtUp,
  catchUpSealed,
  deliveries,
  firstMessages,
  freshDevice,
  playSealed,
  type SealedLog,
} from './sealed.ts';

const SEED = 1;

/** What both sides made of one script: the same messages, sealed and plain. */
export interface Workload {
  readonly name: string;
  readonly messages: number;
  readonly sealed: SealedLog;
  readonly plain: readonly Uint8Array[];
}

/** The script that {@link makeWorkload} plays. */
export const scriptOf = (count: number, pace: Pace): Step[] => conversation(seededRandom(SEED), count, pace);

/** Plays one script on both sides. @param framesOf - makes frames of so many messages each; see {@link inFramesOf}. */
export const makeWorkload = async (
  name: string,
  count: number,
  pace: Pace,
  say: (line: string) => void,
  framesOf?: number,
): Promise<Workload> => {
  say(`${name}: four devices write ${count} messages`);
  const script = scriptOf(count, pace);
  const steps = framesOf === undefined ? script : inFramesOf(framesOf, script);
  const sealed = await playSealed(steps);
  say(`${name}: four plain documents write the same`);
  return { name, messages: count, sealed, plain: playPlain(steps) };
};

/** The beginning of a workload, up to the end of the frame that holds its `count`th message. */
export const cut = (workload: Workload, count: number): Workload => {
  const sealed = firstMessages(workload.sealed, count);
  const messages = sealed.messages.reduce((sum, each) => sum + each, 0);
  return { name: sizeName(count), messages, sealed, plain: workload.plain.slice(0, messages) };
};

/** @throws ResultsDiffer unless all ways of catching up give the same messages, each as often, and all of them. */
export const requireEqual = async ({ name, messages, sealed, plain }: Workload): Promise<void> => {
  const device = await freshDevice(sealed.account, memoryVault());
  const sides: [string, CaughtUp][] = [
    ['sealed', await catchUpSealed(device, deliveries(sealed.frames))],
    ['plain, one by one', catchUpOneByOne(plain)],
    ['plain, in one transaction', catchUpInOne(plain)],
  ];
  const [first, ...others] = sides.map(([, side]) =>
    side.messages.map((each) => JSON.stringify(each)).sort(),
  );
  if (first!.length !== messages)
    throw new ResultsDiffer(`${name}: ${first!.length} messages came through, ${messages} were written`);
  others.forEach((texts, i) => {
    const differs = texts.length !== first!.length || texts.some((text, at) => text !== first![at]);
    if (differs) throw new ResultsDiffer(`${name}: ${sides[i + 1]![0]} holds other messages than sealed`);
  });
};

/** 10_000 as `10k`. */
export const sizeName = (count: number): string => (count % 1000 === 0 ? `${count / 1000}k` : String(count));

/** How many frames hold how many messages, as lines. */
export const histogramLines = ({ name, sealed }: Workload): string[] => {
  const frames = new Map<string, number>();
  let largest = 0;
  for (const messages of sealed.messages) {
    if (messages === 0) continue;
    largest = Math.max(largest, messages);
    const bucket = BUCKETS.find(([, most]) => messages <= most)![0];
    frames.set(bucket, (frames.get(bucket) ?? 0) + 1);
  }
  const counts = BUCKETS.flatMap(([bucket]) => {
    const count = frames.get(bucket);
    return count === undefined ? [] : [`${bucket}: ${count}`];
  });
  return [`${name}: frames by updates in them: ${counts.join(', ')}; the largest holds ${largest}`];
};

const BUCKETS: readonly (readonly [string, number])[] = [
  ['1', 1],
  ['2', 2],
  ['3', 3],
  ['4', 4],
  ['5', 5],
  ['6–15', 15],
  ['16–63', 63],
  ['64–255', 255],
  ['256 and more', Number.POSITIVE_INFINITY],
];
