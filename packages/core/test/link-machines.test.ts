// The two machines alone, without a channel: pure steps, peers that lie inside an honest channel, and what no sequence
// of events may ever do. Rules: spec/link.md §3 to §7.
import { SealwireError } from '@sealwire/protocol';
import { seededRandom } from '@sealwire/testkit/relay-fuzz';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeLinkCell, hashOfCell } from '../src/link/code.ts';
import { approvalOf, type LinkEvent, possessionOf, transcriptsOf } from '../src/link/machine.ts';
import {
  answerFront,
  decodeLinkMessage,
  encodeLinkMessage,
  LINK_PAYLOAD_BYTES,
  type LinkMessage,
  offerFront,
} from '../src/link/messages.ts';
import {
  type NewDeviceEvent,
  type NewDeviceState,
  startNewDevice,
  stepNewDevice,
} from '../src/link/new-device.ts';
import { type PhoneEvent, type PhoneState, startPhone, stepPhone } from '../src/link/phone.ts';
import { macOfDigits } from '../src/link/proof.ts';
import { ABORT_REASONS } from '../src/link/reasons.ts';
import { statementOf } from '../src/link/transcript.ts';
import { ACCOUNT_ROOT, bytesOf, identityOf, RELAY_ID, verify } from './link-kit.ts';

const test = suite('link machines');

const PHONE = identityOf('phone');
const NEW_DEVICE = identityOf('new device');
const MAC_KEY = bytesOf('mac key');
const DIGITS = '012345';
const PHONE_TOOLS = { sign: PHONE.sign, verify };
const NEW_TOOLS = { sign: NEW_DEVICE.sign, verify };
const KEYS = { oneTimeKey: bytesOf('one-time'), identityKey: NEW_DEVICE.publicKey };
const CELL = encodeLinkCell(KEYS);
const CODE = { rendezvousId: bytesOf('cell', 16), relayId: RELAY_ID, hash: hashOfCell(CELL) };
const PHONE_SETUP = {
  code: CODE,
  relayId: RELAY_ID,
  accountRoot: ACCOUNT_ROOT,
  phoneKey: PHONE.publicKey,
  digits: DIGITS,
  opening: bytesOf('opening'),
};
const PROPOSAL = {
  deviceName: 'laptop',
  platform: 'web',
  relayKey: bytesOf('relay key'),
  hpkeKey: bytesOf('hpke key'),
} as const;
const NEW_SETUP = { ...KEYS, ...PROPOSAL, code: CODE };

const step = (state: PhoneState, event: PhoneEvent) => stepPhone(state, event, PHONE_TOOLS);
const stepNew = (state: NewDeviceState, event: NewDeviceEvent) => stepNewDevice(state, event, NEW_TOOLS);

/** A message of the peer, as the channel would hand it over. */
const said = (state: object, message: LinkMessage, transcript = 0): LinkEvent & { type: 'message' } => ({
  type: 'message',
  plaintext: encodeLinkMessage(message),
  aad: transcriptsOf(state)[transcript] ?? new Uint8Array(32),
});

/** The plaintexts that a step sends. */
const sent = (effects: readonly { readonly type: string }[]): LinkMessage[] =>
  effects.flatMap((effect) =>
    effect.type === 'send'
      ? [decodeLinkMessage((effect as unknown as { plaintext: Uint8Array }).plaintext)]
      : [],
  );

const codeOf = (state: PhoneState | NewDeviceState): string =>
  state.step === 'failed' ? state.error.code : state.step;

/** What an honest new device answers in a transcript; a lying one changes a part. */
const answerTo = (state: PhoneState, digits = DIGITS, lie: Partial<typeof PROPOSAL> = {}): LinkMessage => {
  const statement = statementOf(transcriptsOf(state)[0]!, answerFront({ ...PROPOSAL, ...lie }));
  return {
    type: 'answer',
    ...PROPOSAL,
    ...lie,
    possession: NEW_DEVICE.sign(possessionOf(statement)),
    mac: macOfDigits(MAC_KEY, digits, statement),
  };
};

/** Every state of an honest phone, in order, each with the event that leads on. */
const honestPhone = (): { state: PhoneState; event: PhoneEvent }[] => {
  const path: { state: PhoneState; event: PhoneEvent }[] = [];
  let { state } = startPhone(PHONE_SETUP);
  const on = (event: PhoneEvent): void => {
    path.push({ state, event });
    state = step(state, event).state;
  };
  on({ type: 'found', payload: CELL });
  on({ type: 'channel', macKey: MAC_KEY });
  on(said(state, answerTo(state)));
  on({ type: 'confirmed', deviceName: 'kitchen' });
  on({ type: 'offer', offer: bytesOf('offer', 40) });
  on(said(state, { type: 'acceptance', acceptance: bytesOf('acceptance', 64) }));
  on({ type: 'bundle', bundle: bytesOf('bundle', 99) });
  on(said(state, { type: 'done' }));
  assert.is(state.step, 'done');
  return path;
};

/** As {@link honestPhone} for the new device; its messages come from a phone machine. */
const honestNewDevice = (): { state: NewDeviceState; event: NewDeviceEvent }[] => {
  const path: { state: NewDeviceState; event: NewDeviceEvent }[] = [];
  const ofPhone = honestPhone().flatMap(({ state, event }) => sent(step(state, event).effects));
  let { state } = startNewDevice(NEW_SETUP);
  const on = (event: NewDeviceEvent): void => {
    path.push({ state, event });
    state = stepNew(state, event).state;
  };
  on({ type: 'opened', expiresAt: 9 });
  on({ type: 'joined' });
  on({ type: 'channel', macKey: MAC_KEY });
  on(said(state, ofPhone[0]!));
  on({ type: 'typed', digits: DIGITS });
  on(said(state, ofPhone[1]!));
  on({ type: 'acceptance', acceptance: bytesOf('acceptance', 64) });
  on(said(state, ofPhone[2]!));
  on({ type: 'stored' });
  assert.is(state.step, 'done');
  return path;
};

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

