// Frames that came together are opened together; what waits longer than the others keeps nothing of them in memory.
// Rules: spec/frame.md §2 and §4.
import { CONTROL_STREAM, SealwireError } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeBody, encodeBody, encodeSigned, KIND } from '../src/frame/body.ts';
import { openFrame, type StreamKey, sealFrame, streamKey } from '../src/frame/envelope.ts';
import { createKeyring } from '../src/room/keyring.ts';
import { keepAlone, openWaiting, toWaiting } from '../src/room/opening.ts';
import { seeded } from './support.ts';

const test = suite('opening');
const none = (): void => undefined;
const random = seeded(301);
const ROOM = random.bytes(32);
const LOG = random.bytes(32);
const SECRET = random.bytes(32);
const EPOCH_KEY = random.bytes(32);
const PAGE_KEY = streamKey(EPOCH_KEY, ROOM, 'page-0', LOG);
const CONTROL_KEY = streamKey(SECRET, ROOM, CONTROL_STREAM, LOG);

const frameOf = (key: StreamKey, counter: number, kind: number = KIND.updates): Uint8Array => {
  const fields = { clientId: 77, counter, previous: counter - 1, seen: [], heads: [], kind };
  const opening = counter === 1 ? { opening: { deviceId: random.bytes(16), nonce: random.bytes(16) } } : {};
  const signed = encodeSigned({ ...fields, ...opening, payload: random.bytes(1 + (counter % 90)) }, true);
  return sealFrame(key, encodeBody(signed, random.bytes(64)), random.bytes);
};

/** Opens as a room does. @returns the items, those that were refused and why, and the payloads that were previewed. */
const openAll = async (frames: readonly { readonly stream: string; readonly frame: Uint8Array }[]) => {
  const keyring = createKeyring({ id: ROOM, secret: SECRET }, LOG);
  keyring.add(EPOCH_KEY);
  const items = frames.map((frame, i) => toWaiting({ position: i + 1, ...frame }));
  const codes: string[] = [];
  const previewed: Uint8Array[] = [];
  const control = { preview: async (payload: Uint8Array) => void previewed.push(payload) };
  const refused = await openWaiting(items, { keyring, control }, (_, { code }) => codes.push(code), none);
  return { items, refused, codes, previewed };
};

const onPage = (frame: Uint8Array) => ({ stream: 'page-0', frame });

test('[FR3] few or many, each gets the body that it has alone; only what fails is refused', async () => {
  for (const count of [3, 400]) {
    const frames = Array.from({ length: count }, (_, i) => frameOf(PAGE_KEY, i + 1));
    const altered = frameOf(PAGE_KEY, 5);
    altered[60]! ^= 1;
    const later = Uint8Array.from([2, ...frames[0]!.subarray(1)]);
    const unknown = frameOf(streamKey(random.bytes(32), ROOM, 'page-0', LOG), 6);
    const all = [...frames, altered, later, unknown, frames[0]!.subarray(0, 30)].map(onPage);
    const { items, refused, codes } = await openAll([...all, onPage(frameOf(PAGE_KEY, 7, KIND.control))]);
    for (const [i, frame] of frames.entries())
      assert.equal(items[i]!.body, decodeBody(openFrame(PAGE_KEY, frame)));
    assert.equal(refused.map(({ position }) => position - count).sort(), [1, 2, 4, 5]);
    assert.equal(codes.sort(), [
      'FRAME_UNREADABLE',
      'FRAME_UNREADABLE',
      'UNSUPPORTED_VERSION',
      'UNSUPPORTED_VERSION',
    ]);
    assert.is(items[count + 2]!.body, undefined, 'what no key opens waits');
  }
});

test('[FR2] each stream and epoch is opened by its own key, whatever order they come in', async () => {
  const other = streamKey(EPOCH_KEY, ROOM, 'page-1', LOG);
  const mixed = random.shuffled([
    ...Array.from({ length: 300 }, (_, i) => onPage(frameOf(PAGE_KEY, i + 1))),
    ...Array.from({ length: 300 }, (_, i) => ({ stream: 'page-1', frame: frameOf(other, i + 1) })),
    { stream: CONTROL_STREAM, frame: frameOf(CONTROL_KEY, 1, KIND.control) },
    { stream: CONTROL_STREAM, frame: frameOf(CONTROL_KEY, 2, KIND.control) },
  ]);
  const { items, refused, previewed } = await openAll(mixed);
  assert.is(refused.length, 0);
  assert.ok(items.every(({ body }) => body !== undefined));
  assert.is(previewed.length, 2);
  const moved = await openAll([{ stream: 'page-1', frame: frameOf(PAGE_KEY, 1) }]);
  assert.equal(moved.codes, ['FRAME_UNREADABLE']);
});

test('[FR9] what is kept for long is copied out of what came with it, and is the same', async () => {
  const frames = Array.from({ length: 400 }, (_, i) => onPage(frameOf(PAGE_KEY, i + 1)));
  const control = { stream: CONTROL_STREAM, frame: frameOf(CONTROL_KEY, 1, KIND.control) };
  const { items, previewed } = await openAll([control, ...frames]);
  const [entries, item] = items as [(typeof items)[0], (typeof items)[0]];
  assert.is(previewed[0]!.buffer.byteLength, entries.encodedBody!.length, 'log entries stay for ever');
  const { body, encodedBody } = item;
  assert.ok(encodedBody!.buffer.byteLength > 400 * 100, 'many are opened into one array');
  keepAlone(item);
  assert.equal(item.body, body);
  assert.equal(item.encodedBody, encodedBody);
  assert.is(item.encodedBody!.buffer.byteLength, encodedBody!.length);
  assert.is(item.body!.payload.buffer, item.encodedBody!.buffer);
  const kept = item.encodedBody;
  keepAlone(item);
  assert.is(item.encodedBody, kept, 'copied once');
  const waiting = toWaiting({ position: 1, ...frames[0]! });
  keepAlone(waiting);
  assert.is(waiting.body, undefined);
});

test('a bug inside is not taken for a bad frame', async () => {
  const keyring = createKeyring({ id: ROOM, secret: SECRET }, LOG);
  const items = [
    toWaiting({ position: 1, stream: CONTROL_STREAM, frame: frameOf(CONTROL_KEY, 1, KIND.control) }),
  ];
  const control = { preview: () => Promise.reject(new TypeError('a bug')) };
  try {
    await openWaiting(items, { keyring, control }, none, none);
    assert.unreachable();
  } catch (error) {
    assert.not.instance(error, SealwireError);
    assert.is((error as Error).message, 'a bug');
  }
});

test.run();
