// The peers that speak y-protocols: @y/websocket-server and @hocuspocus/server. Neither stores anything here.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type LightSocket, openLightSocket } from '@sealwire/testkit/light-socket';
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import * as Y from 'yjs';
import {
  type CaughtUp,
  type Chat,
  type Heard,
  IDLE_ROOM,
  inTurns,
  type Kind,
  type Room,
  UPDATE_BYTES,
} from './kinds.ts';
import { type ServerProcess, startServer } from './server-process.ts';

const SYNC = 0;
const AUTH = 2;
const STEP_1 = 0;
const STEP_2 = 1;
const UPDATE = 2;
const AT_ONCE = 64;

const versionOf = (name: string, up: string): string => {
  const manifest = new URL(up, import.meta.resolve(name));
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
};

/** Hocuspocus puts the document's name in front of each message; y-websocket has it in the path alone. */
interface Dialect {
  readonly named: boolean;
}

const kind = (name: string, version: string, program: string, dialect: Dialect): Kind => ({
  name,
  version,
  start: () => startServer(program),
  open: (server, readers, updates, heard) => open(dialect, server, readers, updates, heard),
  async idle(server, connections) {
    const prefix = randomBytes(8).toString('hex');
    const sockets = await inTurns(connections, AT_ONCE, (index) =>
      join(dialect, server, `${prefix}-${Math.floor(index / IDLE_ROOM)}`, () => {}),
    );
    return () => {
      for (const socket of sockets) socket.destroy();
    };
  },
  chat: (server, chat) => load(dialect, server, chat),
});

export const yWebsocket = kind(
  '@y/websocket-server',
  versionOf('@y/websocket-server/utils', '../package.json'),
  'servers/y-websocket.mjs',
  { named: false },
);

export const hocuspocus = kind(
  '@hocuspocus/server',
  versionOf('@hocuspocus/server', '../package.json'),
  'servers/hocuspocus.mjs',
  { named: true },
);

const message = ({ named }: Dialect, doc: string, write: (to: encoding.Encoder) => void): Uint8Array =>
  encoding.encode((to) => {
    if (named) encoding.writeVarString(to, doc);
    write(to);
  });

const sync = (dialect: Dialect, doc: string, step: number, payload: Uint8Array): Uint8Array =>
  message(dialect, doc, (to) => {
    encoding.writeVarUint(to, SYNC);
    encoding.writeVarUint(to, step);
    encoding.writeVarUint8Array(to, payload);
  });

type OnSync = (step: number, bytes: Buffer, start: number, end: number) => void;

/** Connects to a document. Resolves when the server has answered what the client lacks. */
const join = async (
  dialect: Dialect,
  server: ServerProcess,
  doc: string,
  onSync: OnSync,
  asked: () => void = () => {},
): Promise<LightSocket> => {
  let answered = (): void => {};
  const joined = new Promise<void>((resolve) => {
    answered = resolve;
  });
  const skip = dialect.named ? 1 + doc.length : 0;
  const socket = await openLightSocket({
    address: `${server.address}/${dialect.named ? '' : doc}`,
    onMessage(bytes, start, end) {
      const at = start + skip;
      if (bytes[at] !== SYNC) return;
      const step = bytes[at + 1]!;
      onSync(step, bytes, at + 2, end);
      if (step === STEP_2) answered();
    },
  });
  if (dialect.named) {
    const auth = (to: encoding.Encoder): void => {
      encoding.writeVarUint(to, AUTH);
      encoding.writeVarUint(to, 0);
      encoding.writeVarString(to, '');
    };
    socket.send(message(dialect, doc, auth));
  }
  asked();
  socket.send(sync(dialect, doc, STEP_1, Y.encodeStateVector(new Y.Doc())));
  await joined;
  return socket;
};

const open = async (
  dialect: Dialect,
  server: ServerProcess,
  readers: number,
  most: number,
  heard: Heard,
): Promise<Room> => {
  const doc = randomBytes(16).toString('hex');
  const updates = makeUpdates(most);
  /** The whole update is compared, from its length on. */
  const isUpdate = (bytes: Buffer, start: number, end: number): number => {
    const sequence = bytes.readUInt32BE(end - 1 - NUMBER_BYTES);
    const written = updates[sequence];
    const at = end - (written?.length ?? 0);
    if (written === undefined || at <= start || written.compare(bytes, at, end) !== 0) return -1;
    return sequence;
  };
  const devices = await inTurns(readers, AT_ONCE, (reader) =>
    join(dialect, server, doc, (step, bytes, start, end) => {
      if (step !== UPDATE) return;
      const sequence = isUpdate(bytes, start, end);
      if (sequence < 0) heard.strange(`reader ${reader} got an update that nobody wrote`);
      heard.delivered(reader, sequence);
    }),
  );
  const writer = await join(dialect, server, doc, (step) => {
    if (step === UPDATE) heard.taken(1);
  });
  let next = 0;
  return {
    most,
    write(count) {
      const chosen = updates.slice(next, next + count);
      next += count;
      writer.sendAll(chosen.map((update) => sync(dialect, doc, UPDATE, update)));
    },
    close() {
      for (const socket of [writer, ...devices]) socket.destroy();
    },
  };
};

const NUMBER_BYTES = 4;

/** What a Y.Doc sends when messages are pushed onto an array: each ends with its number and an empty delete set. */
const makeUpdates = (count: number): Buffer[] => {
  const updates: Buffer[] = [];
  const doc = new Y.Doc();
  doc.clientID = 0x9e3779b9;
  const array = doc.getArray<Uint8Array>('messages');
  doc.on('update', (update: Uint8Array) => updates.push(Buffer.from(update)));
  const content = Buffer.alloc(UPDATE_BYTES - 31, 0x61);
  for (let sequence = 0; sequence < count; sequence++) {
    const bytes = new Uint8Array(content);
    new DataView(bytes.buffer).setUint32(bytes.length - NUMBER_BYTES, sequence);
    array.push([bytes]);
  }
  return updates;
};

const load = async (
  dialect: Dialect,
  server: ServerProcess,
  { update }: Chat,
): Promise<() => Promise<CaughtUp>> => {
  const doc = randomBytes(16).toString('hex');
  let taken = (): void => {};
  const done = new Promise<void>((resolve) => {
    taken = resolve;
  });
  // It stays, since Hocuspocus drops a document that nobody has open.
  const writer = await join(dialect, server, doc, (step) => {
    if (step === UPDATE) taken();
  });
  writer.send(sync(dialect, doc, UPDATE, update));
  await done;
  return async () => {
    let from = 0;
    let whole: Uint8Array = new Uint8Array();
    const onSync: OnSync = (step, bytes, start, end) => {
      if (step !== STEP_2) return;
      const decoder = decoding.createDecoder(bytes.subarray(start, end));
      whole = decoding.readVarUint8Array(decoder);
    };
    const socket = await join(dialect, server, doc, onSync, () => {
      from = performance.now();
    });
    const ms = performance.now() - from;
    socket.destroy();
    return { ms, pieces: [whole] };
  };
};
