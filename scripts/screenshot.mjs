// Takes a picture of a page for the documentation: node scripts/screenshot.mjs FILE.html OUT.png [--dark] [--width N] [--height N] [--selector CSS]
// Without --height the whole page is taken. Needs a Chromium: CHROMIUM=/path, or one of the usual places.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { dark: { type: 'boolean', default: false }, width: { type: 'string', default: '1280' }, height: { type: 'string' }, selector: { type: 'string' } } });
const [page, picture] = positionals;
if (!page || !picture) {
  console.error('Usage: node scripts/screenshot.mjs FILE.html OUT.png [--dark] [--width N] [--height N] [--selector CSS]');
  process.exit(2);
}
const executablePath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => path && existsSync(path));
if (!executablePath) {
  console.error('No Chromium was found: install it, or name it in CHROMIUM.');
  process.exit(1);
}
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
try {
  const tab = await browser.newPage({ viewport: { width: Number(values.width), height: Number(values.height ?? 900) }, colorScheme: values.dark ? 'dark' : 'light', deviceScaleFactor: 1 });
  await tab.goto(pathToFileURL(resolve(page)).href);
  await tab.waitForTimeout(300);
  if (values.selector) await tab.locator(values.selector).first().screenshot({ path: picture });
  else await tab.screenshot({ path: picture, fullPage: values.height === undefined });
} finally {
  await browser.close();
}
