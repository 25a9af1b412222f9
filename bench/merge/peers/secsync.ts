// The secsync package over Yjs: its own update messages, verified and opened by its own functions, as its sync machine
// does it. The machine itself wants a WebSocket and is left out: it would only make this slower.
import { createRequire } from 'node:module';
import * as Y from 'yjs';
import { readPlain } from '../plain.ts';
import { sendingsOf } from '../script.ts';
import { bytesOf, type MergePeer, versionOf } from './peer.ts';

const DOC = 'bench';

export const secsync: MergePeer = {
  id: 'secsync',
  name: 'secsync',
  version: versionOf('secsync'),
  async make({ steps, plain }) {
    const { createSignatureKeyPair, createUpdate, generateId, parseUpdate, verifyAndDecryptUpdate } =
      await import('secsync');
    // Its ES modules name a file that the package does not have; secsync too loads this one.
    const sodium = createRequire(import.meta.url)(
      'libsodium-wrappers',
    ) as typeof import('libsodium-wrappers');
    await sodium.ready;
    const key = sodium.crypto_aead_xchacha20poly1305_ietf_keygen();
    const refSnapshotId = generateId(sodium);
    const writers = new Map<number, { keys: ReturnType<typeof createSignatureKeyPair>; clock: number }>();
    const messages: string[] = [];
    let next = 0;
    const seal = (device: number, updates: readonly Uint8Array[]): void => {
      const writer = writers.get(device) ?? { keys: createSignatureKeyPair(sodium), clock: -1 };
      writers.set(device, writer);
      writer.clock++;
      const content = JSON.stringify(updates.map((update) => sodium.to_base64(update)));
      const about = { docId: DOC, pubKey: sodium.to_base64(writer.keys.publicKey), refSnapshotId };
      messages.push(JSON.stringify(createUpdate(content, about, key, writer.keys, writer.clock, sodium)));
    };
    for (const sending of sendingsOf(steps)) {
      const updates = plain.slice(next, next + sending.messages);
      next += sending.messages;
      // What waited while the device was away leaves as one update; while it is there, each change by itself.
      for (const each of sending.away ? [updates] : updates.map((update) => [update]))
        seal(sending.device, each);
    }
    const catchUp = () => {
      const clocks = new Map<string, number>();
      const doc = new Y.Doc();
      for (const message of messages) {
        const update = parseUpdate(JSON.parse(message));
        const { pubKey } = update.publicData;
        const clock = clocks.get(pubKey) ?? -1;
        const opened = verifyAndDecryptUpdate(update, key, refSnapshotId, clock, sodium);
        if (opened.error) throw opened.error;
        clocks.set(pubKey, opened.clock!);
        const changes = JSON.parse(sodium.to_string(opened.content!)) as string[];
        for (const change of changes) Y.applyUpdate(doc, sodium.from_base64(change));
      }
      return readPlain(doc);
    };
    return [{ what: 'verify, open, apply', from: 'updates', bytes: bytesOf(messages), catchUp }];
  },
};
