// `pnpm bench:baseline REPORT...`: makes baseline.json of reports that `pnpm bench --json` wrote. Form: README.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { toBaseline } from './lib/gate.ts';
import type { Report } from './lib/result.ts';

const files = process.argv.slice(2).filter((name) => name !== '--');
const reports = files.map((file) => JSON.parse(readFileSync(file, 'utf8')) as Report);
const baseline = toBaseline(reports);
writeFileSync(new URL('baseline.json', import.meta.url), `${JSON.stringify(baseline, undefined, 2)}\n`);
process.stdout.write(`bench/baseline.json: medians of ${baseline.runs} reports\n`);
