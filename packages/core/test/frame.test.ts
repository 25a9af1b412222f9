// Envelope, padding, body, chains and clientIDs. Rules: spec/frame.md, spec/keys.md.
import { LIMITS, SealwireError } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Body, type BodyFields, decodeBody, encodeBody, encodeSigned, KIND } from '../src/frame/body.ts';
import { chainNext, chainStatement } from '../src/frame/chain.ts';
import { deriveClientId } from '../src/frame/client-id.ts';
import { epochTagOf, openFrame, openFrames, sealFrame, streamKey } from '../src/frame/envelope.ts';
import { padded, padme, unpadded } from '../src/frame/padding.ts';
import { deviceIdOf, principalIdOf, roomIdOf } from '../src/identity/device-keys.ts';
import { advance, type Chain, compareToChain, openChain, verifyRun } from '../src/room/chains.ts';
import { createCounters } from '../src/room/counters.ts';
import { seeded, type TestDevice, testDevice } from './support.ts';

const test = suite('frame');
const random = seeded(1);
const ROOM = random.bytes(32);
const LOG = random.bytes(32);
const EPOCH_KEY = random.bytes(32);

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    assert.instance(error, SealwireError, String(error));
    return (error as SealwireError).code;
  }
  return 'none';
};

const fields = (changes: Partial<BodyFields> = {}): BodyFields => ({
  kind: KIND.updates,
  clientId: 2 ** 52 + 1,
  counter: 7,
  previous: 6,
  seen: [],
  heads: [],
  payload: Uint8Array.of(1, 2, 3),
  ...changes,
});

test('[FR1] length, version and suite come first', () => {
  const key = streamKey(EPOCH_KEY, ROOM, 'page-0', LOG);
  const frame = sealFrame(key, random.bytes(100), random.bytes);
  assert.equal([...frame.subarray(0, 2)], [1, 1]);
  for (const at of [0, 1]) {
    const other = frame.slice();
    other[at] = 2;
    assert.is(
      codeOf(() => openFrame(key, other)),
      'UNSUPPORTED_VERSION',
    );
  }
  for (let length = 0; length < 50; length++)
    assert.is(
      codeOf(() => openFrame(key, frame.subarray(0, length))),
      'FRAME_UNREADABLE',
    );
});

test('[FR2] the tag names the epoch', () => {
  const frame = sealFrame(streamKey(EPOCH_KEY, ROOM, 'page-0', LOG), random.bytes(10), random.bytes);
  const other = streamKey(random.bytes(32), ROOM, 'page-0', LOG);
  assert.not.equal([...epochTagOf(frame)], [...other.tag]);
  assert.is(
    codeOf(() => openFrame(other, frame)),
    'FRAME_UNREADABLE',
  );
});

test('[FR3] every changed byte is noticed', () => {
  const key = streamKey(EPOCH_KEY, ROOM, 'page-0', LOG);
  const body = random.bytes(90);
  const frame = sealFrame(key, body, random.bytes);
  assert.equal([...openFrame(key, frame)], [...body]);
  for (let at = 2; at < frame.length; at++) {
    const changed = frame.slice();
    changed[at]! ^= 1 << random.below(8);
    assert.is(
      codeOf(() => openFrame(key, changed)),
      'FRAME_UNREADABLE',
      `byte ${at}`,
    );
  }
});

test('[KY3] a frame that is moved to another room or stream does not open', () => {
  const frame = sealFrame(streamKey(EPOCH_KEY, ROOM, 'page-0', LOG), random.bytes(10), random.bytes);
  for (const key of [
    streamKey(EPOCH_KEY, ROOM, 'page-1', LOG),
    streamKey(EPOCH_KEY, random.bytes(32), 'page-0', LOG),
    { ...streamKey(EPOCH_KEY, ROOM, 'page-0', LOG), aad: streamKey(EPOCH_KEY, ROOM, 'page-1', LOG).aad },
  ])
    assert.is(
      codeOf(() => openFrame(key, frame)),
      'FRAME_UNREADABLE',
    );
});

test('[KY2] ids are what the table says', () => {
  const secret = new Uint8Array(32);
  assert.is(deviceIdOf(secret).length, 16);
  assert.is(principalIdOf(secret).length, 32);
  assert.not.equal([...roomIdOf(secret)], [...roomIdOf(Uint8Array.of(1, ...secret.subarray(1)))]);
});

