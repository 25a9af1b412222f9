// What an exported file holds, before anything is stored: counts, names, first messages, the order of its dates.
// No spec rules here.
import type { Device } from '@sealwire/core';
import type { DateOrder, parseWhatsAppExport } from '@sealwire/core/import-whatsapp';
import { LIMITS } from '@sealwire/protocol';
import { type FormEvent, useState } from 'react';
import { useReadable } from '../hooks/useReadable.ts';
import { formatCount, formatFull, plural } from '../lib/format.ts';
import { Failure } from './basics.tsx';
import type { ImportTarget } from './ImportPane.tsx';

export type Parsed = ReturnType<typeof parseWhatsAppExport>;

const SHOWN = 4;
const ORDERS: readonly { readonly order: DateOrder; readonly label: string }[] = [
  { order: 'dmy', label: 'Day, month, year' },
  { order: 'mdy', label: 'Month, day, year' },
  { order: 'ymd', label: 'Year, month, day' },
];

export function ImportPreview(props: {
  readonly device: Device;
  readonly file: string;
  readonly parsed: Parsed;
  readonly error: unknown;
  readonly onOrder: (order: DateOrder) => void;
  readonly onImport: (target: ImportTarget) => void;
  readonly onBack: () => void;
}) {
  const { parsed } = props;
  return (
    <>
      <h2>{plural(parsed.messages.length, 'message')} found</h2>
      <Facts parsed={parsed} />
      <Order parsed={parsed} onOrder={props.onOrder} />
      <ol className="preview" aria-label="First messages">
        {parsed.messages.slice(0, SHOWN).map((message, i) => (
          <li key={i}>
            <p className="preview-name">
              {message.name} <time>{formatFull(message.sentAt)}</time>
            </p>
            <p className="preview-text">{message.text}</p>
          </li>
        ))}
      </ol>
      {props.error !== undefined && <Failure error={props.error} />}
      <TargetForm device={props.device} file={props.file} onImport={props.onImport} onBack={props.onBack} />
    </>
  );
}

function Facts({ parsed }: { readonly parsed: Parsed }) {
  const first = parsed.messages[0];
  const last = parsed.messages.at(-1);
  return (
    <dl className="facts">
      <dt>People</dt>
      <dd>{parsed.names.join(', ')}</dd>
      {first !== undefined && last !== undefined && (
        <>
          <dt>From</dt>
          <dd>{formatFull(first.sentAt)}</dd>
          <dt>To</dt>
          <dd>{formatFull(last.sentAt)}</dd>
        </>
      )}
      <dt>Left out</dt>
      <dd>
        {plural(parsed.systemMessages, 'notice')} of WhatsApp itself, {plural(parsed.notUnderstood, 'line')}{' '}
        not understood
      </dd>
    </dl>
  );
}

function Order({
  parsed,
  onOrder,
}: {
  readonly parsed: Parsed;
  readonly onOrder: (order: DateOrder) => void;
}) {
  return (
    <fieldset className="choices">
      <legend>Dates in this file</legend>
      {ORDERS.map(({ order, label }) => (
        <label key={order} className="choice">
          <input
            type="radio"
            name="date-order"
            checked={parsed.dateOrder === order}
            onChange={() => onOrder(order)}
          />
          {label}
        </label>
      ))}
      <p className="quiet">
        {parsed.dateOrderDetected === 'certain'
          ? 'Seen from the dates themselves.'
          : 'The dates do not tell. Compare the first messages below, and change this if they look wrong.'}
      </p>
    </fieldset>
  );
}

const NEW = '';

function TargetForm(props: {
  readonly device: Device;
  readonly file: string;
  readonly onImport: (target: ImportTarget) => void;
  readonly onBack: () => void;
}) {
  const chats = useReadable(props.device.chats);
  const [title, setTitle] = useState(() => titleFromFile(props.file));
  const [chatId, setChatId] = useState(NEW);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const chat = chats.find((one) => one.id === chatId);
    if (chat !== undefined) props.onImport({ chatId: chat.id, title: chat.title });
    else if (title.trim() !== '') props.onImport({ title: title.trim() });
  };
  return (
    <form className="form" onSubmit={submit}>
      {chats.length > 0 && (
        <label className="field">
          <span>Import into</span>
          <select value={chatId} onChange={(event) => setChatId(event.target.value)}>
            <option value={NEW}>A new chat</option>
            {chats.map((chat) => (
              <option key={chat.id} value={chat.id}>
                {chat.title} ({formatCount(chat.messages)})
              </option>
            ))}
          </select>
        </label>
      )}
      {chatId === NEW && (
        <label className="field">
          <span>Chat title</span>
          <input
            value={title}
            maxLength={LIMITS.nameChars}
            autoComplete="off"
            required
            onChange={(event) => setTitle(event.target.value)}
          />
        </label>
      )}
      <div className="actions">
        <button type="submit" className="button button-primary">
          Import
        </button>
        <button type="button" className="button" onClick={props.onBack}>
          Choose another file
        </button>
      </div>
    </form>
  );
}

/** "WhatsApp Chat with Grace.txt" becomes "Grace"; names that phones in other languages give stay as they are. */
function titleFromFile(file: string): string {
  const stem = file.replace(/\.(txt|zip)$/i, '');
  const match = /^(?:_chat|WhatsApp Chat(?: with| -)?)\s*(.*)$/i.exec(stem);
  const title = match === null ? stem : (match[1] ?? '');
  return title.trim().slice(0, LIMITS.nameChars) || 'Imported chat';
}
