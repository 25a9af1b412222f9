// What JetStream stores once though it is tried twice, on a real node. Rules: spec/relay-protocol.md §13.
// needs: nats
// timeout: 120s
import { StorageType } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { startNatsCluster } from '@sealwire/testkit/nats-cluster';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openJetStream } from '../src/nats/jetstream.ts';

const test = suite('JetStream');

test('[RP168] what was stored by a try whose answer never came is no conflict; what another wrote is one', async () => {
  const cluster = await startNatsCluster(1);
  const connection = await connect({ servers: [...cluster.servers] });
  try {
    const jetStream = await openJetStream(connection);
    // JetStream forgets ids this soon, so that a second try is judged by what it expects, as after a change of leaders.
    const windowMs = 100;
    await jetStream.manager.streams.add({
      name: 'test',
      subjects: ['test.*'],
      storage: StorageType.Memory,
      duplicate_window: windowMs * 1_000_000,
    });
    const place = { stream: 'test', subject: 'test.one' };
    const publish = (id: string, expected: number): Promise<number | undefined> =>
      jetStream.publish(place, new TextEncoder().encode(id), { id, expected });
    const seq = await publish('mine', 0);
    assert.ok(seq !== undefined);
    await new Promise((resolve) => setTimeout(resolve, 5 * windowMs));
    assert.is(await publish('mine', 0), seq);
    assert.is(await publish('other', 0), undefined);
    const stored = await jetStream.manager.streams.info('test');
    assert.is(stored.state.messages, 1);
  } finally {
    await connection.close();
    await cluster.dispose();
  }
});

test.run();
