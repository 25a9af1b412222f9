// timeout: 120s
// The linking suite on one link of each suite: the form of its rows, and that it checks before it times.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runLinking } from './bench.ts';
import { talk } from './work.ts';

const test = suite('bench linking');

test('every case compares suite 2 with suite 1', async () => {
  const { results, notes } = await runLinking(
    { quick: true, say: () => undefined },
    { links: 1, rounds: 1, repeat: 1 },
  );
  assert.equal(
    results.map((result) => result.case),
    ['link/devices', 'link/channel', 'key-pair', 'wrap', 'unwrap'],
  );
  for (const { ours, peers, ratio, samples } of results) {
    assert.ok(ours > 0 && ratio === ours / peers[0]!.value);
    assert.is(peers[0]!.name, 'suite 1');
    assert.is(samples.ours.length, samples.peers[0]!.length);
  }
  assert.match(notes.join(), /1,184/);
});

test('what is timed carries its messages in both suites', async () => {
  for (const chosen of [1, 2] as const) {
    const { sent, received } = await talk(chosen);
    assert.is(received, sent);
    assert.ok(sent.length > 5000);
  }
});

test.run();
