// One line that says how things stand: offline, connecting, catching up n of m, live, and what still waits.
// No spec rules here.
import type { ChatStatus, DeviceStatus } from '@sealwire/core';
import { formatCount, plural } from '../lib/format.ts';

export function ConnectionLine({
  status,
  chat,
}: {
  readonly status: DeviceStatus;
  readonly chat?: ChatStatus;
}) {
  const { state, text, loading } = chat === undefined ? ofDevice(status) : ofChat(status, chat);
  const pending = chat === undefined ? status.pending : state === 'left' ? 0 : chat.pending;
  return (
    <p className={`connection connection-${state}`}>
      <span className="connection-dot" aria-hidden="true" />
      <span role="status" aria-label="Connection">
        {text}
      </span>
      {loading !== undefined && <span> {loading}</span>}
      {pending > 0 && <span className="connection-pending"> · {formatCount(pending)} pending</span>}
    </p>
  );
}

interface Line {
  readonly state: 'offline' | 'connecting' | 'catching-up' | 'live' | 'left' | 'refused';
  readonly text: string;
  readonly loading?: string;
}

function ofDevice(status: DeviceStatus): Line {
  if (status.connection === 'offline') return { state: 'offline', text: 'Offline' };
  if (status.connection === 'connecting') return { state: 'connecting', text: 'Connecting' };
  if (status.loadingRooms === 0) return { state: 'live', text: 'Live' };
  return catchingUp(status.rooms - status.loadingRooms, status.rooms);
}

function ofChat(status: DeviceStatus, chat: ChatStatus): Line {
  if (chat.state === 'left') return { state: 'left', text: 'Not a member' };
  if (status.connection === 'connecting') return { state: 'connecting', text: 'Connecting' };
  if (chat.state === 'offline') return { state: 'offline', text: 'Offline' };
  if (chat.state === 'refused') return { state: 'refused', text: 'Refused by the relay' };
  if (chat.state === 'live') return { state: 'live', text: 'Live' };
  return catchingUp(chat.loaded, chat.total);
}

const catchingUp = (done: number, total: number): Line =>
  total === 0
    ? { state: 'catching-up', text: 'Catching up' }
    : { state: 'catching-up', text: 'Catching up', loading: `${formatCount(done)} of ${formatCount(total)}` };

/** What waits, as a sentence for the settings page. */
export const pendingSentence = (pending: number): string =>
  pending === 0 ? 'Everything is sent.' : `${plural(pending, 'edit')} not sent yet.`;
