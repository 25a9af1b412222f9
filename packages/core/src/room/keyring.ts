// The keys of one room: its secret for the control stream, an epoch key for everything else. Rules: spec/epochs.md §2.
import { CONTROL_STREAM, toHex } from '@sealwire/protocol';
import { deriveEpochTag } from '../crypto/kdf.ts';
import { type StreamKey, streamKey } from '../frame/envelope.ts';

/** Holds key bytes: never log it. */
export const createKeyring = (room: Uint8Array, roomSecret: Uint8Array) => {
  const epochs = new Map<string, Uint8Array>();
  const streamKeys = new Map<string, StreamKey>();
  const control = streamKey(roomSecret, room, CONTROL_STREAM);
  let newest: { readonly key: Uint8Array; readonly tag: string } | undefined;

  const derived = (epochKey: Uint8Array, tag: string, stream: string): StreamKey => {
    const name = `${tag}/${stream}`;
    let key = streamKeys.get(name);
    if (!key) {
      key = streamKey(epochKey, room, stream);
      streamKeys.set(name, key);
    }
    return key;
  };

  return {
    /** Takes an epoch key. @returns false if it was known. */
    add(epochKey: Uint8Array): boolean {
      const tag = toHex(deriveEpochTag(epochKey, room));
      if (epochs.has(tag)) return false;
      epochs.set(tag, epochKey);
      newest = { key: epochKey, tag };
      return true;
    },
    /** The key that opens a frame of this stream and epoch tag, or undefined while it has not come. */
    opening(stream: string, tag: Uint8Array): StreamKey | undefined {
      if (stream === CONTROL_STREAM) return control;
      const name = toHex(tag);
      const epochKey = epochs.get(name);
      return epochKey && derived(epochKey, name, stream);
    },
    /** The key that a writer seals with, or undefined before epoch 0 is known. */
    sealing(stream: string): StreamKey | undefined {
      if (stream === CONTROL_STREAM) return control;
      return newest && derived(newest.key, newest.tag, stream);
    },
  };
};

export type Keyring = ReturnType<typeof createKeyring>;
