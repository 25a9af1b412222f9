// Runs the vectors of the wire through both decoders, and back. Rules: spec/relay-protocol.md; each vector names its own.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  authenticateStatement,
  decodeClientMessage,
  decodeRelayMessage,
  encodeClientMessage,
  encodeRelayMessage,
  fromHex,
  inboxTokenStatement,
  principalStatement,
  SealwireError,
  toHex,
} from '../src/index.ts';

interface Vector {
  readonly format: number;
  readonly rule: string;
  readonly fault: string;
  readonly layer: 'client' | 'relay' | 'statement';
  readonly refuse: string | null;
  readonly input: Readonly<Record<string, unknown>>;
  readonly expect: unknown;
}

const folder = new URL('../../../spec/vectors/wire/', import.meta.url);
const test = suite('wire vectors');

/** Bytes as hexadecimal, and no difference between absent and undefined. */
const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_key, one) => (one instanceof Uint8Array ? toHex(one) : one)));

const bytesOf = ({ bytes, zeros = 0 }: Vector['input']): Uint8Array => {
  const start = fromHex(bytes as string);
  const all = new Uint8Array(start.length + (zeros as number));
  all.set(start);
  return all;
};

const statementOf = (input: Vector['input']): Uint8Array => {
  const part = (name: string): Uint8Array => fromHex(input[name] as string);
  if (input.of === 'inbox-token') return inboxTokenStatement(part('token'));
  if (input.of === 'authenticate') {
    return authenticateStatement({
      relayId: part('relayId'),
      nonce: part('nonce'),
      relayKey: part('relayKey'),
    });
  }
  const farewells = input.farewells as { relayKey: string; note: string }[];
  return principalStatement({
    principal: part('principal'),
    version: input.version as number,
    relayKeys: (input.relayKeys as string[]).map(fromHex),
    farewells: farewells.map(({ relayKey, note }) => ({ relayKey: fromHex(relayKey), note: fromHex(note) })),
  });
};

const LAYERS: Readonly<Record<Vector['layer'], (input: Vector['input']) => unknown>> = {
  client(input) {
    const message = decodeClientMessage(bytesOf(input));
    assert.is(toHex(encodeClientMessage(message)), input.bytes);
    return message;
  },
  relay(input) {
    const message = decodeRelayMessage(bytesOf(input));
    assert.is(toHex(encodeRelayMessage(message)), input.bytes);
    return message;
  },
  statement(input) {
    const bytes = statementOf(input);
    return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
  },
};

const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
let refused = 0;

for (const name of names) {
  const vector = JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Vector;
  if (vector.refuse !== null) refused++;
  test(`[${vector.rule}] ${name}: ${vector.fault}`, () => {
    assert.is(vector.format, 1);
    let result: unknown;
    try {
      result = LAYERS[vector.layer](vector.input);
    } catch (error) {
      if (!(error instanceof SealwireError)) throw error;
      assert.is(error.code, vector.refuse);
      return;
    }
    assert.is(vector.refuse, null, 'it was accepted');
    assert.equal(plain(result), vector.expect);
  });
}

test('[RP20] there is a vector for every message that decodes, and enough that do not', () => {
  for (const [side, from, to] of [
    ['client', 0x01, 0x11],
    ['relay', 0x81, 0x95],
  ] as const) {
    const tags = new Set(
      names
        .map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Vector)
        .filter(({ layer, refuse }) => layer === side && refuse === null)
        .map(({ input }) => bytesOf(input)[0]),
    );
    for (let tag = from; tag <= to; tag++) assert.ok(tags.has(tag), `${side} 0x${tag.toString(16)}`);
  }
  assert.ok(refused >= 55, `${refused} refused`);
});

test.run();
