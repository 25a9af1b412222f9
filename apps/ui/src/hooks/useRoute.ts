// Where the person is in the app, kept in the address's fragment: the back button works and no server is asked.
// No spec rules here.
import { useSyncExternalStore } from 'react';

export type Route =
  | { readonly page: 'chat' | 'chat-info'; readonly chatId: string }
  | { readonly page: 'contact'; readonly accountId: string }
  | { readonly page: 'device'; readonly deviceId: string }
  | { readonly page: (typeof PLAIN)[number] };

const PLAIN = [
  'chats',
  'new-chat',
  'settings',
  'devices',
  'link',
  'contacts',
  'card',
  'add-contact',
  'import',
  'notices',
] as const;

export const routeTo = (route: Route): string => {
  const id = idOf(route);
  return id === undefined ? `#/${route.page}` : `#/${route.page}/${encodeURIComponent(id)}`;
};

function idOf(route: Route): string | undefined {
  if ('chatId' in route) return route.chatId;
  if ('accountId' in route) return route.accountId;
  return 'deviceId' in route ? route.deviceId : undefined;
}

export function go(route: Route): void {
  location.hash = routeTo(route);
}

/** Changes the route without a step for the back button: after something was finished. */
export function replaceRoute(route: Route): void {
  history.replaceState(null, '', routeTo(route));
  dispatchEvent(new HashChangeEvent('hashchange'));
}

export function useRoute(): Route {
  const hash = useSyncExternalStore(subscribe, () => location.hash);
  return parseRoute(hash);
}

export function parseRoute(hash: string): Route {
  const [page, encoded] = hash.replace(/^#\//, '').split('/');
  const id = encoded === undefined ? '' : decode(encoded);
  if (id !== '') {
    if (page === 'chat' || page === 'chat-info') return { page, chatId: id };
    if (page === 'contact') return { page, accountId: id };
    if (page === 'device') return { page, deviceId: id };
  }
  return { page: PLAIN.find((name) => name === page) ?? 'chats' };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function subscribe(listener: () => void): () => void {
  addEventListener('hashchange', listener);
  return () => removeEventListener('hashchange', listener);
}
