// y-websocket's own provider over the socket that ends in the vault. Rules: spec/vault.md, "The socket".
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Awareness } from 'y-protocols/awareness';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { type DeletedRange, parseUpdate, ROOT } from '../src/logdoc/parser.ts';
import { createPage } from '../src/room/page.ts';
import { openProvider } from '../src/sync/provider.ts';
import { sealedSocketClass } from '../src/sync/sealed-socket.ts';
import { PAGE, testAccount, testRoom } from './room-support.ts';
import { seeded, writerDoc } from './support.ts';

const test = suite('sealed socket');
const OWN = 2 ** 52 + 77;
const OTHER = 2 ** 51 + 5;
const text = (value: string) => new TextEncoder().encode(value);

/** A page with a provider over a port that keeps what it is given, and takes only own work, as a room does. */
const attached = async (prepare: (doc: Y.Doc) => void = () => undefined) => {
  const page = createPage('page-0', OWN);
  prepare(page.doc);
  const submitted: Uint8Array[] = [];
  const entries: Uint8Array[] = [];
  const deletions: DeletedRange[] = [];
  const dropped: string[] = [];
  const held = new Map<number, number>();
  let sink: ((update: Uint8Array) => void) | undefined;
  let clock = 0;
  const socket = sealedSocketClass({
    stateVector: () => Y.encodeStateVector(held),
    submit(update) {
      const parsed = parseUpdate(update, OWN, clock);
      if (parsed.entries.length + parsed.deletions.length === 0) return;
      clock += parsed.entries.length;
      held.set(OWN, clock);
      submitted.push(update.slice());
      entries.push(...parsed.entries.map(({ content }) => content!));
      deletions.push(...parsed.deletions);
    },
    dropped: (error) => dropped.push(error.code),
    attach(next) {
      sink = next;
      return () => {
        sink = undefined;
      };
    },
  });
  const awareness = new Awareness(page.doc);
  const provider = new WebsocketProvider('sealwire:', 'page-0', page.doc, {
    WebSocketPolyfill: socket as unknown as typeof WebSocket,
    disableBc: true,
    awareness,
  });
  await new Promise<void>((resolve) => provider.once('sync', () => resolve()));
  return {
    page,
    provider,
    submitted,
    entries,
    deletions,
    dropped,
    deliver: (update: Uint8Array) => sink?.(update),
    isAttached: () => sink !== undefined,
    close() {
      provider.destroy();
      awareness.destroy();
    },
  };
};

test('1,000 local edits and their deletions arrive, all own, in order', async () => {
  const random = seeded(401);
  const { page, submitted, entries, deletions, dropped, close } = await attached();
  const gone: string[] = [];
  for (let i = 0; i < 1000; i++)
    if (random.below(5) > 0 || page.map.size < 2) page.append(text(`text ${i}`));
    else {
      const ids = [...page.map.keys()];
      const id = ids[random.below(ids.length)]!;
      page.map.delete(id);
      gone.push(id);
    }
  close();
  assert.is(submitted.length, 1000);
  assert.is(entries.length + gone.length, 1000);
  assert.ok(gone.length > 100);
  assert.equal(
    deletions.map(({ clientId, clock, length }) => [`${clientId}:${clock}`, length]),
    gone.map((id) => [id, 1]),
  );
  assert.equal(dropped, []);
  const twin = new Y.Doc();
  for (const update of submitted) Y.applyUpdate(twin, update);
  assert.equal(twin.getMap(ROOT).toJSON(), page.map.toJSON());
});

test('many edits of one transaction arrive as one update', async () => {
  const { page, submitted, entries, close } = await attached();
  page.doc.transact(() => {
    for (let i = 0; i < 50; i++) page.append(text(`text ${i}`));
  });
  close();
  assert.is(submitted.length, 1);
  assert.is(entries.length, 50);
});

test('what another provider or a load from elsewhere brings is dropped and reported, and own edits go on', async () => {
  const { page, submitted, dropped, close } = await attached();
  const other = writerDoc(OTHER);
  const id = other.write(text('not mine'));
  Y.applyUpdate(page.doc, other.updates[0]!, 'another provider');
  assert.equal(dropped, ['UPDATE_REFUSED']);
  assert.is(submitted.length, 0);
  page.append(text('mine'));
  assert.is(submitted.length, 1);
  for (const update of submitted) assert.not(Buffer.from(update).includes('not mine'));
  assert.ok(page.map.has(id), 'the document itself is left alone');
  close();
});

test('what is in the document before the socket opens does not leave through it', async () => {
  const other = writerDoc(OTHER);
  other.write(text('not mine'));
  const { page, submitted, dropped, close } = await attached((doc) =>
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(other.doc)),
  );
  assert.equal(dropped, ['UPDATE_REFUSED']);
  page.append(text('mine'));
  close();
  assert.is(submitted.length, 1);
  assert.not(Buffer.from(submitted[0]!).includes('not mine'));
});

