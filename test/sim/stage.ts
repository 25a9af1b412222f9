// Everything that is on stage in one run: the world, the relay and its lies, the network, the devices.
import { createSimDevice, type SimDevice } from './device.ts';
import type { FaultWorld } from './faults.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { createLiar, type Liar } from './liar.ts';
import { createNetwork, type Network } from './network.ts';
import { createRelayHost, type RelayHost } from './relay.ts';
import type { Ended } from './revocation.ts';
import { createWiretap, type Wiretap } from './wiretap.ts';
import type { Dice, World } from './world.ts';

export interface Stage extends FaultWorld {
  readonly world: World;
  /** For people's choices. */
  readonly story: Dice;
  readonly ledger: Ledger;
  readonly wiretap: Wiretap;
  readonly relay: RelayHost;
  readonly liar: Liar;
  readonly network: Network;
  /** Those of honest people, as they join. */
  readonly devices: SimDevice[];
  readonly phone: SimDevice;
  /** Other people's, each with an account of their own. */
  readonly neighbours: Household[];
  /** Those that were logged out, whether they know it or not. */
  readonly ended: Ended[];
  /** A device that does not belong to the devices yet. */
  newDevice(name: string): SimDevice;
  /** From now on nothing breaks any more. */
  calm(): void;
  /** Ends whatever still runs, however the run ended: nothing of it is left in the process. */
  strike(): Promise<void>;
}

/** A person, and the devices of their account. */
export interface Household {
  readonly person: string;
  readonly phone: SimDevice;
  readonly devices: SimDevice[];
}

/** An empty stage, with the phone on it and switched off. */
export const createStage = (world: World): Stage => {
  const ledger = createLedger(world);
  const wiretap = createWiretap(world);
  const relay = createRelayHost(world, wiretap);
  const devices: SimDevice[] = [];
  const ended: Ended[] = [];
  const neighbours: Household[] = [];
  let network: Network;
  let rough = true;
  const liar = createLiar({
    world,
    relay,
    wiretap,
    network: () => network,
    names: () => devices.map(({ name }) => name),
  });
  network = createNetwork(world, {
    isUp: relay.isUp,
    connect: relay.connect,
    up: (connection, bytes) => {
      wiretap.up(connection.name, bytes);
      return liar.up(connection, bytes);
    },
    down: liar.down,
  });
  const all: SimDevice[] = [];
  const newDevice = (name: string): SimDevice => {
    const device = createSimDevice(name, { world, network, ledger, wiretap });
    all.push(device);
    return device;
  };
  const phone = newDevice('phone');
  devices.push(phone);
  return {
    world,
    story: world.dice('story'),
    dice: world.dice('faults'),
    ledger,
    wiretap,
    relay,
    liar,
    network,
    devices,
    phone,
    neighbours,
    ended,
    newDevice,
    isRough: () => rough,
    calm() {
      rough = false;
    },
    async strike() {
      rough = false;
      for (const device of all) device.crash();
      await world.wind(5_000);
    },
  };
};
