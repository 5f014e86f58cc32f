/** The page of an evaluation in a real browser: whole, quiet, closed to the network, free of faults that axe finds. */
import { readFileSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { run } from '../cli/command.ts';
import { noBrowser, openBrowser } from '../helpers/browser.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

if (noBrowser) console.warn(`SKIPPED: the page of an evaluation in a browser (${noBrowser})`);

const folder = temporaryFolder(), images = join(folder, 'images'), report = join(folder, 'report.html');
const checkpoint = join(import.meta.dirname, '../fixtures/reference/dino-1/model.pth');
const pictures = process.env.SIAMSCOPE_SCREENSHOTS === '1' ? join(folder, 'pictures') : null;

describe.skipIf(noBrowser !== null)('the page of an evaluation', () => {
  let result: { top1: { value: number; count: number; total: number }; mostConfused: { truth: string; predicted: string; count: number }[] };
  beforeAll(async () => {
    // Two classes that are alike, and one whose name is markup.
    const colours: Record<string, number[]> = { blue: [60, 90, 200], red: [200, 70, 60], scarlet: [200, 70, 60], '<b>&': [70, 180, 80] };
    for (const [set, count] of [['train', 12], ['test', 6]] as const)
      for (const [c, [name, colour]] of Object.entries(colours).entries()) {
        mkdirSync(join(images, set, name), { recursive: true });
        for (let i = 0; i < count; i++) await sharp({ create: { width: 64, height: 64, channels: 3, background: { r: colour[0]! + ((i * 37 + c * 11) % 19), g: colour[1]! + ((i * 53) % 17), b: colour[2]! }, noise: { type: 'gaussian', mean: 128, sigma: 20 } } }).png().toFile(join(images, set, name, `${i}.png`));
      }
    const { code, stdout, stderr } = await run(['evaluate', checkpoint, '--data', join(images, 'train'), '--test', join(images, 'test'), '--protocol', 'knn', '--neighbours', '5', '--precision', 'fp32', '--json', '--report', report]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    result = JSON.parse(stdout) as typeof result;
    expect(result).not.toHaveProperty('tested');
  }, 60_000);

  it.each([[1280, 'light'], [1280, 'dark'], [390, 'light']] as const)('%i pixels wide, %s', async (width, theme) => {
    const browser = await openBrowser();
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: theme, bypassCSP: false });
    const faults: string[] = [];
    page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) faults.push(message.text()); });
    page.on('request', (request) => { if (!request.url().startsWith('data:') && request.url() !== pathToFileURL(report).href) faults.push(request.url()); });
    await page.goto(pathToFileURL(report).href);
    expect(await page.locator('h1').textContent()).toContain(`${(100 * result.top1.value).toFixed(1)}\u202f% of ${result.top1.total} images are recognised by nearest neighbours`);
    expect(await page.locator('.matrix rect').count()).toBe(16);
    expect(await page.locator('.matrix title').first().textContent()).toMatch(/^<b>& taken for <b>&: \d+ of 6$/);
    const rows = await page.locator('section').first().locator('tbody tr').allTextContents();
    expect(rows).toHaveLength(result.mostConfused.length);
    const shown = result.mostConfused.reduce((sum, { count }) => sum + Math.min(4, count), 0);
    expect(shown).toBeGreaterThan(0);
    expect(await page.locator('.mistakes img').count()).toBe(shown);
    expect(await page.evaluate('[...document.images].filter((img) => !img.complete || img.naturalWidth === 0).length')).toBe(0);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    expect(faults).toEqual([]);
    if (pictures) await page.screenshot({ path: join(pictures, `${theme} ${width}.png`), fullPage: true });
    await page.evaluate(readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
    expect(await page.evaluate('axe.run().then(({ violations }) => violations.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 160)} ${v.nodes[0].failureSummary.slice(0, 300)}`))')).toEqual([]);
    await browser.close();
  }, 60_000);
});
