// The app once a device is open: chats on the left, the open page on the right; one pane where it is narrow.
// No spec rules here.
import type { Device } from '@sealwire/core';
import type { ReactNode } from 'react';
import { useNarrow } from '../hooks/useNarrow.ts';
import { useReadable } from '../hooks/useReadable.ts';
import { type Route, routeTo, useRoute } from '../hooks/useRoute.ts';
import type { Session } from '../lib/session.ts';
import { AddContactPane } from './AddContactPane.tsx';
import { AirplaneSwitch } from './AirplaneSwitch.tsx';
import { AlertBanner } from './AlertBanner.tsx';
import { EmptyState, Progress } from './basics.tsx';
import { CardPane } from './CardPane.tsx';
import { ChatInfoPane } from './ChatInfoPane.tsx';
import { ChatList, NoChats } from './ChatList.tsx';
import { ConnectionLine } from './ConnectionLine.tsx';
import { ContactPane } from './ContactPane.tsx';
import { ContactsPane } from './ContactsPane.tsx';
import { Conversation } from './Conversation.tsx';
import { DevicePane } from './DevicePane.tsx';
import { DevicesPane } from './DevicesPane.tsx';
import { Icon, Mark } from './Icon.tsx';
import { ImportPane } from './ImportPane.tsx';
import { NewChatPane } from './NewChatPane.tsx';
import { NoticesPane } from './NoticesPane.tsx';
import { ProblemBanner } from './ProblemBanner.tsx';
import { SettingsPane } from './SettingsPane.tsx';
import { UpdateNotice } from './UpdateNotice.tsx';

export interface MessengerProps {
  readonly session: Session;
  readonly device: Device;
  /** This device was linked a moment ago: its chats are about to load. */
  readonly justLinked: boolean;
  /** The page that links another device, where this app can scan; undefined where it cannot. */
  readonly linkPane?: ReactNode;
}

export function Messenger(props: MessengerProps) {
  const { session, device } = props;
  const route = useRoute();
  const status = useReadable(device.status);
  return (
    <div className={route.page === 'chats' ? 'messenger at-list' : 'messenger at-page'}>
      <div className="banners">
        <UpdateNotice />
        <ProblemBanner device={device} status={status} />
        <AlertBanner device={device} />
      </div>
      <Sidebar {...props} route={route} setNetwork={session.setNetwork} />
      <main className="page" id="page" tabIndex={-1}>
        <Page {...props} route={route} />
      </main>
    </div>
  );
}

function skipToPage(event: React.MouseEvent): void {
  event.preventDefault();
  document.getElementById('page')?.focus();
}

function Sidebar(
  props: MessengerProps & { readonly route: Route; readonly setNetwork: (on: boolean) => void },
) {
  const { device, route } = props;
  const chats = useReadable(device.chats);
  const status = useReadable(device.status);
  const asked = useReadable(device.requests).length > 0;
  const alone = useNarrow() && route.page === 'chats';
  const Pane = alone ? 'main' : 'aside';
  const Title = alone ? 'h1' : 'p';
  const loading = status.loadingRooms > 0 || (props.justLinked && status.rooms === 0);
  return (
    <Pane className="sidebar" aria-label="Your chats">
      {!alone && (
        <a className="skip" href={routeTo(route)} onClick={skipToPage}>
          Skip to the open page
        </a>
      )}
      <header className="sidebar-header">
        <Mark />
        <Title className="wordmark">Sealwire</Title>
        <a
          className={asked ? 'icon-button has-news' : 'icon-button'}
          href={routeTo({ page: 'contacts' })}
          aria-label={asked ? 'People: somebody asks' : 'People'}
        >
          <Icon name="person" />
        </a>
        <a className="icon-button" href={routeTo({ page: 'new-chat' })} aria-label="New chat">
          <Icon name="plus" />
        </a>
        <a className="icon-button" href={routeTo({ page: 'settings' })} aria-label="Settings">
          <Icon name="settings" />
        </a>
      </header>
      <div className="sidebar-status">
        <ConnectionLine status={status} />
        <AirplaneSwitch status={status} setNetwork={props.setNetwork} />
      </div>
      {loading && props.justLinked && (
        <div className="loading-card">
          <Progress
            label={
              status.rooms === 0
                ? 'Loading your chats'
                : `Loading your chats: ${status.rooms - status.loadingRooms} of ${status.rooms}`
            }
            done={status.rooms - status.loadingRooms}
            total={status.rooms}
          />
        </div>
      )}
      {chats.length === 0 ? (
        <NoChats loading={loading} />
      ) : (
        <ChatList chats={chats} openId={route.page === 'chat' ? route.chatId : undefined} />
      )}
    </Pane>
  );
}

function Page({ route, session, device, linkPane }: MessengerProps & { readonly route: Route }) {
  switch (route.page) {
    case 'chat':
      return <Conversation key={route.chatId} device={device} chatId={route.chatId} day={route.day} />;
    case 'new-chat':
      return <NewChatPane device={device} />;
    case 'settings':
      return <SettingsPane session={session} device={device} />;
    case 'devices':
      return <DevicesPane device={device} canLink={linkPane !== undefined} />;
    case 'device':
      return <DevicePane key={route.deviceId} device={device} deviceId={route.deviceId} />;
    case 'contacts':
      return <ContactsPane device={device} />;
    case 'card':
      return <CardPane device={device} />;
    case 'add-contact':
      return <AddContactPane device={device} />;
    case 'contact':
      return <ContactPane key={route.accountId} device={device} accountId={route.accountId} />;
    case 'chat-info':
      return <ChatInfoPane key={route.chatId} device={device} chatId={route.chatId} />;
    case 'link':
      return linkPane ?? <DevicesPane device={device} canLink={false} />;
    case 'import':
      return <ImportPane device={device} />;
    case 'notices':
      return <NoticesPane notices={session.notices} />;
    case 'chats':
      return (
        <div className="pane-middle">
          <EmptyState icon="shield" title="Sealed between your devices">
            <p>What you write is sealed on this device before it leaves. No server can read it.</p>
          </EmptyState>
        </div>
      );
  }
}
