// Waiting for a run to come to rest once nothing breaks any more.
import type { SimDevice } from './device.ts';
import { SimFailure, type World } from './world.ts';

const PATIENCE_MS = 15 * 60_000;
/** Longer than a device needs to find out that a connection is half open. */
const CALM_MS = 70_000;

/**
 * Waits until nothing is pending anywhere, and stays so.
 *
 * @param again - called now and then while it is not so: a person who tries once more.
 * @throws SimFailure if that takes too long, saying who is not at rest.
 */
export const rest = async (
  world: World,
  devices: readonly SimDevice[],
  again: () => void = () => undefined,
): Promise<void> => {
  const isCalm = (): boolean => devices.every((device) => restlessness(device) === '');
  const end = world.now() + PATIENCE_MS;
  while (world.now() < end) {
    await world.run(Math.min(end, world.now() + 30_000), isCalm);
    if (isCalm()) {
      await world.run(world.now() + CALM_MS);
      if (isCalm()) return;
    } else again();
  }
  const why = devices.map((device) => `${device.name}: ${restlessness(device) || 'calm'}`).join('; ');
  throw new SimFailure(`no rest ${PATIENCE_MS / 60_000} minutes after everything healed: ${why}`);
};

const restlessness = (device: SimDevice): string => {
  if (device.life === 'off' && device.disk.isEmpty()) return '';
  if (!device.device) return `is ${device.life}`;
  const { connection, pending, loadingRooms, problem } = device.device.status.get();
  if (connection !== 'online') return connection;
  if (problem) return `has a problem: ${problem.code}`;
  const waiting = pending - device.refused();
  return waiting > 0 || loadingRooms > 0 ? `${waiting} pending, ${loadingRooms} rooms loading` : '';
};
