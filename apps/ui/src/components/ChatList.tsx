// The list of chats, newest first as the engine gives it, with a next step when it is empty.
// No spec rules here.
import type { ChatSummary } from '@sealwire/core';
import { useNow } from '../hooks/useNow.ts';
import { routeTo } from '../hooks/useRoute.ts';
import { formatCount, formatFull, formatListTime, plural } from '../lib/format.ts';
import { Avatar } from './Avatar.tsx';
import { EmptyState } from './basics.tsx';

export function ChatList(props: {
  readonly chats: readonly ChatSummary[];
  readonly openId: string | undefined;
}) {
  const now = useNow(60_000);
  return (
    <nav className="chat-list" aria-label="Chats">
      {/* biome-ignore lint/a11y/noRedundantRoles: Safari drops the role of lists without bullets */}
      <ul role="list">
        {props.chats.map((chat) => (
          <li key={chat.id}>
            <a
              className="chat-row"
              href={routeTo({ page: 'chat', chatId: chat.id })}
              aria-current={chat.id === props.openId ? 'page' : undefined}
            >
              <Avatar name={chat.title} />
              <span className="chat-title">{chat.title}</span>
              <time
                className="chat-time"
                dateTime={new Date(chat.lastAt).toISOString()}
                title={formatFull(chat.lastAt)}
              >
                {formatListTime(chat.lastAt, now)}
              </time>
              <span className="chat-last">{chat.lastText === '' ? 'No messages yet' : chat.lastText}</span>
              <span className="chat-count" title={plural(chat.messages, 'message')}>
                <span aria-hidden="true">{formatCount(chat.messages)}</span>
                <span className="hidden">{plural(chat.messages, 'message')}</span>
              </span>
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

export function NoChats({ loading }: { readonly loading: boolean }) {
  if (loading) return <p className="quiet pad">Your chats appear here as they load.</p>;
  return (
    <EmptyState icon="plus" title="No chats yet">
      <p>Start one, or bring your conversations along from WhatsApp.</p>
      <div className="actions actions-stack">
        <a className="button button-primary" href={routeTo({ page: 'new-chat' })}>
          Start a chat
        </a>
        <a className="button" href={routeTo({ page: 'import' })}>
          Import from WhatsApp
        </a>
      </div>
    </EmptyState>
  );
}
