/** The correspondence view in a real browser, under its real content security policy, with its real host and the real process that holds models. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, Frame, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CorrespondenceCalls } from '../../backend/protocol.ts';
import type { Subject } from '../../extension/panels/correspondenceHost.ts';
import type { ViewBackend } from '../../extension/viewBackend.ts';
import { photos, run } from '../cli/command.ts';
import { plainPatchFeatures } from '../evaluate/plainFeatures.ts';
import { noBrowser, openBrowser } from '../helpers/browser.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { LookServer, startModels, type LookServerOptions } from './lookServer.ts';
import { openPage, type OpenedPage } from './openedPage.ts';
import { themes, type ThemeName } from './themes.ts';

if (noBrowser) console.warn(`Skipped: dense correspondence in a browser (${noBrowser}).`);

const root = temporaryFolder();
const images = join(root, 'images');
const reference = (name: string): string => join(import.meta.dirname, '../fixtures/reference', name, 'model.pth');
const fileSubject = (name: string): Subject => ({ kind: 'file', path: reference(name), step: null });
/** Where pictures are put, when someone wants to look at them. */
const pictures = process.env.SIAMSCOPE_SCREENSHOTS;
/** Patches a side of the reference models, whose images are 96 pixels wide. */
const grid = 6;

interface Opened extends OpenedPage {
  server: LookServer;
}

