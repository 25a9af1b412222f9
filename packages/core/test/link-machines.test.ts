// The two machines alone, without a channel: pure steps, and what no sequence of events may ever do.
// Rules: spec/link.md §3 to §7.
import { SealwireError } from '@sealwire/protocol';
import { seededRandom } from '@sealwire/testkit/random';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { transcriptsOf } from '../src/link/machine.ts';
import { decodeLinkMessage, encodeLinkMessage, LINK_PAYLOAD_BYTES } from '../src/link/messages.ts';
import { type PhoneEvent, type PhoneState, startPhone } from '../src/link/phone.ts';
import { ABORT_REASONS } from '../src/link/reasons.ts';
import { bytesOf } from './link-kit.ts';
import {
  answerTo,
  codeOf,
  honestNewDevice,
  honestPhone,
  newStateOf,
  PHONE_SETUP,
  said,
  sent,
  someMessages,
  stateOf,
  step,
  stepNew,
} from './link-machines-kit.ts';

const test = suite('link machines');

test('[LK10] both machines keep the same transcript to the end', () => {
  const phone = honestPhone().map(({ state }) => state);
  const newDevice = honestNewDevice().map(({ state }) => state);
  const at = (states: readonly object[], name: string) =>
    transcriptsOf(states.find((state) => (state as { step: string }).step === name)!)[0];
  assert.equal(at(phone, 'digits'), at(newDevice, 'typing'));
  assert.equal(at(phone, 'confirm'), at(newDevice, 'typed'));
  assert.equal(at(phone, 'offered'), at(newDevice, 'accepting'));
  assert.equal(at(phone, 'releasing'), at(newDevice, 'accepted'));
  assert.equal(at(phone, 'released'), at(newDevice, 'storing'));
});

test('steps are pure: frozen states, the same result twice', () => {
  for (const { state, event } of honestPhone()) {
    freeze([state, event]);
    assert.equal(step(state, event), step(state, event));
  }
  for (const { state, event } of honestNewDevice()) {
    freeze([state, event]);
    assert.equal(stepNew(state, event), stepNew(state, event));
  }
});

test('[LK24] in every state of the phone, every event: keys are released in one place only', () => {
  const path = honestPhone();
  let released = 0;
  let pairs = 0;
  for (const { state } of path) {
    for (const event of allEvents(state, path)) {
      pairs++;
      for (const effect of step(state, event).effects) {
        if (effect.type === 'release-keys') {
          released++;
          assert.is(state.step, 'offered');
        }
        if (effect.type === 'make-offer') assert.is(state.step, 'confirm');
        const message = effect.type === 'send' ? decodeLinkMessage(effect.plaintext) : undefined;
        if (message?.type === 'bundle') assert.is(state.step, 'releasing');
      }
    }
  }
  assert.ok(pairs > 250 && released > 0, `${pairs} pairs, ${released} releases`);
});

test('[LK24] 2,000 seeded runs: whatever comes, no release without right digits and the word of the person', () => {
  const random = seededRandom(11);
  const path = honestPhone();
  let releases = 0;
  for (let run = 0; run < 2_000; run++) {
    let { state } = startPhone(PHONE_SETUP);
    const seen = { answer: false, confirmed: false, released: 0 };
    for (let events = 0; events < 14; events++) {
      const honest = path.find((each) => each.state.step === state.step)?.event;
      const event = honest && random.int(8) > 0 ? honest : random.pick(allEvents(state, path));
      const before = state.step;
      const next = step(state, event);
      if (before === 'digits' && next.state.step === 'confirm') {
        assert.equal((event as { plaintext?: Uint8Array }).plaintext, encodeLinkMessage(answerTo(state)));
        seen.answer = true;
      }
      if (event.type === 'confirmed' && before === 'confirm') seen.confirmed = true;
      for (const effect of next.effects) if (effect.type === 'release-keys') seen.released++;
      state = next.state;
    }
    assert.ok(seen.released <= 1);
    if (seen.released === 1) assert.ok(seen.answer && seen.confirmed);
    releases += seen.released;
  }
  assert.ok(releases > 300, `${releases} releases`);
});

test('[LK9] only an abort may cross a message of ours', () => {
  const offered = stateOf('offered');
  assert.is(transcriptsOf(offered).length, 2);
  const crossed = step(offered, said(offered, { type: 'abort', reason: 'LINK_CANCELLED' }, 1));
  assert.is(codeOf(crossed.state), 'LINK_CANCELLED');
  const late = step(offered, said(offered, { type: 'acceptance', acceptance: new Uint8Array(9) }, 1));
  assert.is(codeOf(late.state), 'LINK_TAMPERED');
  assert.is(transcriptsOf(stateOf('confirm')).length, 1, 'after an answer nothing can cross any more');
});

