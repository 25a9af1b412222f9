// The benchmark on a small workload: the form of its results, and that it refuses to time what is not equal. What it
// promises: README.md.
import { chainNext, createClock } from '@sealwire/core/testing';
import { seededRandom } from '@sealwire/testkit/random';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { ratiosOf, withFigures } from './lib/figures.ts';
import { parseOptions } from './lib/options.ts';
import { plotResults } from './lib/plot.ts';
import { median, quantile, type Result, ResultsDiffer, ratioSpread, toResult } from './lib/result.ts';
import { takeRounds } from './lib/rounds.ts';
import { formatTable } from './lib/table.ts';
import { importVariant } from './lib/variants.ts';
import { runMerge } from './merge/bench.ts';
import { countRuns, loadCounting, loadUnchecked } from './merge/checks.ts';
import { CHAT, conversation, ONE_BY_ONE, type Step } from './merge/conversation.ts';
import { memoryVault } from './merge/device.ts';
import { CLIENT_IDS, playPlain } from './merge/plain.ts';
import { catchUpSealed, deliveries, freshDevice } from './merge/sealed.ts';
import { cut, makeWorkload, requireEqual, type Workload } from './merge/workload.ts';
import { runRotation } from './rotation/bench.ts';

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
      'catch-up/80/checked-over-unchecked',
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
      assert.match(name, /^(yjs, |ours, nothing verified$)/);
      assert.match(version, /^(13|\d\d)\.\d+\.\d+$/);
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

test('[FR7] a catch-up verifies one signature of each clientID that a delivery holds', async () => {
  const workload = await makeWorkload('runs', 1_500, ONE_BY_ONE, silent);
  const { frames } = workload.sealed;
  const catchUp = await loadCounting();
  const { verified, messages } = await catchUp(workload.sealed);
  assert.is(messages.length, 1_500);
  assert.is(verified, countRuns(workload.sealed));
  // Four devices' pages and, in the first delivery, the chains of log entries: not one for each of 1,500 frames.
  assert.ok(
    deliveries(frames).length > 1 && verified <= 8 * deliveries(frames).length,
    `${verified} signatures`,
  );
});

test('what is compared with checks has none, and comes to the same messages', async () => {
  const workload = await makeWorkload('unchecked', 100, CHAT, silent);
  const { sealed } = workload;
  const chunks = deliveries(sealed.frames);
  const unchecked = await loadUnchecked();
  const free = await unchecked.catchUpSealed(
    await unchecked.freshDevice(sealed.account, memoryVault()),
    chunks,
  );
  assert.equal(free, await catchUpSealed(await freshDevice(sealed.account, memoryVault()), chunks));
  const core = import.meta.resolve('@sealwire/core/testing');
  const by = new URL('merge/unchecked.ts', import.meta.url).href;
  const replacements = [{ module: '/frame/chain.ts', names: ['chainNext'], by }];
  const scope = [new URL('.', core).href];
  const variant = await importVariant({ name: 'chainless', scope, replacements }, core);
  const before = new Uint8Array(32);
  assert.is((variant as { chainNext: typeof chainNext }).chainNext(before, before), before);
  assert.is.not(chainNext(before, before), before);
});

test('the rotation suite gives time and bytes for each size, beside MLS in the same suite', async () => {
  const sizes = { members: [3, 4], warm: 3, suite2: 3, rounds: 1 };
  const { results, notes } = await runRotation({ quick: true, say: silent }, sizes);
  assert.equal(
    results.map((result) => [result.case, result.unit, result.peers.length]),
    [
      ['rotation/3', 'ms', 2],
      ['rotation/3/receive', 'ms', 2],
      ['rotation/3/bytes', 'B', 2],
      ['rotation/3/suite-2', 'ms', 1],
      ['rotation/3/suite-2/receive', 'ms', 1],
      ['rotation/3/suite-2/bytes', 'B', 1],
      ['rotation/4', 'ms', 1],
      ['rotation/4/receive', 'ms', 1],
      ['rotation/4/bytes', 'B', 1],
    ],
  );
  assert.match(notes.join('\n'), /rotation\/4\/bytes: bytes a member: ours \d+, ts-mls, fresh tree \d+/);
});

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

test('a picture shows each case with ours and all peers, and no markup of its own in names', () => {
  const peers = [
    { name: 'a <b> & "c"', version: '1', samples: [10] },
    { name: 'other', version: '1', samples: [40] },
  ];
  const row = { suite: 's', case: 'one/case', unit: 'ms', better: 'lower' } as const;
  const svg = plotResults('title', [toResult(row, [20], peers), toResult(row, [5], peers)]);
  assert.is([...svg.matchAll(/<rect x=/g)].length, 6);
  assert.match(svg, /a &lt;b> &amp; &quot;c&quot;/);
  assert.match(svg, /2\.00 × the best · less is better/);
  const widths = [...svg.matchAll(/<rect x="300"[^>]* width="([\d.]+)"/g)].map((match) => Number(match[1]));
  assert.equal(widths.slice(0, 3), [185, 92.5, 370]);
});

test('figures go where a page has a place for them, and nowhere else', () => {
  const peers = [{ name: 'other', version: '1', samples: [10] }];
  const row = { suite: 's', unit: 'ms', better: 'lower' } as const;
  const results = [toResult({ ...row, case: 'a' }, [20], peers), toResult({ ...row, case: 'b' }, [5], peers)];
  const env = { node: '20', platform: 'x', arch: 'y', cores: 2, quick: true };
  const ratios = ratiosOf(env, 's', results);
  assert.match(ratios, /`pnpm bench s --quick`/);
  assert.match(ratios, /\| `a` \| the peer \| 2\.00 × \| other \|\n\| `b` \| ours \| 2\.00 × \| other \|/);
  const end = '<!-- end of figures -->';
  const page = `x\n<!-- figures of one run: s -->\nold\n${end}\n<!-- figures of one run: t -->\nkept\n${end}\n`;
  const once = withFigures(page, ratios, 's');
  assert.ok(once.includes(ratios) && once.includes('kept') && !once.includes('old'));
  assert.is(withFigures(once, ratios, 's'), once);
  assert.is(withFigures(page, ratios), page);
});

test('the command line is read strictly', () => {
  assert.equal(parseOptions(['merge', '--quick', '--json', 'out.json'], ['merge'], '/tmp'), {
    suites: ['merge'],
    quick: true,
    json: '/tmp/out.json',
    plot: false,
    trace: undefined,
    help: false,
  });
  assert.equal(parseOptions([], ['merge', 'relay'], '/').suites, ['merge', 'relay']);
  for (const args of [['other'], ['--fast'], ['--json']])
    assert.throws(() => parseOptions(args, ['merge'], '/'), RangeError);
});

test.run();