describe.skipIf(noBrowser !== null)('dense correspondence', () => {
  let browser: Browser, backend: ViewBackend<CorrespondenceCalls>;
  const flowers: Subject = { kind: 'run', path: join(root, 'runs', 'flowers'), step: null };
  const opened: Opened[] = [];

  async function open(options: LookServerOptions & { theme?: ThemeName; width?: number; bypassCSP?: boolean }): Promise<Opened> {
    const server = await LookServer.start(backend, options);
    const entry = { server, ...(await openPage(browser, server.view.address(options.theme ?? 'dark'), 'correspondence', { height: 1000, ...options })) };
    opened.push(entry);
    return entry;
  }

  /** Playwright's own waiting evaluates text inside the page, which its policy refuses. */
  async function until(view: Frame | Page, expression: string): Promise<void> {
    for (const end = performance.now() + 30_000; !(await view.evaluate(expression)); ) {
      if (performance.now() > end) throw new Error(`never came true: ${expression}; the view says: ${String(await view.evaluate('document.body.innerText')).slice(0, 1500)}`);
      await new Promise((done) => setTimeout(done, 20));
    }
  }
  const count = (view: Frame): Promise<number> => view.evaluate<number>('performance.getEntriesByName("look-shown").length');
  const shown = (view: Frame, more = 0): Promise<void> => until(view, `performance.getEntriesByName("look-shown").length > ${more}`);
  /** Does something, and waits until another pair was drawn after it. */
  async function drawn(view: Frame, action: () => Promise<unknown>): Promise<void> {
    const before = await count(view);
    await action();
    await shown(view, before);
  }
  const picture = (page: Page, name: string): Promise<unknown> => (pictures ? page.screenshot({ path: join(pictures, `${name}.png`) }) : Promise.resolve());
  const close = async ({ context, server }: Opened): Promise<void> => {
    await context.close();
    await server.close();
  };
  const readout = (view: Frame, column = 0): Promise<string | null> => view.locator('.readout').nth(column).textContent();
  /** The pointer on the middle of a patch. */
  async function pointAt({ page, view }: Opened, side: 'a' | 'b', patch: number, cells = grid): Promise<void> {
    const box = (await view.locator('.over').nth(side === 'a' ? 0 : 1).boundingBox())!;
    const [row, column] = [Math.floor(patch / cells), patch % cells];
    await page.mouse.move(box.x + ((column + 0.5) / cells) * box.width, box.y + ((row + 0.5) / cells) * box.height);
    await until(view, `document.querySelector('.readout').textContent.startsWith('View ${side}, row ${row + 1}, column ${column + 1}:')`);
  }

  beforeAll(async () => {
    if (pictures) mkdirSync(pictures, { recursive: true });
    mkdirSync(images, { recursive: true });
    for (const [i, photo] of ['boat/00001.jpg', 'boat/00002.jpg', 'fish/00003.jpg'].entries()) await sharp(join(photos, photo)).resize(96, 96, { fit: 'cover' }).png().toFile(join(images, `${i}.png`));
    const file = join(root, 'flowers.siam.json');
    const augment = [0, 1].map((i) => ({ name: i === 0 ? 'online' : 'target', size: 64, crop: { scale: [0.5, 1], ratio: [0.75, 1.3333], interpolation: 'bicubic' }, ops: [], mask: i === 0 ? { kind: 'block', count: 26, minBlock: 16 } : null }));
    writeFileSync(file, JSON.stringify({ preset: 'tiny', name: 'flowers', data: { train: photos }, augment, schedule: { steps: 6, warmupSteps: 2 }, checkpoint: { everySteps: 3, keep: 3 } }));
    const trained = await run(['train', file, '--json']);
    expect(trained.code, trained.stderr).toBe(0);
    browser = await openBrowser();
    backend = startModels();
  }, 120_000);
  afterAll(async () => {
    for (const { server } of opened) await server.close().catch(() => undefined);
    backend?.end();
    await browser?.close();
  });

  it('says of each patch what an independent computation finds, in the time of a frame', async () => {
    const entry = await open({ subjects: [fileSubject('siamese-0')], images, state: { other: 1 } });
    const { view, faults } = entry;
    await shown(view);
    expect(await view.locator('.about').textContent()).toContain('SiameseIM');
    const [a, b] = await Promise.all([0, 1].map((i) => plainPatchFeatures(reference('siamese-0'), join(images, `${i}.png`), 3)));
    for (const [side, from, to] of [['a', a!, b!], ['b', b!, a!]] as const)
      for (const patch of [0, 7, 15, 22, 35]) {
        await pointAt(entry, side, patch);
        const [, row, column, , cosine] = /most like row (\d+), column (\d+) of view (a|b), cosine (-?\d\.\d+)/.exec((await readout(view))!)!;
        const cosines = to.map((other) => other.reduce((sum, v, i) => sum + v * from[patch]![i]!, 0));
        const found = (Number(row) - 1) * grid + Number(column) - 1;
        // In bf16 two patches that are all but equally alike may change places.
        expect(cosines[found]!).toBeGreaterThan(Math.max(...cosines) - 0.01);
        expect(Math.abs(Number(cosine) - cosines[found]!)).toBeLessThan(0.02);
      }
    // The table beside the pictures says the same of all patches.
    await view.getByText('All matches as a table').click();
    await until(view, 'document.querySelector("table.matches tbody tr") !== null');
    const rows = await view.locator('table.matches tbody tr').allTextContents();
    expect(rows).toHaveLength(grid * grid);
    const best = a!.map((row) => b!.map((other) => other.reduce((sum, v, i) => sum + v * row[i]!, 0)));
    rows.forEach((text, patch) => {
      const [, row, column] = /^row \d, column \drow (\d), column (\d)/.exec(text)!;
      expect(best[patch]![(Number(row) - 1) * grid + Number(column) - 1]!).toBeGreaterThan(Math.max(...best[patch]!) - 0.01);
    });
    const times = (await view.evaluate<number[]>('performance.getEntriesByName("look-pointed").map(({ duration }) => duration)')).sort((x, y) => x - y);
    console.log(`a patch pointed at is drawn in ${times[Math.floor(times.length / 2)]!.toFixed(2)} ms (median of ${times.length}), at most ${times.at(-1)!.toFixed(1)} ms`);
    expect(times[Math.floor(times.length / 2)]!).toBeLessThan(16);
    expect(faults).toEqual([]);
    await close(entry);
  }, 60_000);

  it.each(Object.keys(themes) as ThemeName[])('shows two views of an image, without a fault and without one that axe finds, in %s', async (theme) => {
    const entry = await open({ subjects: [flowers], theme, bypassCSP: true });
    const { view, page, faults } = entry;
    await shown(view);
    await until(view, '/untrained \\d/.test(document.querySelector(".headline").textContent)');
    expect(await view.locator('.headline').textContent()).toMatch(/^Of \d+ patches that both views show, [\d.]+ % find their place within one patch \(untrained [\d.]+ %, guessing [\d.]+ %\)\.$/);
    await pointAt(entry, 'a', 27, 8);
    await picture(page, `correspondence ${theme}`);
    await page.mouse.down();
    await page.mouse.up();
    await until(view, 'document.querySelectorAll(".pins tbody tr").length === 1');
    await view.evaluate('for (const details of document.querySelectorAll("details")) details.open = true');
    await view.evaluate(readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
    expect(await view.evaluate('axe.run().then(({ violations }) => violations.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 200)} ${v.nodes[0].failureSummary.slice(0, 300)}`))')).toEqual([]);
    expect(faults).toEqual([]);
    await close(entry);
  }, 60_000);

  it('plays what was learned, stands beside the untrained model, measures many pairs, changes features by keys and clicks, and comes back as it was', async () => {
    const entry = await open({ subjects: [flowers] });
    const { view, page, server, faults } = entry;
    await shown(view);
    const slider = view.getByLabel('Checkpoint', { exact: true });
    expect(await slider.getAttribute('max')).toBe('2');
    expect(await view.locator('.steps output').textContent()).toBe('step 6');
    await drawn(view, () => view.getByRole('button', { name: 'Play what was learned' }).click());
    await until(view, 'document.querySelector(".steps output").textContent === "step 6" && document.querySelector(".steps button").textContent === "▶"');
    // From one checkpoint to another and back, the words follow.
    await drawn(view, () => slider.fill('0'));
    expect(await view.locator('.steps output').textContent()).toBe('untrained');
    await drawn(view, () => slider.fill('2'));
    for (const layer of ['block:0', 'projector', 'prediction', 'encoder']) await drawn(view, () => view.getByLabel('Features').selectOption(layer));
    await drawn(view, () => view.locator('#branch').selectOption('target'));
    await drawn(view, () => view.locator('#branch').selectOption('online'));
    await drawn(view, () => page.keyboard.press('Escape').then(() => view.locator('.over').first().focus()).then(() => page.keyboard.press('n')));
    expect(await view.locator('#index').inputValue()).toBe('1');
    await drawn(view, () => page.keyboard.press('r'));
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowRight']) await page.keyboard.press(key);
    await until(view, 'document.querySelector(".readout").textContent.startsWith("View a, row 2, column 2:")');
    await page.keyboard.press('Enter');
    await until(view, 'document.querySelectorAll(".pins tbody tr").length === 1');
    // By keys, so that no move of the pointer draws what the choice itself must.
    for (const [mode, said] of [['Matches', "^\\d+ patches are each other's best match"], ['Colours', '^Like colours are like features'], ['Similarity', '^Point at a patch']]) {
      await view.getByRole('button', { name: mode!, exact: true }).press('Enter');
      await until(view, `new RegExp(${JSON.stringify(said)}).test(document.querySelector(".readout").textContent)`);
    }
    await view.getByRole('button', { name: 'Attention', exact: true }).click();
    await pointedSays(entry, /^(The mean of all heads), from view a, row 4, column 4: most \([\d.]+ %\) goes to/);
    await view.getByLabel('Head', { exact: true }).selectOption('1');
    await pointedSays(entry, /^Head 2, from view a/);
    await view.getByLabel('Attention from').selectOption('class');
    await until(view, '/^Head 2, from the class token/.test(document.querySelector(".readout").textContent)');
    await picture(page, 'correspondence attention');
    await view.getByRole('button', { name: 'Matches', exact: true }).click();
    await until(view, '/^\\d+ patches are each other\'s best match/.test(document.querySelector(".readout").textContent)');
    await picture(page, 'correspondence matches');
    await drawn(view, () => view.getByRole('button', { name: 'Beside untrained' }).click());
    await until(view, 'document.querySelectorAll(".column").length === 2');
    await view.locator('#pairs').selectOption('16');
    await view.getByRole('button', { name: 'Measure', exact: true }).click();
    await until(view, '/^Over 16 pairs, [\\d.]+ % find their place/.test(document.querySelector(".headline").textContent) && /untrained/.test(document.querySelector(".headline").textContent)');
    await view.getByRole('button', { name: 'Save picture…' }).click();
    for (let wait = 0; server.saved.length === 0 && wait < 1000; wait++) await page.waitForTimeout(20);
    const { width, height, format } = await sharp(server.saved[0]!.bytes).metadata();
    expect({ name: server.saved[0]!.name, format, isLarge: width > 600 && height > 200 }).toEqual({ name: 'correspondence-flowers.png', format: 'png', isLarge: true });
    await until(page, 'globalThis.kept?.columns?.length === 2 && globalThis.kept?.mode === "matches" && globalThis.kept?.pins?.length === 1');
    const kept = await page.evaluate('globalThis.kept');
    expect(faults).toEqual([]);
    await close(entry);
    const again = await open({ subjects: [flowers], state: kept });
    await shown(again.view, 1);
    expect(await again.view.locator('#index').inputValue()).toBe('1');
    expect(await again.view.locator('.column').count()).toBe(2);
    expect(await again.view.getByRole('button', { name: 'Matches', exact: true }).getAttribute('aria-pressed')).toBe('true');
    await until(again.view, 'document.querySelectorAll(".pins tbody tr").length === 2');
    expect(again.faults).toEqual([]);
    await close(again);
  }, 120_000);

  /** Points at a patch of view a, and waits for what is said of it. */
  async function pointedSays({ page, view }: Opened, said: RegExp): Promise<void> {
    const box = (await view.locator('.over').first().boundingBox())!;
    await page.mouse.move(box.x + 0.4 * box.width, box.y + 0.4 * box.height);
    await page.mouse.move(box.x + 0.45 * box.width, box.y + 0.45 * box.height);
    await until(view, `${String(said)}.test(document.querySelector(".readout").textContent)`);
  }

  it('shows what MAE paints, labelled, and fits a narrow column', async () => {
    const entry = await open({ subjects: [fileSubject('mae-0')], images, state: { mode: 'reconstruction' }, width: 420, theme: 'light' });
    const { view, page, faults } = entry;
    await shown(view);
    await until(view, '/^What the model sees: 9 of 36 patches/.test(document.querySelector(".column figcaption").textContent)');
    expect((await view.locator('figcaption').allTextContents()).slice(1)).toEqual([expect.stringMatching(/^What it paints, each patch up to its own brightness and contrast/), 'The original']);
    expect(await view.evaluate('[...document.querySelectorAll("*")].filter((part) => part.getBoundingClientRect().right > innerWidth && !part.closest(".scroll")).map((part) => part.outerHTML.slice(0, 120))')).toEqual([]);
    await picture(page, 'correspondence mae');
    expect(faults).toEqual([]);
    await close(entry);
  }, 60_000);

  it('says what to do when there is nothing, in Restricted Mode, and when something is wrong', async () => {
    const empty = await open({});
    await until(empty.view, 'document.querySelector(".empty h2").textContent === "Do these features find their place?"');
    await picture(empty.page, 'correspondence empty');
    empty.server.chosenSubject = fileSubject('siamese-0');
    await empty.view.getByRole('button', { name: 'Choose…', exact: true }).click();
    await until(empty.view, 'document.querySelector(".empty h2").textContent === "Which images?"');
    empty.server.chosenImages = images;
    await empty.view.getByRole('button', { name: 'Choose images…' }).click();
    await shown(empty.view);
    expect(empty.faults).toEqual([]);
    await close(empty);

    const untrusted = await open({ subjects: [fileSubject('siamese-0')], images, trusted: false });
    await until(untrusted.view, '/Nothing is started in Restricted Mode/.test(document.querySelector(".empty h2").textContent)');
    await untrusted.view.getByRole('button', { name: 'Manage trust' }).click();
    for (let wait = 0; untrusted.server.asked.length === 0 && wait < 250; wait++) await untrusted.page.waitForTimeout(20);
    expect(untrusted.server.asked).toEqual(['trust']);
    untrusted.server.trusted = true;
    await untrusted.server.host.look();
    await shown(untrusted.view);
    await close(untrusted);

    // A checkpoint that is damaged, beside a good one, and an image that is none, named as hostilely as may be.
    const broken = join(root, '<img src=x onerror=alert(1)>.safetensors');
    writeFileSync(broken, Buffer.concat([Buffer.from([255, 0, 0, 0, 0, 0, 0, 0]), Buffer.from('{"a":')]));
    const hostile = join(root, 'hostile');
    mkdirSync(hostile, { recursive: true });
    copyFileSync(join(images, '0.png'), join(hostile, '0.png'));
    writeFileSync(join(hostile, '1 <img src=x onerror=alert(1)>.png'), 'no image');
    const wrong = await open({ subjects: [fileSubject('siamese-0'), { kind: 'file', path: broken, step: null }], images: hostile, state: { columns: [{ subject: 0 }, { subject: 1 }] } });
    await shown(wrong.view);
    await until(wrong.view, '/<img src=x.*\\.safetensors/s.test(document.querySelectorAll(".column .trouble")[1].textContent)');
    await wrong.view.getByRole('button', { name: 'Next image' }).click();
    await until(wrong.view, '/1 <img src=x.*png/s.test(document.querySelector(".column .trouble").textContent)');
    await drawn(wrong.view, () => wrong.view.getByRole('button', { name: 'Previous image' }).click());
    await until(wrong.view, 'document.querySelector(".column .trouble").hidden');
    expect(wrong.faults).toEqual([]);
    await close(wrong);
  }, 120_000);
});
