// One device of the account: what it is, its name, and its end.
// Rules: spec/device-log.md §3 and §4 (who may end whom).
import type { Device, LinkedDevice } from '@sealwire/core';
import { useNow } from '../hooks/useNow.ts';
import { useReadable } from '../hooks/useReadable.ts';
import { replaceRoute } from '../hooks/useRoute.ts';
import { formatAgo, formatFull } from '../lib/format.ts';
import { PaneHeader } from './basics.tsx';
import { heardOf, PLATFORMS } from './DevicesPane.tsx';
import { NameForm } from './NameForm.tsx';
import { Question } from './Question.tsx';

export function DevicePane({ device, deviceId }: { readonly device: Device; readonly deviceId: string }) {
  const devices = useReadable(device.devices);
  const shown = devices.find(({ id }) => id === deviceId);
  const mayEnd = devices.some((one) => one.isThis && one.mayLink);
  return (
    <>
      <PaneHeader title={shown?.name ?? 'Device'} back={{ page: 'devices' }} />
      <div className="pane-body">
        {shown === undefined ? (
          <p className="quiet">This device is not linked any more.</p>
        ) : (
          <Shown device={device} shown={shown} mayEnd={mayEnd} />
        )}
      </div>
    </>
  );
}

function Shown(props: { readonly device: Device; readonly shown: LinkedDevice; readonly mayEnd: boolean }) {
  const { device, shown, mayEnd } = props;
  const now = useNow(20_000);
  return (
    <>
      <dl className="facts">
        <dt>Kind</dt>
        <dd>{PLATFORMS[shown.platform].name}</dd>
        <dt>Linked</dt>
        <dd>{formatFull(shown.addedAt)}</dd>
        {!shown.isThis && (
          <>
            <dt>Last heard</dt>
            <dd>{shown.lastHeardAt === undefined ? 'Not yet' : formatAgo(shown.lastHeardAt, now)}</dd>
          </>
        )}
        <dt>May link others</dt>
        <dd>{shown.mayLink ? 'Yes' : 'No'}</dd>
      </dl>
      <NameForm
        label="Name of this device"
        name={shown.name}
        onRename={(name) => device.renameDevice(shown.id, name)}
      />
      {shown.isThis ? (
        <LogOutThis device={device} mayLink={shown.mayLink} />
      ) : mayEnd ? (
        <LogOut device={device} shown={shown} />
      ) : (
        <p className="quiet">Your phone can log it out: Settings, Linked devices. {heardOf(shown, now)}.</p>
      )}
    </>
  );
}

function LogOut({ device, shown }: { readonly device: Device; readonly shown: LinkedDevice }) {
  const logOut = async () => {
    await device.logOutDevice(shown.id);
    replaceRoute({ page: 'devices' });
  };
  return (
    <Question ask="Log out" yes={`Log out ${shown.name}`} no="Keep it linked" onYes={logOut}>
      <p>
        {shown.name} will read nothing that is written from now on, nothing that it writes from now on counts,
        and it removes what it holds as soon as it hears of this. What it read before, it may have kept.
      </p>
    </Question>
  );
}

function LogOutThis({ device, mayLink }: { readonly device: Device; readonly mayLink: boolean }) {
  return (
    <Question
      ask="Log out this device"
      yes="Log out and remove everything here"
      no="Stay"
      onYes={() => device.logOut()}
    >
      <p>
        Everything that Sealwire holds here is removed for good. Your other devices keep what they have.
        {mayLink && ' No other device of yours may link or log out devices: after this nobody can.'}
      </p>
    </Question>
  );
}
