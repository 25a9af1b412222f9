// What some test files need before they run: a browser, strace, faketime, a NATS server, fresh builds. Fetched once, and only if a
// file asks for it. Without a browser or NATS, their tests fail; without strace or faketime, tests of system
// calls and of jumping clocks are skipped.
import { spawnSync } from 'node:child_process';
import { CHROMIUM, ensureTool, FAKETIME, type Had, NATS, STRACE } from '../tools.ts';
import type { Need, TestFile } from './discover.ts';
import type { FileResult } from './run-file.ts';

export interface Provided {
  /** For the test processes: SEALWIRE_CHROMIUM, SEALWIRE_STRACE, SEALWIRE_FAKETIME, SEALWIRE_NATS. */
  readonly env: Readonly<Record<string, string>>;
  /** The result of a file that cannot run for want of something; undefined when it can. */
  readonly instead: (file: TestFile) => Promise<FileResult> | undefined;
}

export interface ProvideOptions {
  readonly root: string;
  readonly files: readonly TestFile[];
  readonly say: (line: string) => void;
  readonly noBrowser?: boolean;
  readonly tool?: typeof ensureTool;
  readonly build?: (root: string) => string | undefined;
}

type Lack = { readonly outcome: 'failed' | 'skipped'; readonly why: string };

export function provide(options: ProvideOptions): Provided {
  const { files, say, tool = ensureTool, build = buildAll } = options;
  const noBrowser = options.noBrowser ?? process.env.SEALWIRE_NO_BROWSER === '1';
  const wanted = (need: Need): boolean => files.some((file) => file.needs.has(need));
  const env: Record<string, string> = {};
  const lacks = new Map<Need, Lack>();

  if (wanted('chromium')) {
    if (noBrowser) lacks.set('chromium', { outcome: 'skipped', why: 'SEALWIRE_NO_BROWSER=1' });
    else note('chromium', 'failed', 'SEALWIRE_CHROMIUM', tool(CHROMIUM));
  }
  if (wanted('strace')) note('strace', 'skipped', 'SEALWIRE_STRACE', tool(STRACE));
  if (wanted('faketime')) note('faketime', 'skipped', 'SEALWIRE_FAKETIME', tool(FAKETIME));
  if (wanted('nats')) note('nats', 'failed', 'SEALWIRE_NATS', tool(NATS));
  if (files.some((file) => file.needs.has('build') && !(noBrowser && file.needs.has('chromium')))) {
    say('building, for the tests that run what is built');
    const failure = build(options.root);
    if (failure !== undefined)
      lacks.set('build', { outcome: 'failed', why: `the build failed:\n${failure}` });
  }
  for (const [need, lack] of lacks) say(`tests that need ${need} are ${lack.outcome}: ${lack.why}`);
  return { env, instead };

  function note(need: Need, outcome: Lack['outcome'], variable: string, had: Had): void {
    if (had.path === undefined) lacks.set(need, { outcome, why: had.missing });
    else env[variable] = had.path;
  }

  function instead(file: TestFile): Promise<FileResult> | undefined {
    for (const need of file.needs) {
      const lack = lacks.get(need);
      if (lack) return Promise.resolve(notRun(file, lack));
    }
    return undefined;
  }
}

/** A file that did not run counts as one. */
function notRun(file: TestFile, { outcome, why }: Lack): FileResult {
  const failed = outcome === 'failed' ? 1 : 0;
  return {
    path: file.path,
    durationMs: 0,
    output: '',
    passed: 0,
    failed,
    skipped: 1 - failed,
    reasons: [why],
  };
}

function buildAll(root: string): string | undefined {
  const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1' };
  const result = spawnSync('node_modules/.bin/turbo', ['run', 'build', '--output-logs=errors-only'], {
    cwd: root,
    env,
    encoding: 'utf8',
  });
  return result.status === 0 ? undefined : `${result.stdout}${result.stderr}`;
}
