// A bare device for tests of the relay: speaks the wire protocol over any socket, keeps everything it hears.
// Rules it serves: spec/relay-protocol.md.
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  authenticateStatement,
  type ClientMessage,
  codeOfClose,
  compareBytes,
  decodeRelayMessage,
  encodeClientMessage,
  type Farewell,
  PRINCIPAL_ID_LABEL,
  principalStatement,
  type RelayMessage,
  SUBPROTOCOL,
} from '@sealwire/protocol';

/** The part of the `ws` package's WebSocket that the client uses. */
export interface TestSocket {
  binaryType: string;
  readonly readyState: number;
  send(data: Uint8Array | string): void;
  close(): void;
  terminate(): void;
  pause(): void;
  resume(): void;
  on(event: 'message', listener: (data: Uint8Array, isBinary: boolean) => void): unknown;
  on(event: 'close', listener: (code: number, reason: { toString(): string }) => void): unknown;
  on(event: 'open', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

export type OpenSocket = (address: string, protocols: string[]) => TestSocket;

/** An Ed25519 key pair with its 32 raw public bytes. */
export interface TestKey {
  readonly publicKey: Uint8Array;
  sign(statement: Uint8Array): Uint8Array;
}

export const makeKey = (): TestKey => {
  const pair: { publicKey: KeyObject; privateKey: KeyObject } = generateKeyPairSync('ed25519');
  const { x } = pair.publicKey.export({ format: 'jwk' });
  return {
    publicKey: new Uint8Array(Buffer.from(x!, 'base64url')),
    sign: (statement) => new Uint8Array(sign(null, statement, pair.privateKey)),
  };
};

/** An account as a relay knows it. */
export interface TestPrincipal {
  readonly id: Uint8Array;
  readonly manageKey: TestKey;
}

export const makePrincipal = (): TestPrincipal => {
  const manageKey = makeKey();
  const id = createHash('sha256').update(PRINCIPAL_ID_LABEL).update(manageKey.publicKey).digest();
  return { id: new Uint8Array(id), manageKey };
};

type Request = Extract<ClientMessage, { readonly request: number }>;
type WithoutRequest<T> = T extends unknown ? Omit<T, 'request'> : never;
type Answer = RelayMessage;

/** A connection under test. Nothing waits for a fixed time: every method waits for what the relay sends. */
export interface TestClient {
  readonly socket: TestSocket;
  readonly key: TestKey;
  /** All messages, in the order they came. */
  readonly heard: readonly RelayMessage[];
  /** Resolves with the close code's name (or number) and the reason. */
  readonly closed: Promise<{ readonly code: string; readonly reason: string }>;
  send(message: ClientMessage): void;
  /** Sends a request under a new number and waits for its answer. */
  request(message: WithoutRequest<Request>): Promise<Answer>;
  /** The first message, heard or to come, that fits. */
  until<T extends RelayMessage>(fits: (message: RelayMessage) => message is T): Promise<T>;
  until(fits: (message: RelayMessage) => boolean): Promise<RelayMessage>;
  /** Resolves when the relay has worked off everything sent before. */
  sync(): Promise<void>;
  /** @param farewells - in any order. Default: none. */
  putPrincipal(
    principal: TestPrincipal,
    version: number,
    keys: readonly TestKey[],
    farewells?: readonly Farewell[],
  ): Promise<Answer>;
  close(): Promise<void>;
}

/** Connects and authenticates. @throws Error (rejects) if the connection ends before the welcome. */
export const connectClient = async (
  open: OpenSocket,
  address: string,
  key: TestKey = makeKey(),
): Promise<TestClient> => {
  const client = connectStranger(open, address, key);
  const hello = await client.until((message) => message.type === 'hello');
  if (hello.type !== 'hello') throw new Error('unreachable');
  const { relayId, nonce } = hello;
  const statement = authenticateStatement({ relayId, nonce, relayKey: key.publicKey });
  client.send({ type: 'authenticate', relayKey: key.publicKey, signature: key.sign(statement) });
  await client.until((message) => message.type === 'welcome');
  return client;
};

/** Connects without authenticating. */
export const connectStranger = (open: OpenSocket, address: string, key: TestKey = makeKey()): TestClient => {
  const socket = open(address, [SUBPROTOCOL]);
  socket.binaryType = 'nodebuffer';
  const heard: RelayMessage[] = [];
  const waiting = new Set<{ try(message: RelayMessage): boolean; fail(error: Error): void }>();
  let end: Error | undefined;
  let requests = 0;
  const opened = new Promise<void>((resolve) => socket.on('open', resolve));

  const closed = new Promise<{ code: string; reason: string }>((resolve) => {
    socket.on('error', () => {});
    socket.on('close', (number, reason) => {
      const code = codeOfClose(number) ?? String(number);
      end = new Error(`closed with ${code}`);
      for (const waiter of waiting) waiter.fail(end);
      waiting.clear();
      resolve({ code, reason: reason.toString() });
    });
  });
  socket.on('message', (data) => {
    const message = decodeRelayMessage(new Uint8Array(data));
    heard.push(message);
    for (const waiter of waiting) if (waiter.try(message)) waiting.delete(waiter);
  });

  const until = (fits: (message: RelayMessage) => boolean): Promise<RelayMessage> =>
    new Promise((resolve, reject) => {
      const known = heard.find(fits);
      if (known) resolve(known);
      else if (end) reject(end);
      else {
        waiting.add({
          try(message) {
            if (!fits(message)) return false;
            resolve(message);
            return true;
          },
          fail: reject,
        });
      }
    });
  const send = (message: ClientMessage): void => {
    const bytes = encodeClientMessage(message);
    if (socket.readyState === 1) socket.send(bytes);
    else void opened.then(() => socket.send(bytes));
  };
  const request = async (message: WithoutRequest<Request>): Promise<Answer> => {
    const number = ++requests;
    send({ ...message, request: number } as Request);
    return until((answer) => 'request' in answer && answer.request === number);
  };
  let syncs = 0;
  return {
    socket,
    key,
    heard,
    closed,
    send,
    request,
    until: until as TestClient['until'],
    async sync() {
      // Answers come in the order of the requests on both legs, so the pong of this ping is the last one due.
      const due = ++syncs;
      send({ type: 'ping' });
      await until(() => heard.filter(({ type }) => type === 'pong').length >= due);
    },
    putPrincipal(principal, version, keys, notes = []) {
      const relayKeys = keys.map(({ publicKey }) => publicKey).sort(compareBytes);
      const farewells = [...notes].sort((a, b) => compareBytes(a.relayKey, b.relayKey));
      const statement = principalStatement({ principal: principal.id, version, relayKeys, farewells });
      return request({
        type: 'put-principal',
        manageKey: principal.manageKey.publicKey,
        version,
        relayKeys,
        farewells,
        signature: principal.manageKey.sign(statement),
      });
    },
    async close() {
      socket.close();
      await closed;
    },
  };
};

/** What the client has heard of a room: positions of frames, and of own appends as they were acknowledged. */
export const framesHeard = (
  client: TestClient,
  room: Uint8Array,
): { position: number; bytes: Uint8Array }[] =>
  client.heard.flatMap((message) =>
    message.type === 'frames' && compareBytes(message.room, room) === 0
      ? message.frames.map(({ position, frame }) => ({ position, bytes: frame }))
      : [],
  );
