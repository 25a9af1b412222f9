// The people this account writes to, and strangers who ask to be among them.
// Rules: spec/contacts.md.
import type { Contact, ContactRequest, Device } from '@sealwire/core';
import { useNow } from '../hooks/useNow.ts';
import { useReadable } from '../hooks/useReadable.ts';
import { routeTo } from '../hooks/useRoute.ts';
import { useTask } from '../hooks/useTask.ts';
import { formatAgo } from '../lib/format.ts';
import { Avatar } from './Avatar.tsx';
import { EmptyState, Failure, PaneHeader } from './basics.tsx';
import { Icon } from './Icon.tsx';

export function ContactsPane({ device }: { readonly device: Device }) {
  const contacts = useReadable(device.contacts);
  const requests = useReadable(device.requests);
  return (
    <>
      <PaneHeader title="People" back={{ page: 'chats' }} />
      <div className="pane-body">
        {requests.length > 0 && <Requests device={device} requests={requests} />}
        {contacts.length === 0 ? (
          <EmptyState icon="person" title="Nobody here yet">
            <p>Show your card to somebody, or scan theirs. No directory knows who you are.</p>
          </EmptyState>
        ) : (
          <ul className="group" aria-label="People">
            {contacts.map((contact) => (
              <ContactRow key={contact.accountId} contact={contact} />
            ))}
          </ul>
        )}
        <div className="actions">
          <a className="button button-primary" href={routeTo({ page: 'add-contact' })}>
            <Icon name="camera" /> Scan a card
          </a>
          <a className="button" href={routeTo({ page: 'card' })}>
            <Icon name="person" /> Show my card
          </a>
        </div>
      </div>
    </>
  );
}

function ContactRow({ contact }: { readonly contact: Contact }) {
  return (
    <li>
      <a className="group-row" href={routeTo({ page: 'contact', accountId: contact.accountId })}>
        <Avatar name={contact.name} small />
        <span className="group-title">{contact.name}</span>
        <span className="quiet">
          {contact.state === 'asked' ? 'Asked' : contact.verified ? 'Verified' : ''}
        </span>
        {contact.verified && <Icon name="shield" />}
      </a>
    </li>
  );
}

function Requests(props: { readonly device: Device; readonly requests: readonly ContactRequest[] }) {
  return (
    <section aria-label="Requests" className="stack">
      <h2 className="section-title">Waiting for your word</h2>
      <ul className="group">
        {props.requests.map((request) => (
          <RequestRow key={request.id} device={props.device} request={request} />
        ))}
      </ul>
    </section>
  );
}

function RequestRow({ device, request }: { readonly device: Device; readonly request: ContactRequest }) {
  const now = useNow(20_000);
  const accept = useTask(() => device.acceptRequest(request.id));
  const decline = useTask(() => device.declineRequest(request.id));
  const busy = accept.busy || decline.busy;
  const failed = accept.error ?? decline.error;
  return (
    <li className="request">
      <p>
        <strong>{request.name}</strong>{' '}
        {request.kind === 'contact' ? 'wants to write with you' : `invites you to “${request.title ?? ''}”`}
        <span className="quiet"> · {formatAgo(request.at, now)}</span>
      </p>
      <p className="quiet">
        The name is what they call themselves. If you do not know who this is, say no: they are not told.
      </p>
      {failed !== undefined && <Failure error={failed} />}
      <div className="actions">
        <button
          type="button"
          className="button button-primary"
          disabled={busy}
          onClick={() => accept.run()}
          aria-label={`Accept ${request.name}`}
        >
          Accept
        </button>
        <button
          type="button"
          className="button"
          disabled={busy}
          onClick={() => decline.run()}
          aria-label={`Decline ${request.name}`}
        >
          Decline
        </button>
      </div>
    </li>
  );
}