test('[FR4] padding goes to PADMÉ classes, and only its own form is taken', () => {
  for (let length = 0; length < 3000; length++) {
    const body = new Uint8Array(length).fill(0x80);
    const plain = padded(body);
    assert.is(plain.length, padme(length + 1));
    assert.ok(plain.length <= Math.ceil((length + 1) * 1.12), `${length} became ${plain.length}`);
    assert.is(unpadded(plain)?.length, length);
  }
  const sizes = new Set(Array.from({ length: 10_000 }, (_, i) => padme(i + 1)));
  assert.ok(sizes.size < 250, `${sizes.size} sizes tell too much`);
  assert.is(unpadded(new Uint8Array(16)), undefined);
  assert.is(unpadded(new Uint8Array(0)), undefined);
  assert.is(unpadded(Uint8Array.of(...padded(random.bytes(300)), 0)), undefined);
});

test('[FR5] any bytes decode to a body or to a code', () => {
  const runs = process.env.SEALWIRE_SLOW === '1' ? 100_000 : 20_000;
  const good = [
    encodeBody(encodeSigned(fields(), true), random.bytes(64)),
    encodeBody(
      encodeSigned(
        fields({
          previous: 0,
          opening: { deviceId: random.bytes(16), nonce: random.bytes(16) },
          seen: [{ deviceTag: random.bytes(8), counter: 300 }],
          heads: [random.bytes(32)],
          payload: new Uint8Array(5000).fill(65),
        }),
        true,
      ),
      random.bytes(64),
    ),
  ];
  const seen = new Map<string, number>();
  for (let run = 0; run < runs; run++) {
    const bytes = random.below(5) === 0 ? random.bytes(random.below(200)) : good[random.below(2)]!.slice();
    for (let i = random.below(4); i > 0 && bytes.length > 0; i--)
      bytes[random.below(bytes.length)] = random.below(256);
    const code = codeOf(() => decodeBody(bytes));
    assert.ok(['none', 'MALFORMED', 'TOO_LARGE'].includes(code), code);
    seen.set(code, (seen.get(code) ?? 0) + 1);
  }
  assert.ok(seen.get('none')! > 100 && seen.get('MALFORMED')! > 100);
});

test('[FR5] counters rise, and a chain opens exactly once', () => {
  const opening = { deviceId: random.bytes(16), nonce: random.bytes(16) };
  const bad: BodyFields[] = [
    fields({ previous: 0 }),
    fields({ opening }),
    fields({ previous: 7 }),
    fields({ counter: 0, previous: 0, opening }),
  ];
  for (const body of bad)
    assert.is(
      codeOf(() => decodeBody(encodeBody(encodeSigned(body, true), random.bytes(64)))),
      'MALFORMED',
    );
});

test('[FR6] deflated payloads come back whole; a wrong length or a bomb is refused', () => {
  const payload = new Uint8Array(100_000).fill(66);
  const signed = encodeSigned(fields({ payload }), true);
  assert.ok(signed.length < 500);
  assert.equal(decodeBody(encodeBody(signed, random.bytes(64))).payload.length, payload.length);
  assert.ok(encodeSigned(fields({ payload }), false).length > payload.length);
  const bomb = encodeSigned(fields({ payload: new Uint8Array(LIMITS.inflatedBytes + 1) }), true);
  assert.is(
    codeOf(() => decodeBody(encodeBody(bomb, random.bytes(64)))),
    'TOO_LARGE',
  );
  // The inflated length is a varuint of three bytes after flags, kind, clientID (8), counter and its distance.
  const lying = signed.slice();
  lying[12]! ^= 1;
  assert.is(
    codeOf(() => decodeBody(encodeBody(lying, random.bytes(64)))),
    'MALFORMED',
  );
});

test('S1: a single live message costs at most 160 bytes above its update before padding', () => {
  const payload = random.bytes(141);
  const signed = encodeSigned(
    fields({
      counter: 100_000,
      previous: 99_999,
      seen: [{ deviceTag: random.bytes(8), counter: 5000 }],
      payload,
    }),
    true,
  );
  const envelope = 2 + 8 + 24 + 16;
  const overhead = signed.length + 64 + envelope - payload.length;
  assert.ok(overhead <= 160, `${overhead} bytes`);
});

