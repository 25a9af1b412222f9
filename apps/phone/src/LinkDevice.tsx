// Linking another device, the phone's side: scan or paste, show the digits, ask, release, done.
// Rules: spec/link.md. Keys are released by the engine after `confirm` alone.
import type { Device, LinkSession } from '@sealwire/core';
import { Failure, go, PaneHeader, useReadable } from '@sealwire/ui';
import { useEffect, useState } from 'react';
import { CodeInput } from './CodeInput.tsx';
import { ConfirmDevice, LinkDone, ShowDigits } from './LinkSteps.tsx';

type Stage =
  | { readonly kind: 'code'; readonly error: unknown }
  | { readonly kind: 'linking'; readonly session: LinkSession };

export function LinkDevice({ device }: { readonly device: Device }) {
  const [stage, setStage] = useState<Stage>({ kind: 'code', error: undefined });
  const status = useReadable(device.status);
  const begin = (code: string) => {
    try {
      setStage({ kind: 'linking', session: device.link(code.trim()) });
    } catch (error) {
      setStage({ kind: 'code', error });
    }
  };
  return (
    <>
      <PaneHeader title="Link a device" back={{ page: 'devices' }} />
      <div className="pane-body">
        {stage.kind === 'code' ? (
          <CodeInput error={stage.error} offline={status.connection === 'offline'} onCode={begin} />
        ) : (
          <Linking
            key={keyOf(stage.session)}
            session={stage.session}
            device={device}
            again={() => setStage({ kind: 'code', error: undefined })}
          />
        )}
      </div>
    </>
  );
}

function Linking(props: {
  readonly session: LinkSession;
  readonly device: Device;
  readonly again: () => void;
}) {
  const { session, device, again } = props;
  const state = useReadable(session.state);
  useEffect(() => () => endUnlessOver(session), [session]);
  switch (state.step) {
    case 'connecting':
      return (
        <p className="quiet" role="status">
          Reaching the other device…
        </p>
      );
    case 'digits':
      return <ShowDigits digits={state.digits} onCancel={() => session.cancel()} />;
    case 'confirm':
      return (
        <ConfirmDevice
          deviceName={state.deviceName}
          platform={state.platform}
          onConfirm={(name) => session.confirm(name)}
          onRefuse={() => session.refuse()}
        />
      );
    case 'sending':
      return (
        <p className="quiet" role="status">
          Handing over the keys…
        </p>
      );
    case 'done':
      return <LinkDone device={device} deviceId={state.deviceId} />;
    case 'failed':
      return (
        <Failure error={state.error}>
          <button type="button" className="button button-primary" onClick={again}>
            Try again
          </button>
          <button type="button" className="button" onClick={() => go({ page: 'devices' })}>
            Back to linked devices
          </button>
        </Failure>
      );
  }
}

/** Leaving the page in the middle ends linking for the other side as well. */
function endUnlessOver(session: LinkSession): void {
  const { step } = session.state.get();
  if (step !== 'done' && step !== 'failed' && step !== 'sending') session.cancel();
}

const keys = new WeakMap<LinkSession, number>();
let lastKey = 0;

function keyOf(session: LinkSession): number {
  const known = keys.get(session);
  if (known !== undefined) return known;
  lastKey += 1;
  keys.set(session, lastKey);
  return lastKey;
}
