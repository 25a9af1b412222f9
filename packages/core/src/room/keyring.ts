// The keys of one room: its secret for the control stream, epoch keys for everything else. Rules: spec/epochs.md §2.
import { CONTROL_STREAM, toHex } from '@sealwire/protocol';
import { deriveEpochTag, epochCommitment } from '../crypto/kdf.ts';
import { type StreamKey, streamKey } from '../frame/envelope.ts';

/** An epoch's name in the vault: the first bytes of its commitment. The tag at the relay is another in each room. */
export const EPOCH_NAME_BYTES = 8;

/** Where a chat or an account is at the relay. Holds a secret: never log it. */
export interface RoomAddress {
  /** 32 bytes; from the secret. */
  readonly id: Uint8Array;
  /** 32 bytes. */
  readonly secret: Uint8Array;
}

/** A key, and the name of the epoch that it is of; empty for the control stream's. */
export interface EpochKey extends StreamKey {
  readonly epoch: string;
}

/**
 * Holds key bytes: never log it.
 *
 * @param log - account root or chat id, 32 bytes: what the room's epochs belong to.
 */
export const createKeyring = (first: RoomAddress, log: Uint8Array) => {
  let address = first;
  /** By name, hexadecimal: the first bytes of the commitment. */
  const epochs = new Map<string, Uint8Array>();
  /** Names of epochs whose key this account was not given. */
  const others = new Set<string>();
  /** The names behind the room's epoch tags, both hexadecimal. */
  const named = new Map<string, string>();
  const streamKeys = new Map<string, EpochKey>();
  const keyOf = (secret: Uint8Array, stream: string, epoch: string): EpochKey => ({
    ...streamKey(secret, address.id, stream, log),
    epoch,
  });
  const controlKey = (): EpochKey => keyOf(address.secret, CONTROL_STREAM, '');
  let control = controlKey();
  /** What each name commits to: tags follow from it. */
  const commitments = new Map<string, Uint8Array>();
  /** By commitment: asked for at each change of anything. */
  const names = new WeakMap<Uint8Array, string>();
  const nameOf = (commitment: Uint8Array): string => {
    let name = names.get(commitment);
    if (name === undefined) {
      name = toHex(commitment.subarray(0, EPOCH_NAME_BYTES));
      names.set(commitment, name);
    }
    return name;
  };

  const learn = (commitment: Uint8Array): string => {
    const name = nameOf(commitment);
    if (!commitments.has(name)) {
      commitments.set(name, commitment);
      named.set(toHex(deriveEpochTag(commitment, address.id)), name);
    }
    return name;
  };

  const derived = (name: string, stream: string): EpochKey | undefined => {
    const epochKey = epochs.get(name);
    if (!epochKey) return undefined;
    const of = `${name}/${stream}`;
    let key = streamKeys.get(of);
    if (!key) {
      key = keyOf(epochKey, stream, name);
      streamKeys.set(of, key);
    }
    return key;
  };

  return {
    /** The chat is in another room now: what is sealed from now on is sealed for that, and nothing opens but what is. */
    moveTo(next: RoomAddress): void {
      address = next;
      control = controlKey();
      streamKeys.clear();
      named.clear();
      for (const [name, commitment] of commitments)
        named.set(toHex(deriveEpochTag(commitment, address.id)), name);
    },
    /** Takes an epoch key. @returns false if it was known. */
    add(epochKey: Uint8Array): boolean {
      const name = learn(epochCommitment(log, epochKey));
      if (epochs.has(name)) return false;
      epochs.set(name, epochKey);
      return true;
    },
    /** Whether the key that an epoch commits to is here. */
    has: (commitment: Uint8Array): boolean => epochs.has(nameOf(commitment)),
    /** Takes note of an epoch that is not for this account. */
    addOther: (commitment: Uint8Array): void => void others.add(learn(commitment)),
    /** Whether an epoch is known that is not for this account. */
    isOther: (commitment: Uint8Array): boolean => others.has(nameOf(commitment)),
    /** True if this account was no member at some time of the room: there are frames that it will never open. */
    isLate: (): boolean => [...others].some((name) => !epochs.has(name)),
    /** All epoch keys that are here, for whoever may have them. */
    epochKeys: (): readonly Uint8Array[] => [...epochs.values()],
    /** The name of the epoch that a frame is of; empty for one that is not known, as that of a control frame. */
    epochOf: (tag: Uint8Array): string => named.get(toHex(tag)) ?? '',
    /** The key that opens a frame of this stream and epoch tag, or undefined while it has not come. */
    opening(stream: string, tag: Uint8Array): EpochKey | undefined {
      if (stream === CONTROL_STREAM) return control;
      const name = named.get(toHex(tag));
      return name === undefined ? undefined : derived(name, stream);
    },
    /** True if a frame is of an epoch whose key this account was not given: it will never open here. */
    isForOthers(stream: string, tag: Uint8Array): boolean {
      if (stream === CONTROL_STREAM) return false;
      const name = named.get(toHex(tag));
      return name !== undefined && others.has(name) && !epochs.has(name);
    },
    /** The key that a writer seals with. @param commitment - the current epoch's; undefined if there is none. */
    sealing(stream: string, commitment: Uint8Array | undefined): EpochKey | undefined {
      if (stream === CONTROL_STREAM) return control;
      return commitment && derived(nameOf(commitment), stream);
    },
    /** The key that what a relay had already is sealed with once more. @param epoch - its name. */
    resealing: (stream: string, epoch: string): EpochKey | undefined =>
      stream === CONTROL_STREAM ? control : derived(epoch, stream),
  };
};

export type Keyring = ReturnType<typeof createKeyring>;
