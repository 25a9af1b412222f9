// What every store of a relay must do, as one suite that each implementation runs.
// Rules: spec/relay-protocol.md §7 (RP60 to RP67).
import type { SealwireError, StoredFrame } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type Ability,
  bytesOf,
  type Five,
  type LogStoreHarness,
  refused,
  type Test,
} from './log-store-harness.ts';
import { inboxTests } from './log-store-inboxes.ts';
import { recordTests } from './log-store-records.ts';
import { roomTests } from './log-store-rooms.ts';
import { type Random, seededRandom } from './random.ts';

export type { LogStoreHarness } from './log-store-harness.ts';

const ALL = { stream: '', after: 0, maxBytes: 1_000_000 };

/**
 * Registers and runs the suite for one implementation.
 *
 * @param can - the optional methods that its harness has; tests that need another one are shown as skipped.
 */
export const logStoreContract = (
  name: string,
  can: readonly Ability[],
  makeHarness: () => Promise<LogStoreHarness>,
): void => {
  const contract = suite(`${name}: store contract`);
  const test: Test = (title, run, needs) => {
    const register = needs === undefined || can.includes(needs) ? contract : contract.skip;
    register(title, async () => {
      const harness = await makeHarness();
      try {
        await run(harness, seededRandom(1));
      } finally {
        await harness.dispose();
      }
    });
  };
  readTests(test);
  writeTests(test);
  recordTests(test);
  inboxTests(test);
  roomTests(test);
  failureTests(test);
  contract.run();
};

const readTests = (test: Test): void => {
  test('[RP60] an unknown room is empty, unknown records are undefined', async ({ store }, random) => {
    const id = random.bytes(32);
    assert.is(await store.head(id), 0);
    assert.equal(await store.read({ room: id, ...ALL }), { frames: [], complete: true });
    assert.is(await store.room(id), undefined);
    assert.is(await store.principal(id), undefined);
    assert.is(await store.principalOf(id), undefined);
    assert.is(store.relayId.length, 16);
  });

  test('[RP61] frames come back as they were, in rising position, one room apart from the other', async ({
    store,
  }, random) => {
    const rooms = [random.bytes(32), random.bytes(32), new Uint8Array(32), new Uint8Array(32).fill(255)];
    const sent = await Promise.all(
      Array.from({ length: 400 }, async () => {
        const frame = {
          room: random.pick(rooms),
          stream: streamOf(random),
          frame: random.bytes(1 + random.int(60)),
        };
        return { ...frame, position: await store.append(frame) };
      }),
    );
    for (const room of rooms) {
      const expected = sent.filter((frame) => frame.room === room);
      const { frames, complete } = await store.read({ room, ...ALL });
      assert.ok(complete);
      same(frames, expected);
      rises(frames);
      assert.is(await store.head(room), frames.at(-1)!.position);
    }
  });

  test('[RP62] a read takes one stream, a range, and about as many bytes as asked for', async ({
    store,
  }, random) => {
    const room = random.bytes(32);
    const pending: Promise<StoredFrame>[] = [];
    for (let i = 0; i < 120; i++) {
      const frame = { stream: streamOf(random), frame: random.bytes(1 + random.int(100)) };
      // Some alone and some together, so that stores with runs have runs of all lengths.
      const position = store.append({ room, ...frame });
      if (i % 7 === 0) await position;
      pending.push(position.then((at) => ({ ...frame, position: at })));
    }
    const sent = await Promise.all(pending);
    const last = sent.at(-1)!.position;
    await store.append({ room, stream: 'last', frame: random.bytes(1) });
    for (const stream of ['', 'control', 'page-0', 'page-1', 'page-10', 'absent']) {
      const expected = sent.filter((frame) => stream === '' || frame.stream === stream);
      for (let i = -1; i < sent.length; i += 1 + random.int(9)) {
        const after = i < 0 ? 0 : sent[i]!.position - random.int(2);
        const left = expected.filter((frame) => frame.position > after);
        const { frames } = await store.read({ room, stream, after, maxBytes: 1_000_000 });
        same(stream === '' ? frames.slice(0, -1) : frames, left);
      }
      const paged: StoredFrame[] = [];
      for (let after = 0, complete = false; !complete; ) {
        const page = await store.read({ room, stream, after, maxBytes: 500 });
        const bytes = page.frames.reduce((sum, { frame }) => sum + frame.length, 0);
        assert.ok(bytes <= 500 || page.frames.length === 1);
        assert.ok(page.complete || page.frames.length > 0, 'a page that is not the last holds something');
        paged.push(...page.frames);
        after = page.frames.at(-1)?.position ?? after;
        complete = page.complete;
      }
      same(stream === '' ? paged.slice(0, -1) : paged, expected);
    }
    const whole = { room, stream: 'last', frame: random.bytes(2_000) };
    await store.append(whole);
    assert.is((await store.read({ room, stream: 'last', after: last + 1, maxBytes: 1 })).frames.length, 1);
  });

  test('[RP61] what a read gave is the reader’s own', async ({ store }, random) => {
    const room = random.bytes(32);
    const frame = random.bytes(20);
    await store.append({ room, stream: 'control', frame: frame.slice() });
    (await store.read({ room, ...ALL })).frames[0]!.frame.fill(0);
    assert.equal(bytesOf((await store.read({ room, ...ALL })).frames[0]!.frame), bytesOf(frame));
  });
};

