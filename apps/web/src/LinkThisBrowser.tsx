// Linking, the new device's side: a code to scan, renewed as it expires, then the six digits of the phone.
// Rules: spec/link.md.
import type { LinkRequest } from '@sealwire/core';
import {
  Centre,
  codeOf,
  Failure,
  Mark,
  Progress,
  proposeBrowserName,
  type Session,
  useReadable,
} from '@sealwire/ui';
import { useEffect, useState } from 'react';
import { ShowCode } from './ShowCode.tsx';
import { TypeDigits } from './TypeDigits.tsx';

/** Codes shown in a row before the page waits for a person again. */
const RENEWALS = 10;

export function LinkThisBrowser({ session }: { readonly session: Session }) {
  const [round, setRound] = useState({ id: 0, renewals: 0 });
  const [request, setRequest] = useState<LinkRequest | undefined>(undefined);
  useEffect(() => {
    // A new round begins when its id changes; the effect's clean-up ends the one before.
    let left = false;
    let opened: LinkRequest | undefined;
    void session.link(proposeBrowserName()).then((made) => {
      opened = made;
      if (left) endUnlessOver(made);
      else setRequest(made);
    });
    return () => {
      left = true;
      if (opened !== undefined) endUnlessOver(opened);
    };
  }, [session, round.id]);
  const again = (renewals: number) => {
    setRequest(undefined);
    setRound((old) => ({ id: old.id + 1, renewals }));
  };
  return (
    <Centre wide>
      <div className="linking">
        <div className="linking-words">
          <Mark />
          <h1>Sealwire on this computer</h1>
          <ol className="steps">
            <li>Open Sealwire on your phone.</li>
            <li>Go to Settings, Linked devices, Link a device.</li>
            <li>Point the phone at the code, then type the six digits that it shows.</li>
          </ol>
          <p className="quiet">Your chats come sealed, and stay on this computer when the phone is off.</p>
        </div>
        <div className="linking-code">
          {request === undefined ? (
            <MakingCode />
          ) : (
            <Round
              request={request}
              onExpired={round.renewals < RENEWALS ? () => again(round.renewals + 1) : undefined}
              again={() => again(0)}
            />
          )}
        </div>
      </div>
    </Centre>
  );
}

function Round(props: {
  readonly request: LinkRequest;
  /** Shows the next code by itself; undefined when the page has done so often enough. */
  readonly onExpired: (() => void) | undefined;
  readonly again: () => void;
}) {
  const { request, onExpired, again } = props;
  const state = useReadable(request.state);
  const [scanned, setScanned] = useState(false);
  const renew = state.step === 'failed' && !scanned && isExpiry(state.error) ? onExpired : undefined;
  useEffect(() => {
    if (state.step === 'type-digits') setScanned(true);
    renew?.();
  }, [state.step, renew]);
  switch (state.step) {
    case 'connecting':
      return <MakingCode />;
    case 'code':
      return <ShowCode code={state.code} expiresAt={state.expiresAt} />;
    case 'type-digits':
      return (
        <TypeDigits onDigits={(digits) => request.submitDigits(digits)} onCancel={() => request.cancel()} />
      );
    case 'waiting':
      return <Progress label="Now confirm on your phone" done={0} total={0} />;
    case 'receiving':
      return <Progress label="Receiving the keys to your chats" done={0} total={0} />;
    case 'done':
      return <Progress label="Opening your chats" done={0} total={0} />;
    case 'failed':
      if (renew !== undefined) return <Progress label="Making a new code…" done={0} total={0} />;
      return (
        <Failure error={state.error}>
          <button type="button" className="button button-primary" onClick={again}>
            Show a new code
          </button>
        </Failure>
      );
  }
}

/** Milliseconds after which a person is told why there is no code yet. */
const LONG_MS = 5_000;

function MakingCode() {
  const [long, setLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), LONG_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className="making-code" role="status">
      <Progress label="Making a code…" done={0} total={0} />
      {long && (
        <p className="quiet">
          The relay does not answer yet. The code appears as soon as it does; check the connection of this
          computer.
        </p>
      )}
    </div>
  );
}

function endUnlessOver(request: LinkRequest): void {
  const { step } = request.state.get();
  if (step !== 'done' && step !== 'failed') request.cancel();
}

function isExpiry(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'LINK_CODE_EXPIRED' || code === 'RENDEZVOUS_EXPIRED';
}
