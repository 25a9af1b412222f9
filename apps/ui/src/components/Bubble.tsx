// One message: text, time, how safe it is, where it came from. Text stays text; only web addresses become links.
// No spec rules here.
import type { Message, MessageState } from '@sealwire/core';
import { memo, useMemo } from 'react';
import { formatFull, formatTime } from '../lib/format.ts';
import { linkParts } from '../lib/linkify.ts';
import { shownAuthor } from '../lib/rows.ts';
import { toneOf } from './Avatar.tsx';
import { Icon } from './Icon.tsx';

export interface BubbleProps {
  readonly message: Message;
  readonly first: boolean;
  readonly last: boolean;
  /** Several people write here, so names are shown. */
  readonly named: boolean;
  readonly onMenu: (message: Message, opener: HTMLElement) => void;
}

export const Bubble = memo(function Bubble({ message, first, last, named, onMenu }: BubbleProps) {
  const own = message.author.isMe && message.origin === undefined;
  const author = shownAuthor(message);
  const place = `${own ? 'own' : 'other'}${first ? ' first' : ''}${last ? ' last' : ''}`;
  return (
    <li
      className={`row ${place}${message.origin === undefined ? '' : ' imported'}`}
      data-message={message.id}
    >
      <article className="bubble" aria-label={`${author}, ${formatFull(message.at)}`}>
        {!own && first && (named || message.origin !== undefined) && (
          <p className={`bubble-author name-${toneOf(author)}`}>{author}</p>
        )}
        <p className="bubble-text" dir="auto">
          <Text text={message.text} />
        </p>
        <p className="bubble-meta">
          {message.origin !== undefined && (
            <span className="bubble-origin">Imported from {message.origin.source}</span>
          )}
          <time dateTime={new Date(message.at).toISOString()}>{formatTime(message.at)}</time>
          {own && <Tick state={message.state} />}
        </p>
      </article>
      <button
        type="button"
        className="bubble-menu"
        aria-haspopup="menu"
        aria-label={`Options for message: ${message.text.slice(0, 40)}`}
        tabIndex={-1}
        onClick={(event) => onMenu(message, event.currentTarget)}
      >
        <Icon name="more" />
      </button>
    </li>
  );
}, sameBubble);

function Text({ text }: { readonly text: string }) {
  const parts = useMemo(() => linkParts(text), [text]);
  let at = 0;
  return parts.map((part) => {
    const key = at;
    at += part.text.length;
    if (part.kind === 'text') return <span key={key}>{part.text}</span>;
    return (
      <a key={key} href={part.text} target="_blank" rel="noopener noreferrer nofollow">
        {part.text}
      </a>
    );
  });
}

const TICKS: Record<MessageState, string> = {
  storing: 'Storing',
  stored: 'Stored on this device, not sent yet',
  sent: 'Sent',
};

function Tick({ state }: { readonly state: MessageState }) {
  return (
    <span className={`tick tick-${state}`} title={TICKS[state]}>
      <span className="hidden">{TICKS[state]}</span>
      {state === 'storing' ? <Icon name="clock" /> : <Seal />}
    </span>
  );
}

/** A small seal around a tick: an outline while the message waits, solid once the relay has it. */
function Seal() {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true">
      <circle className="tick-seal" cx="12" cy="12" r="9" />
      <path className="tick-mark" d="M7.8 12.3l3 3 5.6-6.3" />
    </svg>
  );
}

function sameBubble(a: BubbleProps, b: BubbleProps): boolean {
  return (
    a.first === b.first &&
    a.last === b.last &&
    a.named === b.named &&
    a.onMenu === b.onMenu &&
    a.message.id === b.message.id &&
    a.message.text === b.message.text &&
    a.message.state === b.message.state &&
    a.message.at === b.message.at
  );
}
