// A relay without space: what is said of it, and that what was refused goes on being sent. Rules: spec/relay-protocol.md §12.
import type { ErrorCode } from '@sealwire/protocol';
import { toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { drive, idOf, TIMES } from './session-kit.ts';

const test = suite('session without space');

test('[RP185] an append that is refused for the moment is sent again after a while, however often; want of space is said once', () => {
  const codes: ErrorCode[] = [
    'STORE_FULL',
    'ROOM_FULL',
    'STORE_FAILED',
    'LIMIT_REACHED',
    'TOO_SLOW',
    'SHUTTING_DOWN',
  ];
  for (const code of codes) {
    const device = drive();
    device.live(1);
    for (let round = 0; round < 5; round++) {
      device.append(1);
      const { request } = device.only(device.sent('append'));
      device.hear({ type: 'refused', request, code });
      const isSaid = round === 0 && code.endsWith('_FULL');
      assert.equal(device.problems(), isSaid ? [[code, '01']] : []);
      assert.is(device.types().length, isSaid ? 1 : 0, code);
      assert.equal(device.pass(TIMES.appendRetryMs - 1), []);
      device.pass(1);
      assert.equal(device.types(), ['append-again']);
      assert.is(device.only(device.all('append-again')).room, toHex(idOf(1)));
    }
    assert.equal(device.pass(TIMES.appendRetryMs), [], 'once for each refusal');
    device.append(1);
    device.hear({
      type: 'appended',
      request: device.only(device.sent('append')).request,
      position: 1,
    });
    device.append(1);
    device.hear({ type: 'refused', request: device.only(device.sent('append')).request, code });
    assert.is(device.problems().length, code.endsWith('_FULL') ? 1 : 0, 'anew after one was taken');
  }
});

test('[RP185] a room that is nearly full is said, unless it is not followed', () => {
  const device = drive();
  device.live(1);
  const warn = (room: number) =>
    device.hear({ type: 'room-nearly-full', room: idOf(room), bytes: 9, mostBytes: 10 });
  warn(1);
  assert.equal(device.problems(), [['ROOM_NEARLY_FULL', '01']]);
  warn(2);
  assert.equal(device.types(), []);
});

test.run();