test('[LK11] messages out of turn, of the wrong side, or no messages end it, in every state', () => {
  for (const { state, event } of honestPhone()) {
    for (const message of someMessages()) {
      if (message.type === 'abort') continue;
      const wanted = event.type === 'message' ? decodeLinkMessage(event.plaintext).type : undefined;
      if (message.type === wanted) continue;
      const next = step(state, said(state, message)).state;
      assert.is(codeOf(next), 'LINK_TAMPERED', `${state.step}, ${message.type}`);
    }
    const noise = {
      type: 'message',
      plaintext: bytesOf('noise', 50),
      aad: transcriptsOf(state)[0],
    } as PhoneEvent;
    assert.is(codeOf(step(state, noise).state), 'LINK_TAMPERED');
  }
  for (const { state, event } of honestNewDevice()) {
    for (const message of someMessages()) {
      if (message.type === 'abort') continue;
      const wanted = event.type === 'message' ? decodeLinkMessage(event.plaintext).type : undefined;
      if (message.type === wanted) continue;
      const next = stepNew(state, said(state, message)).state;
      assert.is(codeOf(next), 'LINK_TAMPERED', `${state.step}, ${message.type}`);
    }
  }
});

test('[LK13] offers, acceptances and bundles that are too large together are not sent', () => {
  const offering = stateOf('offering');
  const tooLarge = step(offering, { type: 'offer', offer: new Uint8Array(LINK_PAYLOAD_BYTES + 1) });
  assert.is(codeOf(tooLarge.state), 'TOO_LARGE');
  assert.equal(sent(tooLarge.effects), [{ type: 'abort', reason: 'LINK_PEER_LEFT' }]);
  const large = step(offering, { type: 'offer', offer: new Uint8Array(LINK_PAYLOAD_BYTES - 100) });
  const acceptance = said(large.state, { type: 'acceptance', acceptance: new Uint8Array(64) });
  const releasing = step(large.state, acceptance).state;
  assert.is(codeOf(step(releasing, { type: 'bundle', bundle: new Uint8Array(36) }).state), 'released');
  assert.is(codeOf(step(releasing, { type: 'bundle', bundle: new Uint8Array(37) }).state), 'TOO_LARGE');
  const accepting = newStateOf('accepting');
  const answer = stepNew(accepting, { type: 'acceptance', acceptance: new Uint8Array(1025) });
  assert.is(codeOf(answer.state), 'TOO_LARGE');
});

test('[LK40] every abort is told with its own code and left without an answer', () => {
  for (const reason of ABORT_REASONS) {
    const confirm = stateOf('confirm');
    const phone = step(confirm, said(confirm, { type: 'abort', reason }));
    assert.is(codeOf(phone.state), reason);
    assert.equal(phone.effects, [{ type: 'close' }]);
    const typed = newStateOf('typed');
    const newDevice = stepNew(typed, said(typed, { type: 'abort', reason }));
    assert.is(codeOf(newDevice.state), reason);
    assert.equal(newDevice.effects, [{ type: 'close' }]);
  }
});

test('[LK42] a machine that is over does nothing on any event', () => {
  const path = honestPhone();
  const ends: PhoneState[] = [
    { step: 'failed', error: new SealwireError('LINK_REFUSED', 'x') },
    step(path.at(-1)!.state, path.at(-1)!.event).state,
  ];
  for (const end of ends) {
    for (const event of allEvents(path[5]!.state, path)) {
      assert.equal(step(end, event), { state: end, effects: [] });
    }
  }
  for (const end of [
    { step: 'done' },
    { step: 'failed', error: new SealwireError('CLOSED', 'x') },
  ] as const) {
    for (const { event } of honestNewDevice()) {
      assert.equal(stepNew(end, event), { state: end, effects: [] });
    }
  }
});

test('[LK41] somebody joins twice, as the relay says it', () => {
  const joined = newStateOf('joined');
  assert.is(codeOf(stepNew(joined, { type: 'joined' }).state), 'LINK_SECOND_JOINER');
});

test.run();

/** One event of every kind, and every message under every transcript that the channel would accept. */
const allEvents = (state: PhoneState, path: readonly { event: PhoneEvent }[]): PhoneEvent[] => [
  ...path.map(({ event }) => event),
  ...someMessages().flatMap((message) => [said(state, message, 0), said(state, message, 1)]),
  ...('transcript' in state ? [said(state, answerTo(state)), said(state, answerTo(state, '543210'))] : []),
  { type: 'message', plaintext: new Uint8Array(0), aad: transcriptsOf(state)[0] ?? new Uint8Array(32) },
  { type: 'found', payload: new Uint8Array(65) },
  { type: 'channel', macKey: bytesOf('another') },
  { type: 'unreadable' },
  { type: 'confirmed', deviceName: 'x' },
  { type: 'refused' },
  { type: 'cancelled' },
  { type: 'offer', offer: new Uint8Array(3) },
  { type: 'bundle', bundle: new Uint8Array(3) },
  { type: 'closed', code: 'RENDEZVOUS_PEER_LEFT' },
  { type: 'failed', error: new SealwireError('STORAGE_FULL', 'x') },
  { type: 'timeout' },
];

/** Freezes objects and arrays all the way down; bytes cannot be frozen. */
const freeze = (value: unknown): void => {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
  Object.freeze(value);
  for (const part of Object.values(value)) freeze(part);
};
