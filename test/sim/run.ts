// One seed, one run: devices are made, people write, things break and somebody lies; then all heals, and the model is
// asked. What is on stage: stage.ts.
import { checkAll } from './checks.ts';
import { breakSomething, FAULTS, type FaultKind, heal } from './faults.ts';
import { LIES, type LieKind, lieType } from './lies.ts';
import { startLinking } from './linking.ts';
import { act, lastWords, linkOne } from './people.ts';
import { warmUp } from './platform.ts';
import { rest } from './rest.ts';
import { endGhost, endOne } from './revocation.ts';
import { createSeizures, type Seizures } from './seizure.ts';
import { everybody, gather, meddle } from './society.ts';
import { createStage, type Stage } from './stage.ts';
import { type Turncoat, turn } from './turncoat.ts';
import { createWorld, SimFailure } from './world.ts';

export interface RunReport {
  readonly seed: number;
  /** SHA-256 over every event, hexadecimal. */
  readonly digest: string;
  readonly steps: number;
  /** Virtual milliseconds. */
  readonly tookMs: number;
  /** What was done and what was broken, by kind. */
  readonly counts: ReadonlyMap<string, number>;
  readonly lines: readonly string[];
  readonly failure: Error | undefined;
}

export interface RunOptions {
  readonly keepLog?: boolean;
}

/** Runs one seed to its end. Never rejects: what went wrong is in the report. */
export const simulate = async (seed: number, options: RunOptions = {}): Promise<RunReport> => {
  await warmUp();
  const world = createWorld(seed, options);
  const end = world.begin();
  const stage = createStage(world);
  let failure: Error | undefined;
  try {
    await play(stage);
  } catch (error) {
    failure = error as Error;
  }
  const digest = world.digest();
  const steps = world.steps();
  try {
    await stage.strike();
  } finally {
    end();
  }
  return {
    seed,
    digest,
    steps,
    tookMs: world.now(),
    counts: world.counts,
    lines: world.lines,
    failure,
  };
};

/**
 * `ghost`: a device turns, is logged out, and the relay goes on serving it. `society`: several people, who take each other
 * in and out. `traitor`: a neighbour's device turns. `seized rooms`: the relay gives rooms away.
 */
/** The lie that takes a helper. */
const CONSPIRACY: LieKind = 'other words in their place';

type Cast = 'honest' | 'lying relay' | 'turncoat' | 'ghost' | 'society' | 'traitor' | 'seized rooms';

const CASTS: readonly Cast[] = [
  'honest',
  'honest',
  'seized rooms',
  'lying relay',
  'lying relay',
  'turncoat',
  'ghost',
  'society',
  'society',
  'traitor',
];

const play = async (stage: Stage): Promise<void> => {
  const { world, story, phone, liar } = stage;
  const cast = story.pick(CASTS);
  world.note('cast', cast);
  world.count(`cast: ${cast}`);

  phone.create();
  await world.run(world.now() + 60_000, () => phone.device?.status.get().connection === 'online');
  if (isSocial(cast)) await gather(stage, story.between(1, 2));
  const seizures = createSeizures(stage);
  const turncoat = await turmoil(stage, cast, seizures);

  stage.calm();
  turncoat?.stop();
  liar.stop();
  heal(stage);
  await rest(world, everybody(stage), () => {
    heal(stage);
    // What is owed to people waits for a room that lets them in.
    seizures.moveOn();
  });
  await seizures.settle();
  if (cast !== 'honest') {
    await lastWords(stage);
    await rest(world, everybody(stage));
  }
  const auditor = stage.newDevice('auditor');
  startLinking({ world, dice: story, phone, newcomer: auditor, mistypes: false }, () => undefined);
  const isIn = await world.run(world.now() + 200_000, () => auditor.life === 'on');
  if (!isIn) throw new SimFailure('a new device could not be linked when everything was well');
  await rest(world, [...everybody(stage), auditor]);
  await checkAll(stage, auditor, turncoat);
};

const isSocial = (cast: Cast): boolean => cast === 'society' || cast === 'traitor' || cast === 'seized rooms';

