// Peers that lie inside an honest channel: each lie alone, and the check that catches it. Rules: spec/link.md §6.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { approvalOf, possessionOf, transcriptsOf } from '../src/link/machine.ts';
import { answerFront, type LinkMessage, offerFront } from '../src/link/messages.ts';
import { statementOf } from '../src/link/transcript.ts';
import { bytesOf } from './link-kit.ts';
import {
  answerTo,
  codeOf,
  NEW_DEVICE,
  newStateOf,
  offerIn,
  PHONE,
  PROPOSAL,
  said,
  sent,
  stateOf,
  step,
  stepNew,
} from './link-machines-kit.ts';

const test = suite('link lies');

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

test.run();
