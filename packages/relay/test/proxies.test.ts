// Whose word counts about where a request comes from. Rules: spec/relay-protocol.md §12 (RP127).
import type { IncomingMessage } from 'node:http';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addressSet, forwardedBy, forwardedFor } from '../src/index.ts';

const test = suite('proxies');

const request = (remoteAddress: string, header?: string | string[]): IncomingMessage =>
  ({ socket: { remoteAddress }, headers: { 'x-forwarded-for': header } }) as unknown as IncomingMessage;

test('[RP127] without named proxies the last address that the header tells counts', () => {
  assert.is(forwardedFor(request('127.0.0.1', '1.1.1.1, 2.2.2.2')), '2.2.2.2');
  assert.is(forwardedFor(request('127.0.0.1', ['1.1.1.1', ' 3.3.3.3 '])), '3.3.3.3');
  assert.is(forwardedFor(request('127.0.0.1')), '127.0.0.1');
  assert.is(forwardedFor(request('127.0.0.1', ' , ')), '127.0.0.1');
});

test('[RP127] named proxies alone are believed, and of their word the last that is no proxy', () => {
  const from = forwardedBy(addressSet(['127.0.0.1', '10.0.0.0/8', 'fd00::/8']));
  const cases: [string, string | undefined, string][] = [
    ['192.0.2.1', '1.1.1.1', '192.0.2.1'],
    ['127.0.0.1', '1.1.1.1', '1.1.1.1'],
    ['::ffff:127.0.0.1', '1.1.1.1', '1.1.1.1'],
    ['127.0.0.1', undefined, '127.0.0.1'],
    ['10.9.9.9', '6.6.6.6, 1.1.1.1, 10.1.1.1', '1.1.1.1'],
    ['fd00::7', '6.6.6.6, 2001:db8::1, fd12::1, ::ffff:10.0.0.3', '2001:db8::1'],
    ['10.0.0.1', '10.0.0.2, 10.0.0.3', '10.0.0.2'],
    ['10.0.0.1', '6.6.6.6, unknown', 'unknown'],
    ['11.0.0.1', '1.1.1.1', '11.0.0.1'],
  ];
  for (const [remote, header, expected] of cases)
    assert.is(from(request(remote, header)), expected, `${remote} ${header}`);
});

test('[RP127] what is neither an address nor a network is named', () => {
  for (const text of ['', 'x', '1.2.3', '10.0.0.0/33', '10.0.0.0/', '::/129', '10.0.0.0/8/8x', '10.0.0.0/-1'])
    assert.throws(
      () => addressSet([text]),
      (error: Error) => error instanceof RangeError && error.message.startsWith(text),
    );
});

test.run();