/** A neighbour links a device, one each at most. */
const linkNeighbour = (stage: Stage): void => {
  const household = stage.story.pick(stage.neighbours);
  if (household.devices.length < 2)
    linkOne(stage, `${household.person.toLowerCase()}-web`, undefined, household);
};

/** Tries something, after a time and then again and again until it is done. */
const whenReady = (stage: Stage, firstMs: number, isDone: () => boolean): void => {
  stage.world.after(firstMs, () => {
    if (stage.isRough() && !isDone()) whenReady(stage, 5_000, isDone);
  });
};

/** Everything at once, until the time is over. */
const turmoil = async (stage: Stage, cast: Cast, seizures: Seizures): Promise<Turncoat | undefined> => {
  const { world, story, devices, liar, dice } = stage;
  let turncoat: Turncoat | undefined;
  let linked = 0;
  const wanted = story.between(1, 3);
  const linkNext = (): void => {
    if (linked < wanted && linkOne(stage, `device-${linked + 1}`)) linked += 1;
  };
  // Some begin with their devices linked, some link while everything breaks.
  for (let i = story.between(cast === 'honest' ? 0 : 1, wanted); i > 0; i--) {
    linkNext();
    await world.run(world.now() + 20_000);
  }
  const until = world.now() + story.between(40_000, 150_000);
  const often = (low: number, high: number, run: () => void): void => {
    world.after(dice.between(low, high), () => {
      if (!stage.isRough()) return;
      run();
      often(low, high, run);
    });
  };
  often(10, story.between(300, 5_000), () => act(stage));
  // One kind takes a member who turned: there is none where the relay alone lies.
  const alone = (Object.keys(LIES) as LieKind[]).filter((kind) => kind !== CONSPIRACY);
  const lies = story.shuffled(alone).slice(0, story.between(2, 3));
  // What the relay lost and the device that wrote it forgot is nowhere.
  const forgets =
    cast === 'seized rooms' || (cast === 'lying relay' && lies.some((kind) => lieType(kind).forgets));
  const faults = story
    .shuffled(Object.keys(FAULTS) as FaultKind[])
    .filter((kind) => !forgets || kind !== 'restored from a copy')
    .slice(0, story.between(2, 6));
  often(500, cast === 'honest' ? 20_000 : 60_000, () => breakSomething(stage, faults));
  often(5_000, 60_000, linkNext);
  if (isSocial(cast)) often(8_000, 90_000, () => linkNeighbour(stage));
  if (cast === 'society') often(3_000, 30_000, () => meddle(stage));
  if (cast === 'seized rooms') {
    often(10_000, 80_000, seizures.seize);
    often(4_000, 30_000, seizures.moveOn);
    often(5_000, 60_000, seizures.promote);
  }
  if (cast === 'traitor')
    linkOne(
      stage,
      'mallory',
      (mallory) =>
        whenReady(stage, story.between(5_000, 40_000), () => {
          if (mallory.life !== 'on') return false;
          turncoat = turn(stage, mallory, stage.neighbours[0]!.devices);
          return true;
        }),
      stage.neighbours[0],
    );
  if (cast === 'honest' && story.chance(0.5)) often(15_000, 60_000, () => endOne(stage));
  if (cast === 'lying relay') often(500, 15_000, () => liar.begin(story.pick(lies)));
  if (cast === 'turncoat' || cast === 'traitor') often(5_000, 25_000, () => liar.begin(CONSPIRACY));
  if (cast === 'turncoat' || cast === 'ghost')
    linkOne(stage, 'mallory', (mallory) => {
      whenReady(stage, story.between(5_000, 40_000), () => {
        if (mallory.life !== 'on' || devices.length < 2) return false;
        const turned = turn(stage, mallory);
        turncoat = turned;
        if (cast === 'ghost')
          whenReady(stage, story.between(2_000, 30_000), () => endGhost(stage, mallory, turned.ended));
        return true;
      });
    });
  await world.run(until);
  return turncoat;
};
