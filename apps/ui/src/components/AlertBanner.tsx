// A device was linked, at home or at a contact's: said on every other device until somebody has seen it.
// Rules: spec/device-log.md.
import type { Alert, Device } from '@sealwire/core';
import { useNow } from '../hooks/useNow.ts';
import { useReadable } from '../hooks/useReadable.ts';
import { useTask } from '../hooks/useTask.ts';
import { explain } from '../lib/explain.ts';
import { formatAgo } from '../lib/format.ts';
import { Icon } from './Icon.tsx';

export function AlertBanner({ device }: { readonly device: Device }) {
  const alerts = useReadable(device.alerts);
  const [newest] = alerts;
  if (newest === undefined) return null;
  return <Shown key={newest.id} device={device} alert={newest} more={alerts.length - 1} />;
}

function Shown(props: { readonly device: Device; readonly alert: Alert; readonly more: number }) {
  const { device, alert, more } = props;
  const now = useNow(20_000);
  const devices = useReadable(device.devices);
  const mayEnd = devices.some((one) => one.isThis && one.mayLink);
  const dismiss = useTask(() => device.dismissAlert(alert.id));
  const logOut = useTask(async () => {
    if (alert.deviceId !== undefined) await device.logOutDevice(alert.deviceId);
    await device.dismissAlert(alert.id);
  });
  const failed = logOut.error ?? dismiss.error;
  const canLogOut = alert.kind === 'device-linked' && mayEnd && alert.deviceId !== undefined;
  const busy = dismiss.busy || logOut.busy;
  const { title, text } = wordsOf(alert);
  return (
    <div className="banner banner-alert" role="alert">
      <Icon name={alert.kind === 'log-forked' ? 'warning' : 'devices'} />
      <div>
        <p className="note-title">{title}</p>
        <p>
          {text}
          {alert.kind === 'device-linked' && !mayEnd && ' If it was not you, log it out on your phone.'}{' '}
          {formatAgo(alert.at, now)}
          {more > 0 && ` · ${more} more`}
        </p>
        {failed !== undefined && <p>{explain(failed).title}.</p>}
      </div>
      <div className="actions">
        {canLogOut && (
          <button type="button" className="button button-danger" disabled={busy} onClick={() => logOut.run()}>
            Log it out
          </button>
        )}
        <button type="button" className="button" disabled={busy} onClick={() => dismiss.run()}>
          {canLogOut ? 'It was me' : 'OK'}
        </button>
      </div>
    </div>
  );
}

function wordsOf({ kind, name }: Alert): { readonly title: string; readonly text: string } {
  switch (kind) {
    case 'device-linked':
      return {
        title: `${name} was linked to your account`,
        text: 'It reads all your chats and can write in your name.',
      };
    case 'device-lapsed':
      return {
        title: `${name} was logged out`,
        text: 'It had not been online for five weeks. Link it again to use it.',
      };
    case 'contact-device-linked':
      return { title: `${name} uses a new device`, text: 'Compare your safety numbers if in doubt.' };
    case 'contact-device-logged-out':
      return { title: `${name} logged a device out`, text: 'What it writes from now on counts for nobody.' };
    case 'log-forked':
      return {
        title: `You and ${name} were shown different devices`,
        text: 'The relay may be lying. Compare your safety numbers before you go on.',
      };
  }
}
