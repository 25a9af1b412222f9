// Three NATS nodes, one of which is killed and comes back, and a network that goes silent, under load from two relays:
// nothing that was acknowledged is ever missing. Rules: spec/relay-protocol.md §13.
// needs: nats
// timeout: 400s
import { type NatsCluster, startNatsCluster } from '@sealwire/testkit/nats-cluster';
import { startTcpProxy } from '@sealwire/testkit/tcp-proxy';
import { suite } from 'uvu';
import { createRelay, type Relay } from '../src/index.ts';
import { natsStore } from '../src/nats/index.ts';
import { startLoad } from './nats-load.ts';

const faults = suite('faults of NATS');

/** A test of its own cluster of three and two relays, the second of which has its own way to NATS if it is given one. */
const withCluster =
  (test: (world: { cluster: NatsCluster; relays: readonly Relay[] }) => Promise<void>) =>
  async (): Promise<void> => {
    const cluster = await startNatsCluster();
    const relays: Relay[] = [];
    try {
      for (let i = 0; i < 2; i++) {
        relays.push(await createRelay({ store: await natsStore({ servers: cluster.servers, shards: 2 }) }));
      }
      await test({ cluster, relays });
    } finally {
      await Promise.all(relays.map((relay) => relay.close()));
      await cluster.dispose();
    }
  };

const isReady = async ({ port }: Relay): Promise<boolean> =>
  (await fetch(`http://127.0.0.1:${port}/readyz`)).status === 200;

const ready = async (relay: Relay): Promise<void> => {
  while (!(await isReady(relay))) await pause(50);
};

const notReady = async (relay: Relay): Promise<void> => {
  while (await isReady(relay)) await pause(50);
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const say = (text: string): void => void process.stdout.write(`${text}\n`);

faults(
  '[RP160] [RP161] [RP162] each NATS node of three is killed under load and comes back: nothing acknowledged is missing',
  withCluster(async ({ cluster, relays }) => {
    const load = await startLoad(() => relays.map(({ address }) => address));
    await load.more(200);
    for (let node = 0; node < 3; node++) {
      await cluster.kill(node);
      await load.more(200);
      await cluster.start(node);
      await load.more(200);
    }
    await load.finish();
    const pauseMs = Math.round(load.longestPauseMs());
    say(`${load.acknowledged.size} acknowledged, ${load.repeated()} repeated, longest pause ${pauseMs} ms`);
  }),
);

faults(
  '[RP160] [RP161] [RP168] the network between one relay and NATS goes silent under load and comes back: nothing acknowledged is missing',
  withCluster(async ({ cluster, relays }) => {
    const proxy = await startTcpProxy(cluster.servers[0]!);
    const store = await natsStore({
      servers: [proxy.address],
      shards: 2,
      // The nodes would tell of ways around the proxy.
      discover: false,
    });
    const third = await createRelay({ store });
    const addresses = [relays[0]!.address, third.address];
    try {
      const load = await startLoad(() => addresses);
      await load.more(200);
      // For a moment; until a load balancer would notice; and for longer than the pings of NATS take to notice.
      const cuts = [() => load.more(300), () => notReady(third), () => pause(10_000)];
      for (const lasts of cuts) {
        proxy.cut();
        await lasts();
        proxy.mend();
        await ready(third);
        await load.more(300);
      }
      await load.finish();
      const pauseMs = Math.round(load.longestPauseMs());
      say(`${load.acknowledged.size} acknowledged, ${load.repeated()} repeated, longest pause ${pauseMs} ms`);
    } finally {
      await third.close();
      await proxy.close();
    }
  }),
);

faults.run();
