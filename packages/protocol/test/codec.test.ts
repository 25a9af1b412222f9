// Round trips, refusals and a seeded fuzz of the message codec. Rules: spec/relay-protocol.md §3 to §5.
import { seededRandom } from '@sealwire/testkit/random';
import { hostileBytes, sampleClientMessages, sampleRelayMessages } from '@sealwire/testkit/relay-fuzz';
import * as encoding from 'lib0/encoding';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type ClientMessage,
  decodeClientMessage,
  decodeRelayMessage,
  encodeClientMessage,
  encodeRelayMessage,
  isErrorCode,
  LIMITS,
  type RelayMessage,
  SealwireError,
} from '../src/index.ts';

const SEED = Number(process.env.SEALWIRE_SEED ?? 1);
const codec = suite('codec');

const bytes = (length: number, fill = 7): Uint8Array => new Uint8Array(length).fill(fill);

/** The bytes that `write` puts after `tag`. */
const raw = (tag: number, write: (to: encoding.Encoder) => void): Uint8Array => {
  const to = encoding.createEncoder();
  encoding.writeUint8(to, tag);
  write(to);
  return encoding.toUint8Array(to);
};

const refused = (run: () => unknown, code: string): void => {
  try {
    run();
  } catch (error) {
    assert.instance(error, SealwireError);
    assert.is((error as SealwireError).code, code);
    return;
  }
  assert.unreachable(`not refused with ${code}`);
};

codec('[RP10] every message of a device comes back as it was', () => {
  const random = seededRandom(SEED);
  for (let round = 0; round < 300; round++) {
    for (const message of sampleClientMessages(random)) {
      assert.equal(decodeClientMessage(encodeClientMessage(message)), message);
    }
  }
});

codec('[RP10] every message of a relay comes back as it was', () => {
  const random = seededRandom(SEED);
  for (let round = 0; round < 300; round++) {
    for (const message of sampleRelayMessages(random)) {
      assert.equal(decodeRelayMessage(encodeRelayMessage(message)), message);
    }
  }
});

codec(
  '[RP11] any bytes give the one message they stand for, or a SealwireError (20,000 hostile inputs)',
  () => {
    const random = seededRandom(SEED);
    const counts = { accepted: 0, MALFORMED: 0, TOO_LARGE: 0, UNSUPPORTED_VERSION: 0 };
    for (let round = 0; round < 20_000; round++) {
      const side = round % 2 === 0 ? 'client' : 'relay';
      const input = hostileBytes(random, side);
      const copy = input.slice();
      try {
        const again =
          side === 'client'
            ? encodeClientMessage(decodeClientMessage(input))
            : encodeRelayMessage(decodeRelayMessage(input));
        // One value has one form: what is accepted is exactly what an encoder would have sent.
        if (!namesUnknownCode(input)) assert.equal(again, input);
        counts.accepted++;
      } catch (error) {
        if (!(error instanceof SealwireError) || !(error.code in counts)) throw error;
        counts[error.code as keyof typeof counts]++;
      }
      assert.equal(input, copy, 'the input is left as it was');
    }
    for (const [outcome, count] of Object.entries(counts)) assert.ok(count > 10, `${outcome}: ${count}`);
  },
);

/** A damaged error code reads as another one, so its message does not encode back to the same bytes. */
const namesUnknownCode = (input: Uint8Array): boolean => {
  const decoded = decodeRelayMessageOrNothing(input);
  if (decoded === undefined) return false;
  if (decoded.type === 'resumed') return decoded.refused.some((item) => item.code === 'UNSUPPORTED_VERSION');
  return 'code' in decoded && decoded.code === 'UNSUPPORTED_VERSION';
};

const decodeRelayMessageOrNothing = (input: Uint8Array): RelayMessage | undefined => {
  try {
    return decodeRelayMessage(input);
  } catch {
    return undefined;
  }
};

codec('[RP11] every cut of every message is refused', () => {
  const random = seededRandom(SEED);
  for (const message of sampleClientMessages(random)) {
    const whole = encodeClientMessage(message);
    for (let length = 0; length < whole.length; length++) {
      refused(() => decodeClientMessage(whole.subarray(0, length)), 'MALFORMED');
    }
  }
});

