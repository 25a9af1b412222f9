// One seed, one run: devices are made, people write, things break, everything heals, and the model is asked.

import { checkAll } from './checks.ts';
import { createSimDevice, type SimDevice } from './device.ts';
import { breakSomething, FAULTS, type FaultKind, type FaultWorld, heal } from './faults.ts';
import { createLedger } from './ledger.ts';
import { startLinking } from './linking.ts';
import { createNetwork } from './network.ts';
import { createRelayHost } from './relay.ts';
import { createWiretap } from './wiretap.ts';
import { createWorld, SimFailure } from './world.ts';

export interface RunReport {
  readonly seed: number;
  /** SHA-256 over every event, hexadecimal. */
  readonly digest: string;
  readonly steps: number;
  readonly words: number;
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

const SETTLE_MS = 15 * 60_000;

/** Runs one seed to its end. Never rejects: what went wrong is in the report. */
export const simulate = async (seed: number, options: RunOptions = {}): Promise<RunReport> => {
  const world = createWorld(seed, options);
  const end = world.begin();
  let failure: Error | undefined;
  const ledger = createLedger(world);
  try {
    await story(world, ledger);
  } catch (error) {
    failure = error as Error;
  } finally {
    end();
  }
  return {
    seed,
    digest: world.digest(),
    steps: world.steps(),
    words: ledger.words.size,
    tookMs: world.now(),
    counts: world.counts,
    lines: world.lines,
    failure,
  };
};

const story = async (world: ReturnType<typeof createWorld>, ledger: ReturnType<typeof createLedger>) => {
  const dice = world.dice('story');
  const wiretap = createWiretap(world);
  const relay = createRelayHost(world, wiretap.durable);
  const network = createNetwork(world, {
    isUp: relay.isUp,
    connect: relay.connect,
    up: ({ name }, bytes) => {
      wiretap.up(name, bytes);
      return [bytes];
    },
    down: (_connection, bytes) => [{ bytes, lateMs: 0 }],
  });
  const devices: SimDevice[] = [];
  const add = (name: string): SimDevice => {
    const device = createSimDevice(name, { world, network, ledger, wiretap });
    devices.push(device);
    return device;
  };
  let rough = true;
  const sim: FaultWorld = {
    world,
    dice: world.dice('faults'),
    network,
    relay,
    devices,
    isRough: () => rough,
  };

  const phone = add('phone');
  phone.create();
  await world.run(world.now() + 60_000, () => phone.device?.status.get().connection === 'online');

  const link = (name: string, mistypes: boolean): void => {
    const newcomer = createSimDevice(name, { world, network, ledger, wiretap });
    startLinking({ world, dice, phone, newcomer, mistypes }, (outcome) => {
      world.count(`linking ${outcome}`);
      if (newcomer.id !== '') devices.push(newcomer);
    });
  };

  const act = (): void => {
    const on = devices.filter(({ device }) => device);
    if (on.length === 0) return;
    const who = dice.pick(on);
    const chats = who.device!.chats.get();
    const what = dice.int(100);
    if (chats.length === 0 || what < 4) {
      if (ledger.chats.size < 4 && who.createChat()) world.count('chats made');
      return;
    }
    const chat = dice.pick(chats).id;
    if (what < 75) {
      for (let i = dice.chance(0.1) ? dice.between(5, 25) : 1; i > 0; i--)
        if (who.say(chat)) world.count('words said');
    } else if (what < 88) {
      if (who.delete(chat)) world.count('words deleted');
    } else if (what < 94) who.leaveChat(chat);
    else who.copy();
  };

  // Some begin with their devices linked, some link while everything breaks.
  const wanted = dice.between(1, 3);
  let linked = 0;
  const nextDevice = (): void => {
    if (!rough || linked >= wanted || phone.life !== 'on') return;
    if (phone.device?.status.get().connection !== 'online') return;
    linked += 1;
    link(`device-${linked}`, dice.chance(0.12));
  };
  for (let i = dice.between(0, wanted); i > 0; i--) {
    nextDevice();
    await world.run(world.now() + 20_000);
  }
  const kinds = dice.shuffled(Object.keys(FAULTS) as FaultKind[]).slice(0, dice.between(2, 6));
  const until = world.now() + dice.between(60_000, 300_000);
  const pace = dice.between(300, 4_000);
  const acting = (): void => {
    if (!rough) return;
    act();
    world.after(dice.between(10, pace), acting);
  };
  const breaking = (): void => {
    if (!rough) return;
    breakSomething(sim, kinds);
    if (dice.chance(0.3)) nextDevice();
    world.after(dice.between(500, 20_000), breaking);
  };
  acting();
  world.after(dice.between(0, 10_000), breaking);
  await world.run(until);

  rough = false;
  heal(sim);
  await rest(world, devices, () => heal(sim));
  const auditor = add('auditor');
  startLinking({ world, dice, phone, newcomer: auditor, mistypes: false }, () => undefined);
  const isIn = await world.run(world.now() + 200_000, () => auditor.life === 'on');
  if (!isIn) throw new SimFailure('a new device could not be linked when everything was well');
  await rest(world, devices, () => undefined);
  await checkAll({ world, ledger, devices, network });
};

/** Waits until nothing is pending anywhere. */
const rest = async (
  world: ReturnType<typeof createWorld>,
  devices: readonly SimDevice[],
  again: () => void,
): Promise<void> => {
  const isCalm = (): boolean => devices.every((device) => restlessness(device) === '');
  const end = world.now() + SETTLE_MS;
  while (world.now() < end) {
    await world.run(Math.min(end, world.now() + 30_000), isCalm);
    if (isCalm()) {
      // Calm for a while, not only for a moment.
      await world.run(world.now() + 70_000);
      if (isCalm()) return;
    } else again();
  }
  const why = devices.map((device) => `${device.name}: ${restlessness(device) || 'calm'}`).join('; ');
  throw new SimFailure(`no rest ${SETTLE_MS / 60_000} minutes after everything healed: ${why}`);
};

const restlessness = (device: SimDevice): string => {
  if (device.life === 'off' && device.disk.isEmpty()) return '';
  if (!device.device) return `is ${device.life}`;
  const { connection, pending, loadingRooms, problem } = device.device.status.get();
  if (connection !== 'online') return connection;
  if (problem) return `has a problem: ${problem.code}`;
  return pending > 0 || loadingRooms > 0 ? `${pending} pending, ${loadingRooms} rooms loading` : '';
};
