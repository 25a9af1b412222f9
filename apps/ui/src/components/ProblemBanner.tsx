// What a person must know and can act on: a full disk, deleted data, a refused device.
// No spec rules here. An unreachable relay is not a problem; the connection line shows it.
import type { Device, DeviceStatus } from '@sealwire/core';
import { useTask } from '../hooks/useTask.ts';
import { explain } from '../lib/explain.ts';
import { Icon } from './Icon.tsx';

export function ProblemBanner({
  device,
  status,
}: {
  readonly device: Device;
  readonly status: DeviceStatus;
}) {
  const recover = useTask(() => device.recover());
  const problem = shownProblem(status);
  if (problem === undefined) return null;
  const { title, text } = explain(problem);
  return (
    <div className="banner" role="alert">
      <Icon name="warning" />
      <div>
        <p className="note-title">{title}</p>
        <p>{text}</p>
        {recover.error !== undefined && !recover.busy && (
          <p>That did not work yet. {explain(recover.error).title}.</p>
        )}
      </div>
      <button type="button" className="button" disabled={recover.busy} onClick={() => recover.run()}>
        {problem.code === 'STORAGE_LOST' ? 'Put it back' : 'Try again'}
      </button>
    </div>
  );
}

/** True while the vault takes no edits. */
export const storageProblem = (status: DeviceStatus): boolean =>
  status.problem?.code.startsWith('STORAGE_') === true;

function shownProblem(status: DeviceStatus): DeviceStatus['problem'] {
  return status.problem?.code === 'RELAY_UNREACHABLE' ? undefined : status.problem;
}
