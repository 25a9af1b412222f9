// The machine's clock jumps by hours and days while the relay runs, and between its runs: nothing acknowledged is lost, nobody is
// sent away, and only requests for blobs look at it. Rules: spec/relay-protocol.md §7 (RP68, RP71, RP72), spec/blobs.md (BL3, BL13).
// needs: faketime
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromHex } from '@sealwire/protocol';
import { blobClient, nameOfBlob } from '@sealwire/testkit/blob-client';
import {
  connectClient,
  framesHeard,
  makeKey,
  makePrincipal,
  type TestClient,
} from '@sealwire/testkit/relay-client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openSocket, type RelayProcess, startRelay, withFolder } from './support.ts';

const test = suite('jumping clocks');

const HOUR_MS = 3_600_000;
/** Hours from the true time: each is where the clock jumps to. */
const JUMPS = [5, -7, 72, -30, 0];
const APPENDS = 150;
const IN_FLIGHT = 8;

/** A clock for a program that jumps when it is told to. Its monotonic clock goes on, as it does in a real machine. */
const falseClock = (folder: string) => {
  const faketime = process.env.SEALWIRE_FAKETIME ?? 'faketime';
  const library = spawnSync(faketime, ['-f', '+0', 'printenv', 'LD_PRELOAD'], {
    encoding: 'utf8',
  }).stdout.trim();
  const file = join(folder, 'clock');
  return {
    wrapper: [
      'env',
      `LD_PRELOAD=${library}`,
      `FAKETIME_TIMESTAMP_FILE=${file}`,
      'FAKETIME_NO_CACHE=1',
      'FAKETIME_DONT_FAKE_MONOTONIC=1',
    ],
    async jumpTo(hours: number): Promise<void> {
      await writeFile(`${file}.new`, `${hours < 0 ? '' : '+'}${hours}h\n`);
      await rename(`${file}.new`, file);
    },
  };
};

const healthOf = async ({ address }: RelayProcess): Promise<{ relayId: Uint8Array; dateMs: number }> => {
  const answer = await fetch(`${address.replace('ws:', 'http:')}/healthz`);
  const { relayId } = (await answer.json()) as { relayId: string };
  return { relayId: fromHex(relayId), dateMs: Date.parse(answer.headers.get('date')!) };
};

