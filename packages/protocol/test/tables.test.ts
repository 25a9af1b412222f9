// The tables of the spec say what the code says. Rules: spec/limits.md, spec/errors.md, spec/relay-protocol.md §8.
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type ClosingCode,
  closeCodeOf,
  codeOfClose,
  ERROR_CODES,
  isErrorCode,
  LIMITS,
} from '../src/index.ts';

const tables = suite('tables');

/** The cells of the rows whose first cell is a name in code style. */
const rowsOf = (page: string): string[][] => {
  const text = readFileSync(new URL(`../../../spec/${page}`, import.meta.url), 'utf8');
  return [...text.matchAll(/^\| `\w+` \|.*\|$/gm)].map(([row]) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
};

const nameOf = (cell: string): string => cell.replaceAll('`', '');

tables('[LM1] spec/limits.md and LIMITS agree, and every limit has a unit, a reason and an enforcer', () => {
  const written = rowsOf('limits.md').map(([name = '', number = '', reason = '', enforcer = '']) => {
    const parts = /^([\d,]+) (\S+)$/.exec(number);
    assert.ok(parts, `${name}: no number with a unit`);
    assert.ok(reason.length > 10 && enforcer.length > 5, `${name}: reason or enforcer is missing`);
    const unit = { KiB: 1024, MiB: 1024 * 1024 }[parts[2]!] ?? 1;
    return [nameOf(name), Number(parts[1]!.replaceAll(',', '')) * unit];
  });
  assert.equal(written, Object.entries(LIMITS));
});

tables(
  '[ER1] spec/errors.md and ERROR_CODES agree, and every code has a meaning, a source and a next step',
  () => {
    const rows = rowsOf('errors.md');
    assert.equal(
      rows.map(([code = '']) => nameOf(code)),
      [...ERROR_CODES],
    );
    for (const [code, ...cells] of rows) {
      assert.ok(cells.length === 3 && cells.every((cell) => cell.length > 3), `${code}: a cell is missing`);
    }
  },
);

tables('[ER2] [RP89] the table of close codes and the code agree, both ways', () => {
  const text = readFileSync(new URL('../../../spec/relay-protocol.md', import.meta.url), 'utf8');
  const pairs = [...text.matchAll(/(?<=\| )(\d+) \| `([A-Z_]+)`(?= \|)/g)].map(
    ([, number, code]) => [Number(number), code!] as const,
  );
  assert.is(pairs.length, 11);
  for (const [number, code] of pairs) {
    assert.ok(isErrorCode(code));
    assert.is(closeCodeOf(code as ClosingCode), 4000 + number);
    assert.is(codeOfClose(4000 + number), code);
  }
  assert.is(codeOfClose(4000 + pairs.length), undefined);
  assert.equal([1001, 1002, 1003, 1007, 1009].map(codeOfClose), [
    'SHUTTING_DOWN',
    'MALFORMED',
    'MALFORMED',
    'MALFORMED',
    'TOO_LARGE',
  ]);
  assert.equal([1000, 1005, 1006, 3000, 3999, 4400].map(codeOfClose), Array(6).fill(undefined));
});

tables.run();
