// timeout: 60s
// Peers of the merge suite on a few messages: all hold the same chat, and one that does not run keeps its place.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { figuresOf } from '../lib/figures.ts';
import { environment, ResultsDiffer } from '../lib/result.ts';
import { formatTable } from '../lib/table.ts';
import { CHAT } from './conversation.ts';
import type { MergePeer } from './peers/peer.ts';
import { PEERS, runPeers } from './peers-bench.ts';
import { CLIENT_IDS, playPlain } from './plain.ts';
import { playScript, sendingsOf } from './script.ts';
import { makeWorkload, scriptOf } from './workload.ts';

const test = suite('bench merge peers');
const MESSAGES = 120;
const say = (): void => undefined;
/** Away half of the time, so that so few messages have a return among them. */
const AWAY = { ...CHAT, offlineShare: 0.5 };

const workload = await makeWorkload('small', MESSAGES, CHAT, say);

const fake = (make: MergePeer['make']): MergePeer => ({ id: 'fake', name: 'Fake', version: '1', make });

test('every peer gives a catch-up and its bytes, and those that save a state a load', async () => {
  const { results, absent } = await runPeers(workload, { rounds: 1, say });
  assert.equal(absent, []);
  const cases = results.map((result) => result.case);
  for (const { id } of PEERS)
    assert.ok(cases.includes(`catch-up/120/${id}`) && cases.includes(`bytes/120/${id}`), id);
  for (const id of ['automerge', 'loro'])
    assert.ok(cases.includes(`load/120/${id}`) && cases.includes(`bytes/120/${id}-state`), id);
  for (const { ours, ratio, peers, case: name } of results)
    assert.ok(ours > 0 && ratio === ours / peers[0]!.value, name);
});

test('a peer that does not run is in the tables with the reason', async () => {
  const broken = fake(() => Promise.reject(new Error('no such cipher')));
  const { results, absent } = await runPeers(workload, { rounds: 1, say, peers: [broken] });
  assert.equal(results, []);
  assert.match(
    formatTable(results, {}, absent),
    /catch-up\/120\/fake +Fake 1 does not run here: no such cipher/,
  );
  assert.match(figuresOf(environment(true), results, [], absent), /`catch-up\/120\/fake`.*no such cipher/);
});

test('a peer that holds other messages ends the run', async () => {
  const short = fake(async () => [
    { what: 'w', from: 'updates', bytes: 1, catchUp: () => ({ messages: [] }) },
  ]);
  try {
    await runPeers(workload, { rounds: 1, say, peers: [short] });
    assert.unreachable('it was timed');
  } catch (error) {
    assert.instance(error, ResultsDiffer, String(error));
  }
});

test('what leaves together, and in which order, is what the plain documents send', async () => {
  const steps = scriptOf(600, AWAY);
  const sendings = sendingsOf(steps);
  assert.ok(sendings.some(({ away, messages }) => away && messages > 5));
  const authors = playPlain(steps).map((update) =>
    CLIENT_IDS.indexOf(Y.decodeUpdate(update).structs[0]!.id.client),
  );
  assert.equal(
    sendings.flatMap(({ device, messages }) => Array<number>(messages).fill(device)),
    authors,
  );
  const written = await playScript<number>(steps, (index) => ({ take: () => undefined, write: () => index }));
  assert.equal(written, authors);
});

test.run();
