// Runs the vectors of log entries, device logs, epochs and ids. Rules: spec/device-log.md, spec/epochs.md, spec/keys.md;
// each vector names its own.
import { toHex } from '@sealwire/protocol';
import * as assert from 'uvu/assert';
import { deviceIdOf, principalIdOf, roomIdOf } from '../src/identity/device-keys.ts';
import { addToDeviceLog, startDeviceLog } from '../src/identity/device-log.ts';
import { openEpoch } from '../src/identity/epoch.ts';
import {
  type DeviceAdd,
  type DeviceGenesis,
  decodeEntryBytes,
  type EpochEntry,
  encodeEntryBytes,
  encodeUnsigned,
  type SignedEntry,
} from '../src/identity/log-entry.ts';
import { runVectors, type VectorInput } from './vectors-kit.ts';

const entry = (input: VectorInput) => {
  const signed = decodeEntryBytes(input.bytes('entry'));
  assert.is(toHex(encodeEntryBytes(signed)), input.text('entry'));
  assert.is(toHex(encodeUnsigned(signed.entry)), toHex(signed.unsigned));
  return { type: signed.entry.type, hash: toHex(signed.hash), signatures: signed.signatures.map(toHex) };
};

const log = async (input: VectorInput) => {
  const [first, ...rest] = input.list('entries').map(decodeEntryBytes);
  let made = await startDeviceLog(first as SignedEntry<DeviceGenesis>);
  for (const [i, next] of rest.entries()) {
    const before = made;
    try {
      made = await addToDeviceLog(made, next as SignedEntry<DeviceAdd>);
    } catch (error) {
      assert.is(i, rest.length - 1, 'refused before the last entry');
      assert.is(made, before);
      throw error;
    }
  }
  return {
    account: toHex(made.root),
    devices: [...made.devices]
      .map(([id, { rights }]) => ({ id, rights }))
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
    heads: made.heads.map(toHex),
  };
};

const epoch = async (input: VectorInput) => {
  const { entry: opened } = decodeEntryBytes(input.bytes('entry'));
  const key = await openEpoch(opened as EpochEntry, input.bytes('account'), input.bytes('accountPrivateKey'));
  return { epochKey: toHex(key) };
};

const id = (input: VectorInput) => {
  const bytes = input.bytes('bytes');
  return {
    deviceId: toHex(deviceIdOf(bytes)),
    principalId: toHex(principalIdOf(bytes)),
    roomId: toHex(roomIdOf(bytes)),
  };
};

runVectors('device-log', { entry, log, epoch, id }, 40);
