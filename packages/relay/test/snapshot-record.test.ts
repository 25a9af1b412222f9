// What becomes of a stream's snapshots, decided from records alone, and held against a plain model over random stories.
// Rules: spec/snapshots.md.
import { LIMITS, type SealwireError } from '@sealwire/protocol';
import { seededRandom } from '@sealwire/testkit/random';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  candidateOf,
  droppedTo,
  type Judge,
  type SnapshotPut,
  type StreamSnapshots,
  stepSnapshots,
  type Voice,
  withSnapshot,
  withVoice,
} from '../src/snapshot-record.ts';

const test = suite('snapshot record');

const bytes = (fill: number, length = 32): Uint8Array => new Uint8Array(length).fill(fill);
const HEAD = 1_000;
const NOW = 1_700_000_000_000;
const DAY = 86_400_000;
const ADA = 1;
const BEA = 2;

/** A principal p has devices 10p, 10p + 1, … */
const put = (number: number, by: number, change: Partial<SnapshotPut> = {}): SnapshotPut => ({
  room: bytes(9),
  stream: 'page-0',
  number,
  covers: 500,
  digest: bytes(70 + number),
  parts: 1,
  bytes: 100,
  putter: bytes(Math.floor(by / 10)),
  putterKey: bytes(by),
  putAt: NOW,
  ...change,
});
const voice = (by: number, agrees = true): Voice => ({
  principal: bytes(Math.floor(by / 10)),
  relayKey: bytes(by),
  agrees,
  signature: bytes(0, 64),
});
const judge = (principal: number, devices = 2, seenAt: number | undefined = NOW): Judge => ({
  principal: bytes(principal),
  devices,
  seenAt,
});
const codeOf = (run: () => unknown): string => {
  try {
    run();
    return 'none';
  } catch (error) {
    return (error as SealwireError).code;
  }
};
const first = (): StreamSnapshots => withSnapshot(undefined, put(1, 10), HEAD)!;
const said = (record: StreamSnapshots, ...voices: Voice[]): StreamSnapshots => {
  const { number, digest } = record.snapshots.at(-1)!;
  return voices.reduce((known, one) => withVoice(known, number, digest, one), record);
};
/** After the whole time of grace, looked at at its beginning and end. */
const stood = (record: StreamSnapshots, judges: readonly Judge[], at = NOW): StreamSnapshots => {
  const begun = stepSnapshots(record, judges, at);
  return stepSnapshots(begun.record, judges, at + LIMITS.snapshotGraceMs).record;
};

test('[SS1] numbers follow each other; the same again is there already', () => {
  assert.is(
    codeOf(() => withSnapshot(undefined, put(2, 10), HEAD)),
    'VERSION_CONFLICT',
  );
  const record = first();
  assert.is(withSnapshot(record, put(1, 10), HEAD), undefined);
  const others = [{ covers: 400 }, { digest: bytes(1) }, { putterKey: bytes(11) }];
  for (const change of others)
    assert.is(
      codeOf(() => withSnapshot(record, put(1, 10, change), HEAD)),
      'VERSION_CONFLICT',
    );
  assert.is(
    codeOf(() => withSnapshot(record, put(3, 10), HEAD)),
    'VERSION_CONFLICT',
  );
  assert.is(withSnapshot(record, put(2, 10), HEAD)!.snapshots.length, 1, 'in the place of the candidate');
});

test('[SS2] it covers no more than there is, and no less than what stands', () => {
  assert.is(
    codeOf(() => withSnapshot(undefined, put(1, 10, { covers: HEAD + 1 }), HEAD)),
    'UNEXPECTED_MESSAGE',
  );
  assert.ok(withSnapshot(undefined, put(1, 10, { covers: HEAD }), HEAD));
  const standing = stood(said(first(), voice(11)), [judge(ADA)]);
  assert.is(droppedTo(standing), 500);
  const later = { putAt: NOW + LIMITS.snapshotGraceMs };
  assert.is(
    codeOf(() => withSnapshot(standing, put(2, 10, { ...later, covers: 499 }), HEAD)),
    'UNEXPECTED_MESSAGE',
  );
  assert.ok(withSnapshot(standing, put(2, 10, { ...later, covers: 500 }), HEAD));
});

