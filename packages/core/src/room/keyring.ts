// The keys of one room: its secret for the control stream, epoch keys for everything else. Rules: spec/epochs.md §2.
import { CONTROL_STREAM, toHex } from '@sealwire/protocol';
import { deriveEpochTag, epochCommitment } from '../crypto/kdf.ts';
import { type StreamKey, streamKey } from '../frame/envelope.ts';

/**
 * Holds key bytes: never log it.
 *
 * @param log - account root or chat id, 32 bytes: what the room's epochs belong to.
 */
export const createKeyring = (room: Uint8Array, roomSecret: Uint8Array, log: Uint8Array) => {
  /** By epoch tag, hexadecimal. */
  const epochs = new Map<string, Uint8Array>();
  const streamKeys = new Map<string, StreamKey>();
  /** Tags of epochs whose key this account was not given. */
  const others = new Set<string>();
  const control = streamKey(roomSecret, room, CONTROL_STREAM, log);
  /** By commitment: asked for at each change of anything. */
  const tags = new WeakMap<Uint8Array, string>();
  const tagOf = (commitment: Uint8Array): string => {
    const known = tags.get(commitment);
    if (known !== undefined) return known;
    const tag = toHex(deriveEpochTag(commitment, room));
    tags.set(commitment, tag);
    return tag;
  };

  const derived = (epochKey: Uint8Array, tag: string, stream: string): StreamKey => {
    const name = `${tag}/${stream}`;
    let key = streamKeys.get(name);
    if (!key) {
      key = streamKey(epochKey, room, stream, log);
      streamKeys.set(name, key);
    }
    return key;
  };

  return {
    /** Takes an epoch key. @returns false if it was known. */
    add(epochKey: Uint8Array): boolean {
      const tag = tagOf(epochCommitment(log, epochKey));
      if (epochs.has(tag)) return false;
      epochs.set(tag, epochKey);
      return true;
    },
    /** Whether the key that an epoch commits to is here. */
    has: (commitment: Uint8Array): boolean => epochs.has(tagOf(commitment)),
    /** Takes note of an epoch that is not for this account. */
    addOther: (commitment: Uint8Array): void => void others.add(tagOf(commitment)),
    /** Whether an epoch is known that is not for this account. */
    isOther: (commitment: Uint8Array): boolean => others.has(tagOf(commitment)),
    /** True if this account was no member at some time of the room: there are frames that it will never open. */
    isLate: (): boolean => [...others].some((tag) => !epochs.has(tag)),
    /** All epoch keys that are here, for whoever may have them. */
    epochKeys: (): readonly Uint8Array[] => [...epochs.values()],
    /** The key that opens a frame of this stream and epoch tag, or undefined while it has not come. */
    opening(stream: string, tag: Uint8Array): StreamKey | undefined {
      if (stream === CONTROL_STREAM) return control;
      const name = toHex(tag);
      const epochKey = epochs.get(name);
      return epochKey && derived(epochKey, name, stream);
    },
    /** True if a frame is of an epoch whose key this account was not given: it will never open here. */
    isForOthers: (stream: string, tag: Uint8Array): boolean =>
      stream !== CONTROL_STREAM && others.has(toHex(tag)) && !epochs.has(toHex(tag)),
    /** The key that a writer seals with. @param commitment - the current epoch's; undefined if there is none. */
    sealing(stream: string, commitment: Uint8Array | undefined): StreamKey | undefined {
      if (stream === CONTROL_STREAM) return control;
      if (!commitment) return undefined;
      const name = tagOf(commitment);
      const epochKey = epochs.get(name);
      return epochKey && derived(epochKey, name, stream);
    },
  };
};

export type Keyring = ReturnType<typeof createKeyring>;
