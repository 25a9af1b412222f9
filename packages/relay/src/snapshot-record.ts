// The snapshots of one stream, and what becomes of them: put, vouched for or held back, agreed upon, and at last standing
// for frames that are gone. Pure. Rules: spec/snapshots.md.
import { type ErrorCode, LIMITS, SealwireError, sameBytes } from '@sealwire/protocol';
import { copyOf } from './keys.ts';

/** What one principal says of a snapshot, by one of its devices. */
export interface Voice {
  readonly principal: Uint8Array;
  readonly relayKey: Uint8Array;
  /** False: hold the frames back. */
  readonly agrees: boolean;
  /** By the relay key, 64 bytes: other members check it. */
  readonly signature: Uint8Array;
}

/** A snapshot without its bytes. */
export interface Snapshot {
  /** From 1 on, rising in its stream. */
  readonly number: number;
  /** Stands for all frames of the stream up to this position. */
  readonly covers: number;
  /** Of what it stands for, 32 bytes. */
  readonly digest: Uint8Array;
  readonly parts: number;
  readonly bytes: number;
  readonly putter: Uint8Array;
  readonly putterKey: Uint8Array;
  /** Milliseconds since 1970. */
  readonly putAt: number;
  /** One for each principal that said something: the last that it said. */
  readonly voices: readonly Voice[];
}

export interface StreamSnapshots {
  readonly room: Uint8Array;
  readonly stream: string;
  /** Those that are kept, in rising number: at most the two that stood last, and one that may come to stand. */
  readonly snapshots: readonly Snapshot[];
  /** The number of the one that stands for frames that are gone; 0 if none does. */
  readonly standing: number;
  /** Since when all have agreed to the newest, milliseconds since 1970; undefined while they do not. */
  readonly agreedAt: number | undefined;
}

export type SnapshotPut = Omit<Snapshot, 'voices'> & Pick<StreamSnapshots, 'room' | 'stream'>;

/** A member principal, as agreement asks for it. */
export interface Judge {
  readonly principal: Uint8Array;
  /** How many devices it lists. */
  readonly devices: number;
  /** When one of them last signed in, milliseconds since 1970; undefined if that is not known. */
  readonly seenAt: number | undefined;
}

/** The frames up to here are gone, and the snapshot stands for them. */
export const droppedTo = ({ snapshots, standing }: StreamSnapshots): number =>
  snapshots.find(({ number }) => number === standing)?.covers ?? 0;

/** The newest, if it does not stand for anything yet. */
export const candidateOf = ({ snapshots, standing }: StreamSnapshots): Snapshot | undefined => {
  const newest = snapshots.at(-1);
  return newest && newest.number > standing ? newest : undefined;
};

/**
 * @param head - of the room.
 * @returns the record with one snapshot more; undefined if it has this very one.
 * @throws SealwireError VERSION_CONFLICT unless its number follows the newest; UNEXPECTED_MESSAGE if it covers what is not
 *   there, or less than the one that stands; LIMIT_REACHED if it would take the place of another one too soon.
 */
export const withSnapshot = (
  record: StreamSnapshots | undefined,
  put: SnapshotPut,
  head: number,
): StreamSnapshots | undefined => {
  const newest = record?.snapshots.at(-1);
  if (newest?.number === put.number && isSame(newest, put)) return undefined;
  if (put.number !== (newest?.number ?? 0) + 1)
    throw refusal('VERSION_CONFLICT', 'Another snapshot was put first; look at it.');
  if (put.covers > head || put.covers < (record ? droppedTo(record) : 0))
    throw refusal(
      'UNEXPECTED_MESSAGE',
      'A snapshot covers what is not there, or less than another that stands.',
    );
  const rival = record && candidateOf(record);
  if (rival && !sameBytes(rival.putter, put.putter) && put.putAt < rival.putAt + LIMITS.snapshotReplaceMs)
    throw refusal('LIMIT_REACHED', 'The snapshot that is there is too new to be replaced.');
  const { room, stream, ...snapshot } = put;
  const kept = (record?.snapshots ?? []).filter((one) => one !== rival);
  return {
    room: copyOf(room),
    stream,
    snapshots: [...kept, { ...copied(snapshot), voices: [] }],
    standing: record?.standing ?? 0,
    agreedAt: undefined,
  };
};

