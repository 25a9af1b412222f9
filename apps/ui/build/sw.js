// The service worker: holds one build of the app and serves it without a network.
// The build replaces the version and the list of files; a changed file makes a new version.

const VERSION = 'sealwire-app-/* version */';
const FILES = ['/* files */'];
const RELAY_CACHE = 'sealwire-relay';
const RELAY_FILE = '/relay.json';

self.addEventListener('install', (event) => {
  event.waitUntil(Promise.all([storeFiles(), askRelay().catch(() => undefined)]));
});

self.addEventListener('activate', (event) => {
  event.waitUntil(dropOldVersions().then(() => self.clients.claim()));
});

self.addEventListener('message', (event) => {
  if (event.data === 'take-over') self.skipWaiting();
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin) return;
  if (url.pathname === RELAY_FILE) event.respondWith(askRelay().catch(lastRelay));
  else if (request.mode === 'navigate') event.respondWith(stored('/', request));
  else event.respondWith(stored(url.pathname, request));
});

async function storeFiles() {
  const cache = await caches.open(VERSION);
  await cache.addAll(FILES.map((file) => new Request(file, { cache: 'reload' })));
}

async function dropOldVersions() {
  for (const name of await caches.keys()) {
    if (name !== VERSION && name !== RELAY_CACHE) await caches.delete(name);
  }
}

async function stored(path, request) {
  const cache = await caches.open(VERSION);
  return (await cache.match(path)) ?? fetch(request);
}

async function askRelay() {
  const answer = await fetch(RELAY_FILE, { cache: 'no-store' });
  if (!answer.ok) throw new Error('no relay address');
  const cache = await caches.open(RELAY_CACHE);
  const before = await (await cache.match(RELAY_FILE))?.text();
  await cache.put(RELAY_FILE, answer.clone());
  // The page's policy names the relay that it may speak to: a stored page would keep a moved relay out.
  if (before !== undefined && before !== (await answer.clone().text())) await storeFiles();
  return answer;
}

async function lastRelay() {
  const cache = await caches.open(RELAY_CACHE);
  return (await cache.match(RELAY_FILE)) ?? Response.error();
}