/** The relay's clock is where it was made to jump. Node writes the second anew once in a second. */
const showsClock = async (relay: RelayProcess, hours: number): Promise<void> => {
  const at = async () => ((await healthOf(relay)).dateMs - Date.now()) / HOUR_MS;
  const from = performance.now();
  while (Math.abs((await at()) - hours) > 0.01) {
    if (performance.now() - from > 5_000) assert.unreachable(`the clock is at ${await at()} h`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

/** Appends some frames under way at a time. @returns what was acknowledged. */
const appendSome = async (client: TestClient, room: Uint8Array): Promise<Map<number, string>> => {
  const acknowledged = new Map<number, string>();
  let left = APPENDS;
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      const frame = new Uint8Array(randomBytes(100));
      const answer = await client.request({ type: 'append', room, stream: 'control', frame });
      assert.is(answer.type, 'appended');
      if (answer.type === 'appended') acknowledged.set(answer.position, Buffer.from(frame).toString('hex'));
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  return acknowledged;
};

const heardBy = (client: TestClient, room: Uint8Array): [number, string][] =>
  framesHeard(client, room).map(({ position, bytes }) => [position, Buffer.from(bytes).toString('hex')]);

test(
  '[RP68] [RP71] [RP72] appends go on over jumps in both directions, and a restart under another clock finds all of them',
  withFolder(async (folder) => {
    const clock = falseClock(folder);
    await clock.jumpTo(0);
    const args = ['--data', join(folder, 'data')];
    const keys = [makeKey(), makeKey()];
    const room = new Uint8Array(randomBytes(32));
    const all = new Map<number, string>();
    let relay = await startRelay(args, clock.wrapper);
    for (const signal of ['SIGTERM', 'SIGKILL', 'SIGTERM'] as const) {
      const [writer, reader] = [
        await connectClient(openSocket, relay.address, keys[0]!),
        await connectClient(openSocket, relay.address, keys[1]!),
      ];
      if (all.size === 0) {
        const principal = makePrincipal();
        assert.is((await writer.putPrincipal(principal, 1, keys)).type, 'done');
        const members = [{ principal: principal.id, admin: true }];
        assert.is((await writer.request({ type: 'put-room', room, version: 1, members })).type, 'done');
      }
      await reader.request({ type: 'resume', rooms: [{ room, cursor: 0 }] });
      for (const hours of JUMPS) {
        const appending = appendSome(writer, room);
        await clock.jumpTo(hours);
        await showsClock(relay, hours);
        for (const more of [await appending, await appendSome(writer, room)])
          for (const [position, hex] of more) all.set(position, hex);
      }
      await reader.until(() => heardBy(reader, room).length >= all.size);
      assert.equal(
        heardBy(reader, room),
        [...all].sort(([one], [other]) => one - other),
      );
      await clock.jumpTo(signal === 'SIGTERM' ? -30 : 72);
      relay.child.kill(signal);
      assert.is(await relay.ended, signal === 'SIGTERM' ? 0 : 'SIGKILL');
      relay = await startRelay(args, clock.wrapper);
    }
    assert.is(all.size, 3 * JUMPS.length * 2 * APPENDS);
    relay.child.kill('SIGTERM');
    assert.is(await relay.ended, 0);
  }),
);

test(
  "[BL3] [BL13] a blob request under a relay's wrong clock is refused until it is made by the answer's date; what is whole stays",
  withFolder(async (folder) => {
    const clock = falseClock(folder);
    await clock.jumpTo(0);
    const args = ['--data', join(folder, 'data')];
    let relay = await startRelay(args, clock.wrapper);
    const { relayId } = await healthOf(relay);
    const client = await connectClient(openSocket, relay.address);
    const principal = makePrincipal();
    assert.is((await client.putPrincipal(principal, 1, [client.key])).type, 'done');
    const room = new Uint8Array(randomBytes(32));
    const members = [{ principal: principal.id, admin: true }];
    assert.is((await client.request({ type: 'put-room', room, version: 1, members })).type, 'done');
    const blobs = () => blobClient({ address: relay.address, relayId }, client.key);
    const [bytes, other] = [randomBytes(10_000), randomBytes(10_000)];
    assert.is((await blobs().put(room, bytes)).status, 201);
    const begun = { method: 'PUT', room, name: nameOfBlob(other), part: 'bytes 0-999/10000' } as const;
    assert.is((await blobs().ask({ ...begun, bytes: other.subarray(0, 1_000) })).status, 202);
    for (const hours of [5, -7, 72]) {
      await clock.jumpTo(hours);
      await showsClock(relay, hours);
      const asked = { method: 'GET', room, name: nameOfBlob(bytes) } as const;
      const refused = await blobs().ask(asked);
      assert.equal([refused.status, refused.code], [401, 'AUTH_FAILED']);
      const got = await blobs().ask({ ...asked, timeMs: Date.parse(refused.headers.date!) });
      assert.is(got.status, 200);
      assert.ok(got.body.equals(bytes));
    }
    const progress = async (): Promise<string | undefined> => {
      const asked = { method: 'HEAD', room, name: nameOfBlob(other) } as const;
      const { headers } = await blobs().ask({ ...asked, timeMs: (await healthOf(relay)).dateMs });
      return headers['sealwire-received'] as string | undefined;
    };
    const restart = async (): Promise<void> => {
      relay.child.kill('SIGTERM');
      assert.is(await relay.ended, 0);
      relay = await startRelay(args, clock.wrapper);
    };
    await clock.jumpTo(-7);
    await restart();
    assert.is(await progress(), '1000', 'begun, as far as the clock tells, in the future');
    await clock.jumpTo(72);
    await restart();
    // Looked for at the start, beside what is answered meanwhile.
    const from = performance.now();
    while ((await progress()) !== undefined) assert.ok(performance.now() - from < 5_000);
    await clock.jumpTo(0);
    await restart();
    assert.is((await blobs().put(room, other)).status, 201, 'anew');
    assert.ok((await blobs().get(room, nameOfBlob(bytes))).body.equals(bytes));
    relay.child.kill('SIGTERM');
    assert.is(await relay.ended, 0);
  }),
);

test.run();