/** A chain of `count` frames as its device makes it. */
const makeRun = (device: TestDevice, count: number, counterFrom = 1) => {
  const nonce = random.bytes(16);
  const clientId = deriveClientId(device.logged.keys.identity, LOG, 'page-0', nonce);
  const opening = { deviceId: device.logged.id, nonce };
  const fresh = (): Chain => openChain(device.logged, LOG, 'page-0', clientId, opening)!;
  const chain = fresh();
  const candidates = Array.from({ length: count }, (_, i) => {
    const counter = counterFrom + i;
    const signed = encodeSigned(
      fields({
        clientId,
        counter,
        previous: chain.last,
        payload: random.bytes(20),
        ...(i === 0 && { opening }),
      }),
      true,
    );
    const signature = device.sign(chainStatement(chain.address, counter, chainNext(chain.hash, signed)));
    const body = decodeBody(encodeBody(signed, signature));
    advance(chain, body);
    return { body };
  });
  return { chain: fresh(), candidates, clientId, opening };
};

const counters = (list: readonly { readonly body: { readonly counter: number } }[]) =>
  list.map(({ body }) => body.counter);

test('[FR3] frames that come together open as each does alone, with the same errors', async () => {
  const key = streamKey(random.bytes(32), ROOM, 'page-0', LOG);
  const good = Array.from({ length: 300 }, (_, i) => sealFrame(key, random.bytes(i), random.bytes));
  const other = sealFrame(streamKey(random.bytes(32), ROOM, 'page-0', LOG), random.bytes(9), random.bytes);
  const moved = sealFrame(streamKey(random.bytes(32), LOG, 'page-0', LOG), random.bytes(9), random.bytes);
  const bad = [
    other,
    moved,
    Uint8Array.from([...good[5]!.subarray(0, -1), good[5]!.at(-1)! ^ 1]),
    Uint8Array.from([2, ...good[6]!.subarray(1)]),
    Uint8Array.from([...good[7]!.subarray(0, 2), 9, ...good[7]!.subarray(3)]),
    good[8]!.subarray(0, 49),
  ];
  const alone = (frame: Uint8Array): unknown => {
    try {
      return openFrame(key, frame);
    } catch (error) {
      return (error as SealwireError).message;
    }
  };
  for (const frames of [bad, [...bad, ...good]]) {
    const opened = await openFrames(key, random.shuffled(frames));
    assert.is(opened.filter((item) => item instanceof SealwireError).length, bad.length);
    const together = await openFrames(key, frames);
    assert.equal(
      together.map((item) => (item instanceof SealwireError ? item.message : item)),
      frames.map(alone),
    );
  }
});

test('[FR7] one signature vouches for a run, and bisection finds the last good frame', async () => {
  const device = testDevice(random, LOG);
  const { chain, candidates } = makeRun(device, 40);
  const stripped = candidates.map(({ body }, i) => ({
    body: { ...body, signature: i === 39 ? body.signature : new Uint8Array(64) },
  }));
  assert.is((await verifyRun(chain, stripped)).accepted.length, 40);
  for (const bad of [0, 1, 17, 38, 39]) {
    const broken = candidates.map(({ body }, i) => ({
      body: i === bad ? { ...body, signed: Uint8Array.from([...body.signed, 0]) } : body,
    }));
    const verdict = await verifyRun(chain, broken);
    assert.is(verdict.accepted.length, bad);
    assert.equal(counters(verdict.forged), [bad + 1]);
  }
});