test('[LK21] possession: by another key, over other keys, or over another transcript', () => {
  const digits = stateOf('digits');
  const honest = answerTo(digits) as Extract<LinkMessage, { type: 'answer' }>;
  const statement = statementOf(transcriptsOf(digits)[0]!, answerFront(PROPOSAL));
  const lies: LinkMessage[] = [
    { ...honest, possession: PHONE.sign(possessionOf(statement)) },
    { ...honest, possession: NEW_DEVICE.sign(approvalOf(statement)) },
    { ...honest, possession: NEW_DEVICE.sign(possessionOf(bytesOf('another statement'))) },
    { ...honest, possession: new Uint8Array(64) },
    { ...honest, relayKey: bytesOf('another') },
    { ...honest, hpkeKey: bytesOf('another') },
    { ...honest, deviceName: 'another' },
    { ...honest, platform: 'phone' },
  ];
  for (const lie of lies) {
    const { state, effects } = step(digits, said(digits, lie));
    assert.is(codeOf(state), 'LINK_TAMPERED');
    assert.equal(sent(effects), [{ type: 'abort', reason: 'LINK_TAMPERED' }]);
  }
});

test('[LK22] the MAC is checked once: after a wrong one the right one changes nothing', () => {
  const digits = stateOf('digits');
  const wrong = step(digits, said(digits, answerTo(digits, '012346')));
  assert.is(codeOf(wrong.state), 'LINK_WRONG_DIGITS');
  assert.equal(sent(wrong.effects), [{ type: 'abort', reason: 'LINK_WRONG_DIGITS' }]);
  const again = step(wrong.state, said(digits, answerTo(digits)));
  assert.is(again.state, wrong.state);
  assert.equal(again.effects, []);
  const right = step(digits, said(digits, answerTo(digits)));
  assert.is(codeOf(right.state), 'confirm');
});

test('[LK30] a phone that opens its commitment to other digits, or not at all', () => {
  const typed = newStateOf('typed');
  for (const opening of [bytesOf('another opening'), new Uint8Array(32)]) {
    const { state, effects } = stepNew(typed, said(typed, offerIn(typed, { opening })));
    assert.is(codeOf(state), 'LINK_TAMPERED');
    assert.equal(sent(effects), [{ type: 'abort', reason: 'LINK_TAMPERED' }]);
  }
  // The attacker in the phone's place shows nobody digits: what was typed came from another phone.
  const typing = newStateOf('typing');
  const other = stepNew(typing, { type: 'typed', digits: '999999' }).state;
  assert.is(codeOf(stepNew(other, said(other, offerIn(other))).state), 'LINK_TAMPERED');
  assert.is(codeOf(stepNew(typed, said(typed, offerIn(typed))).state), 'accepting');
});

test('[LK31] an approval by another key, of another kind, or of another offer', () => {
  const typed = newStateOf('typed');
  const honest = offerIn(typed);
  const statement = statementOf(transcriptsOf(typed)[0]!, offerFront(honest));
  const lies = [
    { ...honest, approval: NEW_DEVICE.sign(approvalOf(statement)) },
    { ...honest, approval: PHONE.sign(possessionOf(statement)) },
    { ...honest, approval: new Uint8Array(64) },
    { ...honest, offer: bytesOf('another offer', 40) },
  ];
  for (const lie of lies) {
    const { state, effects } = stepNew(typed, said(typed, lie));
    assert.is(codeOf(state), 'LINK_TAMPERED');
    assert.not.ok(effects.some((effect) => effect.type === 'accept-offer'));
  }
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

const stateOf = <S extends PhoneState['step']>(name: S): Extract<PhoneState, { step: S }> =>
  honestPhone().find(({ state }) => state.step === name)!.state as Extract<PhoneState, { step: S }>;

const newStateOf = <S extends NewDeviceState['step']>(name: S): Extract<NewDeviceState, { step: S }> =>
  honestNewDevice().find(({ state }) => state.step === name)!.state as Extract<NewDeviceState, { step: S }>;

/** What an honest phone offers in a transcript; a lying one changes a part and signs that. */
const offerIn = (state: NewDeviceState, lie: { opening?: Uint8Array } = {}) => {
  const front = { opening: PHONE_SETUP.opening, offer: bytesOf('offer', 40), ...lie };
  const statement = statementOf(transcriptsOf(state)[0]!, offerFront(front));
  return { type: 'offer', ...front, approval: PHONE.sign(approvalOf(statement)) } as const;
};

const someMessages = (): LinkMessage[] => [
  { type: 'hello', accountRoot: bytesOf('a'), phoneKey: bytesOf('b'), commitment: bytesOf('c') },
  { type: 'answer', ...PROPOSAL, possession: bytesOf('p', 64), mac: bytesOf('m') },
  { type: 'offer', opening: bytesOf('o'), offer: bytesOf('f', 9), approval: bytesOf('g', 64) },
  { type: 'acceptance', acceptance: bytesOf('a', 64) },
  { type: 'bundle', bundle: bytesOf('b', 9) },
  { type: 'done' },
  { type: 'abort', reason: 'LINK_CANCELLED' },
];

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
