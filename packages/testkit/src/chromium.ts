// A real Chromium for tests: found, started with a profile of its own, closed or killed like a crash.
// Test files that use it say `// needs: chromium` in their first lines.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';

export interface ChromiumOptions {
  /** The profile's folder, which outlives the browser. Default: a new one, removed by `close` and `kill`. */
  readonly userDataDir?: string;
  /** More command line switches, for example a fake camera's. */
  readonly args?: readonly string[];
  /** Passed on to Playwright: permissions, viewport, ignoreHTTPSErrors and the like. */
  readonly context?: Parameters<typeof chromium.launchPersistentContext>[1];
}

export interface Chromium {
  /** The profile's one context: pages share storage, locks and service workers. */
  readonly context: BrowserContext;
  readonly userDataDir: string;
  /** Ends the browser in order. */
  close(): Promise<void>;
  /** Ends all processes of the browser with SIGKILL, as a crash of the machine would; resolves once they are gone. */
  kill(): Promise<void>;
}

/** Background traffic off, so that a test sees its own requests alone; no sandbox, which root cannot have. */
const SWITCHES = [
  '--no-sandbox',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * Starts the Chromium that `SEALWIRE_CHROMIUM` names, or `/usr/bin/chromium`, without a window.
 *
 * @returns the running browser; the caller closes or kills it.
 */
export const launchChromium = async (options: ChromiumOptions = {}): Promise<Chromium> => {
  const userDataDir = options.userDataDir ?? (await mkdtemp(join(tmpdir(), 'sealwire-chromium-')));
  const context = await chromium.launchPersistentContext(userDataDir, {
    ...options.context,
    executablePath: process.env.SEALWIRE_CHROMIUM ?? '/usr/bin/chromium',
    args: [...SWITCHES, ...(options.args ?? [])],
  });
  const clean = async () => {
    if (!options.userDataDir) await rm(userDataDir, { recursive: true, force: true, maxRetries: 10 });
  };
  return {
    context,
    userDataDir,
    async close() {
      await context.close();
      await clean();
    },
    async kill() {
      const pid = await browserPid(context);
      const noticed = new Promise<void>((resolve) => context.once('close', () => resolve()));
      process.kill(-pid, 'SIGKILL');
      await noticed;
      await groupGone(pid);
      await clean();
    },
  };
};

/** Playwright makes the browser the leader of a process group. Its helpers outlive it a little, and write to its profile. */
const groupGone = async (leader: number): Promise<void> => {
  for (;;) {
    try {
      process.kill(-leader, 0);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return;
      throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

const browserPid = async (context: BrowserContext): Promise<number> => {
  const browser = context.browser();
  if (!browser) throw new Error('this Playwright does not tell which browser a context belongs to');
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  const main = processInfo.find(({ type }) => type === 'browser');
  if (!main) throw new Error('Chromium does not name its browser process');
  return main.id;
};
