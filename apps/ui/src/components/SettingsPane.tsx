// This device and what can be set on it.
// No spec rules here.
import type { Device } from '@sealwire/core';
import { useReadable } from '../hooks/useReadable.ts';
import { type Route, routeTo } from '../hooks/useRoute.ts';
import { formatCount, plural } from '../lib/format.ts';
import type { Session } from '../lib/session.ts';
import { AirplaneSwitch } from './AirplaneSwitch.tsx';
import { PaneHeader } from './basics.tsx';
import { pendingSentence } from './ConnectionLine.tsx';
import { Icon, type IconName } from './Icon.tsx';

export function SettingsPane({ session, device }: { readonly session: Session; readonly device: Device }) {
  const status = useReadable(device.status);
  const devices = useReadable(device.devices);
  const people = useReadable(device.contacts);
  const notices = useReadable(session.notices);
  const self = devices.find((one) => one.isThis);
  return (
    <>
      <PaneHeader title="Settings" back={{ page: 'chats' }} />
      <div className="pane-body">
        <div className="self">
          <span className="self-icon">
            <Icon name={self?.platform === 'phone' ? 'phone' : 'computer'} />
          </span>
          <div>
            <p className="self-name">{self?.name ?? 'This device'}</p>
            <p className="quiet">{pendingSentence(status.pending)}</p>
          </div>
        </div>
        <ul className="group">
          <SettingsLink
            to={{ page: 'devices' }}
            icon="devices"
            title="Linked devices"
            text={plural(devices.length, 'device')}
          />
          <SettingsLink
            to={{ page: 'contacts' }}
            icon="person"
            title="People"
            text={people.length === 0 ? '' : formatCount(people.length)}
          />
          <SettingsLink to={{ page: 'import' }} icon="file" title="Import from WhatsApp" text="" />
          <SettingsLink
            to={{ page: 'notices' }}
            icon="shield"
            title="Security notices"
            text={notices.length === 0 ? 'None' : formatCount(notices.length)}
          />
        </ul>
        <section className="group group-padded" aria-label="Network">
          <AirplaneSwitch status={status} setNetwork={session.setNetwork} />
          <p className="quiet">
            Cuts this device off. You can read and write on; everything is sent when you come back.
          </p>
        </section>
      </div>
    </>
  );
}

function SettingsLink(props: {
  readonly to: Route;
  readonly icon: IconName;
  readonly title: string;
  readonly text: string;
}) {
  return (
    <li>
      <a className="group-row" href={routeTo(props.to)}>
        <Icon name={props.icon} />
        <span className="group-title">{props.title}</span>
        <span className="quiet">{props.text}</span>
      </a>
    </li>
  );
}