/**
 * @throws SealwireError SNAPSHOT_UNKNOWN if no such snapshot is kept; VERSION_CONFLICT if it is another than the device
 *   compared; UNEXPECTED_MESSAGE from the device that put it.
 */
export const withVoice = (
  record: StreamSnapshots | undefined,
  number: number,
  digest: Uint8Array,
  voice: Voice,
): StreamSnapshots => {
  const found = record?.snapshots.find((one) => one.number === number);
  if (!record || !found) throw refusal('SNAPSHOT_UNKNOWN', 'This snapshot is not there any more.');
  if (!sameBytes(found.digest, digest))
    throw refusal('VERSION_CONFLICT', 'The snapshot of this number is another one.');
  if (sameBytes(found.putterKey, voice.relayKey))
    throw refusal('UNEXPECTED_MESSAGE', 'Nobody vouches for a snapshot of its own.');
  const others = found.voices.filter(({ principal }) => !sameBytes(principal, voice.principal));
  const { principal, relayKey, signature } = voice;
  const kept = {
    ...voice,
    principal: copyOf(principal),
    relayKey: copyOf(relayKey),
    signature: copyOf(signature),
  };
  const heard = { ...found, voices: [...others, kept] };
  return { ...record, snapshots: record.snapshots.map((one) => (one === found ? heard : one)) };
};

/** Whether the frames that a snapshot stands for may go, for all that its room's members say or leave unsaid. */
export const isAgreed = (snapshot: Snapshot, judges: readonly Judge[], now: number): boolean => {
  if (snapshot.voices.some(({ principal, agrees }) => !agrees && isAmong(judges, principal))) return false;
  return judges.length > 0 && judges.every((judge) => agreesOrIsAway(snapshot, judge, now));
};

const agreesOrIsAway = (snapshot: Snapshot, { principal, devices, seenAt }: Judge, now: number): boolean => {
  if (snapshot.voices.some((voice) => voice.agrees && sameBytes(voice.principal, principal))) return true;
  // Nobody else could vouch for who has one device.
  if (sameBytes(snapshot.putter, principal) && devices === 1)
    return now >= snapshot.putAt + LIMITS.snapshotAloneMs;
  return now >= (seenAt ?? snapshot.putAt) + LIMITS.snapshotSilentMs;
};

/** What time and the members make of a stream's snapshots. */
export interface Step {
  readonly record: StreamSnapshots;
  /** Frames of the stream up to this position go now; undefined if none do. */
  readonly dropTo: number | undefined;
  /** When to look again, milliseconds since 1970; undefined if nothing waits. */
  readonly nextAt: number | undefined;
}

export const stepSnapshots = (record: StreamSnapshots, judges: readonly Judge[], now: number): Step => {
  const candidate = candidateOf(record);
  if (!candidate) return { record, dropTo: undefined, nextAt: undefined };
  if (!isAgreed(candidate, judges, now))
    return {
      record: { ...record, agreedAt: undefined },
      dropTo: undefined,
      nextAt: now + LIMITS.snapshotLookMs,
    };
  const agreedAt = record.agreedAt ?? now;
  const dueAt = agreedAt + LIMITS.snapshotGraceMs;
  if (now < dueAt)
    return {
      record: { ...record, agreedAt },
      dropTo: undefined,
      nextAt: Math.min(dueAt, now + LIMITS.snapshotLookMs),
    };
  // The one that stood is kept for those who are reading it, and as the way back.
  const snapshots = record.snapshots.filter(({ number }) => number >= record.standing);
  return {
    record: { ...record, snapshots, standing: candidate.number, agreedAt: undefined },
    dropTo: candidate.covers,
    nextAt: undefined,
  };
};

const isAmong = (judges: readonly Judge[], principal: Uint8Array): boolean =>
  judges.some((judge) => sameBytes(judge.principal, principal));

const isSame = (known: Snapshot, put: SnapshotPut): boolean =>
  known.covers === put.covers &&
  sameBytes(known.digest, put.digest) &&
  sameBytes(known.putterKey, put.putterKey);

const copied = (snapshot: Omit<Snapshot, 'voices'>): Omit<Snapshot, 'voices'> => ({
  ...snapshot,
  digest: copyOf(snapshot.digest),
  putter: copyOf(snapshot.putter),
  putterKey: copyOf(snapshot.putterKey),
});

const refusal = (code: ErrorCode, message: string): SealwireError => new SealwireError(code, message);
