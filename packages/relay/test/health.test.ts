// What a relay answers to a load balancer. Rules: spec/relay-protocol.md §10.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SealwireError } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { answerHealth } from '../src/health.ts';
import { memoryStore } from '../src/store-memory.ts';

const test = suite('health');

const ask = (
  answer: ReturnType<typeof answerHealth>,
  url: string,
  method = 'GET',
): Promise<{ status: number; body: string }> =>
  new Promise((resolve) => {
    let status = 0;
    const response = {
      writeHead(code: number) {
        status = code;
        return this;
      },
      end: (body: string) => resolve({ status, body }),
    };
    answer({ url, method } as IncomingMessage, response as unknown as ServerResponse);
  });

test('[RP150] ready while connections are taken and the store can be read', async () => {
  const store = memoryStore();
  let isOpen = true;
  let isBroken = false;
  const watched = {
    ...store,
    relayId: store.relayId,
    head(room: Uint8Array) {
      if (isBroken) throw new SealwireError('STORE_FAILED', 'as if the disk were gone');
      return store.head(room);
    },
  };
  const answer = answerHealth(watched, () => isOpen, undefined);
  assert.is((await ask(answer, '/readyz')).status, 200);
  isBroken = true;
  assert.equal([(await ask(answer, '/readyz')).status, (await ask(answer, '/healthz')).status], [503, 200]);
  assert.match((await ask(answer, '/readyz')).body, /store-failed/);
  isBroken = false;
  isOpen = false;
  assert.is((await ask(answer, '/readyz')).status, 503);
  assert.match((await ask(answer, '/readyz')).body, /stopping/);
  assert.is((await ask(answer, '/readyz', 'POST')).status, 404);
  await store.close();
});

test.run();
