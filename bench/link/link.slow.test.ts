// timeout: 120s
// The link suite on one link of each suite, and on a light account: the form of its rows, and that it checks before it times.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runLink } from './bench.ts';
import { runSuites } from './suites.ts';
import { talk } from './work.ts';

const test = suite('bench link');

test('every case compares suite 2 with suite 1', async () => {
  const { results, notes } = await runSuites(
    { quick: true, say: () => undefined },
    { links: 1, rounds: 1, repeat: 1 },
  );
  assert.equal(
    results.map((result) => result.case),
    ['devices', 'channel', 'key-pair', 'wrap', 'unwrap'].map((name) => `suite-2/${name}`),
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

test('a link stands beside a fresh y-websocket client, and a heavier account beside a lighter one', async () => {
  const accounts = [
    { chats: 1, messages: 10 },
    { chats: 3, messages: 60 },
  ];
  const suites = { links: 1, rounds: 1, repeat: 1 };
  const { results, notes, pictures } = await runLink(
    { quick: true, say: () => undefined },
    { accounts, links: 1, suites },
  );
  assert.equal(results.map((result) => result.case).slice(0, 5), [
    'link/1x10/chat-list',
    'link/1x10/whole',
    'link/3x60/chat-list',
    'link/3x60/whole',
    'link/3-over-1',
  ]);
  for (const { ours, peers } of results) assert.ok(ours > 0 && peers[0]!.value > 0);
  const [list, whole] = [results[2]!, results[3]!];
  assert.ok(list.ours <= whole.ours && list.peers[0]!.value < whole.peers[0]!.value);
  const sent = Number(/sends (\d+) bytes/.exec(notes.join())![1]);
  assert.ok(sent > 500, `the phone sends ${sent} bytes`);
  assert.match(pictures!.get('growth.svg')!, /in 1, 3 chats/);
});

test.run();
