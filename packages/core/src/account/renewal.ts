// Whether devices are still there, as far as they say so: when one says it again, and when it has been silent for too
// long. Pure. Rules: spec/device-log.md §7.
import { LIMITS } from '@sealwire/protocol';
import { activeDevices, type DeviceLog, isActive, type LoggedDevice } from '../identity/device-log.ts';
import { RIGHT } from '../identity/log-entry.ts';

/** Whether a device is to renew itself. @param deviceId - hexadecimal. @param now - milliseconds since 1970, its clock. */
export const isRenewalDue = (log: DeviceLog, deviceId: string, now: number): boolean => {
  const device = log.devices.get(deviceId);
  return (
    device !== undefined &&
    isActive(log, deviceId) &&
    isCompanion(device) &&
    now - newestOf(device) > LIMITS.renewMs
  );
};

/** Devices that have not renewed themselves for too long. @param now - milliseconds since 1970, the reader's clock. */
export const lapsedDevices = (log: DeviceLog, now: number): LoggedDevice[] =>
  activeDevices(log).filter(
    (device) => isCompanion(device) && now - newestOf(device) > LIMITS.renewalLapseMs,
  );

/** Devices that may link others are not watched over: one of them ends the rest, and nobody is to end it by waiting. */
const isCompanion = ({ rights }: LoggedDevice): boolean => (rights & RIGHT.link) === 0;

const newestOf = ({ at, renewedAt }: LoggedDevice): number => Math.max(at, renewedAt ?? 0);