test('[SS3] a candidate of somebody else stays for a while; one of the same principal is replaced at once', () => {
  const record = said(first(), voice(11));
  const soon = NOW + LIMITS.snapshotReplaceMs - 1;
  assert.is(
    codeOf(() => withSnapshot(record, put(2, 20, { putAt: soon }), HEAD)),
    'LIMIT_REACHED',
  );
  for (const next of [put(2, 11, { putAt: soon }), put(2, 20, { putAt: soon + 1 })]) {
    const replaced = withSnapshot(record, next, HEAD)!;
    assert.equal(
      replaced.snapshots.map(({ number, voices }) => [number, voices.length]),
      [[2, 0]],
    );
  }
});

test("[SS4] a principal's last word counts, of any of its devices; nobody speaks of a snapshot of their own", () => {
  const record = said(first(), voice(11), voice(12, false), voice(20));
  assert.equal(
    candidateOf(record)!.voices.map(({ relayKey, agrees }) => [relayKey[0], agrees]),
    [
      [12, false],
      [20, true],
    ],
  );
  const { digest } = candidateOf(record)!;
  assert.is(
    codeOf(() => withVoice(record, 1, digest, voice(10))),
    'UNEXPECTED_MESSAGE',
  );
  assert.is(
    codeOf(() => withVoice(record, 2, digest, voice(11))),
    'SNAPSHOT_UNKNOWN',
  );
  assert.is(
    codeOf(() => withVoice(undefined, 1, digest, voice(11))),
    'SNAPSHOT_UNKNOWN',
  );
  assert.is(
    codeOf(() => withVoice(record, 1, bytes(1), voice(11))),
    'VERSION_CONFLICT',
  );
});

test('[SS5] every member must have vouched, be alone with what it put, or be away', () => {
  const agreed = (record: StreamSnapshots, judges: readonly Judge[], at = NOW): boolean =>
    stepSnapshots(record, judges, at).record.agreedAt !== undefined;
  const record = first();
  const both = [judge(ADA), judge(BEA)];
  assert.not(agreed(record, both));
  assert.not(agreed(said(record, voice(11)), both), 'one of two');
  assert.ok(agreed(said(record, voice(11), voice(20)), both));
  assert.not(agreed(record, []), 'a room of nobody');
  const alone = [judge(ADA, 1, NOW + 400 * DAY)];
  assert.not(agreed(record, alone, NOW + LIMITS.snapshotAloneMs - 1));
  assert.ok(agreed(record, alone, NOW + LIMITS.snapshotAloneMs));
  assert.not(agreed(record, [judge(ADA, 2, NOW + 400 * DAY)], NOW + LIMITS.snapshotAloneMs), 'not alone');
  const seen = NOW + 5 * DAY;
  const away = [judge(ADA), judge(BEA, 1, seen)];
  const vouched = said(record, voice(11));
  assert.not(agreed(vouched, away, seen + LIMITS.snapshotSilentMs - 1));
  assert.ok(agreed(vouched, away, seen + LIMITS.snapshotSilentMs));
  const never = [judge(ADA), { ...judge(BEA), seenAt: undefined }];
  assert.not(agreed(vouched, never, NOW + LIMITS.snapshotSilentMs - 1));
  assert.ok(agreed(vouched, never, NOW + LIMITS.snapshotSilentMs));
});

test('[SS6] one member holds all; who is a member no more holds nobody', () => {
  const record = said(first(), voice(11), voice(20), voice(30, false));
  const all = [judge(ADA), judge(BEA), judge(3)];
  assert.is(stepSnapshots(record, all, NOW + 900 * DAY).record.agreedAt, undefined, 'however long');
  assert.is(stepSnapshots(record, all.slice(0, 2), NOW).record.agreedAt, NOW);
});

