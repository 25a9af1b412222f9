// The messages of a conversation: a bounded window of rows with day separators, in a region that scrolls.
// No spec rules here.
import type { Message } from '@sealwire/core';
import { type KeyboardEvent, type ReactNode, useMemo } from 'react';
import { useNow } from '../hooks/useNow.ts';
import type { TimelineWindow } from '../hooks/useTimelineWindow.ts';
import { formatDay, plural } from '../lib/format.ts';
import { buildRows } from '../lib/rows.ts';
import { Bubble } from './Bubble.tsx';
import { Icon } from './Icon.tsx';

export function Timeline(props: {
  readonly title: string;
  readonly messages: readonly Message[];
  /** More than two people are members, so names are shown. */
  readonly isGroup: boolean;
  readonly view: TimelineWindow;
  readonly toNewest: () => void;
  readonly onMenu: (message: Message, opener: HTMLElement) => void;
  /** Shown while there are no messages. */
  readonly children: ReactNode;
}) {
  const { messages, view } = props;
  const { start, end } = view;
  const now = useNow(60_000);
  const rows = useMemo(
    () => buildRows(messages.slice(start, end), messages[start - 1]),
    [messages, start, end],
  );
  const { isGroup } = props;
  const named = useMemo(() => isGroup || countPeople(messages) > 1, [isGroup, messages]);
  return (
    <div className="timeline">
      <section
        ref={view.scroller}
        className="timeline-scroll"
        aria-label={`Messages in ${props.title}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
        tabIndex={0}
        onScroll={view.onScroll}
        onKeyDown={moveBetweenMessages}
      >
        {messages.length === 0 && <div className="pane-middle">{props.children}</div>}
        <ol className="timeline-list" hidden={messages.length === 0}>
          {rows.map((row) =>
            row.kind === 'day' ? (
              <li key={row.key} className="day">
                <span>{formatDay(row.at, now)}</span>
              </li>
            ) : (
              <Bubble
                key={row.key}
                message={row.message}
                first={row.first}
                last={row.last}
                named={named}
                onMenu={props.onMenu}
              />
            ),
          )}
        </ol>
      </section>
      {view.away && (
        <button type="button" className="to-newest" onClick={props.toNewest}>
          <Icon name="down" />
          {view.fresh > 0 ? (
            plural(view.fresh, 'new message')
          ) : (
            <span className="hidden">Newest messages</span>
          )}
        </button>
      )}
    </div>
  );
}

/** Up and down move between messages; on each, Enter opens its options. */
function moveBetweenMessages(event: KeyboardEvent<HTMLElement>): void {
  if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return;
  const buttons = [...event.currentTarget.querySelectorAll<HTMLElement>('.bubble-menu')];
  const focused = document.activeElement;
  const at = focused instanceof HTMLElement ? buttons.indexOf(focused) : -1;
  const next = at < 0 ? buttons.length - 1 : at + (event.key === 'ArrowUp' ? -1 : 1);
  const button = buttons[next];
  if (button === undefined) return;
  event.preventDefault();
  button.focus();
}

function countPeople(messages: readonly Message[]): number {
  const people = new Set<string>();
  for (const message of messages) {
    if (message.origin === undefined && !message.author.isMe) people.add(message.author.accountId);
    if (people.size > 1) break;
  }
  return people.size;
}