codec('[RP12] a number that is padded, above 2^53 - 1 or endless is refused', () => {
  const withRequest = (...number: number[]): Uint8Array => Uint8Array.from([0x09, ...number, ...bytes(16)]);
  assert.is(
    (decodeClientMessage(withRequest(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f)) as { request: number })
      .request,
    Number.MAX_SAFE_INTEGER,
  );
  refused(() => decodeClientMessage(withRequest(0x80, 0x00)), 'MALFORMED');
  refused(() => decodeClientMessage(withRequest(0x81, 0x80, 0x00)), 'MALFORMED');
  refused(
    () => decodeClientMessage(withRequest(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x10)),
    'MALFORMED',
  );
  refused(() => decodeClientMessage(withRequest(...bytes(60, 0x80))), 'MALFORMED');
});

codec('[RP13] counts and lengths beyond a limit are TOO_LARGE, beyond the message MALFORMED', () => {
  const resume = (count: number): Uint8Array =>
    raw(0x04, (to) => {
      encoding.writeVarUint(to, 1);
      encoding.writeVarUint(to, count);
    });
  refused(() => decodeClientMessage(resume(LIMITS.resumeRooms + 1)), 'TOO_LARGE');
  refused(() => decodeClientMessage(resume(LIMITS.resumeRooms)), 'MALFORMED');
  const append = (length: number): Uint8Array =>
    raw(0x05, (to) => {
      encoding.writeVarUint(to, 1);
      encoding.writeUint8Array(to, bytes(32));
      encoding.writeVarString(to, 'control');
      encoding.writeVarUint(to, length);
    });
  refused(() => decodeClientMessage(append(LIMITS.frameBytes + 1)), 'TOO_LARGE');
  refused(() => decodeClientMessage(append(LIMITS.frameBytes)), 'MALFORMED');
  refused(() => decodeClientMessage(append(0)), 'MALFORMED');
  refused(() => decodeClientMessage(bytes(LIMITS.messageBytes + 1)), 'TOO_LARGE');
});

codec('[RP13] the largest lists and frames that the limits allow pass', () => {
  const unique = (i: number): Uint8Array => {
    const id = bytes(32);
    new DataView(id.buffer).setUint32(0, i);
    return id;
  };
  const most: ClientMessage[] = [
    {
      type: 'resume',
      request: 1,
      rooms: Array.from({ length: LIMITS.resumeRooms }, (_, i) => ({
        room: unique(i),
        cursor: Number.MAX_SAFE_INTEGER,
      })),
    },
    {
      type: 'put-room',
      request: 1,
      room: bytes(32),
      version: 1,
      members: Array.from({ length: LIMITS.roomMembers }, (_, i) => ({ principal: unique(i), admin: true })),
    },
    { type: 'append', request: 1, room: bytes(32), stream: 'control', frame: bytes(LIMITS.frameBytes) },
    {
      type: 'put-principal',
      request: 1,
      manageKey: bytes(32),
      version: 1,
      relayKeys: Array.from({ length: LIMITS.principalKeys }, (_, i) => unique(i)),
      farewells: Array.from({ length: LIMITS.principalKeys }, (_, i) => ({
        relayKey: unique(i),
        note: bytes(LIMITS.farewellBytes),
      })),
      signature: bytes(64),
    },
  ];
  for (const message of most) assert.equal(decodeClientMessage(encodeClientMessage(message)), message);
});

codec('[RP14] bytes after a message, an unknown type and an empty message are refused', () => {
  refused(() => decodeClientMessage(Uint8Array.of(0x0c, 0)), 'MALFORMED');
  refused(() => decodeClientMessage(Uint8Array.of(0x7f)), 'MALFORMED');
  refused(() => decodeClientMessage(encodeRelayMessage({ type: 'pong' })), 'MALFORMED');
  refused(() => decodeRelayMessage(encodeClientMessage({ type: 'ping' })), 'MALFORMED');
  refused(() => decodeRelayMessage(new Uint8Array()), 'MALFORMED');
});

codec('[RP15] only stream labels name streams, and only a read may name none', () => {
  const append = (stream: string): Uint8Array =>
    raw(0x05, (to) => {
      encoding.writeVarUint(to, 1);
      encoding.writeUint8Array(to, bytes(32));
      encoding.writeVarString(to, stream);
      encoding.writeVarUint8Array(to, bytes(1));
    });
  assert.is((decodeClientMessage(append('page-3')) as { stream: string }).stream, 'page-3');
  for (const stream of ['', '-a', 'A', 'a b', 'a\n', 'é', 'a_b', '\0']) {
    refused(() => decodeClientMessage(append(stream)), 'MALFORMED');
  }
  refused(() => decodeClientMessage(append('a'.repeat(LIMITS.streamChars + 1))), 'TOO_LARGE');
});

