// Where the person is in the app, kept in the address's fragment: the back button works and no server is asked.
// No spec rules here.
import { useSyncExternalStore } from 'react';

export type Route =
  | { readonly page: 'chats' }
  | { readonly page: 'chat'; readonly chatId: string }
  | { readonly page: 'new-chat' }
  | { readonly page: 'settings' }
  | { readonly page: 'devices' }
  | { readonly page: 'link' }
  | { readonly page: 'import' }
  | { readonly page: 'notices' };

const PLAIN = ['new-chat', 'settings', 'devices', 'link', 'import', 'notices'] as const;

export const routeTo = (route: Route): string =>
  route.page === 'chat' ? `#/chat/${encodeURIComponent(route.chatId)}` : `#/${route.page}`;

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
  const [page, id] = hash.replace(/^#\//, '').split('/');
  if (page === 'chat' && id !== undefined && id !== '') return { page, chatId: decode(id) };
  const plain = PLAIN.find((name) => name === page);
  return { page: plain ?? 'chats' };
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
