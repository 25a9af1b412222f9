// The relay is killed in the middle of appends, again and again: what it acknowledged is there, where it said.
// Rules: spec/relay-protocol.md §7.
// timeout: 240s
import { randomBytes } from 'node:crypto';
import { seededRandom } from '@sealwire/testkit/random';
import {
  connectClient,
  makeKey,
  makePrincipal,
  type TestClient,
  type TestKey,
} from '@sealwire/testkit/relay-client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openSocket, startRelay, withFolder } from './support.ts';

const KILLS = Number(process.env.SEALWIRE_KILLS ?? (process.env.SEALWIRE_SLOW ? 50 : 6));
const SEED = Number(process.env.SEALWIRE_SEED ?? 1);
const IN_FLIGHT = 24;
const STREAMS = ['control', 'page-0', 'page-1'];

const kill = suite('kill');

interface Sent {
  readonly stream: string;
  readonly hex: string;
}

kill(
  `[RP68] ${KILLS} kills in the middle of appends lose nothing that was acknowledged`,
  withFolder(async (data) => {
    const random = seededRandom(SEED);
    const room = new Uint8Array(randomBytes(32));
    const keys = [makeKey(), makeKey()];
    const sent = new Map<string, Sent>();
    const acknowledged = new Map<number, Sent>();
    let unacknowledged = 0;
    for (let round = 0; round <= KILLS; round++) {
      const relay = await startRelay(['--data', data]);
      const clients = await Promise.all(keys.map((key) => connectClient(openSocket, relay.address, key)));
      if (round === 0) await found(clients[0]!, keys, room);
      await verify(clients[0]!, room, sent, acknowledged);
      if (round === KILLS) {
        relay.child.kill('SIGTERM');
        assert.is(await relay.ended, 0);
        break;
      }
      const killAfter = 1 + random.int(120);
      let acks = 0;
      let killed = false;
      const append = async (client: TestClient): Promise<void> => {
        while (!killed) {
          const frame = random.bytes(16 + random.int(random.int(8) === 0 ? 20_000 : 300));
          const one = { stream: random.pick(STREAMS), hex: Buffer.from(frame).toString('hex') };
          sent.set(one.hex, one);
          const answer = await client
            .request({ type: 'append', room, stream: one.stream, frame })
            .catch(() => undefined);
          if (answer === undefined) {
            unacknowledged++;
            return;
          }
          assert.is(answer.type, 'appended');
          if (answer.type !== 'appended') return;
          assert.not.ok(acknowledged.has(answer.position), `position ${answer.position} was given twice`);
          acknowledged.set(answer.position, one);
          if (++acks === killAfter) {
            killed = true;
            relay.child.kill('SIGKILL');
          }
        }
      };
      await Promise.all(Array.from({ length: IN_FLIGHT }, (_, i) => append(clients[i % clients.length]!)));
      assert.is(await relay.ended, 'SIGKILL');
    }
    assert.ok(acknowledged.size > KILLS * 10, `${acknowledged.size} acknowledged`);
    assert.ok(unacknowledged > KILLS * 4, `${unacknowledged} were under way when the relay was killed`);
  }),
);

const found = async (client: TestClient, keys: readonly TestKey[], room: Uint8Array): Promise<void> => {
  const principal = makePrincipal();
  assert.is((await client.putPrincipal(principal, 1, keys)).type, 'done');
  const members = [{ principal: principal.id, admin: true }];
  assert.is((await client.request({ type: 'put-room', room, version: 1, members })).type, 'done');
};

/** Reads the whole room, in all and by stream, and compares it with what was sent and acknowledged. */
const verify = async (
  client: TestClient,
  room: Uint8Array,
  sent: ReadonlyMap<string, Sent>,
  acknowledged: ReadonlyMap<number, Sent>,
): Promise<void> => {
  const stored = await readAll(client, room, '');
  for (const [position, { stream, hex }] of acknowledged) {
    const there = stored.get(position);
    assert.ok(
      there !== undefined && there.hex === hex && there.stream === stream,
      `position ${position} is not as acknowledged`,
    );
  }
  for (const [position, { stream, hex }] of stored) {
    assert.is(sent.get(hex)?.stream, stream, `position ${position} holds what nobody sent`);
  }
  const byStream = new Map<number, Sent>();
  for (const stream of STREAMS)
    for (const [position, one] of await readAll(client, room, stream)) byStream.set(position, one);
  assert.equal(
    [...byStream].sort(([a], [b]) => a - b),
    [...stored],
  );
};

const readAll = async (client: TestClient, room: Uint8Array, stream: string): Promise<Map<number, Sent>> => {
  const all = new Map<number, Sent>();
  for (let after = 0, complete = false; !complete; ) {
    const page = await client.request({ type: 'read', room, stream, after, maxBytes: 200_000 });
    assert.is(page.type, 'read-result');
    if (page.type !== 'read-result') break;
    for (const { position, stream, frame } of page.frames) {
      assert.ok(position > after, 'positions rise');
      after = position;
      all.set(position, { stream, hex: Buffer.from(frame).toString('hex') });
    }
    assert.ok(page.head >= after);
    complete = page.complete;
  }
  return all;
};

kill.run();
