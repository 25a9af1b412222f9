// A device that speaks the relay's protocol over a light socket and looks at each frame without decoding the message.
// Rules it serves: spec/relay-protocol.md §3 to §7.
import {
  authenticateStatement,
  type ClientMessage,
  compareBytes,
  decodeRelayMessage,
  encodeClientMessage,
  principalStatement,
  type RelayMessage,
  SUBPROTOCOL,
} from '@sealwire/protocol';
import { type LightSocket, openLightSocket } from './light-socket.ts';
import { makeKey, makePrincipal, type TestKey, type TestPrincipal } from './relay-client.ts';

/** One frame of a delivery: `bytes` from `start` up to, not including, `end`. Borrowed. */
export type FrameVisitor = (position: number, bytes: Buffer, start: number, end: number) => void;

export interface LightDevice {
  readonly socket: LightSocket;
  readonly key: TestKey;
  /** Sends a request under a new number. @throws Error (rejects) with the code if it is refused, or when the socket ends. */
  request(message: WithoutRequest<Request>): Promise<RelayMessage>;
  /** Sends appends in one write; `onAppended` hears of them. @returns the number of the first request. */
  append(room: Uint8Array, frames: readonly Uint8Array[]): number;
}

type Request = Extract<ClientMessage, { readonly request: number }>;
type WithoutRequest<T> = T extends unknown ? Omit<T, 'request'> : never;

export interface LightDeviceOptions {
  readonly address: string;
  readonly key?: TestKey;
  readonly localAddress?: string;
  readonly onFrame?: (room: Buffer, position: number, bytes: Buffer, start: number, end: number) => void;
  readonly onAppended?: (request: number, position: number) => void;
  /** What is neither of these nor the answer to a request. */
  readonly onOther?: (message: RelayMessage) => void;
}

const FRAMES = 0x86;
const APPENDED = 0x85;
const ROOM_BYTES = 32;

/** Connects and authenticates. @throws Error (rejects) if either fails. */
export const connectLightDevice = async (options: LightDeviceOptions): Promise<LightDevice> => {
  const { onFrame, onAppended, onOther, key = makeKey() } = options;
  const waiting = new Map<number, { resolve(answer: RelayMessage): void; reject(error: Error): void }>();
  let greeted = (_message: RelayMessage): void => {};
  let next = 1;

  const settle = (message: RelayMessage): void => {
    if (message.type === 'hello' || message.type === 'welcome') greeted(message);
    else if ('request' in message && waiting.has(message.request)) {
      const { resolve, reject } = waiting.get(message.request)!;
      waiting.delete(message.request);
      if (message.type === 'refused') reject(new Error(`refused with ${message.code}`));
      else resolve(message);
    } else onOther?.(message);
  };

  const hello = new Promise<RelayMessage>((resolve) => {
    greeted = resolve;
  });
  const socket = await openLightSocket({
    address: options.address,
    protocol: SUBPROTOCOL,
    ...(options.localAddress && { localAddress: options.localAddress }),
    onMessage(bytes, start, end) {
      const type = bytes[start];
      if (type === FRAMES) {
        const room = bytes.subarray(start + 1, start + 1 + ROOM_BYTES);
        if (onFrame) visitFrames(bytes, start, (position, ...rest) => onFrame(room, position, ...rest));
      } else if (type === APPENDED) {
        const at = { at: start + 1 };
        const request = readUint(bytes, at);
        onAppended?.(request, readUint(bytes, at));
      } else settle(decodeRelayMessage(Uint8Array.prototype.slice.call(bytes, start, end)));
    },
  });
  void socket.closed.then((code) => {
    for (const { reject } of waiting.values()) reject(new Error(`closed with ${code}`));
    waiting.clear();
  });
  const ended = socket.closed.then((code): never => {
    throw new Error(`closed with ${code}`);
  });
  ended.catch(() => {});
  const greeting = await Promise.race([hello, ended]);
  if (greeting.type !== 'hello') throw new Error(`${greeting.type} instead of a hello`);
  const welcome = new Promise<RelayMessage>((resolve) => {
    greeted = resolve;
  });
  const { relayId, nonce } = greeting;
  const signature = key.sign(authenticateStatement({ relayId, nonce, relayKey: key.publicKey }));
  socket.send(encodeClientMessage({ type: 'authenticate', relayKey: key.publicKey, signature }));
  await Promise.race([welcome, ended]);

  return {
    socket,
    key,
    request: (message) =>
      new Promise((resolve, reject) => {
        const request = next++;
        waiting.set(request, { resolve, reject });
        socket.send(encodeClientMessage({ ...message, request } as Request));
      }),
    append(room, frames) {
      const first = next;
      const stream = 'page-0';
      socket.sendAll(
        frames.map((frame) => encodeClientMessage({ type: 'append', request: next++, room, stream, frame })),
      );
      return first;
    },
  };
};

/** Visits the frames of a `frames` message that begins at `start`. */
export const visitFrames = (bytes: Buffer, start: number, visit: FrameVisitor): void => {
  const at = { at: start + 1 + ROOM_BYTES };
  let position = 0;
  for (let left = readUint(bytes, at); left > 0; left--) {
    position += readUint(bytes, at) + 1;
    const label = readUint(bytes, at);
    at.at += label;
    const length = readUint(bytes, at);
    visit(position, bytes, at.at, at.at + length);
    at.at += length;
  }
};

const readUint = (bytes: Buffer, at: { at: number }): number => {
  let value = 0;
  let scale = 1;
  for (;;) {
    const byte = bytes[at.at++]!;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
    scale *= 128;
  }
};

/** The most relay keys that one principal lists. */
const KEYS_EACH = 64;

/** Accounts whose devices are to be connected: as few principals as hold so many keys. */
export const makeDevices = (
  count: number,
  keysEach = KEYS_EACH,
): { principal: TestPrincipal; keys: TestKey[] }[] => {
  const accounts: { principal: TestPrincipal; keys: TestKey[] }[] = [];
  for (let left = count; left > 0; left -= keysEach) {
    const keys = Array.from({ length: Math.min(left, keysEach) }, () => makeKey());
    accounts.push({ principal: makePrincipal(), keys });
  }
  return accounts;
};

/** Puts a new principal with these keys. */
export const putAccount = async (
  device: LightDevice,
  { principal, keys }: { readonly principal: TestPrincipal; readonly keys: readonly TestKey[] },
): Promise<void> => {
  const relayKeys = keys.map(({ publicKey }) => publicKey).sort(compareBytes);
  const statement = principalStatement({ principal: principal.id, version: 1, relayKeys, farewells: [] });
  await device.request({
    type: 'put-principal',
    manageKey: principal.manageKey.publicKey,
    version: 1,
    relayKeys,
    farewells: [],
    signature: principal.manageKey.sign(statement),
  });
};
