// The state machine that decides what to say to the relay next. Rules: spec/relay-protocol.md, from the device's side.
import { type RelayMessage, toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { drive, FRAME, HELLO, idOf, PRINCIPAL, RELAY_ID, TIMES } from './session-kit.ts';

const test = suite('session');

test('sign-in: connect, answer the greeting, be online when welcome', () => {
  const device = drive();
  assert.equal(device.types(), []);
  device.say({ type: 'network', on: true });
  assert.equal(device.types(), ['connection', 'connect']);
  device.say({ type: 'opened' });
  assert.equal(device.types(), []);
  device.hear(HELLO);
  const { relayId, nonce } = device.only(device.all('sign-in'));
  assert.equal([relayId, nonce], [RELAY_ID, idOf(8)]);
  device.hear({ type: 'welcome', principal: PRINCIPAL, version: 3, farewell: undefined });
  assert.equal(device.types(), ['connection']);
  assert.is(device.only(device.all('connection')).connection, 'online');
});

test('a relay that does not know the device, or as somebody else, is a problem that is said', () => {
  for (const [principal, code] of [
    [undefined, 'NO_PRINCIPAL'],
    [idOf(1), 'AUTH_FAILED'],
  ] as const) {
    const device = drive();
    device.say({ type: 'network', on: true });
    device.say({ type: 'opened' });
    device.hear(HELLO);
    device.hear({ type: 'welcome', principal, version: principal ? 1 : 0, farewell: undefined });
    assert.equal(device.problems(), [[code, undefined]]);
    assert.is(device.all('connection')[0]?.connection, 'online');
  }
  const fresh = drive({ principal: undefined });
  fresh.say({ type: 'network', on: true });
  fresh.signIn(undefined);
  assert.equal(fresh.types(), ['connection'], 'a device that is being linked has no principal yet');
});

test('a device that may manage writes its principal before it is online, as its version at the relay demands', () => {
  for (const [principal, version] of [
    [undefined, 0],
    [PRINCIPAL, 4],
  ] as const) {
    const device = drive({ mayManage: true });
    device.follow(1);
    device.say({ type: 'network', on: true });
    device.say({ type: 'opened' });
    device.hear(HELLO);
    device.hear({ type: 'welcome', principal, version, farewell: undefined });
    assert.equal(device.types(), ['put-principal']);
    const put = device.only(device.all('put-principal'));
    assert.is(put.version, version);
    device.hear({ type: 'done', request: put.request, version: version + 1 });
    assert.equal(device.types(), ['principal-written', 'connection', 'resume']);
    assert.is(device.only(device.all('principal-written')).version, version + 1);
  }
});

test('a principal that is refused is said, and the device is online all the same', () => {
  const device = drive({ mayManage: true });
  device.say({ type: 'network', on: true });
  device.signIn();
  const { request } = device.only(device.all('put-principal'));
  device.hear({ type: 'refused', request, code: 'LIMIT_REACHED' });
  assert.equal(device.problems(), [['LIMIT_REACHED', undefined]]);
  assert.is(device.only(device.all('connection')).connection, 'online');
});

test('a principal that another edit overtook is written anew after the next welcome, and said only if that fails too', () => {
  const device = drive({ mayManage: true });
  device.say({ type: 'network', on: true });
  device.signIn();
  const conflict = (): void => {
    const { request } = device.only(device.all('put-principal'));
    device.hear({ type: 'refused', request, code: 'VERSION_CONFLICT' });
  };
  conflict();
  assert.ok(
    device.only(device.all('put-principal')).isBehind,
    'one edit of an earlier connection came through',
  );
  conflict();
  assert.equal([device.types(), device.problems()], [['disconnect'], []]);
  device.say({ type: 'closed', random: 0 });
  device.pass(60_000);
  device.signIn();
  conflict();
  assert.equal(device.problems(), [['VERSION_CONFLICT', undefined]]);
  assert.is(device.only(device.all('connection')).connection, 'online');
});

test('a principal that is refused for the moment is written again later', () => {
  const device = drive({ mayManage: true });
  device.say({ type: 'network', on: true });
  device.signIn();
  const { request } = device.only(device.all('put-principal'));
  device.hear({ type: 'refused', request, code: 'STORE_FULL' });
  assert.equal(device.pass(TIMES.appendRetryMs - 1), []);
  device.pass(1);
  const again = device.only(device.all('put-principal'));
  device.hear({ type: 'done', request: again.request, version: 2 });
  assert.equal(device.types(), ['principal-written']);
});

test('edits of the principal go one at a time, since each names the version before it', () => {
  const device = drive({ mayManage: true });
  device.say({ type: 'network', on: true });
  device.signIn();
  const first = device.only(device.all('put-principal'));
  assert.equal(device.say({ type: 'principal' }), [], 'while it registers');
  device.hear({ type: 'done', request: first.request, version: 1 });
  const second = device.only(device.all('put-principal'));
  for (let i = 0; i < 3; i++) assert.equal(device.say({ type: 'principal' }), [], 'while one is on its way');
  device.hear({ type: 'done', request: second.request, version: 2 });
  const third = device.only(device.all('put-principal'));
  assert.is(third.version, -1);
  device.hear({ type: 'done', request: third.request, version: 3 });
  assert.equal(device.types(), ['principal-written']);
  device.say({ type: 'principal' });
  assert.is(device.all('put-principal').length, 1);
  const linked = drive();
  linked.live();
  assert.equal(linked.say({ type: 'principal' }), [], 'who may not manage writes none');
});

test('all rooms are resumed in one request, from where the device stands in each', () => {
  const cursors = new Map([
    [1, 10],
    [3, 7],
  ]);
  const device = drive({ cursors });
  for (const room of [1, 2, 3]) device.follow(room);
  device.say({ type: 'network', on: true });
  device.signIn();
  const { rooms } = device.only(device.sent('resume'));
  assert.equal(rooms, [
    { room: idOf(1), cursor: 10 },
    { room: idOf(2), cursor: 0 },
    { room: idOf(3), cursor: 7 },
  ]);
  device.resumed();
  assert.equal(device.types(), ['news', 'live', 'news', 'live', 'news', 'live']);
  assert.equal(
    device.all('news').map(({ head }) => head),
    [10, 0, 7],
  );
});

test('a room with news is live after its head was delivered, not before', () => {
  const device = drive({ cursors: new Map([[1, 10]]) });
  device.follow(1);
  device.follow(2);
  device.say({ type: 'network', on: true });
  device.signIn();
  device.resumed({ 0: 14 });
  assert.equal(device.types(), ['news', 'news', 'live']);
  assert.is(device.all('live')[0]!.room, toHex(idOf(2)));
  assert.equal(device.append(1), [], 'nothing leaves while others may have been first');
  device.frames(1, 11, 12);
  assert.equal(device.types(), ['deliver']);
  device.frames(1, 14);
  assert.equal(device.types(), ['deliver', 'live']);
  device.append(1);
  assert.equal(device.types(), ['append']);
  device.frames(1, 15);
  assert.equal(device.types(), ['deliver']);
});

test('a room that the relay does not know is made and resumed again', () => {
  const device = drive({ cursors: new Map([[1, 5]]) });
  device.follow(1);
  device.say({ type: 'network', on: true });
  device.signIn();
  device.resumed({}, [{ index: 0, code: 'ROOM_UNKNOWN' }]);
  const put = device.only(device.sent('put-room'));
  assert.equal([put.room, put.version], [idOf(1), 1]);
  assert.equal(put.members, [{ principal: PRINCIPAL, admin: true }]);
  device.hear({ type: 'done', request: put.request, version: 1 });
  assert.equal(device.only(device.sent('resume')).rooms, [{ room: idOf(1), cursor: 5 }]);
  device.resumed({ 0: 0 });
  assert.equal(device.problems(), [['RELAY_ROLLED_BACK', '01']]);
  assert.equal(
    device.all('go-back').map(({ head }) => head),
    [0],
  );
});

test('a room that another own device has just made is there all the same', () => {
  const device = drive();
  device.follow(1);
  device.say({ type: 'network', on: true });
  device.signIn();
  device.resumed({}, [{ index: 0, code: 'ROOM_UNKNOWN' }]);
  const { request } = device.only(device.sent('put-room'));
  device.hear({ type: 'refused', request, code: 'VERSION_CONFLICT' });
  assert.equal(device.types(), ['resume']);
  device.resumed({ 0: 3 });
  assert.equal(device.types(), ['news']);
});

test('a relay that takes a room and forgets it at once is no reason for a storm', () => {
  const device = drive();
  device.follow(1);
  device.say({ type: 'network', on: true });
  device.signIn();
  device.resumed({}, [{ index: 0, code: 'ROOM_UNKNOWN' }]);
  const { request } = device.only(device.sent('put-room'));
  device.hear({ type: 'done', request, version: 1 });
  device.resumed({}, [{ index: 0, code: 'ROOM_UNKNOWN' }]);
  assert.equal(device.types(), ['problem']);
  device.pass(TIMES.pingAfterMs);
  device.hear({ type: 'pong' });
  assert.equal(device.types(), []);
});

test('who is no member is told so once, and asks again ever more rarely: the rights may be on their way', () => {
  const device = drive();
  device.follow(1);
  device.follow(2);
  device.say({ type: 'network', on: true });
  device.signIn();
  device.resumed({}, [{ index: 0, code: 'NOT_A_MEMBER' }]);
  assert.equal(device.problems(), [['NOT_A_MEMBER', '01']]);
  assert.is(device.all('live')[0]!.room, toHex(idOf(2)));
  assert.equal(device.append(1), []);
  const pauses: number[] = [];
  for (let since = device.now(); pauses.length < 9; ) {
    device.pass(50);
    const [resume] = device.sent('resume');
    device.hear({ type: 'pong' });
    if (!resume) continue;
    pauses.push(device.now() - since);
    since = device.now();
    assert.equal(resume.rooms, [{ room: idOf(1), cursor: 0 }]);
    const refused = pauses.length < 9 ? [{ index: 0, code: 'NOT_A_MEMBER' as const }] : [];
    device.hear({ type: 'resumed', request: resume.request, news: [], refused });
    assert.equal(device.problems(), [], 'the same refusal is not said again');
  }
  assert.equal(pauses, [
    100,
    200,
    400,
    800,
    1600,
    3200,
    TIMES.retryLongestMs,
    TIMES.retryLongestMs,
    TIMES.retryLongestMs,
  ]);
  assert.is(device.all('live')[0]?.room, toHex(idOf(1)));
});

test('[RP76] a head below the cursor: said, gone back to, and resumed from there', () => {
  const cursors = new Map([[1, 50]]);
  const device = drive({ cursors });
  device.follow(1);
  device.say({ type: 'network', on: true });
  device.signIn();
  device.resumed({ 0: 20 });
  assert.equal(device.types(), ['problem', 'go-back']);
  assert.equal(device.problems(), [['RELAY_ROLLED_BACK', '01']]);
  assert.is(device.only(device.all('go-back')).head, 20);
  cursors.set(1, 20);
  device.say({ type: 'went-back', room: idOf(1) });
  assert.equal(device.only(device.sent('resume')).rooms, [{ room: idOf(1), cursor: 20 }]);
  device.resumed({});
  assert.is(device.all('live').length, 1);
});

test('an append is answered with its position', () => {
  const device = drive();
  device.live(1);
  device.append(1);
  const { request, stream, frame, room } = device.only(device.sent('append'));
  assert.equal([room, stream, frame], [idOf(1), 'page-0', FRAME]);
  device.hear({ type: 'appended', request, position: 31 });
  const appended = device.only(device.all('appended'));
  assert.equal([appended.room, appended.position, appended.frame], [toHex(idOf(1)), 31, FRAME]);
});

test('an append that is refused for good is said, and waits until the room lets it in: never sent on, never forgotten', () => {
  for (const code of ['NOT_A_MEMBER', 'NO_PRINCIPAL', 'ROOM_UNKNOWN'] as const) {
    const device = drive();
    device.live(1, 2);
    device.append(1);
    const { request } = device.only(device.sent('append'));
    device.hear({ type: 'refused', request, code });
    assert.is(device.only(device.all('down')).room, toHex(idOf(1)));
    assert.equal(device.append(1), []);
    assert.is(device.append(2).length, 1, 'other rooms go on');
    if (code === 'ROOM_UNKNOWN') continue;
    const problems = device.problems();
    device.hear({ type: 'pong' });
    device.pass(TIMES.retryLongestMs);
    const again = device.only(device.sent('resume'));
    device.hear({ type: 'resumed', request: again.request, news: [], refused: [] });
    assert.is(device.only(device.all('live')).room, toHex(idOf(1)), `${problems}`);
    assert.is(device.append(1).length, 1);
  }
  const device = drive();
  device.live(1);
  device.append(1);
  const { request } = device.only(device.sent('append'));
  device.hear({ type: 'refused', request, code: 'ROOM_UNKNOWN' });
  assert.equal(device.types(), ['down', 'put-room']);
});

test('a room that is added while online is resumed at once, before that with the others', () => {
  const device = drive();
  device.live(1);
  device.follow(2);
  assert.equal(device.only(device.sent('resume')).rooms, [{ room: idOf(2), cursor: 0 }]);
  device.resumed({ 0: 2 });
  device.frames(2, 2);
  assert.is(device.all('live')[0]!.room, toHex(idOf(2)));
  assert.equal(device.follow(2), [], 'twice is once');
  device.closed();
  assert.equal(
    device.all('down').map(({ room }) => room.slice(0, 2)),
    ['01', '02'],
  );
  device.follow(3);
  device.pass(TIMES.retryLongestMs);
  device.signIn();
  assert.is(device.only(device.sent('resume')).rooms.length, 3);
});

test('what is acknowledged while a room is wanted again says nothing of the frames below it', () => {
  const device = drive();
  device.live(1);
  const requestOf = () => device.only(device.sent('append')).request;
  device.append(1);
  const before = requestOf();
  device.append(1);
  const within = requestOf();
  device.say({ type: 'went-back', room: idOf(1) });
  const { request } = device.only(device.sent('resume'));
  device.hear({ type: 'appended', request: before, position: 7 });
  assert.is(device.only(device.all('appended')).isInOrder, false);
  device.hear({ type: 'resumed', request, news: [{ index: 0, head: 8 }], refused: [] });
  assert.equal(device.all('live'), [], 'seven frames are to come');
  device.frames(1, 1, 2, 3, 4, 5, 6, 7);
  device.hear({ type: 'appended', request: within, position: 8 });
  assert.is(device.only(device.all('appended')).isInOrder, true);
  assert.is(device.all('live').length, 1, 'an own frame stands in the place of what would come');
});

test('answers that come twice, late, to nobody or of another kind change nothing', () => {
  const device = drive();
  device.live(1);
  device.append(1);
  const { request } = device.only(device.sent('append'));
  const odd: RelayMessage[] = [
    HELLO,
    { type: 'welcome', principal: PRINCIPAL, version: 9, farewell: undefined },
    { type: 'appended', request: 999, position: 5 },
    { type: 'done', request: 999, version: 5 },
    { type: 'refused', request: 999, code: 'NOT_A_MEMBER' },
    { type: 'resumed', request: 999, news: [], refused: [] },
    { type: 'resumed', request, news: [{ index: 0, head: 77 }], refused: [] },
    { type: 'done', request, version: 5 },
    { type: 'frames', room: idOf(9), frames: [{ position: 1, stream: 'page-0', frame: FRAME }] },
    { type: 'frames', room: idOf(1), frames: [] },
    { type: 'read-result', request, head: 1, complete: true, frames: [] },
    { type: 'signal', room: idOf(1), payload: FRAME },
    { type: 'pong' },
  ];
  for (const message of odd) assert.equal(device.hear(message), [], message.type);
  device.hear({ type: 'appended', request, position: 5 });
  assert.equal(device.types(), ['appended'], 'the true answer still counts');
  assert.equal(device.hear({ type: 'appended', request, position: 6 }), [], 'once');
  device.closed();
  device.pass(TIMES.retryLongestMs);
  device.signIn();
  assert.equal(device.hear({ type: 'appended', request, position: 6 }), [], 'not after a new connection');
  assert.equal(device.frames(1, 50), [], 'frames count once the room is resumed');
});

test.run();
