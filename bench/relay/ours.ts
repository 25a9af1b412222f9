// Our side: the program apps/relay as it is, LMDB on disk, each append durable before it is answered or delivered.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  connectLightDevice,
  type LightDevice,
  makeDevices,
  putAccount,
} from '@sealwire/testkit/light-device';
import type { TestKey } from '@sealwire/testkit/relay-client';
import {
  type CaughtUp,
  type Chat,
  FRAME_BYTES,
  type Heard,
  IDLE_ROOM,
  inTurns,
  type Kind,
  type Room,
} from './kinds.ts';
import { type ServerProcess, startServer } from './server-process.ts';

/** One address stands for a city here, and one writer for all of a room's. */
const LIMITS = [
  'connectionsPerAddress=20000',
  'strangersPerAddress=20000',
  'connectsAtOnce=100000',
  'messagesAtOnce=1000000000',
  'messagesPerSecond=1000000000',
  'bytesAtOnce=1000000000000',
  'principalsAtOnce=1000000',
  'roomsPerPrincipal=10000000',
].flatMap((limit) => ['--limit', limit]);

const MAIN = '../../apps/relay/dist/main.js';
const AT_ONCE = 64;

export const startOurs = (folder: string, nodeArgs: readonly string[] = []): Promise<ServerProcess> =>
  startServer(MAIN, ['--port', '0', '--data', join(folder, 'relay'), ...LIMITS], nodeArgs);

const manifest = new URL('../../packages/relay/package.json', import.meta.url);

export const ours: Kind = {
  name: 'sealwire, durable',
  version: (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version,
  start: (folder) => startOurs(folder),
  open,
  idle,
  chat,
};

async function open(server: ServerProcess, readers: number, updates: number, heard: Heard): Promise<Room> {
  const { address } = server;
  const accounts = makeDevices(readers + 1);
  const keys = accounts.flatMap((account) => account.keys);
  let acknowledged = 0;
  const writer = await connectLightDevice({
    address,
    key: keys[0]!,
    onAppended: (_request, position) => {
      if (position !== ++acknowledged) heard.strange(`position ${position} after ${acknowledged - 1}`);
      heard.taken(1);
    },
  });
  const room = await foundRoom(writer, accounts);
  await writer.request({ type: 'resume', rooms: [{ room, cursor: 0 }] });
  const devices = await inTurns(readers, AT_ONCE, async (reader) => {
    const device = await connectLightDevice({
      address,
      key: keys[reader + 1]!,
      onFrame: (_room, position, bytes, start, end) => {
        if (end - start !== FRAME_BYTES || bytes.readUInt32BE(start) !== position - 1)
          heard.strange(`reader ${reader}: position ${position} holds something else`);
        heard.delivered(reader, position - 1);
      },
    });
    await device.request({ type: 'resume', rooms: [{ room, cursor: 0 }] });
    return device;
  });
  let next = 0;
  return {
    most: updates,
    write(count) {
      const frames = Array.from({ length: count }, () => numbered(next++));
      writer.append(room, frames);
    },
    close() {
      for (const { socket } of [writer, ...devices]) socket.destroy();
    },
  };
}

const filler = randomBytes(FRAME_BYTES);

/** A frame that tells its number; the rest is noise, like anything sealed. */
export const numbered = (sequence: number): Buffer => {
  const frame = Buffer.from(filler);
  frame.writeUInt32BE(sequence);
  return frame;
};

const foundRoom = async (
  device: LightDevice,
  accounts: ReturnType<typeof makeDevices>,
): Promise<Uint8Array> => {
  for (const account of accounts) await putAccount(device, account);
  const room = new Uint8Array(randomBytes(32));
  const members = accounts.map(({ principal }, i) => ({ principal: principal.id, admin: i === 0 }));
  await device.request({ type: 'put-room', room, version: 1, members });
  return room;
};

/** Each connection is an account of its own, authenticated, and follows a room of ten members. */
async function idle({ address }: ServerProcess, connections: number): Promise<() => void> {
  const rooms = await inTurns(Math.ceil(connections / IDLE_ROOM), AT_ONCE / IDLE_ROOM, async (index) => {
    const size = Math.min(IDLE_ROOM, connections - index * IDLE_ROOM);
    const accounts = makeDevices(size, 1);
    const connect = (key: TestKey) => connectLightDevice({ address, key });
    const devices = await Promise.all(accounts.map(({ keys }) => connect(keys[0]!)));
    const room = await foundRoom(devices[0]!, accounts);
    for (const device of devices) await device.request({ type: 'resume', rooms: [{ room, cursor: 0 }] });
    return devices;
  });
  return () => {
    for (const { socket } of rooms.flat()) socket.destroy();
  };
}

async function chat({ address }: ServerProcess, { frames }: Chat): Promise<() => Promise<CaughtUp>> {
  const accounts = makeDevices(2);
  const [writing, reading] = accounts[0]!.keys;
  const room = await withWriter(address, writing!, async (writer, acknowledged) => {
    const room = await foundRoom(writer, accounts);
    for (let sent = 0; sent < frames.length; sent += IN_FLIGHT) {
      writer.append(room, frames.slice(sent, sent + IN_FLIGHT));
      await acknowledged(Math.min(frames.length, sent + IN_FLIGHT));
    }
    return room;
  });
  return () => catchUp(address, reading!, room, frames.length);
}

/** Appends of one connection that wait for the disk; the relay refuses more than 256. */
const IN_FLIGHT = 250;

const withWriter = async <T>(
  address: string,
  key: TestKey,
  run: (writer: LightDevice, acknowledged: (count: number) => Promise<void>) => Promise<T>,
): Promise<T> => {
  let count = 0;
  let wanted = 0;
  let reached = (): void => {};
  const onAppended = (): void => {
    if (++count === wanted) reached();
  };
  const writer = await connectLightDevice({ address, key, onAppended });
  const result = await run(writer, (target) => {
    wanted = target;
    return count >= target
      ? Promise.resolve()
      : new Promise((resolve) => {
          reached = resolve;
        });
  });
  writer.socket.destroy();
  return result;
};

const catchUp = async (address: string, key: TestKey, room: Uint8Array, count: number): Promise<CaughtUp> => {
  const pieces: Uint8Array[] = [];
  let all = (): void => {};
  const done = new Promise<void>((resolve) => {
    all = resolve;
  });
  const device = await connectLightDevice({
    address,
    key,
    onFrame(_room, _position, chunk, start, end) {
      pieces.push(chunk.subarray(start, end));
      if (pieces.length === count) all();
    },
  });
  const from = performance.now();
  const resumed = device.request({ type: 'resume', rooms: [{ room, cursor: 0 }] });
  await Promise.all([resumed, done]);
  const ms = performance.now() - from;
  device.socket.destroy();
  return { ms, pieces };
};
