/** The report in a real browser: quiet, closed to the network, usable by pointer and keys, free of accessibility faults. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderReport } from '../../backend/report/index.ts';
import { noBrowser, openBrowser } from '../helpers/browser.ts';
import { reportFixture } from './reportFixture.ts';

/** Where pictures are put, when someone wants to look at them. */
const pictures = process.env.SIAMSCOPE_SCREENSHOTS;

if (noBrowser) console.warn(`Skipped: the report in a browser (${noBrowser}).`);

describe.skipIf(noBrowser !== null)('the report in a browser', () => {
  let browser: Browser;
  let folder = '';
  let address = '';
  const faults: string[] = [];

  async function open(options: { width?: number; dark?: boolean; url?: string } = {}): Promise<Page> {
    const page = await browser.newPage({ viewport: { width: options.width ?? 1280, height: 900 }, colorScheme: options.dark ? 'dark' : 'light', reducedMotion: 'reduce' });
    page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) faults.push(message.text()); });
    page.on('pageerror', (error) => faults.push(String(error)));
    page.on('request', (request) => { if (request.url() !== (options.url ?? address) && !request.url().startsWith('data:')) faults.push(`request ${request.url()}`); });
    await page.goto(options.url ?? address);
    return page;
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'siamscope-report-'));
    const file = join(folder, 'report.html');
    await writeFile(file, await renderReport(await reportFixture()));
    address = pathToFileURL(file).href;
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const ink = (page: Page, selector: string): Promise<string> => page.evaluate(`document.querySelector(${JSON.stringify(selector)}).toDataURL()`);
  const readout = (page: Page): Promise<string | null> => page.locator('[data-pair]:not([hidden]) [data-readout]').textContent();

  it('opens without an error, a warning or a request, and draws every chart', async () => {
    const page = await open();
    expect(await page.locator('.uplot').count()).toBe(9);
    expect(await page.locator('[data-pair]:not([hidden])').count()).toBe(1);
    const images = await page.evaluate('[...document.images].filter((img) => !img.complete || img.naturalWidth === 0).length');
    expect(images).toBe(0);
    await page.close();
    expect(faults).toEqual([]);
  });

  it('shows the matches of the patch under the pointer', async () => {
    const page = await open();
    const query = page.locator('[data-query]').first();
    await query.scrollIntoViewIfNeeded();
    const box = (await query.boundingBox())!;
    const at = async (row: number, column: number): Promise<void> => page.mouse.move(box.x + ((column - 0.5) / 14) * box.width, box.y + ((row - 0.5) / 14) * box.height);
    await at(12, 13);
    const first = [await ink(page, '[data-heat="before"]'), await ink(page, '[data-heat="after"]')];
    expect(await readout(page)).toMatch(/^Patch at row 12, column 13, truly at row \d+, column \d+ of view a\. Match before training: .* cosine .*; after training: /);
    await at(1, 1);
    expect(await readout(page)).toContain('Patch at row 1, column 1, not in view a.');
    expect([await ink(page, '[data-heat="before"]'), await ink(page, '[data-heat="after"]')].filter((now, k) => now === first[k])).toEqual([]);
    await page.close();
  });

  it('moves from patch to patch by keys, and changes pair and marks', async () => {
    const page = await open();
    await page.locator('[data-query]').first().focus();
    await page.keyboard.press('Escape');
    expect(await readout(page)).toMatch(/^Point at a patch/);
    await page.keyboard.press('ArrowRight');
    expect(await readout(page)).toContain('Patch at row 8, column 9');
    await page.keyboard.press('ArrowDown');
    for (let k = 0; k < 20; k++) await page.keyboard.press('ArrowRight');
    expect(await readout(page)).toContain('Patch at row 9, column 14');

    const marks = await ink(page, '[data-query]');
    await page.locator('[data-marks="before"]').click();
    expect((await ink(page, '[data-query]')) === marks).toBe(false);
    expect(await page.locator('[data-marks][aria-pressed="true"]').textContent()).toBe('before');
    await page.locator('[data-pick="3"]').click();
    expect(await page.locator('[data-pair]:not([hidden])').getAttribute('data-pair')).toBe('3');
    await page.close();
  });

  it('zooms a chart by dragging, says how many points it shows, and goes back', async () => {
    const page = await open();
    const chart = page.locator('.chart').nth(1);
    await chart.scrollIntoViewIfNeeded();
    const box = (await chart.locator('.u-over').boundingBox())!;
    expect(await chart.locator('.count').textContent()).toBe('1,500 points');
    await page.mouse.move(box.x + box.width * 0.25, box.y + 50);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.5, box.y + 60, { steps: 4 });
    await page.mouse.up();
    const shown = Number(/^(\d+) of 1,500 points$/.exec((await chart.locator('.count').textContent())!)?.[1]);
    expect(Math.abs(shown - 375)).toBeLessThan(15);
    await chart.locator('.plot').press('Escape');
    expect(await chart.locator('.count').textContent()).toBe('1,500 points');
    await page.mouse.move(box.x + box.width * 0.5, box.y + 60);
    expect(Math.abs(Number((await chart.locator('.u-legend .u-value').first().textContent())!.replace(',', '')) - 750)).toBeLessThan(10);
    await page.close();
  });

  it.each([false, true])('shows what was measured on the way, in charts and as a table, dark %s', async (dark) => {
    const page = await open({ dark });
    const section = page.locator('#evaluations');
    await section.scrollIntoViewIfNeeded();
    const chart = section.locator('.chart').first();
    const box = (await chart.locator('.u-over').boundingBox())!;
    await page.mouse.move(box.x + box.width / 3 + 1, box.y + 50);
    expect(await chart.locator('.u-legend .u-value').allTextContents()).toEqual(['500', '19.07\u202f%', '17\u202f%', '38\u202f%', '6\u202f%']);
    await section.locator('summary').click();
    expect(await section.locator('tbody tr').evaluateAll((rows) => rows.map((row) => [...row.children].map(({ textContent }) => textContent).join(' ')))).toEqual(expect.arrayContaining(['0 12.0\u202f% 5.0\u202f% 20.0\u202f% 2.0\u202f% 6.20 60.0\u202f%', '1,250  35.0\u202f% 65.0\u202f% 27.0\u202f% 26.2 20.0\u202f%']));
    if (pictures) await section.screenshot({ path: join(pictures, `report evaluations ${dark ? 'dark' : 'light'}.png`) });
    await page.close();
  });

  it('follows the system\'s colours until the reader chooses', async () => {
    const page = await open({ dark: true });
    const paper = (): Promise<string> => page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
    const dark = await paper();
    await page.locator('#theme').click();
    const light = await paper();
    expect(light).not.toBe(dark);
    await page.emulateMedia({ colorScheme: 'light' });
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await paper()).toBe(light);
    await page.close();
  });

  it('fits a narrow screen', async () => {
    const page = await open({ width: 390 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    await page.close();
  });

  it('reads without its script', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(address);
    expect(await page.locator('h1').textContent()).toContain('After 1,500 steps');
    expect(await page.locator('[data-pair]').evaluateAll((all) => all.length)).toBe(6);
    await context.close();
  });

  it('runs no script that a name brings', async () => {
    const attack = '</script><script>document.title="broken"</script><img src=x onerror="document.title=\'broken\'">';
    const file = join(folder, 'attack.html');
    await writeFile(file, await renderReport(await reportFixture({ title: attack, dataset: attack, notes: [attack], method: attack })));
    const page = await open({ url: pathToFileURL(file).href });
    expect(await page.title()).toBe(`${attack}: SiamScope report`);
    await page.close();
    // The policy holds on its own, too: a script that gets in all the same does not run.
    await writeFile(file, (await renderReport(await reportFixture())).replace('<main>', '<main><script>document.title="broken"</script>'));
    const context = await browser.newContext();
    const injected = await context.newPage();
    await injected.goto(pathToFileURL(file).href);
    expect(await injected.title()).toBe('demo: SiamScope report');
    await context.close();
  });

  it.each([[1280, false], [1280, true], [390, false], [390, true]])('has no accessibility fault that axe finds at %i pixels, dark %s', async (width, dark) => {
    const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: dark ? 'dark' : 'light', bypassCSP: true });
    const page = await context.newPage();
    await page.goto(address);
    await page.evaluate('for (const details of document.querySelectorAll("details")) details.open = true');
    await page.evaluate(axe);
    const found = await page.evaluate(async () => (await (globalThis as unknown as { axe: { run(): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }> } }).axe.run()).violations.map((v) => `${v.id}: ${v.nodes[0]!.html.slice(0, 160)} ${v.nodes[0]!.failureSummary.slice(0, 300)}`));
    expect(found).toEqual([]);
    await context.close();
  });

  it('has raised no fault in all of this', () => {
    expect(faults).toEqual([]);
  });
});
