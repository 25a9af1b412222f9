// What is signed for a relay, byte by byte. Rules: spec/relay-protocol.md §6.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { authenticateStatement, principalStatement, toHex } from '../src/index.ts';

const statements = suite('statements');
const bytes = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill);
const ascii = (text: string): string => toHex(new TextEncoder().encode(text));

statements('[RP41] authenticate: label, relay id, nonce, relay key', () => {
  const statement = authenticateStatement({
    relayId: bytes(16, 1),
    nonce: bytes(32, 2),
    relayKey: bytes(32, 3),
  });
  assert.is(
    toHex(statement),
    ascii('sealwire/v1/authenticate') + '01'.repeat(16) + '02'.repeat(32) + '03'.repeat(32),
  );
});

statements('[RP47] put-principal: label, principal, version in eight bytes, sorted keys', () => {
  const statement = (version: number, relayKeys: Uint8Array[]): string =>
    toHex(principalStatement({ principal: bytes(32, 9), version, relayKeys }));
  const start = ascii('sealwire/v1/principal') + '09'.repeat(32);
  assert.is(statement(1, []), `${start}0000000000000001`);
  assert.is(
    statement(2 ** 40 + 5, [bytes(32, 1), bytes(32, 2)]),
    `${start}0000010000000005${'01'.repeat(32)}${'02'.repeat(32)}`,
  );
  assert.is(statement(Number.MAX_SAFE_INTEGER, []), `${start}001fffffffffffff`);
});

statements('lengths, versions and orders out of bounds are a RangeError', () => {
  const wrong = [
    () => authenticateStatement({ relayId: bytes(15, 1), nonce: bytes(32, 2), relayKey: bytes(32, 3) }),
    () => authenticateStatement({ relayId: bytes(16, 1), nonce: bytes(31, 2), relayKey: bytes(32, 3) }),
    () => principalStatement({ principal: bytes(31, 9), version: 1, relayKeys: [] }),
    () => principalStatement({ principal: bytes(32, 9), version: 0, relayKeys: [] }),
    () => principalStatement({ principal: bytes(32, 9), version: 1.5, relayKeys: [] }),
    () =>
      principalStatement({ principal: bytes(32, 9), version: 1, relayKeys: [bytes(32, 2), bytes(32, 1)] }),
    () =>
      principalStatement({ principal: bytes(32, 9), version: 1, relayKeys: [bytes(32, 2), bytes(32, 2)] }),
    () => principalStatement({ principal: bytes(32, 9), version: 1, relayKeys: [bytes(31, 2)] }),
  ];
  for (const call of wrong) assert.throws(call, (error: Error) => error instanceof RangeError);
});

statements.run();
