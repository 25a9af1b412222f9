// Where the person is in the app, kept in the address's fragment: the back button works and no server is asked.
// No spec rules here.
import { useSyncExternalStore } from 'react';
import { dayStart } from '../lib/format.ts';

export type Route =
  /** A chat; at a day, as an ISO 8601 date in local time, else at its newest messages. */
  | { readonly page: 'chat'; readonly chatId: string; readonly day?: string }
  | { readonly page: 'chat-info'; readonly chatId: string }
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
  const day = 'day' in route && route.day !== undefined ? `/${route.day}` : '';
  return id === undefined ? `#/${route.page}` : `#/${route.page}/${encodeURIComponent(id)}${day}`;
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
  const [page, encoded, day] = hash.replace(/^#\//, '').split('/');
  const id = encoded === undefined ? '' : decode(encoded);
  if (id !== '') {
    if (page === 'chat') return { page, chatId: id, ...(day !== undefined && isDay(day) && { day }) };
    if (page === 'chat-info') return { page, chatId: id };
    if (page === 'contact') return { page, accountId: id };
    if (page === 'device') return { page, deviceId: id };
  }
  return { page: PLAIN.find((name) => name === page) ?? 'chats' };
}

const isDay = (text = ''): boolean => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(dayStart(text));

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
