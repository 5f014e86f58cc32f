/** A Chromium for tests of pages, where the machine has one. */
import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const path = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'].find((candidate) => candidate && existsSync(candidate));

/** Why tests in a browser are left out on this machine; null where they run. */
export const noBrowser: string | null = path ? null : 'no Chromium: install it, or name it in the environment variable CHROMIUM';

export const openBrowser = (): Promise<Browser> => chromium.launch({ executablePath: path!, args: ['--no-sandbox', '--disable-gpu'] });
