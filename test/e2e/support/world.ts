// One browser with two or more devices, each in a context of its own, before a running relay. For end-to-end tests.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Chromium, launchChromium } from '@sealwire/testkit/chromium';
import type { BrowserContext, Page } from 'playwright-core';
import { type Camera, makeCamera } from './camera.ts';

/** Milliseconds that a person would wait for anything here at most; a machine under load is slow. */
const PATIENCE_MS = 20_000;

export const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true } as const;
export const DESKTOP = { viewport: { width: 1280, height: 800 } } as const;

/** How big a device's screen is, and whether it is touched. */
export interface Screen {
  readonly viewport: { readonly width: number; readonly height: number };
  readonly hasTouch?: boolean;
}

export interface World {
  /** The fake camera of every page. */
  readonly camera: Camera;
  /** A device's own browser: nothing in it is shared with the others. */
  newContext(kind: Screen): Promise<BrowserContext>;
  newPage(kind: Screen): Promise<Page>;
  /** What went wrong in any page so far: uncaught errors and what a page's security policy refused. */
  readonly faults: readonly string[];
  close(): Promise<void>;
}

export async function openWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'sealwire-world-'));
  const camera = await makeCamera(folder);
  const browser = await launchChromium({ args: camera.args });
  const faults: string[] = [];
  const newContext = async (kind: Screen) => {
    const context = await browserOf(browser).newContext(kind);
    context.setDefaultTimeout(PATIENCE_MS);
    context.on('weberror', (error) => faults.push(String(error.error())));
    context.on('console', (line) => {
      if (line.type() === 'error' && line.text().includes('Content Security Policy'))
        faults.push(line.text());
    });
    return context;
  };
  return {
    camera,
    faults,
    newContext,
    newPage: async (kind) => (await newContext(kind)).newPage(),
    async close() {
      await browser.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function browserOf({ context }: Chromium): NonNullable<ReturnType<BrowserContext['browser']>> {
  const browser = context.browser();
  if (browser === null) throw new Error('this Playwright does not tell which browser a context belongs to');
  return browser;
}
