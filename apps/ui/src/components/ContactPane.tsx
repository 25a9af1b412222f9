// One person: the safety number to compare, and a chat with them.
// Rules: spec/membership.md (safety numbers), spec/contacts.md.
import type { Contact, Device } from '@sealwire/core';
import { useMemo, useState } from 'react';
import { useReadable } from '../hooks/useReadable.ts';
import { replaceRoute } from '../hooks/useRoute.ts';
import { useTask } from '../hooks/useTask.ts';
import { plural } from '../lib/format.ts';
import { EmptyState, Failure, PaneHeader } from './basics.tsx';
import { CodeReader } from './CodeReader.tsx';
import { CopyText } from './CopyText.tsx';
import { Icon } from './Icon.tsx';
import { QrCode } from './QrCode.tsx';

export function ContactPane({ device, accountId }: { readonly device: Device; readonly accountId: string }) {
  const contacts = useReadable(device.contacts);
  const contact = contacts.find((one) => one.accountId === accountId);
  return (
    <>
      <PaneHeader title={contact?.name ?? 'Somebody'} back={{ page: 'contacts' }} />
      <div className="pane-body">
        {contact === undefined ? (
          <EmptyState icon="person" title="Not among your people">
            <p>They are not a contact of yours on this device.</p>
          </EmptyState>
        ) : (
          <Known device={device} contact={contact} />
        )}
      </div>
    </>
  );
}

function Known({ device, contact }: { readonly device: Device; readonly contact: Contact }) {
  const start = useTask(async () => {
    const chatId = await device.createChat(contact.name, [contact.accountId]);
    replaceRoute({ page: 'chat', chatId });
  });
  return (
    <>
      <p className="quiet">
        {contact.state === 'asked'
          ? 'They have not answered yet. You can write to them once they have.'
          : `${plural(contact.devices, 'device')} · ${contact.verified ? 'verified' : 'not verified yet'}`}
      </p>
      {start.error !== undefined && <Failure error={start.error} />}
      <div className="actions">
        <button
          type="button"
          className="button button-primary"
          disabled={start.busy || contact.state === 'asked'}
          onClick={() => start.run()}
        >
          <Icon name="plus" /> Start a chat
        </button>
      </div>
      <Safety device={device} contact={contact} />
    </>
  );
}

type Compared = ReturnType<Device['compareSafety']> | undefined;

const ANSWERS: Record<NonNullable<Compared>, string> = {
  match: 'The numbers are the same: nobody stands between you.',
  mismatch:
    'The numbers differ: one of you was given somebody else’s card. Do not go on; meet and scan again.',
  'other account': 'That code belongs to another person, or to another pair of people.',
};

function Safety({ device, contact }: { readonly device: Device; readonly contact: Contact }) {
  const { accountId } = contact;
  const { digits, qr } = useMemo(() => device.safetyNumber(accountId), [device, accountId]);
  const [scanning, setScanning] = useState(false);
  const [compared, setCompared] = useState<Compared>(undefined);
  const [unread, setUnread] = useState<unknown>(undefined);
  const verify = useTask(() => device.markVerified(accountId, true));
  const scanned = (code: string): void => {
    setScanning(false);
    setUnread(undefined);
    setCompared(undefined);
    try {
      const answer = device.compareSafety(accountId, code);
      setCompared(answer);
      if (answer === 'match') verify.run();
    } catch (error) {
      setUnread(error);
    }
  };
  return (
    <section className="stack" aria-labelledby="safety-title">
      <h2 id="safety-title" className="section-title">
        Safety number
      </h2>
      <p className="quiet">
        It is the same on all of your devices and all of theirs. Compare it in person or in a call.
      </p>
      <p className="safety" data-digits={digits} aria-label={`Safety number ${spaced(digits)}`} role="img">
        {groups(digits).map((group, i) => (
          <span key={i}>{group}</span>
        ))}
      </p>
      <div className="show-code">
        <QrCode text={qr} label="QR code of the safety number" />
        <CopyText text={qr} label="Safety number as text">
          Copy for comparing
        </CopyText>
      </div>
      {compared !== undefined && (
        <p className={compared === 'match' ? 'note note-good' : 'note note-bad'} role="alert">
          <Icon name={compared === 'match' ? 'check' : 'warning'} /> <span>{ANSWERS[compared]}</span>
        </p>
      )}
      {unread !== undefined && <Failure error={unread} />}
      {verify.error !== undefined && <Failure error={verify.error} />}
      {scanning ? (
        <CodeReader
          onCode={scanned}
          hint="Their safety number with you: “Copy for comparing”."
          textFirst={!matchMedia('(pointer: coarse)').matches}
        />
      ) : (
        <div className="actions">
          <button type="button" className="button" onClick={() => setScanning(true)}>
            <Icon name="camera" /> Scan theirs
          </button>
          {!contact.verified && (
            <button type="button" className="button" disabled={verify.busy} onClick={() => verify.run()}>
              <Icon name="check" /> We compared it
            </button>
          )}
        </div>
      )}
    </section>
  );
}

const groups = (digits: string): readonly string[] => digits.match(/.{1,5}/g) ?? [];
const spaced = (digits: string): string => groups(digits).join(' ');
