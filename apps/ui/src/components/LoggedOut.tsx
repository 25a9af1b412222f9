// This device was logged out: what that means, and how to begin anew.
// No spec rules here.
import type { Session } from '../lib/session.ts';
import { Centre } from './basics.tsx';
import { Mark } from './Icon.tsx';

/** @param place - what the person calls this device: "browser", "phone". */
export function LoggedOut({ session, place }: { readonly session: Session; readonly place: string }) {
  return (
    <Centre>
      <Mark />
      <h1>This {place} was logged out</h1>
      <p>
        One of your devices ended it. What Sealwire kept here was removed; your other devices have everything
        that was sent. What you wrote here after it was logged out counts for nobody.
      </p>
      <div className="actions">
        <button type="button" className="button button-primary" onClick={session.start}>
          Begin anew
        </button>
      </div>
    </Centre>
  );
}
