// What a close reason says of coming back, both ways. Rules: spec/relay-protocol.md §8.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { closeReason, readComeBack } from '../src/index.ts';

const test = suite('close reasons');

test('[RP180] what was said of coming back is read again', () => {
  const at = 'wss://relay-2.example:8443/';
  assert.is(closeReason('TOO_SLOW'), 'TOO_SLOW');
  assert.is(closeReason('TOO_SLOW', { afterMs: 99.2 }), 'TOO_SLOW after=100');
  assert.is(closeReason('SHUTTING_DOWN', { afterMs: 5, at }), `SHUTTING_DOWN after=5 at=${at}`);
  for (const comeBack of [{}, { afterMs: 0 }, { at }, { afterMs: 300_000, at }]) {
    assert.equal(readComeBack(closeReason('SHUTTING_DOWN', comeBack)), {
      afterMs: undefined,
      at: undefined,
      ...comeBack,
    });
  }
  assert.is(closeReason('SHUTTING_DOWN', { afterMs: 1e9 }), 'SHUTTING_DOWN after=300000');
  const long = `wss://${'a'.repeat(100)}.example`;
  assert.is(closeReason('SHUTTING_DOWN', { afterMs: 7, at: long }), 'SHUTTING_DOWN after=7');
});

test('[RP180] any reason is read, and what is not of its form says nothing', () => {
  const nothing = { afterMs: undefined, at: undefined };
  const bad = [
    '',
    'after=5',
    'X after=',
    'X after=-1',
    'X after=1e3',
    'X after=9999999999',
    'X at=http://a.example',
    'X at=wss://',
    'X at=wss://a:b@c.example',
    'X  at=\u0000',
    'X\nafter=5',
  ];
  for (const reason of bad) assert.equal(readComeBack(reason), nothing, reason);
  assert.equal(readComeBack('NEW_CODE later=1 after=7 after=9 at=ws://[::1]:1/x at=ws://b'), {
    afterMs: 7,
    at: 'ws://[::1]:1/x',
  });
  assert.is(readComeBack('X after=999999999').afterMs, 300_000);
});

test.run();
