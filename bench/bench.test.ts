// The benchmark on a small workload: the form of its results, and that it refuses to time what is not equal. What it
// promises: README.md.
import { createClock } from '@sealwire/core/testing';
import { seededRandom } from '@sealwire/testkit/random';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { parseOptions } from './lib/options.ts';
import { median, quantile, type Result, ResultsDiffer, ratioSpread, toResult } from './lib/result.ts';
import { takeRounds } from './lib/rounds.ts';
import { formatTable } from './lib/table.ts';
import { runMerge } from './merge/bench.ts';
import { CHAT, conversation, ONE_BY_ONE, type Step } from './merge/conversation.ts';
import { CLIENT_IDS, playPlain } from './merge/plain.ts';
import { deliveries } from './merge/sealed.ts';
import { cut, makeWorkload, requireEqual, type Workload } from './merge/workload.ts';

const test = suite('bench');
const silent = (): void => undefined;

/** @returns why the results are refused. */
const refusal = async (workload: Workload): Promise<string> => {
  try {
    await requireEqual(workload);
  } catch (error) {
    assert.instance(error, ResultsDiffer, String(error));
    return (error as Error).message;
  }
  return 'equal';
};

test('the merge suite gives every case in the documented form', async () => {
  const sizes = { catchUp: [60, 300], worst: 80, rounds: 2, framesOf: { messages: 60, sizes: [1, 20] } };
  const { results, notes } = await runMerge({ quick: false, say: silent }, sizes);
  assert.equal(
    results.map((result) => result.case),
    [
      'catch-up/60/one-by-one',
      'catch-up/60/one-transaction',
      'catch-up/60/sealed-vault',
      'catch-up/300/one-by-one',
      'catch-up/300/one-transaction',
      'catch-up/300/sealed-vault',
      'worst/one-frame-an-update',
      'bytes/300',
      'frames-of-1/one-by-one',
      'frames-of-1/one-transaction',
      'frames-of-1/bytes',
      'frames-of-20/one-by-one',
      'frames-of-20/one-transaction',
      'frames-of-20/bytes',
    ],
  );
  for (const result of JSON.parse(JSON.stringify(results)) as Result[]) {
    assert.equal(
      Object.keys(result).sort(),
      ['better', 'case', 'ours', 'peers', 'ratio', 'samples', 'suite', 'unit'],
      result.case,
    );
    assert.is(result.suite, 'merge');
    assert.ok(result.ours > 0 && result.peers.length > 0);
    assert.is(result.ratio, result.ours / result.peers[0]!.value);
    assert.is(result.ours, median(result.samples.ours));
    assert.is(result.samples.peers.length, result.peers.length);
    for (const { name, version } of result.peers) {
      assert.match(name, /^yjs, /);
      assert.match(version, /^13\.\d+\.\d+$/);
    }
  }
  assert.match(notes.join('\n'), /300: frames by updates in them: 1: \d+/);
  assert.match(formatTable(results), /catch-up\/300\/one-by-one +messages\/s +higher/);
});

test('results that are not equal are refused before anything is timed', async () => {
  const workload = await makeWorkload('small', 120, CHAT, silent);
  assert.is(await refusal(workload), 'equal');
  const { sealed, plain } = workload;
  const frames = sealed.frames.map((stored) => ({ ...stored, frame: stored.frame.slice() }));
  frames[20]!.frame[60]! ^= 1;
  assert.match(await refusal({ ...workload, sealed: { ...sealed, frames } }), /FRAME_UNREADABLE/);
  const short = { ...sealed, frames: sealed.frames.slice(0, -1) };
  assert.match(await refusal({ ...workload, sealed: short }), /came through, 120 were written/);
  const holed = { ...sealed, frames: sealed.frames.filter((_, i) => i !== 20) };
  assert.match(await refusal({ ...workload, sealed: holed }), /came through|stands at/);
  assert.match(await refusal({ ...workload, plain: plain.slice(0, -1) }), /holds other messages/);
  const text = Buffer.from(plain[7]!);
  text[text.length - 5]! ^= 1;
  assert.match(await refusal({ ...workload, plain: plain.with(7, text) }), /holds other messages/);
});

test('one script gives one workload: all its messages, a beginning that ends with a frame', async () => {
  const workload = await makeWorkload('small', 200, CHAT, silent);
  assert.is(
    workload.sealed.messages.reduce((sum, each) => sum + each, 0),
    200,
  );
  const beginning = cut(workload, 90);
  assert.ok(beginning.messages >= 90 && beginning.messages < 200);
  assert.is(await refusal(beginning), 'equal');
  const chunks = deliveries(workload.sealed.frames);
  assert.equal(chunks.flat(), workload.sealed.frames);
  const single = await makeWorkload('single', 40, ONE_BY_ONE, silent);
  assert.equal(new Set(single.sealed.messages.filter((each) => each > 0)), new Set([1]));
});

