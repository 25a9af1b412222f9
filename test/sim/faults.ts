// What may befall devices, network and relay while people write. Each fault ends by itself or when the run heals.
import type { SimDevice } from './device.ts';
import type { Network } from './network.ts';
import type { RelayHost } from './relay.ts';
import type { Dice, World } from './world.ts';

export interface FaultWorld {
  readonly world: World;
  readonly dice: Dice;
  readonly network: Network;
  readonly relay: RelayHost;
  readonly devices: readonly SimDevice[];
  readonly neighbours: readonly { readonly devices: readonly SimDevice[] }[];
  readonly ended: readonly { readonly device: SimDevice }[];
  /** False once the run heals: nothing breaks any more. */
  isRough(): boolean;
}

const SLOW_MS = 3_000;
const FAST_MS = 60;

/** Every kind of fault. Each returns false when there was nothing to break at the moment. */
export const FAULTS = {
  cut: ({ network, dice }: FaultWorld) => {
    const open = network.connections();
    if (open.length > 0) dice.pick(open).cut();
    return open.length > 0;
  },
  'half-open': ({ network, dice }: FaultWorld) => {
    const open = network.connections().filter(({ isOpen }) => isOpen);
    if (open.length > 0) dice.pick(open).silence();
    return open.length > 0;
  },
  'no network': (sim: FaultWorld) => {
    const device = running(sim);
    if (!device) return false;
    device.reach(false);
    for (const connection of device.connections())
      sim.dice.chance(0.5) ? connection.cut() : connection.silence();
    later(sim, 60_000, () => device.reach(true));
    return true;
  },
  'switched off': (sim: FaultWorld) => {
    const device = running(sim);
    if (!device) return false;
    device.device?.setNetwork(false);
    later(sim, 60_000, () => device.device?.setNetwork(true));
    return true;
  },
  'slow network': (sim: FaultWorld) => {
    sim.network.slowness = SLOW_MS;
    later(sim, 30_000, () => {
      sim.network.slowness = FAST_MS;
    });
    return true;
  },
  'relay dies': (sim: FaultWorld) => {
    if (!sim.relay.isUp()) return false;
    sim.relay.stop();
    for (const connection of sim.network.connections()) connection.cut();
    later(sim, 20_000, () => {
      if (!sim.relay.isUp()) sim.relay.start();
    });
    return true;
  },
  'relay disk full': (sim: FaultWorld) => {
    sim.relay.fill(true);
    later(sim, 30_000, () => sim.relay.fill(false));
    return true;
  },
  crash: (sim: FaultWorld) => {
    const device = running(sim);
    if (!device) return false;
    device.crash();
    later(sim, 20_000, () => device.open());
    return true;
  },
  'crash at a write': (sim: FaultWorld) => {
    const device = running(sim);
    if (!device) return false;
    const { id } = device;
    device.disk.atNextWrite(() => {
      if (device.id !== id || device.life !== 'on' || !sim.isRough()) return;
      device.crash();
      later(sim, 2_000, () => {
        device.open();
        goOn(sim, device);
      });
    });
    return true;
  },
  restart: (sim: FaultWorld) => {
    const device = running(sim);
    if (!device) return false;
    device.close();
    later(sim, 20_000, () => device.open());
    return true;
  },
  'disk full': (sim: FaultWorld) => {
    const device = running(sim);
    if (!device) return false;
    device.disk.fill(true);
    later(sim, 30_000, () => {
      device.disk.fill(false);
      device.recover();
    });
    return true;
  },
  'disk lost': (sim: FaultWorld) => {
    const device = running(sim);
    if (!device || device.disk.isFull()) return false;
    device.disk.lose();
    // Soon, since nothing but a repair by the running device can bring it back.
    sim.world.after(sim.dice.between(0, 3_000), () => device.recover());
    return true;
  },
  'restored from a copy': (sim: FaultWorld) => {
    const device = running(sim);
    if (!device || device.copies.length === 0) return false;
    device.crash();
    // Late enough that nothing of the old life is still on its way into the relay's disk.
    sim.world.after(sim.dice.between(10_000, 40_000), () => {
      if (device.restore()) device.open();
    });
    return true;
  },
} as const;

export type FaultKind = keyof typeof FAULTS;

/** Breaks one thing, and counts it. */
export const breakSomething = (sim: FaultWorld, kinds: readonly FaultKind[]): void => {
  const kind = sim.dice.pick(kinds);
  if (!FAULTS[kind](sim)) return;
  sim.world.note('fault', kind);
  sim.world.count(kind);
};

/** Ends every fault: what is off comes back, what is full has room again. */
export const heal = (sim: FaultWorld): void => {
  const { network, relay } = sim;
  network.slowness = FAST_MS;
  relay.fill(false);
  if (!relay.isUp()) relay.start();
  for (const device of present(sim)) {
    device.disk.fill(false);
    device.reach(true);
    device.device?.setNetwork(true);
    device.recover();
    device.open();
  }
};

/** All that may still run: people's devices, and those that are their devices no more. */
export const present = ({ devices, neighbours, ended }: FaultWorld): readonly SimDevice[] => [
  ...devices,
  ...neighbours.flatMap((household) => household.devices),
  ...ended.map(({ device }) => device),
];

const running = (sim: FaultWorld): SimDevice | undefined => {
  const { dice } = sim;
  const open = present(sim).filter(({ life, disk }) => life === 'on' && !disk.isLost());
  return open.length > 0 ? dice.pick(open) : undefined;
};

/** Whose device died in the middle of a sentence goes on as soon as it is back. */
const goOn = (sim: FaultWorld, device: SimDevice, tries = 20): void => {
  sim.world.after(30, () => {
    const chat = device.device?.chats.get()[0];
    if (!sim.isRough() || tries === 0 || (chat && device.say(chat.id))) return;
    goOn(sim, device, tries - 1);
  });
};

const later = ({ world, dice, isRough }: FaultWorld, mostMs: number, run: () => void): void => {
  world.after(dice.between(50, mostMs), () => {
    if (isRough()) run();
  });
};
