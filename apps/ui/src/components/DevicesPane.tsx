// The account's devices: which they are, since when, and when each was last heard from.
// No spec rules here.
import type { Device, LinkedDevice, Platform } from '@sealwire/core';
import { useNow } from '../hooks/useNow.ts';
import { useReadable } from '../hooks/useReadable.ts';
import { go, routeTo } from '../hooks/useRoute.ts';
import { formatAgo, formatFull } from '../lib/format.ts';
import { PaneHeader } from './basics.tsx';
import { Icon, type IconName } from './Icon.tsx';

/** What each platform is called and looks like. */
export const PLATFORMS: Record<Platform, { readonly icon: IconName; readonly name: string }> = {
  phone: { icon: 'phone', name: 'Phone' },
  web: { icon: 'computer', name: 'Web browser' },
  desktop: { icon: 'computer', name: 'Desktop app' },
  headless: { icon: 'devices', name: 'Program' },
};

/** @param canLink - this app can scan a code. Whether this device may link is in its entry. */
export function DevicesPane({ device, canLink }: { readonly device: Device; readonly canLink: boolean }) {
  const devices = useReadable(device.devices);
  const now = useNow(20_000);
  const mayLink = canLink && devices.some((one) => one.isThis && one.mayLink);
  return (
    <>
      <PaneHeader title="Linked devices" back={{ page: 'settings' }} />
      <div className="pane-body">
        <ul className="group" aria-label="Devices">
          {devices.map((one) => (
            <DeviceRow key={one.id} device={one} now={now} />
          ))}
        </ul>
        {mayLink ? (
          <div className="actions">
            <button type="button" className="button button-primary" onClick={() => go({ page: 'link' })}>
              <Icon name="link" /> Link a device
            </button>
          </div>
        ) : (
          <p className="quiet">
            Devices are linked on your phone: open Sealwire there, Settings, Linked devices.
          </p>
        )}
        <p className="quiet">
          A device that was not heard from for long may lack your newest messages, or you may lack its.
        </p>
      </div>
    </>
  );
}

function DeviceRow({ device, now }: { readonly device: LinkedDevice; readonly now: number }) {
  const { icon, name } = PLATFORMS[device.platform];
  return (
    <li>
      <a className="device" href={routeTo({ page: 'device', deviceId: device.id })}>
        <Icon name={icon} />
        <div>
          <p className="device-name">
            {device.name}
            {device.isThis && <span className="tag">This device</span>}
          </p>
          <p className="quiet">
            {name} · added <time title={formatFull(device.addedAt)}>{formatAgo(device.addedAt, now)}</time>
          </p>
          {!device.isThis && <p className="quiet">{heardOf(device, now)}</p>}
        </div>
      </a>
    </li>
  );
}

/** When something of a device came last, for people. */
export const heardOf = (device: LinkedDevice, now: number): string =>
  device.lastHeardAt === undefined
    ? 'Not heard from yet'
    : `Last heard ${formatAgo(device.lastHeardAt, now)}`;
