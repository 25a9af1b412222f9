// The device could not be opened: why, another try, and for damaged data a fresh start after a question.
// No spec rules here.
import { useState } from 'react';
import { useTask } from '../hooks/useTask.ts';
import { codeOf } from '../lib/explain.ts';
import type { Session } from '../lib/session.ts';
import { Centre, Failure } from './basics.tsx';

export function CannotOpen({ error, session }: { readonly error: unknown; readonly session: Session }) {
  const [asking, setAsking] = useState(false);
  const startOver = useTask(() => session.startOver());
  return (
    <Centre>
      <h1>Sealwire cannot open</h1>
      <Failure error={startOver.error ?? error}>
        <button type="button" className="button button-primary" onClick={session.start}>
          Try again
        </button>
        {codeOf(error) === 'STORAGE_CORRUPT' && !asking && (
          <button type="button" className="button" onClick={() => setAsking(true)}>
            Start over here
          </button>
        )}
      </Failure>
      {asking && (
        <div className="form" role="alert">
          <p>
            This removes what Sealwire stored in this browser, for good. Your other devices keep all they
            have; if there is none, everything is lost.
          </p>
          <div className="actions">
            <button
              type="button"
              className="button button-danger"
              disabled={startOver.busy}
              onClick={() => startOver.run()}
            >
              Remove it and start over
            </button>
            <button type="button" className="button" onClick={() => setAsking(false)}>
              Keep it
            </button>
          </div>
        </div>
      )}
    </Centre>
  );
}
