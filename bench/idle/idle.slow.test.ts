// timeout: 60s
// The idle suite on a few rooms: what crosses the wire is counted on real connections, and a return is one question.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runIdle } from './bench.ts';

const test = suite('bench idle');

test('bytes, round trips and connections stand beside y-websocket; only the names of rooms grow with them', async () => {
  const sizes = { rooms: [1, 4], messages: 3, returns: 1 };
  const { results, pictures } = await runIdle({ quick: true, say: () => undefined }, sizes);
  const ours = new Map(results.map((result) => [result.case, result.ours]));
  const peers = new Map(results.map((result) => [result.case, result.peers[0]!.value]));
  assert.equal(
    [...ours.keys()],
    [
      ...['sent', 'received', 'round-trips', 'connections'].map((what) => `idle/1/${what}`),
      ...['sent', 'received', 'round-trips', 'connections'].map((what) => `idle/4/${what}`),
    ],
  );
  // Each room more is its id, 32 bytes, and a cursor; nothing comes back for it.
  const more = (4 * ours.get('idle/4/sent')! - ours.get('idle/1/sent')!) / 3;
  assert.ok(more > 32 && more < 40, `${more} bytes a room`);
  assert.is(4 * ours.get('idle/4/received')!, ours.get('idle/1/received'));
  assert.is(ours.get('idle/4/connections'), 1);
  assert.is(peers.get('idle/4/connections'), 4);
  assert.is(peers.get('idle/4/round-trips'), 1);
  assert.ok(Math.abs(peers.get('idle/4/sent')! - peers.get('idle/1/sent')!) < 8);
  assert.match(pictures!.get('growth.svg')!, /sent, y-websocket/);
});

test.run();
