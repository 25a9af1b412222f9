// Remembers the network switch across reloads, so that airplane mode stays on until it is turned off.
// No spec rules here.

const KEY = 'sealwire.airplane';

/** True when the person had cut the network. */
export const wasOffline = (): boolean => localStorage.getItem(KEY) === 'on';

export function rememberOffline(offline: boolean): void {
  if (offline) localStorage.setItem(KEY, 'on');
  else localStorage.removeItem(KEY);
}