test('[SS7] frames go after an unbroken time of agreement, and not a moment before', () => {
  const record = said(first(), voice(11));
  const judges = [judge(ADA)];
  const begun = stepSnapshots(record, judges, NOW);
  assert.equal([begun.dropTo, begun.record.standing], [undefined, 0]);
  assert.is(begun.nextAt, NOW + LIMITS.snapshotLookMs);
  const end = NOW + LIMITS.snapshotGraceMs;
  assert.is(stepSnapshots(begun.record, judges, end - 1).dropTo, undefined);
  const over = stepSnapshots(begun.record, judges, end);
  assert.equal([over.dropTo, over.record.standing, droppedTo(over.record)], [500, 1, 500]);
  assert.is(stepSnapshots(over.record, judges, end + 1).dropTo, undefined, 'once');
  // Broken by a newcomer, who vouches later.
  const broken = stepSnapshots(begun.record, [judge(ADA), judge(BEA)], end - 1).record;
  assert.is(broken.agreedAt, undefined);
  const again = stepSnapshots(said(broken, voice(20)), [judge(ADA), judge(BEA)], end);
  assert.equal([again.dropTo, again.record.agreedAt], [undefined, end]);
  // Broken by another candidate.
  assert.is(withSnapshot(begun.record, put(2, 11), HEAD)!.agreedAt, undefined);
});

test('[SS8] the one before the standing one is kept until the next stands', () => {
  let record = stood(said(first(), voice(11)), [judge(ADA)]);
  for (let number = 2; number <= 4; number++) {
    const putAt = NOW + number * 30 * DAY;
    record = withSnapshot(record, put(number, 10, { putAt, covers: 500 + number }), HEAD)!;
    const numbers = () => record.snapshots.map((one) => one.number);
    assert.equal(numbers(), number === 2 ? [1, 2] : [number - 2, number - 1, number]);
    record = stood(said(record, voice(11)), [judge(ADA, 2, putAt)], putAt);
    assert.equal(numbers(), [number - 1, number]);
    assert.is(droppedTo(record), 500 + number);
  }
});

test('over random stories nothing goes that a member did not agree to, or was not long away for', () => {
  let drops = 0;
  for (let seed = 1; seed <= 300; seed++) {
    const random = seededRandom(seed);
    let record: StreamSnapshots | undefined;
    let now = NOW;
    let members = [ADA, BEA];
    const seenAt = new Map<number, number>();
    for (let turn = 0; turn < 60; turn++) {
      now += random.int(20 * DAY);
      const by = 10 * (1 + random.int(3)) + random.int(3);
      const principal = Math.floor(by / 10);
      const newest: number = record?.snapshots.at(-1)?.number ?? 0;
      const act = random.int(10);
      if (act < 3) seenAt.set(principal, now);
      if (act === 3) members = [ADA, BEA, 3].filter(() => random.int(4) > 0);
      try {
        if (act === 4) record = withSnapshot(record, put(newest + 1, by, { putAt: now }), HEAD) ?? record;
        if (act > 4 && act < 8 && record)
          record = withVoice(record, newest, bytes(70 + newest), voice(by, random.int(8) > 0));
      } catch (error) {
        assert.ok((error as SealwireError).code);
      }
      if (!record) continue;
      const before = candidateOf(record);
      const step = stepSnapshots(
        record,
        members.map((one) => ({ principal: bytes(one), devices: 3, seenAt: seenAt.get(one) })),
        now,
      );
      if (step.dropTo !== undefined) {
        drops += 1;
        for (const one of members) {
          const word = before!.voices.find((each) => each.principal[0] === one);
          const silentMs = now - (seenAt.get(one) ?? before!.putAt);
          assert.ok(word?.agrees || (!word && silentMs >= LIMITS.snapshotSilentMs), `seed ${seed}`);
          assert.not(word && word.relayKey[0] === before!.putterKey[0], 'not by who put it');
        }
      }
      record = step.record;
      assert.ok(record.snapshots.length <= 3);
    }
  }
  assert.ok(drops > 50, `${drops} drops`);
});

test.run();
