// timeout: 120s
// The open suite on short chats: the form of its rows, and that both sides showed the same before there are any.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runOpen } from './bench.ts';
import { lineOf, messagesOf } from './chat.ts';

const test = suite('bench open');

const lengths = process.env.SEALWIRE_SLOW === '1' ? [30, 60] : [30];

test('each length stands beside plain Yjs, and the longest beside the shortest', async () => {
  const { results, pictures } = await runOpen(
    { quick: true, say: () => undefined },
    { messages: lengths, rounds: 1, longRounds: 1 },
  );
  assert.equal(
    results.map((result) => [result.case, result.unit]),
    [
      ...lengths.map((messages) => [`open/${messages}`, 'CPU ms']),
      ...(lengths.length > 1
        ? [
            ['open/60-over-30', 'CPU ms'],
            ['open/60-over-30/memory', 'MB'],
          ]
        : []),
    ],
  );
  for (const { unit, ours, peers } of results) assert.ok(unit === 'MB' || (ours > 0 && peers[0]!.value > 0));
  assert.match(pictures!.get('growth.svg')!, /messages in the chat/);
});

test('a shorter chat is the beginning of a longer one', () => {
  const lines = messagesOf(40).map(lineOf);
  assert.is(new Set(lines).size, 40);
  assert.equal(lines, messagesOf(90).slice(0, 40).map(lineOf));
});

test.run();
