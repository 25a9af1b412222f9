// Abuse of a real relay process by the default limits, while honest connections work: they lose nothing, and the relay's
// memory stays bounded. Rules: spec/relay-protocol.md §8, §11 and §12 (RP79, RP80, RP86, RP88, RP122, RP125).
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { encodeClientMessage, SUBPROTOCOL } from '@sealwire/protocol';
import { connectLightDevice, makeDevices, putAccount } from '@sealwire/testkit/light-device';
import { frameOf, openLightSocket } from '@sealwire/testkit/light-socket';
import { seededRandom } from '@sealwire/testkit/random';
import { hostileBytes } from '@sealwire/testkit/relay-fuzz';

export interface Abuse {
  readonly name: string;
  /** Goes on until told to stop. @returns how much it did. */
  run(address: string, from: string, isOver: () => boolean): Promise<number>;
}

/** Each abuser has an address of its own on loopback, and makes the most of what one address is given. */
export const ABUSES: readonly Abuse[] = [
  { name: 'handshake floods', run: floodHandshakes },
  { name: 'half-open sockets', run: holdHalfOpen },
  { name: 'oversized and fragmented messages', run: sendTooMuch },
  { name: 'fuzzed frames', run: sendNoise },
  { name: 'tiny rooms', run: makeTinyRooms },
  { name: 'slow readers', run: readSlowly },
];

/** Whoever is turned away comes again at once. */
async function floodHandshakes(address: string, from: string, isOver: () => boolean): Promise<number> {
  let tried = 0;
  while (!isOver()) {
    tried += 20;
    const attempts = Array.from({ length: 20 }, () =>
      openLightSocket({ address, protocol: SUBPROTOCOL, localAddress: from, onMessage: () => {} }).then(
        (socket) => socket.destroy(),
        () => {},
      ),
    );
    await Promise.all(attempts);
  }
  return tried;
}

/** Half a request, and then nothing. */
async function holdHalfOpen(address: string, from: string, isOver: () => boolean): Promise<number> {
  const { hostname, port } = new URL(address);
  const held = Array.from({ length: 500 }, () => {
    const socket = connect({ host: hostname, port: Number(port), localAddress: from });
    socket.on('error', () => {});
    socket.write('GET / HTTP/1.1\r\nhost: x\r\nupgra');
    return socket;
  });
  while (!isOver()) await pause(50);
  for (const socket of held) socket.destroy();
  return held.length;
}

/** Frames that claim to be longer than a message may be, and messages in endless pieces. */
async function sendTooMuch(address: string, from: string, isOver: () => boolean): Promise<number> {
  const tooLong = frameOf(new Uint8Array(0));
  const claimed = Buffer.concat([
    tooLong.subarray(0, 1),
    Buffer.from([0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
  ]);
  const piece = Buffer.concat([Buffer.from([0x00, 0x80 | 125, 0, 0, 0, 0]), randomBytes(125)]);
  const first = Buffer.from(piece);
  first[0] = 0x02;
  let sent = 0;
  while (!isOver()) {
    const device = await connectLightDevice({ address, localAddress: from }).catch(() => undefined);
    if (device === undefined) {
      await pause(20);
      continue;
    }
    if (sent++ % 2 === 0) device.socket.sendRaw(claimed);
    else {
      device.socket.sendRaw(first);
      for (let i = 0; i < 20_000; i++) device.socket.sendRaw(piece);
    }
    await Promise.race([device.socket.closed, pause(2_000)]);
    device.socket.destroy();
  }
  return sent;
}

/** Messages that no honest device sends, on connections that have proved their key. @returns how many. */
async function sendNoise(address: string, from: string, isOver: () => boolean): Promise<number> {
  const random = seededRandom(1);
  let sent = 0;
  while (!isOver()) {
    const device = await connectLightDevice({ address, localAddress: from }).catch(() => undefined);
    if (device === undefined) {
      await pause(20);
      continue;
    }
    let isOpen = true;
    void device.socket.closed.then(() => {
      isOpen = false;
    });
    while (isOpen && !isOver()) {
      device.socket.sendAll(Array.from({ length: 10 }, () => hostileBytes(random, 'client')));
      sent += 10;
      await pause(0);
    }
    device.socket.destroy();
  }
  return sent;
}

/** As many rooms as the relay lets one account make. */
async function makeTinyRooms(address: string, from: string, isOver: () => boolean): Promise<number> {
  const [account] = makeDevices(1);
  const device = await connectLightDevice({ address, localAddress: from, key: account!.keys[0]! });
  await putAccount(device, account!);
  const members = [{ principal: account!.principal.id, admin: true }];
  let tried = 0;
  while (!isOver()) {
    const rooms = Array.from({ length: 100 }, () => new Uint8Array(randomBytes(32)));
    const put = (room: Uint8Array) => device.request({ type: 'put-room', room, version: 1, members });
    await Promise.allSettled(rooms.map(put));
    tried += rooms.length;
  }
  device.socket.destroy();
  return tried;
}

export const SLOW_READERS = 50;

/** Asks for far more than it reads. */
async function readSlowly(address: string, from: string, isOver: () => boolean): Promise<number> {
  const [account] = makeDevices(1);
  const room = new Uint8Array(randomBytes(32));
  const options = { address, localAddress: from, key: account!.keys[0]! };
  const writer = await connectLightDevice(options);
  await putAccount(writer, account!);
  const members = [{ principal: account!.principal.id, admin: true }];
  await writer.request({ type: 'put-room', room, version: 1, members });
  for (let i = 0; i < 20; i++) writer.append(room, [randomBytes(200_000)]);
  const readers = await Promise.all(Array.from({ length: SLOW_READERS }, () => connectLightDevice(options)));
  const read = { type: 'read', request: 1, room, stream: '', after: 0, maxBytes: 256 * 1024 } as const;
  for (const { socket } of readers) socket.pause();
  let asked = 0;
  while (!isOver()) {
    for (const { socket } of readers) socket.send(encodeClientMessage(read));
    asked += readers.length;
    await pause(5);
  }
  for (const { socket } of [writer, ...readers]) socket.destroy();
  return asked;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
