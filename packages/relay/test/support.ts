// A relay on a free port with clients, for the tests here. Rules it serves: spec/relay-protocol.md.
import { randomBytes } from 'node:crypto';
import type { RelayMessage } from '@sealwire/protocol';
import {
  connectClient,
  connectStranger,
  makePrincipal,
  type OpenSocket,
  type TestClient,
  type TestKey,
  type TestPrincipal,
} from '@sealwire/testkit/relay-client';
import * as assert from 'uvu/assert';
import { WebSocket } from 'ws';
import { createRelay, memoryStore, type Relay, type RelayOptions } from '../src/index.ts';

export const openSocket: OpenSocket = (address, protocols) =>
  new WebSocket(address, protocols, { perMessageDeflate: false });

export interface World {
  readonly relay: Relay;
  connect(key?: TestKey): Promise<TestClient>;
  stranger(): TestClient;
  /** A new account with one connected device. */
  account(): Promise<Account>;
}

export interface Account {
  readonly principal: TestPrincipal;
  readonly client: TestClient;
}

/** Runs `test` with a relay of its own, and closes everything afterwards. */
export const withRelay =
  (options: Partial<RelayOptions>, test: (world: World) => Promise<void>) => async (): Promise<void> => {
    const relay = await createRelay({ store: memoryStore(), ...options });
    const clients: TestClient[] = [];
    const connect = async (key?: TestKey): Promise<TestClient> => {
      const client = await connectClient(openSocket, relay.address, key);
      clients.push(client);
      return client;
    };
    try {
      await test({
        relay,
        connect,
        stranger() {
          const client = connectStranger(openSocket, relay.address);
          clients.push(client);
          return client;
        },
        async account() {
          const principal = makePrincipal();
          const client = await connect();
          answered(await client.putPrincipal(principal, 1, [client.key]), 'done');
          return { principal, client };
        },
      });
    } finally {
      for (const client of clients) client.socket.terminate();
      await relay.close();
    }
  };

/** A room of these accounts, made by the first, who is its admin. */
export const makeRoom = async (first: Account, ...others: readonly Account[]): Promise<Uint8Array> => {
  const room = new Uint8Array(randomBytes(32));
  const members = [first, ...others].map(({ principal }, i) => ({ principal: principal.id, admin: i === 0 }));
  answered(await first.client.request({ type: 'put-room', room, version: 1, members }), 'done');
  return room;
};

/** The answer, if it is of this type. */
export const answered = <T extends RelayMessage['type']>(
  answer: RelayMessage,
  type: T,
): Extract<RelayMessage, { readonly type: T }> => {
  assert.is(answer.type, type, `${answer.type} ${'code' in answer ? answer.code : ''} instead of ${type}`);
  return answer as Extract<RelayMessage, { readonly type: T }>;
};

export const refusedWith = (answer: RelayMessage, code: string): void => {
  assert.is(answered(answer, 'refused').code, code);
};

export const append = async (
  client: TestClient,
  room: Uint8Array,
  frame: Uint8Array,
  stream = 'control',
): Promise<number> =>
  answered(await client.request({ type: 'append', room, stream, frame }), 'appended').position;

export const follow = async (client: TestClient, room: Uint8Array, cursor = 0) =>
  answered(await client.request({ type: 'resume', rooms: [{ room, cursor }] }), 'resumed');
