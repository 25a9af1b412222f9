// Started by sealed-socket.test.ts: opens and closes a page's provider with every way out of the process watched, says
// what it saw and ends by itself, if nothing holds it. Rules: spec/vault.md, "The socket".
import { Socket } from 'node:net';

const used: string[] = [];
const watched = globalThis as unknown as Record<string, unknown>;
for (const name of ['BroadcastChannel', 'WebSocket', 'localStorage', 'fetch'])
  watched[name] = class {
    constructor() {
      used.push(name);
    }
  };
Socket.prototype.connect = function connect() {
  used.push('net');
  return this;
};

const intervals = new Set<unknown>();
const { setInterval: set, clearInterval: clear } = globalThis;
globalThis.setInterval = ((...args: Parameters<typeof set>) => {
  const timer = set(...args);
  intervals.add(timer);
  return timer;
}) as typeof set;
globalThis.clearInterval = (timer) => {
  intervals.delete(timer);
  clear(timer);
};

// What is above must be in place before y-websocket looks for what the platform has.
const { testAccount, testRoom, PAGE } = await import('./room-support.ts');
const { seeded } = await import('./support.ts');
const { openProvider } = await import('../src/sync/provider.ts');

const random = seeded(1);
const { room } = await testRoom(random, await testAccount(random, 1), 0);
const page = room.page(PAGE);
const before = process.listenerCount('exit');
const listeners = () => [...page.doc._observers.values()].reduce((sum, of) => sum + of.size, 0);
const listenersBefore = listeners();
let listenersWhileOpen = 0;
let intervalsWhileOpen = 0;
for (let round = 0; round < 5; round++) {
  const release = await openProvider(room, page);
  page.append(Uint8Array.of(1, round));
  listenersWhileOpen = listeners();
  intervalsWhileOpen = intervals.size;
  release();
  release();
}
await room.stored();
process.stdout.write(
  JSON.stringify({
    used,
    pending: room.pending(),
    intervalsWhileOpen,
    intervals: intervals.size,
    exitListeners: process.listenerCount('exit') - before,
    listenersWhileOpen: listenersWhileOpen - listenersBefore,
    listeners: listeners() - listenersBefore,
  }),
);
