// What a tab shows of its session: starting, taken by another tab, failed, first start, or the messenger.
// No spec rules here.
import { type ReactNode, useEffect } from 'react';
import { useReadable } from '../hooks/useReadable.ts';
import type { Session } from '../lib/session.ts';
import { Centre } from './basics.tsx';
import { CannotOpen } from './CannotOpen.tsx';
import { Mark } from './Icon.tsx';
import { LoggedOut } from './LoggedOut.tsx';
import { Messenger } from './Messenger.tsx';

export function SessionScreen(props: {
  readonly session: Session;
  /** The screen of a browser that has no device yet. */
  readonly firstStart: ReactNode;
  /** What the person calls this device: "browser", "phone". */
  readonly place: string;
  readonly linkPane?: (device: Parameters<typeof Messenger>[0]['device']) => ReactNode;
}) {
  const { session } = props;
  const state = useReadable(session.state);
  useEffect(() => {
    document.title = 'Sealwire';
  }, []);
  switch (state.kind) {
    case 'starting':
      return (
        <Centre>
          <div className="starting" role="status">
            <Mark />
            <span>Opening Sealwire…</span>
          </div>
        </Centre>
      );
    case 'new':
      return props.firstStart;
    case 'in-use':
      return <InUse moved={state.moved} useHere={session.useHere} />;
    case 'logged-out':
      return <LoggedOut session={session} place={props.place} />;
    case 'failed':
      return <CannotOpen error={state.error} session={session} />;
    case 'open':
      return (
        <Messenger
          session={session}
          device={state.device}
          justLinked={state.justLinked}
          linkPane={props.linkPane?.(state.device)}
        />
      );
  }
}

function InUse({ moved, useHere }: { readonly moved: boolean; readonly useHere: () => void }) {
  return (
    <Centre>
      <Mark />
      <h1>{moved ? 'Sealwire moved to another tab' : 'Sealwire is open in another tab'}</h1>
      <p>
        {moved
          ? 'It goes on there. Everything you wrote here is stored.'
          : 'One tab at a time keeps your messages in order. Go on there, or use it here.'}
      </p>
      <div className="actions">
        <button type="button" className="button button-primary" onClick={useHere}>
          Use here
        </button>
      </div>
    </Centre>
  );
}
