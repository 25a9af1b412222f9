// Devices and a relay that has no space for them, or goes away: nothing is lost, it is said, and all goes on by itself.
// Rules: spec/relay-protocol.md §8 and §12.
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Chat, ErrorCode } from '@sealwire/core';
import { createRelay, lmdbStore, memoryStore, type Relay } from '@sealwire/relay';
import { type RelayProcess, startRelayProcess } from '@sealwire/testkit/relay-process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Bench, onBench, settled, setUp, until } from './support.ts';

const test = suite('relay limits');

const portOf = ({ address }: RelayProcess): number => Number(new URL(address).port);

const texts = (chat: Chat): string[] => chat.timeline.get().map(({ text }) => text);

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });

/** The relay's process again, with other arguments. */
const restartWith = async (bench: Bench, ...args: string[]): Promise<void> => {
  const data = join(bench.folder, 'relay');
  const port = portOf(bench.relay);
  await bench.relay.stop();
  bench.relay = await startRelayProcess({ data, port, args });
};

const times = { retryFirstMs: 20, retryLongestMs: 100, appendRetryMs: 100 };

test(
  '[RP183] [RP185] a room without space is announced, then said once; what was written is kept and arrives when there is some',
  onBench(async (bench) => {
    const phone = await bench.create('phone', { times });
    const web = await bench.link(phone, 'web', { times });
    const chat = await phone.openChat(await phone.createChat('full'));
    await until(web.chats, ({ length }) => length === 1);
    await settled(phone);
    const codes: ErrorCode[] = [];
    await restartWith(bench, '--limit', 'bytesPerRoom=20000', '--limit', 'comeBackMs=20');
    const said = new Promise<void>((resolve) =>
      phone.onEvidence(({ code }) => {
        codes.push(code);
        if (code === 'ROOM_FULL') resolve();
      }),
    );
    const written: string[] = [];
    let isFull = false;
    void said.then(() => {
      isFull = true;
    });
    const online = () => until(phone.status, ({ connection }) => connection === 'online');
    await online();
    for (let i = 0; !isFull && i < 500; i++) {
      written.push(`${i} ${'x'.repeat(400)}`);
      await chat.send(written[i]!);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await said;
    written.push('the last word');
    await chat.send('the last word');
    assert.ok(codes.indexOf('ROOM_NEARLY_FULL') >= 0);
    assert.ok(codes.indexOf('ROOM_NEARLY_FULL') < codes.indexOf('ROOM_FULL'));
    assert.is(codes.filter((code) => code === 'ROOM_FULL').length, 1);
    assert.ok(phone.status.get().pending > 0);
    await restartWith(bench);
    await settled(phone);
    const onWeb = await web.openChat(chat.id);
    await until(onWeb.timeline, ({ length }) => length === written.length);
    assert.equal(texts(onWeb), written);
  }),
);

test('[RP188] a device goes where it was sent once, not to a relay of another name, and comes home again', async () => {
  const bench = await setUp();
  const relays: Relay[] = [];
  try {
    const home = portOf(bench.relay);
    const there = await freePort();
    const data = join(bench.folder, 'relay');
    const phone = await bench.create('phone', { times });
    const chat = await phone.openChat(await phone.createChat('moved'));
    await settled(phone);
    await bench.relay.stop();
    // Within this process a relay is there in milliseconds: before a device's pause is over.
    const start = async (port: number, isMoving: boolean, folder = data): Promise<Relay> => {
      const relay = await createRelay({
        store: await lmdbStore(folder),
        port,
        limits: { comeBackMs: 500 },
        ...(isMoving && { successor: `ws://127.0.0.1:${there}` }),
      });
      relays.push(relay);
      return relay;
    };
    const first = await start(home, true);
    await settled(phone);
    await first.close();
    const successor = await start(there, false);
    await chat.send('at the successor');
    await settled(phone);
    assert.is(successor.load.connections, 1);

    // It says nothing of where to go: home is next, and that names a stranger's relay this time.
    await successor.close();
    const second = await start(home, true);
    await until(phone.status, ({ connection }) => connection === 'offline');
    await settled(phone);
    assert.is(second.load.connections, 1);
    let came = 0;
    const stranger = await createRelay({
      store: memoryStore(),
      port: there,
      log: ({ event }) => {
        if (event === 'connected') came++;
      },
    });
    relays.push(stranger);
    await second.close();
    await until(phone.status, ({ connection }) => connection === 'offline');
    await chat.send('meanwhile');
    const last = await start(home, false);
    await settled(phone);
    assert.equal([came, stranger.load.connections, last.load.connections], [1, 0, 1]);
    await last.close();
    bench.relay = await startRelayProcess({ data, port: home });
    const web = await bench.link(phone, 'web', { times });
    await until(web.chats, (chats) => chats[0]?.messages === 2);
  } finally {
    await Promise.all(relays.map((relay) => relay.close()));
    await bench.end();
  }
});

test.run();
