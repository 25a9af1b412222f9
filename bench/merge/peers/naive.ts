// What ours would be without batches, chains and a parser: one seal and one signature for each plain Yjs update, by
// core's own primitives.
import { randomBytes } from 'node:crypto';
import {
  createDeviceSecrets,
  devicePublic,
  openFrame,
  sealFrame,
  signEd25519,
  streamKey,
  verifyEd25519,
} from '@sealwire/core/testing';
import * as Y from 'yjs';
import { ResultsDiffer } from '../../lib/result.ts';
import { DEVICES } from '../conversation.ts';
import { PAGE } from '../device.ts';
import { readPlain } from '../plain.ts';
import { sendingsOf } from '../script.ts';
import { bytesOf, type MergePeer } from './peer.ts';

const SIGNATURE_BYTES = 64;

export const naive: MergePeer = {
  id: 'naive',
  name: 'naive, a seal and a signature an update',
  version: process.versions.node,
  async make({ steps, plain }) {
    const [epoch, room, log] = [randomBytes(32), randomBytes(32), randomBytes(32)];
    const key = streamKey(epoch, room, PAGE, log);
    const secrets = Array.from({ length: DEVICES }, () => createDeviceSecrets(randomBytes));
    const publicKeys = secrets.map((each) => devicePublic(each).identity);
    const authors = sendingsOf(steps).flatMap(({ device, messages }) => Array<number>(messages).fill(device));
    const frames = plain.map((update, i) => {
      const author = authors[i]!;
      const body = Buffer.concat([Uint8Array.of(author), update]);
      return sealFrame(key, Buffer.concat([signEd25519(secrets[author]!.identity, body), body]), randomBytes);
    });
    const catchUp = async () => {
      const doc = new Y.Doc();
      for (const frame of frames) {
        const opened = openFrame(key, frame);
        const body = opened.subarray(SIGNATURE_BYTES);
        const publicKey = publicKeys[body[0]!]!;
        if (!(await verifyEd25519(publicKey, body, opened.subarray(0, SIGNATURE_BYTES))))
          throw new ResultsDiffer('naive: a signature does not verify');
        Y.applyUpdate(doc, body.subarray(1));
      }
      return readPlain(doc);
    };
    return [{ what: 'open, verify, apply', from: 'updates', bytes: bytesOf(frames), catchUp }];
  },
};