test('delivered updates reach the document and do not come back', async () => {
  const { page, submitted, dropped, deliver, close } = await attached();
  const other = writerDoc(OTHER);
  const ids = ['one', 'two', 'three'].map((value) => other.write(text(value)));
  for (const update of other.updates) deliver(update);
  assert.equal([...page.map.keys()].sort(), ids.sort());
  page.append(text('mine'));
  other.updates.length = 0;
  other.map.delete(ids[0]!);
  deliver(other.updates[0]!);
  assert.not(page.map.has(ids[0]!));
  close();
  assert.is(submitted.length, 1);
  assert.equal(dropped, []);
  assert.is(page.doc.clientID, OWN);
});

test('an edit that deletes what others wrote names it and carries nothing else', async () => {
  const { page, submitted, deletions, deliver, close } = await attached();
  const other = writerDoc(OTHER);
  const id = other.write(text('to be deleted by my other device'));
  deliver(other.updates[0]!);
  page.map.delete(id);
  close();
  assert.equal(deletions, [{ clientId: OTHER, clock: 0, length: 1 }]);
  assert.ok(submitted[0]!.length < 20);
});

test('what was written while the connection was away arrives when it is back, once', async () => {
  const { page, provider, entries, submitted, deliver, dropped, isAttached, close } = await attached();
  page.append(text('before'));
  // As y-websocket's watchdog does after half a minute without a message, on a laptop that slept.
  (provider.ws as WebSocket).close();
  await new Promise<void>((resolve) =>
    provider.on('status', ({ status }) => status === 'disconnected' && resolve()),
  );
  assert.not(isAttached());
  page.append(text('while away'));
  deliver(Uint8Array.of(0, 0));
  await new Promise<void>((resolve) => provider.once('sync', () => resolve()));
  page.append(text('after'));
  close();
  assert.equal(
    entries.map((bytes) => new TextDecoder().decode(bytes)),
    ['before', 'while away', 'after'],
  );
  assert.is(submitted.length, 3);
  assert.equal(dropped, []);
});

test('the keep-alive is a message to the provider and nothing to the document', async () => {
  const { setInterval: real } = globalThis;
  const ticks = new Map<number, () => void>();
  globalThis.setInterval = ((run: () => void, ms: number) => {
    ticks.set(ms, run);
    return real(() => undefined, 2 ** 30).unref();
  }) as unknown as typeof real;
  let subject: Awaited<ReturnType<typeof attached>>;
  try {
    subject = await attached();
  } finally {
    globalThis.setInterval = real;
  }
  const { page, provider, submitted, dropped, close } = subject;
  const keepAlive = ticks.get(12_000) ?? assert.unreachable('no keep-alive');
  const states = provider.awareness.getStates().size;
  const vector = Y.encodeStateVector(page.doc);
  for (let i = 0; i < 3; i++) {
    provider.wsLastMessageReceived = 0;
    keepAlive!();
    assert.ok(provider.wsLastMessageReceived > 0, 'the provider heard nothing');
  }
  assert.ok(provider.wsconnected && provider.synced);
  assert.is(provider.awareness.getStates().size, states);
  assert.equal(Y.encodeStateVector(page.doc), vector);
  assert.equal([submitted.length, dropped.length], [0, 0]);
  close();
  keepAlive!();
});

test('presence and what is no sync message go nowhere; a bug in the port is not taken for foreign work', async () => {
  const { provider, submitted, dropped, close } = await attached();
  provider.awareness.setLocalStateField('name', 'me');
  assert.equal([submitted.length, dropped.length], [0, 0]);
  close();
  const Socket = sealedSocketClass({
    stateVector: () => Uint8Array.of(0),
    submit() {
      throw new TypeError('a bug');
    },
    dropped: () => assert.unreachable(),
    attach: () => () => undefined,
  }) as new () => { send(data: Uint8Array): void; close(): void };
  const socket = new Socket();
  assert.throws(() => socket.send(Uint8Array.of(0, 2, 2, 0, 0)), /a bug/);
  socket.close();
});

test('in a room, foreign work is reported as dropped, and only own edits wait to leave', async () => {
  const random = seeded(402);
  const account = await testAccount(random, 1);
  const { room, evidence } = await testRoom(random, account, 0);
  const page = room.page(PAGE);
  const release = await openProvider(room, page);
  const other = writerDoc(OTHER);
  other.write(text('not mine'));
  Y.applyUpdate(page.doc, other.updates[0]!);
  assert.equal(
    evidence.map(({ code, stream }) => [code, stream]),
    [['FOREIGN_EDIT_DROPPED', PAGE]],
  );
  assert.is(room.pending(), 0);
  page.append(text('mine'));
  assert.is(room.pending(), 1);
  await room.stored();
  release();
  assert.not(evidence.some(({ message }) => message.includes('mine')));
});

test('a closed provider leaves no timers, no listeners, no channel, no connection: the process ends by itself', async () => {
  const child = fileURLToPath(new URL('./sealed-socket-child.ts', import.meta.url));
  const args = ['--conditions=sealwire:source', '--import', 'tsx', child];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 });
  const { listenersWhileOpen, intervalsWhileOpen, ...left } = JSON.parse(stdout) as Record<string, number>;
  assert.ok(listenersWhileOpen! > 0 && intervalsWhileOpen! > 0, 'the child counted nothing');
  assert.equal(left, { used: [], pending: 5, intervals: 0, exitListeners: 0, listeners: 0 });
});

test.run();
