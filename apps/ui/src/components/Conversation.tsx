// One open chat: header with its state, the messages, the composer.
// No spec rules here.
import type { Chat, Device, DeviceStatus, Message } from '@sealwire/core';
import { useCallback, useState } from 'react';
import { useAnnounced } from '../hooks/useAnnounced.ts';
import { useChat } from '../hooks/useChat.ts';
import { useReadable } from '../hooks/useReadable.ts';
import { replaceRoute, routeTo } from '../hooks/useRoute.ts';
import { useTimelineWindow } from '../hooks/useTimelineWindow.ts';
import { explain } from '../lib/explain.ts';
import { Avatar } from './Avatar.tsx';
import { EmptyState, Failure, PaneHeader } from './basics.tsx';
import { Composer } from './Composer.tsx';
import { ConnectionLine } from './ConnectionLine.tsx';
import { Icon } from './Icon.tsx';
import { type MenuTarget, MessageMenu } from './MessageMenu.tsx';
import { storageProblem } from './ProblemBanner.tsx';
import { Timeline } from './Timeline.tsx';

/** @param props.day - the local day to begin with; undefined for the newest messages. */
export function Conversation(props: {
  readonly device: Device;
  readonly chatId: string;
  readonly day?: string | undefined;
}) {
  const { device, chatId, day } = props;
  const opened = useChat(device, chatId);
  const chats = useReadable(device.chats);
  const status = useReadable(device.status);
  const title = chats.find((chat) => chat.id === chatId)?.title ?? 'Chat';
  if (opened.kind === 'open' && opened.chat.id === chatId) {
    return <OpenConversation key={chatId} chat={opened.chat} title={title} status={status} day={day} />;
  }
  return (
    <>
      <PaneHeader title={title} back={{ page: 'chats' }} focus={false} />
      <div className="pane-body">
        {opened.kind === 'failed' ? (
          <Failure error={opened.error} />
        ) : (
          <p className="quiet" role="status">
            Opening…
          </p>
        )}
      </div>
    </>
  );
}

function OpenConversation(props: {
  readonly chat: Chat;
  readonly title: string;
  readonly status: DeviceStatus;
  readonly day: string | undefined;
}) {
  const { chat, title, status, day } = props;
  const messages = useReadable(chat.timeline);
  const chatStatus = useReadable(chat.status);
  const members = useReadable(chat.members);
  const isOut = chatStatus.state === 'left';
  const isAdmin = members.some(({ isMe, role }) => isMe && role === 'admin');
  const { older, newer } = chatStatus;
  const view = useTimelineWindow(messages, {
    ...{ older, newer, day },
    loadOlder: () => chat.loadOlder(),
    loadNewer: () => chat.loadNewer(),
    showAround: (time) => chat.showAround(time),
  });
  // The newest messages are no day's: the address says so, and the back button leads to where one was before.
  const toNewest = () =>
    day === undefined ? view.toNewest() : replaceRoute({ page: 'chat', chatId: chat.id });
  const [target, setTarget] = useState<MenuTarget | undefined>(undefined);
  const onMenu = useCallback((message: Message, opener: HTMLElement) => setTarget({ message, opener }), []);
  const announced = useAnnounced(messages, chatStatus.state === 'live' && newer === 0);
  return (
    <>
      <PaneHeader title={title} back={{ page: 'chats' }} focus={false}>
        <Avatar name={title} small />
        <ConnectionLine status={status} chat={chatStatus} />
        <a
          className="icon-button chat-about"
          href={routeTo({ page: 'chat-info', chatId: chat.id })}
          aria-label="About this chat"
        >
          <Icon name="person" />
        </a>
      </PaneHeader>
      <Timeline
        title={title}
        messages={messages}
        isGroup={members.length > 2}
        view={view}
        toNewest={toNewest}
        onMenu={onMenu}
      >
        <NoMessages loading={chatStatus.state === 'catching-up'} />
      </Timeline>
      {chatStatus.state === 'refused' && (
        <p className="note note-plain" role="status">
          <Icon name="warning" />
          <span>
            The relay says that you are no member of this chat, or that its room is gone. If that is a
            mistake, ask its members; what you write waits.
            {isAdmin && (
              <>
                {' '}
                If somebody took the room from you all,{' '}
                <a href={routeTo({ page: 'chat-info', chatId: chat.id })}>move the chat to a new one</a>.
              </>
            )}
          </span>
        </p>
      )}
      {chatStatus.rotationOwed && (
        <p className="note note-plain" role="status">
          <Icon name="clock" />
          <span>What you write waits for a new key, since somebody was taken out. It leaves by itself.</span>
        </p>
      )}
      <div className="hidden" aria-live="polite">
        {announced}
      </div>
      <Composer
        chat={chat}
        blocked={blockedBy(status, isOut)}
        autoFocus={matchMedia('(pointer: fine)').matches}
        onSent={toNewest}
      />
      {target !== undefined && (
        <MessageMenu
          key={target.message.id}
          chat={chat}
          target={target}
          onClose={() => setTarget(undefined)}
        />
      )}
    </>
  );
}

/** Why nothing can be written; undefined when it can. */
function blockedBy(status: DeviceStatus, isOut: boolean): string | undefined {
  if (storageProblem(status)) return `${explain(status.problem).title}: nothing can be written now.`;
  return isOut ? 'You are no member of this chat any more. What you have read stays here.' : undefined;
}

function NoMessages({ loading }: { readonly loading: boolean }) {
  if (loading) return <p className="quiet">Loading messages…</p>;
  return (
    <EmptyState icon="shield" title="Nothing here yet">
      <p>Write the first message. Only its members’ devices can read it.</p>
    </EmptyState>
  );
}
