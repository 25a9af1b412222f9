// What who was away passes over, and what is said to be missing all the same. Rules: spec/chats.md, CH5.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Body } from '../src/frame/body.ts';
import { createAbsence } from '../src/room/absence.ts';
import type { Chain } from '../src/room/chains.ts';
import type { Waiting } from '../src/room/opening.ts';

const test = suite('absence');

const STREAM = 'page-0';

/** A frame that waits, of clientID 7 unless told otherwise. */
const item = (position: number, previous: number, counter: number, more: Partial<Body> = {}): Waiting => ({
  position,
  stream: STREAM,
  frame: new Uint8Array(0),
  record: undefined,
  body: { clientId: 7, counter, previous, ...more } as Body,
  encodedBody: undefined,
  epoch: '',
});

/** The chain of clientID 7 is held up to counter 4, at position 10. */
const away = (isLate = true) => {
  const chains = new Map([[`${STREAM}/7`, { last: 4, position: 10 } as Chain]]);
  return createAbsence({ chains, isLate: () => isLate });
};

const opening = { deviceId: new Uint8Array(16), nonce: new Uint8Array(16) };

test('[CH5] what follows frames for others in a chain that is held is passed over, with what builds on it', () => {
  const absence = away();
  absence.note({ stream: STREAM, position: 12 });
  const late = [item(20, 7, 9), item(21, 9, 10)];
  assert.equal(absence.passedOver(late), late);
});

test('[CH5] without a frame for others in between, it was withheld, and waits', () => {
  const absence = away();
  assert.equal(absence.passedOver([item(20, 7, 9)]), []);
  for (const position of [9, 10, 20, 25]) absence.note({ stream: STREAM, position });
  absence.note({ stream: 'page-1', position: 12 });
  assert.equal(absence.passedOver([item(20, 7, 9)]), []);
});

test('[CH5] who was never away passes nothing over', () => {
  const absence = away(false);
  absence.note({ stream: STREAM, position: 12 });
  assert.equal(absence.passedOver([item(20, 7, 9)]), []);
});

test('[CH5] a chain whose opening did not come is passed over; one whose opening waits is not', () => {
  const absence = away();
  const strange = item(20, 3, 4, { clientId: 8 });
  assert.equal(absence.passedOver([strange]), [strange]);
  const opened = item(19, 0, 3, { clientId: 8, opening });
  assert.equal(absence.passedOver([opened, strange]), []);
});

test('[CH5] while a frame of the page waits for its key, nothing there is passed over: it may be what is missing', () => {
  const absence = away();
  absence.note({ stream: STREAM, position: 12 });
  const sealed: Waiting = { ...item(11, 0, 0), body: undefined };
  assert.equal(absence.passedOver([sealed, item(20, 7, 9), item(21, 3, 4, { clientId: 8 })]), []);
});

test('[CH5] a frame that follows what is held is judged and not passed over', () => {
  const absence = away();
  absence.note({ stream: STREAM, position: 12 });
  const next = item(20, 4, 9);
  const stuck = item(30, 12, 14);
  assert.equal(absence.passedOver([next, item(21, 9, 10), stuck]), [stuck]);
});

test('[CH5] what was passed over is owed again once the frame that it follows is there', () => {
  const absence = away();
  const strange = [item(20, 3, 4, { clientId: 8 }), item(21, 4, 6, { clientId: 8 })];
  assert.equal(absence.passedOver(strange), strange);
  absence.accepted(STREAM, 8, 2);
  absence.accepted(STREAM, 7, 3);
  assert.not(absence.isOwed());
  absence.accepted(STREAM, 8, 3);
  assert.ok(absence.isOwed());
  absence.startedOver();
  assert.not(absence.isOwed());
  absence.accepted(STREAM, 8, 4);
  assert.not(absence.isOwed(), 'it comes again anyway');
});

test.run();