const writeTests = (test: Test): void => {
  test('[RP63] positions follow the order of the calls, and promises resolve in it', async ({
    store,
  }, random) => {
    const room = random.bytes(32);
    const resolved: number[] = [];
    const appends = Array.from({ length: 300 }, (_, i) =>
      store.append({ room, stream: 'control', frame: Uint8Array.of(i & 255, i >> 8) }).then((position) => {
        resolved.push(i);
        return position;
      }),
    );
    const positions = await Promise.all(appends);
    assert.equal(
      resolved,
      positions.map((_, i) => i),
    );
    const frames = (await store.read({ room, ...ALL })).frames;
    frames.forEach(({ frame, position }, i) => {
      assert.is(frame[0]! + (frame[1]! << 8), i);
      assert.is(position, positions[i]);
    });
  });

  test('[RP63] whoever appends is told of the position before the promise resolves, in rising order', async ({
    store,
  }, random) => {
    const room = random.bytes(32);
    const placed: number[] = [];
    const positions = await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        const frame = { room, stream: 'control', frame: Uint8Array.of(i) };
        const position = await store.append({ ...frame, placed: (at) => placed.push(at) });
        assert.ok(placed.includes(position));
        return position;
      }),
    );
    assert.equal(placed, positions);
  });

  test(
    '[RP66] everything is there after closing and opening again',
    async (harness, random) => {
      const [room, id, manageKey, key] = Array.from({ length: 5 }, () => random.bytes(32)) as Five;
      await harness.store.putPrincipal({ id, manageKey, version: 1, relayKeys: [key] });
      await harness.store.putRoom({ room, version: 1, members: [{ principal: id, admin: true }] });
      const frames = Array.from({ length: 50 }, () => ({
        room,
        stream: streamOf(random),
        frame: random.bytes(40),
      }));
      const appends = frames.map((frame) => harness.store.append(frame));
      await harness.store.close();
      const positions = await Promise.all(appends);
      const store = await harness.reopen!();
      assert.equal(bytesOf(store.relayId), bytesOf(harness.store.relayId));
      same(
        (await store.read({ room, ...ALL })).frames,
        frames.map((frame, i) => ({ ...frame, position: positions[i]! })),
      );
      assert.is(await store.head(room), positions.at(-1));
      assert.equal(bytesOf((await store.principalOf(key))!), bytesOf(id));
      assert.equal(
        (await store.room(room))!.members.map(({ admin, principal }) => [admin, bytesOf(principal)]),
        [[true, bytesOf(id)]],
      );
      assert.ok((await store.append(frames[0]!)) > positions.at(-1)!);
    },
    'reopen',
  );
};

const failureTests = (test: Test): void => {
  test(
    '[RP67] what is not durable is neither acknowledged nor shown',
    async (harness, random) => {
      const { store } = harness;
      const room = random.bytes(32);
      await store.append({ room, stream: 'control', frame: Uint8Array.of(1) });
      const release = harness.stall!();
      let acknowledged = false;
      const append = store.append({ room, stream: 'control', frame: Uint8Array.of(2) }).then(() => {
        acknowledged = true;
      });
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
      assert.not.ok(acknowledged);
      assert.is(await store.head(room), 1);
      assert.is((await store.read({ room, ...ALL })).frames.length, 1);
      release();
      await append;
      assert.is(await store.head(room), 2);
    },
    'stall',
  );

  test(
    '[RP67] a failed commit changes nothing, and later writes succeed',
    async (harness, random) => {
      const { store } = harness;
      const room = random.bytes(32);
      const append = (byte: number): Promise<number> =>
        store.append({ room, stream: 'control', frame: Uint8Array.of(byte) });
      await append(1);
      const repair = harness.breakDisk!();
      const failed = await Promise.allSettled([
        append(2),
        append(3),
        store.putRoom({ room, version: 1, members: [] }),
      ]);
      for (const write of failed) {
        assert.is(write.status, 'rejected');
        const code = ((write as PromiseRejectedResult).reason as SealwireError).code;
        assert.ok(code === 'STORE_FULL' || code === 'STORE_FAILED', code);
      }
      assert.is(await store.head(room), 1);
      repair();
      await append(4);
      await store.putRoom({ room, version: 1, members: [] });
      const { frames } = await store.read({ room, ...ALL });
      assert.equal(
        frames.map(({ frame }) => frame[0]),
        [1, 4],
      );
      rises(frames);
    },
    'breakDisk',
  );

  test('[RP67] a closed store finishes what waits and refuses what comes', async ({ store }, random) => {
    const frame = { room: random.bytes(32), stream: 'control', frame: random.bytes(9) };
    const append = store.append(frame);
    const closed = store.close();
    assert.ok((await append) >= 1);
    await closed;
    await refused(store.append(frame), 'CLOSED');
    await store.close();
  });
};

const streamOf = (random: Random): string => random.pick(['control', 'page-0', 'page-1', 'page-10', 'a']);

const same = (actual: readonly StoredFrame[], expected: readonly StoredFrame[]): void => {
  const plain = (frames: readonly StoredFrame[]) =>
    frames.map(({ position, stream, frame }) => ({ position, stream, frame: bytesOf(frame) }));
  assert.equal(plain(actual), plain(expected));
};

const rises = (frames: readonly StoredFrame[]): void => {
  for (let i = 1; i < frames.length; i++) assert.ok(frames[i]!.position > frames[i - 1]!.position);
};