test('somebody is offline a fifth of the time, and what was written meanwhile comes in one frame', async () => {
  const steps = conversation(seededRandom(5), 20_000, CHAT);
  let away = 0;
  let left: number | undefined;
  let end = 0;
  for (const step of steps) {
    end = step.type === 'burst' ? step.messages.at(-1)!.at : step.at;
    if (step.type === 'leave') left = step.at;
    if (step.type === 'return') away += step.at - left!;
  }
  const [first] = steps;
  const start = first?.type === 'burst' ? first.messages[0]!.at : 0;
  const share = away / (end - start);
  assert.ok(share > 0.15 && share < 0.25, `offline ${share} of the time`);
});

test('the plain peer makes byte for byte what Y.Array.push makes', () => {
  const steps = conversation(seededRandom(3), 1_500, { ...CHAT, offlineShare: 0.5 });
  assert.ok(steps.some(({ type }) => type === 'return'));
  assert.equal(playPlain(steps), playWithPush(steps));
});

/** As {@link playPlain}, by what everybody would write: slow, since each push walks the list. */
const playWithPush = (steps: readonly Step[]): Uint8Array[] => {
  const relayed: Uint8Array[] = [];
  const clock = { now: 0 };
  const writers = CLIENT_IDS.map((clientId) => {
    const doc = new Y.Doc();
    doc.clientID = clientId;
    const unsent: Uint8Array[] = [];
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== 'relay') unsent.push(update);
    });
    return { doc, unsent, stamps: createClock(() => clock.now), online: true, received: 0 };
  });
  for (const { type, device, ...step } of steps) {
    const writer = writers[device]!;
    if (type === 'leave') writer.online = false;
    if (type === 'return') writer.online = true;
    if (writer.online) {
      for (const update of relayed.slice(writer.received)) Y.applyUpdate(writer.doc, update, 'relay');
      writer.received = relayed.length;
    }
    for (const { at, text } of 'messages' in step ? step.messages : []) {
      clock.now = at;
      const json = JSON.stringify({ k: 'm', t: writer.stamps.next(), x: text });
      writer.doc.getArray('messages').push([json]);
    }
    if (writer.online) relayed.push(...writer.unsent.splice(0));
  }
  return relayed;
};

test('samples are taken in turn, at least and at most as often as asked', async () => {
  const order: string[] = [];
  const contender = (name: string) => ({ name, prepare: () => async () => order.push(name) });
  const all = [contender('a'), contender('b'), contender('c')];
  const times = await takeRounds(all, { least: 4, most: 9, until: 0 });
  assert.equal(order.join(''), 'abcbcacabcba');
  assert.equal(
    [...times.values()].map((samples) => samples.length),
    [4, 4, 4],
  );
  assert.is(
    (await takeRounds(all, { least: 1, most: 2, until: Number.POSITIVE_INFINITY })).get('a')!.length,
    2,
  );
});

test('figures are medians, the best peer is first, the spread is that of rounds', () => {
  const peers = [
    { name: 'slow', version: '1', samples: [10, 12, 11] },
    { name: 'fast', version: '2', samples: [20, 40, 30] },
  ];
  const row = { suite: 's', case: 'c', unit: 'u', better: 'higher' } as const;
  const higher = toResult(row, [60, 60, 60], peers);
  assert.is(higher.peers[0]!.name, 'fast');
  assert.is(higher.ratio, 2);
  assert.equal(ratioSpread(higher), [1.75, 2.5]);
  assert.is(toResult({ ...row, better: 'lower' }, [5], peers).peers[0]!.name, 'slow');
  assert.is(quantile([1, 2, 3, 4], 0.5), 2.5);
  assert.throws(() => median([]), RangeError);
});

test('the command line is read strictly', () => {
  assert.equal(parseOptions(['merge', '--quick', '--json', 'out.json'], ['merge'], '/tmp'), {
    suites: ['merge'],
    quick: true,
    json: '/tmp/out.json',
    help: false,
  });
  assert.equal(parseOptions([], ['merge', 'relay'], '/').suites, ['merge', 'relay']);
  for (const args of [['other'], ['--fast'], ['--json']])
    assert.throws(() => parseOptions(args, ['merge'], '/'), RangeError);
});

test.run();
