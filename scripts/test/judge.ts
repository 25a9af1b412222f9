// Decides whether a test file that has ended was green. uvu's exit code alone lies in five ways; each is
// named below. Pure: what the process left behind in, verdict out.

/** What the guard (guard.mjs) counted inside the process; undefined when it never reported. */
export interface GuardReport {
  /** Tests registered by calling a suite. */
  readonly registered: number;
  /** Tests registered by `.only`. */
  readonly only: number;
}

export interface Ended {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** True when the watchdog ended it. */
  readonly timedOutAfterMs: number | undefined;
  readonly stdout: string;
  readonly guard: GuardReport | undefined;
}

export interface Verdict {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Why the file is not green; empty when it is. */
  readonly reasons: readonly string[];
}

const SUMMARY = /^ {2}Total: +(\d+)\n {2}Passed: +(\d+)\n {2}Skipped: +(\d+)\n {2}Duration: /gm;

/** Green means: exit 0, one summary, Passed = Total > 0, all registered tests ran, no `.only`, no timeout. */
export function judge(ended: Ended): Verdict {
  const reasons: string[] = [];
  const summaries = [...stripColours(ended.stdout).matchAll(SUMMARY)];
  const last = summaries.at(-1);
  const total = Number(last?.[1] ?? 0);
  const passed = Number(last?.[2] ?? 0);
  const skipped = Number(last?.[3] ?? 0);

  if (ended.timedOutAfterMs !== undefined) {
    const state = last
      ? 'its tests had ended, but something keeps the process alive'
      : 'its tests did not end';
    reasons.push(`hung: ended by the watchdog after ${ended.timedOutAfterMs} ms (${state})`);
  } else if (ended.exitCode !== 0) {
    reasons.push(ended.signal ? `killed by ${ended.signal}` : `exit code ${ended.exitCode}`);
  }
  if (!last) reasons.push('printed no summary: is uvu imported, is .run() called?');
  else if (summaries.length > 1)
    reasons.push(`printed ${summaries.length} summaries; .run() must be called before the first await`);
  else if (total === 0) reasons.push('ran no test: was .run() forgotten, or is everything skipped?');
  if (passed < total) {
    reasons.push(
      `${total - passed} of ${total} did not pass (a failed hook or a rejection with something that is no Error prints nothing above)`,
    );
  }
  if (!ended.guard) reasons.push('ended before the guard could count its tests');
  else if (ended.guard.only > 0) reasons.push('.only is used, so other tests did not run');
  else if (last && ended.guard.registered > total) {
    reasons.push(
      `${ended.guard.registered - total} registered tests never ran: .run() forgotten, or called before them`,
    );
  }
  const failed = reasons.length === 0 ? 0 : Math.max(1, total - passed);
  return { passed, failed, skipped, reasons };
}

function stripColours(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for
  return text.replace(/\u001b\[[0-9;]*m/g, '');
}
