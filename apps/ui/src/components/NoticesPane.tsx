// What this device refused or noticed while this page was open: code and reason, never contents.
// Codes: spec/errors.md.
import type { Readable } from '@sealwire/core';
import { useReadable } from '../hooks/useReadable.ts';
import { formatFull } from '../lib/format.ts';
import type { Notice } from '../lib/session.ts';
import { EmptyState, PaneHeader } from './basics.tsx';

export function NoticesPane({ notices }: { readonly notices: Readable<readonly Notice[]> }) {
  const list = useReadable(notices);
  return (
    <>
      <PaneHeader title="Security notices" back={{ page: 'settings' }} />
      <div className="pane-body">
        {list.length === 0 ? (
          <EmptyState icon="shield" title="Nothing to report">
            <p>
              If anything that reaches this device is forged, missing or out of order, it is refused and
              listed here.
            </p>
          </EmptyState>
        ) : (
          <ul className="group" aria-label="Notices">
            {list.map((notice) => (
              <li key={notice.id} className="notice">
                <code>{notice.code}</code>
                <p>{notice.message}</p>
                <p className="quiet">{formatFull(notice.at)}</p>
              </li>
            ))}
          </ul>
        )}
      </div>
    </>
  );
}
