// Draws the PNG icons from icon.svg with a local Chromium; run by hand after the mark was changed:
// node --import tsx apps/ui/build/icons.ts PATH_OF_CHROMIUM. No spec rules here.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const FOLDER = join(import.meta.dirname, '..', 'public', 'icons');
const svg = readFileSync(join(FOLDER, 'icon.svg'), 'utf8');
/** A maskable icon fills its square, and what matters stays in the inner 80 %. */
const maskable = svg.replace(' rx="11"', '').replace('scale(.8)', 'scale(.62)');

const browser = await chromium.launch({ executablePath: process.argv[2] ?? '', args: ['--no-sandbox'] });
const page = await browser.newPage();
await draw(svg, 180, 'icon-180.png');
await draw(svg, 192, 'icon-192.png');
await draw(svg, 512, 'icon-512.png');
await draw(maskable, 512, 'icon-maskable-512.png');
await browser.close();

async function draw(source: string, size: number, name: string): Promise<void> {
  await page.setViewportSize({ width: size, height: size });
  await page.setContent(`<style>body{margin:0}svg{display:block;width:100vw}</style>${source}`);
  await page.screenshot({ path: join(FOLDER, name), omitBackground: true });
}
