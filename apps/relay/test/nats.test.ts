// Relay processes on one NATS store: one is killed in the moment that it has acknowledged, and what it took is there.
// Rules: spec/relay-protocol.md §10 and §13.
// needs: nats
// timeout: 240s
import { randomBytes } from 'node:crypto';
import { startNatsCluster } from '@sealwire/testkit/nats-cluster';
import { connectClient, framesHeard, makeKey, makePrincipal } from '@sealwire/testkit/relay-client';
import { startRelayProcess } from '@sealwire/testkit/relay-process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openSocket } from './support.ts';

const KILLS = process.env.SEALWIRE_SLOW ? 30 : 2;
const nodes = process.env.SEALWIRE_SLOW ? 3 : 1;

const test = suite('relay processes on NATS');

test(`[RP160] [RP68] ${KILLS} relays are killed right after they acknowledged: followers at another one have seen or see it`, async () => {
  const cluster = await startNatsCluster(nodes);
  const args = ['--store', `nats://${cluster.servers.join(',')}/kills?shards=1&replicas=${nodes}`];
  const steady = await startRelayProcess({ args });
  try {
    const [writerKey, readerKey] = [makeKey(), makeKey()];
    const reader = await connectClient(openSocket, steady.address, readerKey);
    const principal = makePrincipal();
    assert.is((await reader.putPrincipal(principal, 1, [writerKey, readerKey])).type, 'done');
    const room = new Uint8Array(randomBytes(32));
    const members = [{ principal: principal.id, admin: true }];
    assert.is((await reader.request({ type: 'put-room', room, version: 1, members })).type, 'done');
    await reader.request({ type: 'resume', rooms: [{ room, cursor: 0 }] });
    const acknowledged: number[] = [];
    for (let round = 0; round < KILLS; round++) {
      const victim = await startRelayProcess({ args });
      const writer = await connectClient(openSocket, victim.address, writerKey);
      // Some of them follow the room themselves, which takes another way to the acknowledgement.
      if (round % 2 === 0) await writer.request({ type: 'resume', rooms: [{ room, cursor: 0 }] });
      let killing: Promise<void> | undefined;
      const killed = new Promise<void>((resolve) => {
        writer.socket.on('message', () => {
          const answer = writer.heard.at(-1);
          if (answer?.type !== 'appended') return;
          acknowledged.push(answer.position);
          killing ??= victim.kill();
          resolve(killing);
        });
      });
      for (let i = 0; i < 20; i++) {
        const frame = Uint8Array.of(round, i);
        writer.send({ type: 'append', request: 1_000 + i, room, stream: 'control', frame });
      }
      await killed;
      await reader.until(() =>
        framesHeard(reader, room).some(({ position }) => position === acknowledged.at(-1)),
      );
    }
    const learned = framesHeard(reader, room).map(({ position }) => position);
    for (const position of acknowledged)
      assert.ok(learned.includes(position), `position ${position} is missing`);
    assert.ok(learned.every((position, i) => i === 0 || position > learned[i - 1]!));
    const newcomer = await connectClient(openSocket, steady.address, readerKey);
    await newcomer.request({ type: 'resume', rooms: [{ room, cursor: 0 }] });
    await newcomer.until(() => framesHeard(newcomer, room).length >= learned.length);
    assert.equal(
      framesHeard(newcomer, room).map(({ position }) => position),
      learned,
    );
    reader.socket.terminate();
    newcomer.socket.terminate();
  } finally {
    await steady.stop();
    await cluster.dispose();
  }
});

test.run();
