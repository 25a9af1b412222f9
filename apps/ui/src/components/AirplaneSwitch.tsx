// The network switch: cuts this device off and lets it back, to see what works without a network.
// No spec rules here.
import type { DeviceStatus } from '@sealwire/core';
import { Icon } from './Icon.tsx';

export function AirplaneSwitch(props: {
  readonly status: DeviceStatus;
  readonly setNetwork: (on: boolean) => void;
}) {
  const off = !props.status.networkOn;
  return (
    <button
      type="button"
      role="switch"
      aria-checked={off}
      className="switch"
      onClick={() => props.setNetwork(off)}
    >
      <Icon name="airplane" />
      <span>Airplane mode</span>
      <span className="switch-track" aria-hidden="true" />
    </button>
  );
}
