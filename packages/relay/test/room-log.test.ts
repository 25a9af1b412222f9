// The order in which a room is told, whatever is told live, late, twice or never. Rules: spec/relay-protocol.md §13.
import { seededRandom } from '@sealwire/testkit/random';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeFrames, encodeFrames, firstAfter, lastPosition, SLOTS } from '../src/nats/frame-record.ts';
import { createRoomLog, type LiveMessage, type RoomLog } from '../src/nats/room-log.ts';

const test = suite('room log');

const messageOf = (seq: number, before: number): LiveMessage => ({
  seq,
  before,
  id: '',
  data: Uint8Array.of(),
});

/** One seeded run. @param bend - a log that may be broken. @returns what was told, and what is in the room. */
const run = (
  seed: number,
  bend: (log: RoomLog) => RoomLog = (log) => log,
): { told: number[]; stored: number[]; reads: number } => {
  const random = seededRandom(seed);
  const messages: LiveMessage[] = [];
  for (let seq = 1; messages.length < 60; seq++) {
    // The stream holds other rooms too.
    if (random.int(3) > 0) messages.push(messageOf(seq, messages.at(-1)?.seq ?? 0));
  }
  const begun = random.int(10);
  const told: number[] = [];
  let wanted = false;
  let reads = 0;
  const log = bend(
    createRoomLog({
      tell: ({ seq }) => told.push(seq),
      missed: () => {
        wanted = true;
      },
      mostWaiting: 4,
    }),
  );
  let stored = 0;
  const late: LiveMessage[] = [];
  const read = (): void => {
    reads++;
    wanted = false;
    log.read(messages.slice(0, stored).filter(({ seq }) => seq > (log.tail ?? 0)));
  };
  while (stored < messages.length || wanted || late.length > 0) {
    const choice = random.int(10);
    if (stored === begun && log.tail === undefined) log.begin(messages[stored - 1]?.seq ?? 0);
    if (choice < 5 && stored < messages.length) {
      const message = messages[stored++]!;
      const fate = random.int(10);
      if (fate < 6) log.live(message);
      else if (fate < 9) late.push(message);
    } else if (choice < 7 && late.length > 0) {
      // In their order, since they come by one way; some of them twice.
      const message = random.int(4) === 0 ? late[0]! : late.shift()!;
      log.live(message);
    } else if (wanted && log.tail !== undefined) read();
  }
  read();
  return { told, stored: messages.slice(begun).map(({ seq }) => seq), reads };
};

test('[RP161] in 500 seeded runs each message is told once, in order, with some lost, late or doubled', () => {
  let reads = 0;
  for (let seed = 1; seed <= 500; seed++) {
    const outcome = run(seed);
    assert.equal(outcome.told, outcome.stored, `seed ${seed}`);
    reads += outcome.reads;
  }
  assert.ok(reads > 500 + 500, `${reads} reads: nothing was ever missed`);
});

test('a log that does not look at what was before a message is found out', () => {
  const faults = Array.from({ length: 20 }, (_, i) => {
    const { told, stored } = run(i + 1, (log) => ({
      ...log,
      get tail() {
        return log.tail;
      },
      live: (message) => log.live({ ...message, before: 0 }),
    }));
    return told.length !== stored.length;
  });
  assert.ok(faults.includes(true));
});

test('[RP161] positions of a message rise, its last is known from its number alone, and a read goes on between them', () => {
  for (const count of [1, 2, 255, SLOTS]) {
    const frames = Array.from({ length: count }, (_, i) => ({
      stream: 'page-0',
      frame: Uint8Array.of(i & 255, 7),
    }));
    const decoded = decodeFrames(9, encodeFrames(frames));
    assert.equal(
      decoded.map(({ stream, frame }) => [stream, [...frame]]),
      frames.map(({ stream, frame }) => [stream, [...frame]]),
    );
    assert.is(decoded.at(-1)!.position, lastPosition(9));
    assert.ok(decoded[0]!.position > lastPosition(8));
    assert.ok(decoded.every(({ position }, i) => i === 0 || position === decoded[i - 1]!.position + 1));
    assert.is(firstAfter(lastPosition(9)), 10);
    assert.is(firstAfter(lastPosition(8)), 9);
    if (count > 1) assert.is(firstAfter(decoded[0]!.position), 9);
  }
  assert.is(firstAfter(0), 0);
});

test('a damaged message is the store’s fault, not a crash', () => {
  const whole = encodeFrames([{ stream: 'control', frame: Uint8Array.of(1, 2, 3) }]);
  for (let length = 0; length < whole.length; length++) {
    try {
      decodeFrames(1, whole.slice(0, length));
      assert.unreachable();
    } catch (error) {
      assert.is((error as { code?: string }).code, 'STORE_FAILED');
    }
  }
});

test.run();
