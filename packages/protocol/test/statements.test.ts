// What is signed for a relay, byte by byte. Rules: spec/relay-protocol.md §6.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { authenticateStatement, LIMITS, principalStatement, toHex } from '../src/index.ts';

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

statements('[RP47] put-principal: label, principal, version in eight bytes, counted and sorted keys', () => {
  const statement = (version: number, relayKeys: Uint8Array[]): string =>
    toHex(principalStatement({ principal: bytes(32, 9), version, relayKeys }));
  const start = ascii('sealwire/v1/principal') + '09'.repeat(32);
  assert.is(statement(1, []), `${start}000000000000000100000000`);
  assert.is(
    statement(2 ** 40 + 5, [bytes(32, 1), bytes(32, 2)]),
    `${start}000001000000000500000002${'01'.repeat(32)}${'02'.repeat(32)}`,
  );
  assert.is(statement(Number.MAX_SAFE_INTEGER, []), `${start}001fffffffffffff00000000`);
});

statements('[RP47] farewells follow the keys: key, length of the note in four bytes, note', () => {
  const head = { principal: bytes(32, 9), version: 1, relayKeys: [bytes(32, 5)] };
  const without = toHex(principalStatement(head));
  assert.is(toHex(principalStatement({ ...head, farewells: [] })), without);
  const farewells = [
    { relayKey: bytes(32, 1), note: bytes(258, 7) },
    { relayKey: bytes(32, 2), note: bytes(1, 8) },
  ];
  assert.is(
    toHex(principalStatement({ ...head, farewells })),
    `${without}${'01'.repeat(32)}00000102${'07'.repeat(258)}${'02'.repeat(32)}0000000108`,
  );
});

statements('[RP47] what takes a key out never reads as what lists it', () => {
  // 36 bytes before a note of 28 are as long as two keys, and the second would begin with the note's length.
  const head = { principal: bytes(32, 9), version: 1 };
  const relayKey = bytes(32, 0);
  const note = bytes(28, 3);
  const further = Uint8Array.of(0, 0, 0, 28, ...note);
  assert.not.equal(
    principalStatement({ ...head, relayKeys: [], farewells: [{ relayKey, note }] }),
    principalStatement({ ...head, relayKeys: [relayKey, further] }),
  );
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
    ...[
      [{ relayKey: bytes(31, 1), note: bytes(1, 1) }],
      [{ relayKey: bytes(32, 1), note: bytes(0, 1) }],
      [{ relayKey: bytes(32, 1), note: bytes(LIMITS.farewellBytes + 1, 1) }],
      [bytes(32, 2), bytes(32, 1)].map((relayKey) => ({ relayKey, note: bytes(1, 1) })),
      [bytes(32, 2), bytes(32, 2)].map((relayKey) => ({ relayKey, note: bytes(1, 1) })),
    ].map(
      (farewells) => () =>
        principalStatement({ principal: bytes(32, 9), version: 1, relayKeys: [], farewells }),
    ),
  ];
  for (const call of wrong) assert.throws(call, (error: Error) => error instanceof RangeError);
});

statements.run();
