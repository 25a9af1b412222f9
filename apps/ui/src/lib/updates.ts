// Registers the service worker and knows when a newer version waits to take over.
// No spec rules here.
import { value } from './value.ts';

const ready = value(false);
let waiting: ServiceWorker | undefined;

/** True while a newer version of the app waits. */
export const updateReady = { get: ready.get, subscribe: ready.subscribe };

/** Lets the newer version take over; the page reloads once it has. */
export function applyUpdate(): void {
  if (waiting === undefined) return;
  navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true });
  waiting.postMessage('take-over');
}

/** Makes the app start without a network. Does nothing where service workers are missing. */
export async function registerServiceWorker(): Promise<void> {
  if (!('serviceWorker' in navigator)) return;
  // Without a service worker (private windows of some browsers) the app works, only not without a network.
  const registration = await navigator.serviceWorker.register('/sw.js').catch(() => undefined);
  if (registration === undefined) return;
  const offer = (worker: ServiceWorker | null): void => {
    if (worker === null || navigator.serviceWorker.controller === null) return;
    waiting = worker;
    ready.set(true);
  };
  offer(registration.waiting);
  registration.addEventListener('updatefound', () => {
    const worker = registration.installing;
    worker?.addEventListener('statechange', () => {
      if (worker.state === 'installed') offer(worker);
    });
  });
}