codec('[RP16] an error code that this side does not know reads as UNSUPPORTED_VERSION', () => {
  const refusal = (code: string): Uint8Array =>
    raw(0x8e, (to) => {
      encoding.writeVarUint(to, 1);
      encoding.writeVarString(to, code);
    });
  assert.is((decodeRelayMessage(refusal('NOT_A_MEMBER')) as { code: string }).code, 'NOT_A_MEMBER');
  assert.not.ok(isErrorCode('SOMETHING_NEW'));
  assert.is((decodeRelayMessage(refusal('SOMETHING_NEW')) as { code: string }).code, 'UNSUPPORTED_VERSION');
  for (const code of ['', 'lower', '1A', 'A B'])
    refused(() => decodeRelayMessage(refusal(code)), 'MALFORMED');
  refused(() => decodeRelayMessage(refusal('A'.repeat(41))), 'TOO_LARGE');
});

codec('[RP17] frames carry rising positions, and a stream only where it changes', () => {
  const room = bytes(32);
  const frame = bytes(10);
  const frames = [
    { position: 1, stream: 'control', frame },
    { position: 2, stream: 'control', frame },
    { position: 300, stream: 'page-0', frame },
  ];
  const message: RelayMessage = { type: 'frames', room, frames };
  assert.equal(decodeRelayMessage(encodeRelayMessage(message)), message);
  assert.is(encodeRelayMessage(message).length, 1 + 32 + 1 + (1 + 8 + 11) + (1 + 1 + 11) + (2 + 7 + 11));
  const twice: RelayMessage = { type: 'frames', room, frames: [frames[1]!, frames[1]!] };
  assert.throws(
    () => encodeRelayMessage(twice),
    (error: Error) => error instanceof RangeError,
  );
  const spelledOut = raw(0x86, (to) => {
    encoding.writeUint8Array(to, room);
    encoding.writeVarUint(to, 2);
    for (let i = 0; i < 2; i++) {
      encoding.writeVarUint(to, 0);
      encoding.writeVarString(to, 'control');
      encoding.writeVarUint8Array(to, frame);
    }
  });
  refused(() => decodeRelayMessage(spelledOut), 'MALFORMED');
});

codec('[RP18] keys of a principal rise strictly, and no member stands twice', () => {
  const put = (keys: readonly Uint8Array[]): Uint8Array =>
    raw(0x02, (to) => {
      encoding.writeVarUint(to, 1);
      encoding.writeUint8Array(to, bytes(32));
      encoding.writeVarUint(to, 1);
      encoding.writeVarUint(to, keys.length);
      for (const key of keys) encoding.writeUint8Array(to, key);
      encoding.writeVarUint(to, 0);
      encoding.writeUint8Array(to, bytes(64));
    });
  assert.is(decodeClientMessage(put([bytes(32, 1), bytes(32, 2)])).type, 'put-principal');
  refused(() => decodeClientMessage(put([bytes(32, 2), bytes(32, 1)])), 'MALFORMED');
  refused(() => decodeClientMessage(put([bytes(32, 2), bytes(32, 2)])), 'MALFORMED');
  const room = raw(0x03, (to) => {
    encoding.writeVarUint(to, 1);
    encoding.writeUint8Array(to, bytes(32));
    encoding.writeVarUint(to, 1);
    encoding.writeVarUint(to, 2);
    for (let i = 0; i < 2; i++) encoding.writeUint8Array(to, Uint8Array.of(...bytes(32), 1));
  });
  refused(() => decodeClientMessage(room), 'MALFORMED');
});

/** A `put-principal` with these farewells, each of the given key byte and note, or `count` of them claimed. */
const withFarewells = (farewells: readonly [number, Uint8Array][], count = farewells.length): Uint8Array =>
  raw(0x02, (to) => {
    encoding.writeVarUint(to, 1);
    encoding.writeUint8Array(to, bytes(32));
    encoding.writeVarUint(to, 1);
    encoding.writeVarUint(to, 0);
    encoding.writeVarUint(to, count);
    for (const [fill, note] of farewells) {
      encoding.writeUint8Array(to, bytes(32, fill));
      encoding.writeVarUint8Array(to, note);
    }
    encoding.writeUint8Array(to, bytes(64));
  });

