// Makes the vectors of safety numbers, one fault a file, from spec/safety-number.md. Run it to write them again:
// node --import tsx spec/vectors/safety-number/generate.ts
import { createHash } from 'node:crypto';
import { collect, writeIfMain } from '../form.ts';
import { type Bytes, base32, hex, join, seedOf, sha256, utf8 } from '../link/twin.ts';

const { vectors, layer } = collect();

const sha512 = (...parts: readonly Bytes[]): Bytes =>
  createHash('sha512')
    .update(join(...parts))
    .digest();

const half = (root: Bytes): string => {
  let hash = sha512(utf8('sealwire/v1/safety-number'), Uint8Array.of(1), root);
  for (let i = 1; i < 5_200; i++) hash = sha512(hash, root);
  const groups = Array.from(
    { length: 6 },
    (_, i) => BigInt(`0x${hex(hash.subarray(5 * i, 5 * i + 5))}`) % 100_000n,
  );
  return groups.map((group) => String(group).padStart(5, '0')).join('');
};

const [ann, bob, cid] = [seedOf('root of Ann'), seedOf('root of Bob'), seedOf('root of Cid')];
const codeOf = (by: Bytes, to: Bytes): Bytes => join(Uint8Array.of(1), by, to);
const textOf = (code: Bytes, prefix = 'SWS1-'): string =>
  prefix + base32(join(code, sha256(code).subarray(0, 4)));
const text = textOf(codeOf(bob, ann));

const numbers = layer('number');
for (const [name, mine, theirs] of [
  ['one', ann, bob],
  ['turned', bob, ann],
  ['other', ann, cid],
  ['small', new Uint8Array(32), Uint8Array.from({ length: 32 }, (_, i) => (i === 31 ? 1 : 0))],
] as const) {
  const digits = [mine, theirs]
    .sort((a, b) => Buffer.compare(a, b))
    .map(half)
    .join('');
  const expect = { digits, qr: textOf(codeOf(mine, theirs)) };
  numbers.good(name, 'SN1', { mine: hex(mine), theirs: hex(theirs) }, expect);
}

const codes = layer('code');
const scan = (scanned: string, ...others: readonly Bytes[]) => ({
  ...{ scanned, mine: hex(ann), theirs: hex(bob), others: others.map(hex) },
});
const seen = (
  name: string,
  verdict: string,
  scanned: string,
  note: string,
  ...others: readonly Bytes[]
): void => codes.good(name, 'SN3', scan(scanned, ...others), { verdict }, note);
seen('match', 'match', text, 'the other’s code for me');
seen(
  'small-letters',
  'match',
  ` ${text.toLowerCase().slice(0, 40)}\n${text.toLowerCase().slice(40)} `,
  'copied',
);
seen('mine', 'other account', textOf(codeOf(ann, bob)), 'my own');
seen('known', 'other account', textOf(codeOf(cid, ann)), 'another’s for me, whom I know', cid);
seen('unknown', 'mismatch', textOf(codeOf(cid, ann)), 'another’s for me, whom I do not know');
seen('between', 'mismatch', textOf(codeOf(bob, cid)), 'the other’s, who has another root for me');
seen('strangers', 'mismatch', textOf(codeOf(cid, seedOf('root of Dan'))), 'of two others', cid);
seen(
  'bit',
  'mismatch',
  textOf(
    codeOf(
      bob.map((b, i) => (i === 31 ? b ^ 1 : b)),
      ann,
    ),
  ),
  'one bit of the other’s root',
);

const refused = (name: string, fault: string, code: string, scanned: string): void =>
  codes.bad(name, 'SN2', fault, code, scan(scanned));
refused('none', 'no text', 'MALFORMED', '');
refused('link', 'a linking code', 'MALFORMED', text.replace('SWS1-', 'SW1-'));
refused('prefix-later', 'a prefix of a later version', 'UNSUPPORTED_VERSION', text.replace('SWS1-', 'SWS2-'));
refused('version', 'version 2', 'UNSUPPORTED_VERSION', textOf(join(Uint8Array.of(2), bob, ann)));
refused(
  'version-longer',
  'version 2, longer',
  'UNSUPPORTED_VERSION',
  textOf(join(Uint8Array.of(2), bob, ann, cid)),
);
refused('version-zero', 'version 0', 'UNSUPPORTED_VERSION', textOf(join(Uint8Array.of(0), bob, ann)));
refused('short', 'a root a byte short', 'MALFORMED', textOf(codeOf(bob, ann.subarray(1))));
refused('long', 'a byte more', 'MALFORMED', textOf(join(codeOf(bob, ann), Uint8Array.of(0))));
refused('cut', 'the last character is missing', 'MALFORMED', text.slice(0, -1));
refused(
  'checksum',
  'a wrong checksum',
  'MALFORMED',
  `${text.slice(0, 20)}${text[20] === 'A' ? 'B' : 'A'}${text.slice(21)}`,
);
refused(
  'character',
  'a character that base32 has not',
  'MALFORMED',
  `${text.slice(0, 20)}1${text.slice(21)}`,
);
refused('flood', '1,001 characters', 'MALFORMED', `${text}${' '.repeat(1_001 - text.length)}`);

/** All vectors by name. */
export const safetyNumberVectors = vectors;

writeIfMain(import.meta.url, vectors);