test('[FR8] forged frames move no chain and do not keep out the true ones', async () => {
  const device = testDevice(random, LOG);
  const { chain, candidates } = makeRun(device, 10);
  const forgeries = candidates.map(({ body }) => ({
    body: { ...body, signed: Uint8Array.from([...body.signed, 1]), signature: random.bytes(64) },
  }));
  for (let round = 0; round < 10; round++) {
    const verdict = await verifyRun(
      chain,
      random.shuffled<{ readonly body: Body }>([...candidates, ...forgeries]),
    );
    assert.equal(counters(verdict.accepted), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert.ok(
      verdict.forged.every((item) => (forgeries as readonly { readonly body: Body }[]).includes(item)),
    );
  }
  const other = testDevice(random, LOG);
  const stolen = candidates.map(({ body }) => ({ body: { ...body, signature: other.sign(body.signed) } }));
  assert.is((await verifyRun(chain, stolen)).accepted.length, 0);
});

test('[FR9] what is early waits, what is held is a duplicate, a second content is told apart', async () => {
  const device = testDevice(random, LOG);
  const { chain, candidates } = makeRun(device, 5);
  const withGap = candidates.filter((_, i) => i !== 2);
  const verdict = await verifyRun(chain, withGap);
  assert.equal(counters(verdict.accepted), [1, 2]);
  assert.is(verdict.forged.length, 0);
  for (const { body } of verdict.accepted) advance(chain, body);
  assert.is(compareToChain(chain, candidates[0]!.body), 'duplicate');
  assert.is(compareToChain(chain, candidates[2]!.body), 'new');
  assert.is(compareToChain(chain, { ...candidates[0]!.body, signature: random.bytes(64) }), 'second');
});

test('[FR10] a clientID belongs to one device, log, stream and nonce', () => {
  const device = testDevice(random, LOG);
  const other = testDevice(random, LOG);
  const nonce = random.bytes(16);
  const id = deriveClientId(device.logged.keys.identity, LOG, 'page-0', nonce);
  assert.ok(Number.isSafeInteger(id) && id > 0);
  const opening = { deviceId: device.logged.id, nonce };
  assert.ok(openChain(device.logged, LOG, 'page-0', id, opening));
  assert.is(openChain(device.logged, LOG, 'page-1', id, opening), undefined);
  assert.is(openChain(device.logged, ROOM, 'page-0', id, opening), undefined);
  assert.is(openChain(device.logged, LOG, 'page-0', id + 1, opening), undefined);
  assert.is(openChain(other.logged, LOG, 'page-0', id, { ...opening, deviceId: other.logged.id }), undefined);
  assert.is(openChain(device.logged, LOG, 'page-0', id, { ...opening, nonce: random.bytes(16) }), undefined);
});

test('[FR11] gaps show until they are filled, and a liar cannot make the list grow', () => {
  const heard = createCounters();
  heard.take('a', 1);
  heard.take('a', 5);
  assert.equal(heard.gaps(), [{ device: 'a', counter: 2 }]);
  assert.equal(heard.tell(16), [{ device: 'a', counter: 1 }]);
  for (const counter of [3, 2, 4]) heard.take('a', counter);
  assert.equal(heard.gaps(), []);
  assert.equal(heard.tell(16), [{ device: 'a', counter: 5 }]);
  assert.equal(heard.tell(16), []);
  heard.claimed('a', 9);
  assert.equal(heard.gaps(), [{ device: 'a', counter: 6 }]);
  for (let i = 0; i < 5000; i++) heard.take('b', 10 + 2 * i);
  assert.is(heard.gaps().length, 2);
});

test('[FR11, CH5] gaps are those of a plain set of numbers, in whatever order frames and claims come', () => {
  const places = ['none', 'opens', 'goes on'] as const;
  for (let run = 0; run < 400; run++) {
    const isLate = run % 2 === 1;
    const heard = createCounters(() => isLate);
    const came = new Set<number>();
    const [excused, passed] = [new Set<number>(), new Set<number>()];
    let [top, topPage, proven] = [0, 0, 0];
    for (let step = 0; step < 60; step++) {
      const counter = 1 + random.below(40);
      const what = random.below(8);
      if (what === 0) {
        assert.equal(heard.passOver([counter, counter]), passed.has(counter) ? [] : [counter]);
        passed.add(counter);
      } else if (what < 6) {
        const place = places[random.below(3)]!;
        heard.take('a', counter, place);
        came.add(counter);
        if (place === 'opens') for (let i = topPage + 1; i < counter; i++) excused.add(i);
        if (place !== 'none') topPage = Math.max(topPage, counter);
        if (place !== 'none') proven = Math.max(proven, counter);
      } else {
        heard.claimed('a', counter);
        proven = Math.max(proven, counter);
      }
      if (what > 0) top = Math.max(top, counter);
      const missing = Array.from({ length: isLate ? topPage : proven }, (_, i) => i + 1).filter(
        (number) => !came.has(number) && !(isLate && (excused.has(number) || passed.has(number))),
      );
      assert.equal(
        heard.gaps().map((gap) => gap.counter),
        missing.slice(0, 1),
      );
      assert.is(heard.top('a'), top);
    }
  }
});

test.run();