codec('[RP18] farewells rise strictly by their relay keys', () => {
  const note = bytes(5);
  const rising = decodeClientMessage(
    withFarewells([
      [1, note],
      [2, note],
    ]),
  );
  assert.ok(rising.type === 'put-principal');
  assert.equal(rising.farewells, [
    { relayKey: bytes(32, 1), note },
    { relayKey: bytes(32, 2), note },
  ]);
  for (const second of [0, 1]) {
    const falling: [number, Uint8Array][] = [
      [1, note],
      [second, note],
    ];
    refused(() => decodeClientMessage(withFarewells(falling)), 'MALFORMED');
    const farewells = falling.map(([fill]) => ({ relayKey: bytes(32, fill), note }));
    assert.throws(
      () => encodeClientMessage({ ...rising, farewells }),
      (error: Error) => error instanceof RangeError && /farewells/.test(error.message),
    );
  }
});

codec('[RP13] a note is neither empty nor above its limit, and there are not more than keys', () => {
  const note = (length: number): Uint8Array => withFarewells([[1, bytes(length)]]);
  assert.is(decodeClientMessage(note(LIMITS.farewellBytes)).type, 'put-principal');
  refused(() => decodeClientMessage(note(LIMITS.farewellBytes + 1)), 'TOO_LARGE');
  refused(() => decodeClientMessage(note(0)), 'MALFORMED');
  refused(() => decodeClientMessage(withFarewells([], LIMITS.principalKeys + 1)), 'TOO_LARGE');
  refused(() => decodeClientMessage(withFarewells([], LIMITS.principalKeys)), 'MALFORMED');
});

codec('[RP53] a welcome carries a principal or a note, never both', () => {
  const unlisted = { type: 'welcome', principal: undefined, version: 0 } as const;
  assert.equal(encodeRelayMessage({ ...unlisted, farewell: undefined }), Uint8Array.of(0x82, 0, 0));
  assert.equal(
    encodeRelayMessage({ ...unlisted, farewell: Uint8Array.of(9, 8) }),
    Uint8Array.of(0x82, 0, 2, 9, 8),
  );
  const tooLong = raw(0x82, (to) => {
    encoding.writeUint8(to, 0);
    encoding.writeVarUint8Array(to, bytes(LIMITS.farewellBytes + 1));
  });
  refused(() => decodeRelayMessage(tooLong), 'TOO_LARGE');
  const listed = { type: 'welcome', principal: bytes(32), version: 1, farewell: undefined } as const;
  refused(() => decodeRelayMessage(Uint8Array.of(...encodeRelayMessage(listed), 2, 9, 8)), 'MALFORMED');
  const wrong: RelayMessage[] = [
    { ...listed, farewell: bytes(1) },
    { ...unlisted, farewell: new Uint8Array() },
    { ...unlisted, farewell: bytes(LIMITS.farewellBytes + 1) },
  ];
  for (const message of wrong) {
    assert.throws(
      () => encodeRelayMessage(message),
      (error: Error) => error instanceof RangeError && /farewell/.test(error.message),
    );
  }
});

codec('[RP19] a hello of another version is UNSUPPORTED_VERSION, whatever follows', () => {
  refused(() => decodeRelayMessage(Uint8Array.of(0x81, 2)), 'UNSUPPORTED_VERSION');
  refused(() => decodeRelayMessage(Uint8Array.of(0x81, 0, 1, 2, 3)), 'UNSUPPORTED_VERSION');
});

codec("a caller's mistake is a TypeError or RangeError that names the field", () => {
  const wrong: [unknown, RegExp][] = [
    [{ type: 'rendezvous-join', request: -1, id: bytes(16) }, /request/],
    [{ type: 'rendezvous-join', request: 1.5, id: bytes(16) }, /request/],
    [{ type: 'rendezvous-join', request: 1, id: bytes(15) }, /id/],
    [{ type: 'rendezvous-join', request: 1, id: [1, 2] }, /id/],
    [{ type: 'append', request: 1, room: bytes(32), stream: '', frame: bytes(1) }, /stream/],
    [
      {
        type: 'append',
        request: 1,
        room: bytes(32),
        stream: 'control',
        frame: bytes(LIMITS.frameBytes + 1),
      },
      /frame/,
    ],
    [{ type: 'nonsense' }, /nonsense/],
    [{ type: 'constructor' }, /constructor/],
  ];
  for (const [message, names] of wrong) {
    assert.throws(
      () => encodeClientMessage(message as ClientMessage),
      (error: Error) =>
        (error instanceof RangeError || error instanceof TypeError) && names.test(error.message),
    );
  }
  assert.throws(
    () => decodeClientMessage('text' as unknown as Uint8Array),
    (error: Error) => error instanceof TypeError,
  );
});

codec.run();
