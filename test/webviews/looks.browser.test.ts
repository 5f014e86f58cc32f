/** What the correspondence view shows of a method's own things, in a real browser: its views of any size with their masks, codes, prototypes, every head at once. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, Frame, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CorrespondenceCalls } from '../../backend/protocol.ts';
import type { Subject } from '../../extension/panels/correspondenceHost.ts';
import type { ViewBackend } from '../../extension/viewBackend.ts';
import { keptByMass, rowOf } from '../../webviews/correspondence/attention.ts';
import { paintedAnswer, paintedPicture } from '../../webviews/correspondence/painted.ts';
import { photos, run } from '../cli/command.ts';
import { noBrowser, openBrowser } from '../helpers/browser.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { LookServer, startModels } from './lookServer.ts';
import { openPage, type OpenedPage } from './openedPage.ts';
import { themes, type ThemeName } from './themes.ts';

if (noBrowser) console.warn(`Skipped: a method's own things in a browser (${noBrowser}).`);

const root = temporaryFolder();
const pictures = process.env.SIAMSCOPE_SCREENSHOTS;

interface Opened extends OpenedPage {
  server: LookServer;
}

describe('attention', () => {
  it('keeps the patches that DINO\'s pictures keep: from the greatest on, until they have more than the share', () => {
    for (let round = 0; round < 50; round++) {
      const values = Float32Array.from({ length: 49 }, (_, k) => ((k * 7919 + round * 104729) % 1009) + 1);
      const kept = keptByMass(values, 0.6), total = values.reduce((a, b) => a + b);
      const sum = (is: number): number => values.reduce((all, v, k) => all + (kept[k] === is ? v : 0), 0);
      const least = Math.min(...values.filter((_, k) => kept[k] === 1));
      expect(Math.max(...values.filter((_, k) => kept[k] === 0))).toBeLessThanOrEqual(least);
      expect(sum(1) / total).toBeGreaterThanOrEqual(0.6 - 1e-9);
      expect((sum(1) - least) / total).toBeLessThan(0.6);
    }
    const maps = { heads: 2, tokens: 2, probabilities: Float32Array.from([0.9, 0.1, 0.4, 0.6, 0.5, 0.5, 0.2, 0.8]) };
    expect([...rowOf(maps, 1, 0)].map((v) => Number(v.toFixed(6)))).toEqual([0.4, 0.6]);
    expect([...rowOf(maps, 1, null)].map((v) => Number(v.toFixed(6)))).toEqual([0.3, 0.7]);
  });
});

describe('what is painted', () => {
  const original = Uint8Array.from({ length: 4 * 4 * 3 }, (_, i) => (i < 24 ? 10 : 110)), pixels = new Uint8Array(48).fill(50);

  it('is told by how far off it is, beside the mean colour of what is seen', () => {
    // The lower left patch is hidden: it is 110, painted 50, and (10 + 10 + 110) / 3 is seen.
    const hidden = { mask: [0, 0, 1, 0], pixels, normalised: false };
    expect(paintedAnswer(original, 4, 2, hidden)).toEqual({ bold: 'What it paints is off by 60.0 of 255 on average', rest: ' (one colour alone, the mean of what it sees: 66.7).' });
    expect([...paintedPicture(original, 4, 2, hidden)]).toEqual([...original].map((value, i) => (i >= 24 && i % 12 < 6 ? 50 : value)));
    expect(paintedAnswer(original, 4, 2, { ...hidden, mask: null })).toEqual({ bold: 'What it paints is off by 50.0 of 255 on average', rest: ' (one colour alone, the mean of what it sees: 50.0).' });
    expect(paintedAnswer(original, 4, 2, { ...hidden, mask: [0, 0, 0, 0] }).bold).toBe('Nothing was hidden this time');
  });
});

describe.skipIf(noBrowser !== null)('a method\'s own things', () => {
  let browser: Browser, backend: ViewBackend<CorrespondenceCalls>;
  const subject = (name: string): Subject => ({ kind: 'run', path: join(root, 'runs', name), step: null });
  const opened: Opened[] = [];

  async function open(name: string, state: object, { theme = 'dark', width = 1280, bypassCSP = false }: { theme?: ThemeName; width?: number; bypassCSP?: boolean } = {}): Promise<Opened> {
    const server = await LookServer.start(backend, { subjects: [subject(name)], state });
    const entry = { server, ...(await openPage(browser, server.view.address(theme), 'correspondence', { width, height: 1000, bypassCSP })) };
    opened.push(entry);
    await until(entry.view, 'performance.getEntriesByName("look-shown").length > 0');
    return entry;
  }

  /** Playwright's own waiting evaluates text inside the page, which its policy refuses. */
  async function until(view: Frame, expression: string): Promise<void> {
    for (const end = performance.now() + 30_000; !(await view.evaluate(expression)); ) {
      if (performance.now() > end) throw new Error(`never came true: ${expression}; the view says: ${String(await view.evaluate('document.body.innerText')).slice(0, 1500)}`);
      await new Promise((done) => setTimeout(done, 20));
    }
  }
  async function pointAt({ page, view }: Opened, side: 'a' | 'b', patch: number, cells: number): Promise<void> {
    const box = (await view.locator('.over').nth(side === 'a' ? 0 : 1).boundingBox())!;
    const [row, column] = [Math.floor(patch / cells), patch % cells];
    await page.mouse.move(box.x + ((column + 0.5) / cells) * box.width, box.y + ((row + 0.5) / cells) * box.height);
    await until(view, `document.querySelector('.readout').textContent.startsWith('View ${side}, row ${row + 1}, column ${column + 1}:')`);
  }
  async function close({ context, server, faults }: Opened): Promise<void> {
    expect(faults).toEqual([]);
    await context.close();
    await server.close();
  }
  const picture = (page: Page, name: string): Promise<unknown> => (pictures ? page.screenshot({ path: join(pictures, `${name}.png`) }) : Promise.resolve());
  async function axe(view: Frame): Promise<void> {
    await view.evaluate('for (const details of document.querySelectorAll("details")) details.open = true');
    await view.evaluate(readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
    expect(await view.evaluate('axe.run().then(({ violations }) => violations.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 200)} ${v.nodes[0].failureSummary.slice(0, 300)}`))')).toEqual([]);
  }

  beforeAll(async () => {
    if (pictures) mkdirSync(pictures, { recursive: true });
    const heads = { outputs: 64, hiddenWidth: 32, bottleneckWidth: 16 };
    for (const [name, preset, method] of [['masks', 'ibot-tiny', { name: 'ibot', ...heads, maskShares: [[0.3, 0.5]] }], ['drops', 'msn-tiny', { name: 'msn', prototypes: 16, hiddenWidth: 32, outputWidth: 16 }]] as const) {
      const file = join(root, `${name}.siam.json`);
      writeFileSync(file, JSON.stringify({ preset, name, data: { train: photos }, method, schedule: { steps: 2, warmupSteps: 1 }, batch: { size: 8 }, checkpoint: { everySteps: 2 } }));
      const trained = await run(['train', file, '--json']);
      expect(trained.code, trained.stderr).toBe(0);
    }
    // Codes of 4 pixels, which a few steps are enough to paint roughly from.
    const tokenizer = await run(['tokenizer', '--data', photos, '--preset', 'tokenizer-tiny', '--out', join(root, 'tokenizer.safetensors'), '--json', ...['model.patchSize=4', 'method.vocabulary=64', 'schedule.steps=60', 'schedule.warmupSteps=2', 'optimizer.baseLearningRate=0.2', 'batch.size=8'].flatMap((set) => ['--set', set])]);
    expect(tokenizer.code, tokenizer.stderr).toBe(0);
    browser = await openBrowser();
    backend = startModels();
  }, 120_000);
  afterAll(async () => {
    for (const { server } of opened) await server.close().catch(() => undefined);
    backend?.end();
    await browser?.close();
  });

  it('shows views of training of any size beside each other, with what training hides of them', async () => {
    const entry = await open('masks', {});
    const { view, page } = entry;
    expect(await view.locator('.segments button:visible').allTextContents()).toEqual(['Similarity', 'Matches', 'Colours', 'Attention', 'Codes', 'Prototypes']);
    await view.getByLabel('Compare', { exact: true }).selectOption('training');
    await until(view, '/^View b: global1, 64 pixels/.test(document.querySelectorAll("figcaption")[1].textContent)');
    expect(await view.locator('figcaption').first().textContent()).toMatch(/^View a: global0, 64 pixels\. Hatched: (\d+) of 64 patches, masked in training; features are of the whole view$/);
    await view.getByLabel('View b', { exact: true }).selectOption('local1');
    await until(view, 'document.querySelectorAll("figcaption")[1].textContent === "View b: local1, 32 pixels"');
    const [a, b] = await Promise.all([0, 1].map((i) => view.locator('.over').nth(i).boundingBox()));
    expect(Math.abs(b!.width / a!.width - 0.5)).toBeLessThan(0.01);
    // The best match is a patch of the small grid, and the smaller view's are found in the larger one.
    await pointAt(entry, 'a', 27, 8);
    const [, row, column] = /most like row (\d+), column (\d+) of view b/.exec((await view.locator('.readout').textContent())!)!;
    expect(Math.max(Number(row), Number(column))).toBeLessThanOrEqual(4);
    await pointAt(entry, 'b', 15, 4);
    await picture(page, 'looks views');
    await view.getByRole('checkbox', { name: 'Mask' }).uncheck();
    await until(view, 'document.querySelector("figcaption").textContent === "View a: global0, 64 pixels"');
    await close(entry);

    const drops = await open('drops', { views: { a: 'target', b: 'anchor0' } });
    await until(drops.view, '/^View b: anchor0, 64 pixels\\. Hatched: 10 of 64 patches, which the method drops, the same places in a whole batch$/.test(document.querySelectorAll("figcaption")[1].textContent)');
    await close(drops);
  }, 60_000);

  it.each(Object.keys(themes) as ThemeName[])('colours patches by their codes, and finds those of other images, without one that axe finds, in %s', async (theme) => {
    const entry = await open('masks', { mode: 'codes', pairs: 16, views: { a: 'global0', b: 'global1' } }, { theme, bypassCSP: true });
    const { view, page } = entry;
    await until(view, '/of 64 codes are in view a/.test(document.querySelector(".readout").textContent)');
    expect(await view.locator('.headline').textContent()).toMatch(/^(Of \d+ patch(es)? that both views show, [\d.]+ % keep their code|\d+ codes? (is|are) in both pictures)/);
    // Each patch in turn, once: the counts that are said are those of all patches' codes.
    const said: { code: string; own: number }[] = [];
    for (let patch = theme === 'dark' ? 0 : 63; patch < 64; patch++) {
      await pointAt(entry, 'a', patch, 8);
      const [, code, own] = /: code (\d+), as (\d+) patch(?:es)? of view a and \d+ patch(?:es)? of view b\.$/.exec((await view.locator('.readout').textContent())!)!;
      said.push({ code: code!, own: Number(own) });
    }
    if (theme === 'dark') for (const { code, own } of said) expect(said.filter((other) => other.code === code).length).toBe(own);
    const times = (await view.evaluate<number[]>('performance.getEntriesByName("look-pointed").map(({ duration }) => duration)')).sort((x, y) => x - y);
    console.log(`a patch's code is drawn in ${times[times.length >> 1]!.toFixed(2)} ms (median of ${times.length}), at most ${times.at(-1)!.toFixed(1)} ms`);
    if (theme === 'dark') expect(times[times.length >> 1]!).toBeLessThan(16);
    await page.mouse.down();
    await page.mouse.up();
    await until(view, `document.querySelector(".members .entry").textContent === "Code ${said.at(-1)!.code}"`);
    await view.getByRole('button', { name: 'Measure', exact: true }).click();
    await until(view, '/^[\\d,]+ patch(es)? \\(.*16 images use \\d+ of 64 codes, as evenly as [\\d.]+ alike would be/.test(document.querySelectorAll(".members .note")[1].textContent) && document.querySelectorAll(".near").length > 0');
    await picture(page, `looks codes ${theme}`);
    await axe(view);
    await view.locator('.near').first().click();
    await until(view, '!document.querySelector(".pins tbody tr")');
    await close(entry);
  }, 60_000);

  it('tells the prototypes of both views, sorts many images by them, and stops when it is told to', async () => {
    const entry = await open('drops', { mode: 'prototypes', pairs: 16, views: { a: 'target', b: 'anchor0' } }, { bypassCSP: true });
    const { view, page } = entry;
    await until(view, 'document.querySelectorAll(".assigned tbody tr").length === 8');
    expect(await view.locator('.headline').textContent()).toMatch(/^(Both views go to prototype \d+|View a goes to prototype \d+, view b to \d+) \([\d.]+ % and [\d.]+ %\)\.$/);
    const other = view.locator('.assigned tbody button').nth(3), name = (await other.textContent())!;
    await other.press('Enter');
    await until(view, `document.querySelector(".members .entry").textContent === "Prototype ${name}"`);
    await view.getByRole('button', { name: 'Measure', exact: true }).click();
    await until(view, '/16 images use \\d+ of 16 prototypes/.test(document.querySelectorAll(".members .note")[1].textContent) && document.querySelectorAll(".near").length === 12');
    await picture(page, 'looks prototypes');
    await axe(view);
    // A nearest image is gone to.
    const near = view.locator('.near').nth(5), file = await near.getAttribute('title');
    await near.press('Enter');
    await until(view, `document.querySelector(".toolbar .file").textContent === ${JSON.stringify(file)}`);
    await view.locator('#pairs').selectOption('4096');
    await view.getByRole('button', { name: 'Measure', exact: true }).click();
    await view.getByRole('button', { name: 'Stop', exact: true }).click();
    await until(view, '[...document.querySelectorAll("button")].some((button) => button.textContent === "Measure" && !button.hidden) && document.querySelector("[aria-label=Measuring]").hidden');
    expect(await view.locator('.members .note').nth(1).textContent()).toMatch(/^“Measure” below sorts many images/);
    await close(entry);
  }, 60_000);

  it('shows every head of a block at once, and the patches that have most of what the class token takes', async () => {
    const entry = await open('masks', { mode: 'attention', ofClass: true }, { bypassCSP: true });
    const { view, page } = entry;
    await until(view, 'document.querySelectorAll(".head").length === 5');
    await view.getByLabel('Patches that are kept').selectOption('0.6');
    await until(view, '/^The mean of all heads, from the class token.* (\\d+) of 64 patches of view b have 60 % of it\\.$/.test(document.querySelector(".readout").textContent)');
    await view.getByRole('button', { name: 'head 3', exact: true }).press('Enter');
    await until(view, '/^Head 3, from the class token/.test(document.querySelector(".readout").textContent)');
    expect(await view.getByRole('button', { name: 'head 3', exact: true }).getAttribute('aria-pressed')).toBe('true');
    await view.getByLabel('Block', { exact: true }).selectOption('0');
    await until(view, 'document.querySelectorAll(".head").length === 5');
    await picture(page, 'looks heads');
    await axe(view);
    await close(entry);
  }, 60_000);

  it.each(['dark', 'light'] as const)('paints images from a tokenizer\'s codes, and matches its squares, in %s', async (theme) => {
    const entry = await open('tokenizer', { mode: 'reconstruction' }, { theme, bypassCSP: true });
    const { view, page } = entry;
    expect(await view.locator('.segments button:visible').allTextContents()).toEqual(['Similarity', 'Matches', 'Colours', 'Codes', 'Reconstruction']);
    await until(view, 'document.querySelectorAll("figcaption")[1].textContent === "What it paints from its codes alone"');
    expect(await view.locator('figcaption:visible').allTextContents()).toEqual(['What the model sees', 'What it paints from its codes alone']);
    expect(await view.locator('.headline').textContent()).toMatch(/^What it paints is off by [\d.]+ of 255 on average \(one colour alone, the mean of what it sees: [\d.]+\)\./);
    await picture(page, `looks tokenizer ${theme}`);
    await axe(view);
    await view.getByRole('button', { name: 'Similarity', exact: true }).click();
    await pointAt(entry, 'a', 137, 16);
    await until(view, '/most like row \\d+, column \\d+ of view b/.test(document.querySelector(".readout").textContent)');
    await close(entry);
  }, 60_000);

  it('fits a narrow column', async () => {
    for (const mode of ['codes', 'prototypes', 'attention']) {
      const entry = await open('masks', { mode, ofClass: true, views: { a: 'global0', b: 'local0' } }, { width: 420, theme: 'light' });
      await until(entry.view, { codes: '/codes are in view a/.test(document.querySelector(".readout").textContent)', prototypes: 'document.querySelectorAll(".assigned tbody tr").length === 8', attention: 'document.querySelectorAll(".head").length === 5' }[mode]!);
      expect(await entry.view.evaluate('[...document.querySelectorAll("*")].filter((part) => part.getBoundingClientRect().right > innerWidth && !part.closest(".scroll")).map((part) => part.outerHTML.slice(0, 120))')).toEqual([]);
      await close(entry);
    }
  }, 60_000);
});
