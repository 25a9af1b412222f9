// SIGTERM in the middle of appends: what was acknowledged is there, all hear when and where to come back, and it is quick.
// Rules: spec/relay-protocol.md §8 (RP181) and §10 (RP101, RP102).
import { randomBytes } from 'node:crypto';
import { connectClient, framesHeard, makeKey, makePrincipal } from '@sealwire/testkit/relay-client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openSocket, startRelay, withFolder } from './support.ts';

const test = suite('drain');

const ROUNDS = 2;
const SUCCESSOR = 'wss://relay-2.example';

test(
  '[RP101] [RP102] [RP181] a stop under load loses nothing that was acknowledged and sends everybody on',
  withFolder(async (data) => {
    const room = new Uint8Array(randomBytes(32));
    const keys = [makeKey(), makeKey(), makeKey()];
    const acknowledged = new Map<number, string>();
    for (let round = 0; round < ROUNDS; round++) {
      const relay = await startRelay(['--data', data, '--successor', SUCCESSOR]);
      const clients = await Promise.all(keys.map((key) => connectClient(openSocket, relay.address, key)));
      const [first, , reader] = clients;
      if (round === 0) {
        const principal = makePrincipal();
        assert.is((await first!.putPrincipal(principal, 1, keys)).type, 'done');
        const members = [{ principal: principal.id, admin: true }];
        assert.is((await first!.request({ type: 'put-room', room, version: 1, members })).type, 'done');
      }
      const resumed = await reader!.request({ type: 'resume', rooms: [{ room, cursor: 0 }] });
      assert.is(resumed.type, 'resumed');
      let acks = 0;
      let stoppedAt = 0;
      const write = async (client: (typeof clients)[0]): Promise<void> => {
        for (;;) {
          const frame = randomBytes(16 + (acks % 50 === 0 ? 20_000 : 200));
          const answer = await client
            .request({ type: 'append', room, stream: 'page-0', frame })
            .catch(() => undefined);
          if (answer === undefined) return;
          if (answer.type === 'refused') {
            assert.is(answer.code, 'SHUTTING_DOWN');
            return;
          }
          assert.ok(answer.type === 'appended' && !acknowledged.has(answer.position));
          if (answer.type === 'appended') acknowledged.set(answer.position, frame.toString('hex'));
          if (++acks !== 100 * (round + 1)) continue;
          stoppedAt = performance.now();
          relay.child.kill('SIGTERM');
        }
      };
      await Promise.all(Array.from({ length: 32 }, (_, i) => write(clients[i % 2]!)));
      assert.is(await relay.ended, 0);
      assert.ok(performance.now() - stoppedAt < 10_000);
      for (const client of clients)
        assert.equal(await client.closed, {
          code: 'SHUTTING_DOWN',
          reason: `SHUTTING_DOWN after=1000 at=${SUCCESSOR}`,
        });
      const heard = new Map(
        framesHeard(reader!, room).map(({ position, bytes }) => [position, Buffer.from(bytes)]),
      );
      for (const [position, hex] of acknowledged)
        assert.is(heard.get(position)?.toString('hex'), hex, `${position}`);
    }
    assert.ok(acknowledged.size >= 300);
  }),
);

test.run();
