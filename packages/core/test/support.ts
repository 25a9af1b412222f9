// What core's tests share: seeded randomness, a device's keys, updates as Yjs really makes them.
import { ed25519 } from '@noble/curves/ed25519.js';
import { seededRandom } from '@sealwire/testkit/random';
import * as Y from 'yjs';
import { type DeviceSecrets, deviceIdOf, devicePublic } from '../src/identity/device-keys.ts';
import type { LoggedDevice } from '../src/identity/device-log.ts';
import { ROOT } from '../src/logdoc/parser.ts';

/** The testkit's generator, its `int` also under the name that the tests here use. */
export const seeded = (seed: number) => {
  const random = seededRandom(seed);
  return { ...random, below: random.int };
};

export type Seeded = ReturnType<typeof seeded>;

export interface TestDevice {
  readonly secrets: DeviceSecrets;
  readonly logged: LoggedDevice;
  readonly sign: (message: Uint8Array) => Uint8Array;
}

/** A device of `account` with keys from the seed. */
export const testDevice = (random: Seeded, account: Uint8Array): TestDevice => {
  const secrets = { identity: random.bytes(32), relay: random.bytes(32), hpke: random.bytes(32) };
  const keys = devicePublic(secrets);
  return {
    secrets,
    logged: {
      id: deviceIdOf(keys.identity),
      account,
      keys,
      rights: 0,
      at: 0,
      renewedAt: undefined,
      revokedBy: undefined,
    },
    sign: (message) => ed25519.sign(message, secrets.identity),
  };
};

/** A document that writes entries the way a page does; `updates` collects what Yjs emits. */
export const writerDoc = (clientId: number) => {
  const doc = new Y.Doc();
  doc.clientID = clientId;
  const updates: Uint8Array[] = [];
  doc.on('update', (update: Uint8Array) => updates.push(update));
  const map = doc.getMap<Uint8Array>(ROOT);
  return {
    doc,
    map,
    updates,
    write(bytes: Uint8Array): string {
      let id = '';
      doc.transact(() => {
        id = `${clientId}:${Y.getState(doc.store, clientId)}`;
        map.set(id, bytes);
      });
      return id;
    },
  };
};
