// The link suite: from confirmed digits to the chat list and to every message, by how heavy the account is, beside a
// fresh y-websocket client; and what suite 2 costs. What is measured and what is not: README.md.
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plotGrowth } from '../lib/growth-plot.ts';
import { median, type Result, toResult } from '../lib/result.ts';
import type { Suite, SuiteResult, SuiteRun } from '../lib/suite.ts';
import { versionOf } from '../merge/peers/peer.ts';
import { type Account, type Linked, openOurs, openYjs, type Side } from './heavy.ts';
import { type LinkingSizes, runSuites } from './suites.ts';

export interface LinkSizes {
  /** Rising. */
  readonly accounts: readonly Account[];
  /** Links to each account, and fresh clients of the peer. */
  readonly links: number;
  readonly suites: LinkingSizes;
}

export const linkSuite: Suite = {
  name: 'link',
  about:
    'linking a device, by the chats and messages that there are (L1, L2), beside y-websocket; suite 2 beside 1',
  run: (options) =>
    runLink(
      options,
      options.quick
        ? {
            accounts: [
              { chats: 10, messages: 1_000 },
              { chats: 100, messages: 2_000 },
            ],
            links: 2,
            suites: { links: 5, rounds: 7, repeat: 3 },
          }
        : {
            accounts: [
              { chats: 10, messages: 1_000 },
              { chats: 100, messages: 10_000 },
              { chats: 1_000, messages: 100_000 },
              { chats: 1_000, messages: 1_000_000 },
            ],
            links: 3,
            suites: { links: 40, rounds: 30, repeat: 10 },
          },
    ),
};

interface Measured {
  readonly account: Account;
  readonly ours: readonly Linked[];
  readonly yjs: readonly Linked[];
}

export const runLink = async (run: SuiteRun, sizes: LinkSizes): Promise<SuiteResult> => {
  const measured: Measured[] = [];
  for (const account of sizes.accounts) {
    run.say(`${account.chats} chats with ${account.messages} messages`);
    measured.push(await measure(account, sizes.links));
  }
  const results = measured.flatMap(rowsOf);
  const [light, heavy] = [measured[0]!, measured.at(-1)!];
  if (light !== heavy) results.push(growth(light, heavy));
  const suites = await runSuites(run, sizes.suites);
  return {
    results: [...results, ...suites.results],
    notes: [
      `the phone sends ${Math.round(median(heavy.ours.map((each) => each.phoneBytes)))} bytes in a link of the heaviest account; at most 200 a chat and none a message are wanted`,
      ...suites.notes,
    ],
    pictures: new Map([['growth.svg', plot(measured)]]),
  };
};

const measure = async (account: Account, links: number): Promise<Measured> => {
  const folder = await mkdtemp(join(tmpdir(), 'sealwire-bench-'));
  const open: Side[] = [];
  try {
    const [ours, yjs] = [await openOurs(folder, account), await openYjs(account)];
    open.push(ours, yjs);
    const taken: { ours: Linked[]; yjs: Linked[] } = { ours: [], yjs: [] };
    for (let i = 0; i < links; i++) {
      taken.ours.push(await ours.link());
      taken.yjs.push(await yjs.link());
    }
    return { account, ...taken };
  } finally {
    for (const side of open) await side.end();
    await rm(folder, { recursive: true, force: true });
  }
};

const PEER = { name: 'y-websocket, a fresh client', version: versionOf('y-websocket') };
const OURS = (createRequire(import.meta.url)('../package.json') as { version: string }).version;

/** `1000x1m` for 1,000 chats with a million messages. */
const nameOf = ({ chats, messages }: Account): string => `${chats}x${short(messages)}`;

const short = (count: number): string =>
  count % 1_000_000 === 0
    ? `${count / 1_000_000}m`
    : count % 1_000 === 0
      ? `${count / 1_000}k`
      : String(count);

const rowsOf = ({ account, ours, yjs }: Measured): Result[] => {
  const row = (what: string, unit: string, of: (linked: Linked) => number): Result =>
    toResult(
      { suite: 'link', case: `link/${nameOf(account)}/${what}`, unit, better: 'lower' },
      ours.map(of),
      [{ ...PEER, samples: yjs.map(of) }],
    );
  return [row('chat-list', 'ms', ({ listMs }) => listMs), row('whole', 'ms', ({ wholeMs }) => wholeMs)];
};

const growth = (light: Measured, heavy: Measured): Result =>
  toResult(
    {
      suite: 'link',
      case: `link/${heavy.account.chats}-over-${light.account.chats}`,
      unit: 'ms',
      better: 'lower',
    },
    heavy.ours.map(({ listMs }) => listMs),
    [
      {
        name: `ours, ${light.account.chats} chats`,
        version: OURS,
        samples: light.ours.map(({ listMs }) => listMs),
      },
    ],
  );

const plot = (measured: readonly Measured[]): string => {
  const line = (name: string, of: (measured: Measured) => readonly number[]) => ({
    name,
    points: measured.map((each) => ({ many: each.account.messages, cost: median(of(each)) })),
  });
  return plotGrowth({
    title: 'From confirmed digits to the chat list, and to all messages',
    across: `messages of the account, in ${measured.map(({ account }) => account.chats).join(', ')} chats`,
    unit: 'ms',
    lines: [
      line('chat list, ours', ({ ours }) => ours.map(({ listMs }) => listMs)),
      line('chat list, y-websocket', ({ yjs }) => yjs.map(({ listMs }) => listMs)),
      line('whole, ours', ({ ours }) => ours.map(({ wholeMs }) => wholeMs)),
      line('whole, y-websocket', ({ yjs }) => yjs.map(({ wholeMs }) => wholeMs)),
    ],
  });
};
