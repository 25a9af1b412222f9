// A whole small frame of ours, signed and chained, beside an update message of secsync: what one of them costs who writes
// and who reads alone, when nothing else comes with it.
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import {
  type ChainAddress,
  chainNext,
  chainStart,
  chainStatement,
  createDeviceSecrets,
  decodeBody,
  devicePublic,
  encodeBody,
  encodeSigned,
  KIND,
  openFrame,
  sealFrame,
  signEd25519,
  verifyEd25519,
} from '@sealwire/core/testing';
import { ResultsDiffer } from '../lib/result.ts';
import type { StreamKey } from './frames.ts';

/** One writer and one reader. */
export interface Signed<Sealed> {
  /** @param at - its number, from 0. */
  readonly seal: (updates: readonly Uint8Array[], at: number) => Sealed;
  /** In the order in which they were sealed. @returns the updates joined. */
  readonly open: (sealed: readonly Sealed[]) => Promise<Uint8Array[]>;
}

export const signOurs = (key: StreamKey): Signed<Uint8Array> => {
  const secrets = createDeviceSecrets(randomBytes);
  const publicKey = devicePublic(secrets).identity;
  const address: ChainAddress = {
    logId: randomBytes(32),
    stream: 'page-0',
    deviceId: randomBytes(16),
    clientId: 2 ** 52 + 1,
  };
  let hash = chainStart(address);
  return {
    seal(updates, at) {
      const payload = Buffer.concat(updates);
      const fields = { kind: KIND.updates, clientId: address.clientId, counter: at + 2, previous: at + 1 };
      const signed = encodeSigned({ ...fields, seen: [], heads: [], payload }, false);
      hash = chainNext(hash, signed);
      const signature = signEd25519(secrets.identity, chainStatement(address, at + 2, hash));
      return sealFrame(key, encodeBody(signed, signature), randomBytes);
    },
    async open(frames) {
      let last = chainStart(address);
      const payloads: Uint8Array[] = [];
      for (const frame of frames) {
        const { counter, payload, signature, signed } = decodeBody(openFrame(key, frame));
        last = chainNext(last, signed);
        if (!(await verifyEd25519(publicKey, chainStatement(address, counter, last), signature)))
          throw new ResultsDiffer(`frame ${counter}: the signature does not verify`);
        payloads.push(payload);
      }
      return payloads;
    },
  };
};

export const signSecsync = async (): Promise<Signed<string>> => {
  const { createSignatureKeyPair, createUpdate, generateId, parseUpdate, verifyAndDecryptUpdate } =
    await import('secsync');
  const sodium = createRequire(import.meta.url)('libsodium-wrappers') as typeof import('libsodium-wrappers');
  await sodium.ready;
  const key = sodium.crypto_aead_xchacha20poly1305_ietf_keygen();
  const keys = createSignatureKeyPair(sodium);
  const refSnapshotId = generateId(sodium);
  const about = { docId: 'bench', pubKey: sodium.to_base64(keys.publicKey), refSnapshotId };
  return {
    seal(updates, at) {
      const content = JSON.stringify(updates.map((update) => sodium.to_base64(update)));
      return JSON.stringify(createUpdate(content, about, key, keys, at, sodium));
    },
    async open(messages) {
      return messages.map((message, at) => {
        const update = parseUpdate(JSON.parse(message));
        const opened = verifyAndDecryptUpdate(update, key, refSnapshotId, at - 1, sodium);
        if (opened.error) throw opened.error;
        const texts = JSON.parse(sodium.to_string(opened.content!)) as string[];
        return Buffer.concat(texts.map((text) => sodium.from_base64(text)));
      });
    },
  };
};
