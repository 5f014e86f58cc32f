/** The augmentation lab in a real browser, under its real content security policy, with its real host and the real process that draws. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Frame, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabView } from '../../backend/protocol.ts';
import { noBrowser } from '../helpers/browser.ts';
import { expectWithin } from '../helpers/expectWithin.ts';
import { wallTime } from '../helpers/slowness.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { close, count, drawn, imageHeight, imageWidth, LabPages, shown, until, writeImages, writeRun as writeRunIn, type OpenOptions, type Opened } from './labPage.ts';
import { themes, type ThemeName } from './themes.ts';

if (noBrowser) console.warn(`Skipped: the augmentation lab in a browser (${noBrowser}).`);

const root = temporaryFolder();
const images = join(root, 'images');
/** Where pictures are put, when someone wants to look at them. */
const pictures = process.env.SIAMSCOPE_SCREENSHOTS;
const writeRun = (name: string, over?: object): string => writeRunIn(root, name, over);

describe.skipIf(noBrowser !== null)('the augmentation lab', () => {
  let pages: LabPages | undefined;
  const open = (options: OpenOptions): Promise<Opened> => pages!.open(options);
  const picture = (page: Page, name: string): Promise<unknown> => (pictures ? page.screenshot({ path: join(pictures, `${name}.png`) }) : Promise.resolve());
  const box = async (view: Frame, crop: string): Promise<{ left: number; top: number; width: number; height: number }> => {
    await view.evaluate('document.querySelector(".left details").open = true');
    const [left, top, width, height] = await Promise.all(['Left', 'Top', 'Width', 'Height'].map((side) => view.getByLabel(`${side} of ${crop}, in pixels`).inputValue().then(Number)));
    return { left: left!, top: top!, width: width!, height: height! };
  };

  beforeAll(async () => {
    if (pictures) mkdirSync(pictures, { recursive: true });
    await writeImages(root);
    pages = await LabPages.start();
  });
  afterAll(() => pages?.end());

  it.each(Object.keys(themes) as ThemeName[])('shows at a glance what the model sees, without a fault and without one that axe finds, in %s', async (theme) => {
    const entry = await open({ file: writeRun('glance'), theme, bypassCSP: true, height: 1250 });
    const { page, view, faults } = entry;
    await shown(view);
    expect(await view.locator('.headline').textContent()).toMatch(/^online and target share (nothing|\d+ % of online)/);
    expect(await view.locator('.view figcaption').allTextContents()).toEqual([expect.stringMatching(/^online\d+ % of the image.*118 of 196 masked/), expect.stringMatching(/^target/)]);
    expect(await view.locator('.strip').nth(1).locator('h4').allTextContents()).toEqual(['Flip×', 'Crop', 'Colour jitter×', 'Greyscale×', 'Blur×', 'Solarize×', 'Mask']);
    const target = (await view.locator('.view .over').nth(1).boundingBox())!;
    await page.mouse.move(target.x + target.width * 0.45, target.y + target.height * 0.55);
    await until(view, '/^target, row 8, column 7; (in|not in) online/.test(document.querySelector(".readout").textContent)');
    await picture(page, `augmentations ${theme}`);
    await view.evaluate('for (const details of document.querySelectorAll("details")) details.open = true');
    await until(view, 'performance.getEntriesByName("lab-cards").length > 0 && performance.getEntriesByName("lab-statistics").length > 0');
    await view.evaluate(readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
    const found = await view.evaluate('axe.run().then(({ violations }) => violations.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 200)} ${v.nodes[0].failureSummary.slice(0, 300)}`))');
    if (pictures) await view.locator('.many').screenshot({ path: join(pictures, `augmentations ${theme} many.png`) });
    if (pictures) await view.locator('.section').nth(1).screenshot({ path: join(pictures, `augmentations ${theme} statistics.png`) });
    expect(found).toEqual([]);
    expect(faults).toEqual([]);
    await close(entry);
  });

  it('a dragged crop is shown as drawn, and its area goes into the run file, from which it is undone', async () => {
    const file = writeRun('drag');
    const before = readFileSync(file, 'utf8');
    const entry = await open({ file });
    const { page, view, server, faults } = entry;
    await shown(view);
    const canvas = (await view.locator('.left canvas').boundingBox())!;
    const scale = canvas.width / imageWidth;
    const from = await box(view, 'target');
    const [x, y] = [canvas.x + (from.left + from.width) * scale, canvas.y + (from.top + from.height) * scale];
    // The lower right corner to a place of our choice, then the whole crop to another.
    const to = { width: Math.round(from.width * 0.6), height: Math.round(from.height * 0.7) };
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x - 10, y - 10, { steps: 3 });
    await page.mouse.move(canvas.x + (from.left + to.width) * scale, canvas.y + (from.top + to.height) * scale, { steps: 6 });
    await page.mouse.up();
    await until(view, 'document.querySelectorAll(".place")[1].textContent === "by hand" && !document.querySelector(".by-hand").hidden');
    const near = (value: number, wanted: number): void => expect(Math.abs(value - wanted)).toBeLessThanOrEqual(2);
    await until(view, `Math.abs(document.querySelector('[aria-label="Width of target, in pixels"]').value - ${to.width}) <= 2`);
    let placed = await box(view, 'target');
    near(placed.width, to.width);
    near(placed.height, to.height);
    expect([placed.left, placed.top]).toEqual([from.left, from.top]);
    await drawn(view, async () => {
      await page.mouse.move(canvas.x + (placed.left + placed.width / 2) * scale, canvas.y + (placed.top + placed.height / 2) * scale);
      await page.mouse.down();
      await page.mouse.move(canvas.x + (placed.width / 2 + 7) * scale, canvas.y + (placed.height / 2 + 11) * scale, { steps: 5 });
      await page.mouse.up();
    });
    await until(view, `document.querySelector('[aria-label="Left of target, in pixels"]').value <= 9`);
    placed = await box(view, 'target');
    near(placed.left, 7);
    near(placed.top, 11);
    await picture(page, 'augmentations dragged');
    // What is on the page is what the model would get of that crop.
    const area = Math.round((1000 * placed.width * placed.height) / (imageWidth * imageHeight)) / 1000;
    await drawn(view, () => view.getByRole('button', { name: 'Smallest allowed' }).click());
    expect(await view.getByLabel('least area of the crop of target as a number').inputValue()).toBe(String(area));
    await view.getByRole('button', { name: /^Write to/ }).click();
    await until(view, '/^Written to drag.siam.json/.test(document.querySelector(".status").textContent)');
    const written = JSON.parse(readFileSync(file, 'utf8')) as { name: string; augment: LabView[] };
    expect(written.augment[1]!.crop.scale).toEqual([area, 1]);
    expect(written.augment[0]!.crop.scale).toEqual([0.08, 1]);
    expect(readFileSync(file, 'utf8').startsWith(before.slice(0, before.lastIndexOf('}') - 2))).toBe(true);
    await until(view, `[...document.querySelectorAll('button')].some((button) => button.textContent === 'Write to drag.siam.json' && button.disabled)`);
    // Undone in the editor: the page follows the file.
    await drawn(view, () => { server.write(file, server.undo.pop()!); return Promise.resolve(); });
    expect(readFileSync(file, 'utf8')).toBe(before);
    await until(view, `document.querySelector('[aria-label="least area of the crop of target as a number"]').value === '0.08'`);
    expect(faults).toEqual([]);
    await close(entry);
  });

  it('a slider\'s change is on the screen within 100 ms', async () => {
    const entry = await open({ file: writeRun('latency') });
    const { view, faults } = entry;
    await shown(view);
    const round = async (): Promise<number[]> => {
      const times: number[] = [];
      for (let i = 0; i < 24; i++) {
        const before = await count(view);
        // From the event to the frame after the new picture was drawn.
        await view.evaluate(`(() => { const slider = document.querySelector('[aria-label="greatest sigma of blur of online"]'); slider.value = ${100 + 10 * i}; performance.mark('turned'); slider.dispatchEvent(new Event('input')); })()`);
        await shown(view, before);
        times.push(await view.evaluate<number>('(({ startTime, duration }) => startTime + duration)(performance.getEntriesByName("lab-shown").at(-1)) - performance.getEntriesByName("turned").at(-1).startTime'));
      }
      return times.slice(4).sort((a, b) => a - b);
    };
    // Others compute on a shared machine: one round of six may show what the lab can do.
    let sorted = await round();
    for (let again = 0; again < 5 && sorted[10]! >= 100; again++) sorted = await round();
    console.log(`slider to picture at 224: median ${sorted[10]!.toFixed(1)} ms, slowest of 20 ${sorted.at(-1)!.toFixed(1)} ms`);
    await expectWithin(100, sorted[10]!, wallTime);
    expect(faults).toEqual([]);
    await close(entry);
  });

  it('switches ops, changes masks, locks draws, goes through the images by keys, and comes back as it was', async () => {
    const entry = await open({ file: writeRun('keys') });
    const { page, view, faults } = entry;
    await shown(view);
    // One change for both views, taken back by discarding.
    await view.getByLabel('Change all views alike').check();
    await drawn(view, () => view.getByLabel('probability of greyscale of online as a number').fill('1').then(() => page.keyboard.press('Enter')));
    expect(await Promise.all(['online', 'target'].map((name) => view.getByRole('article', { name: `Greyscale of ${name}` }).locator('.drawn').textContent()))).toEqual(['applied', 'applied']);
    await view.getByLabel('Change all views alike').uncheck();
    await drawn(view, () => view.getByRole('button', { name: 'Discard changes' }).click());
    const jitter = view.getByRole('article', { name: 'Colour jitter of online' });
    await drawn(view, () => view.getByLabel('Colour jitter of online', { exact: true }).getByRole('checkbox').uncheck());
    expect(await jitter.locator('.drawn').textContent()).toBe('switched off');
    await drawn(view, () => view.getByLabel('kind of the mask of online').selectOption('random'));
    expect(await view.locator('.view .note').first().textContent()).toContain('118 of 196 masked');
    await drawn(view, () => view.getByLabel('ratio of the mask of online as a number').fill('0.5').then(() => page.keyboard.press('Enter')));
    expect(await view.locator('.view .note').first().textContent()).toContain('98 of 196 masked');
    await drawn(view, () => view.getByLabel('Add a step to online').selectOption('solarize'));
    expect(await view.getByRole('article', { name: 'Solarize of online' }).count()).toBe(1);
    await drawn(view, () => view.getByRole('button', { name: 'Re-roll' }).click());
    expect(await view.locator('#epoch').inputValue()).toBe('1');
    const draws = (): Promise<string[]> => view.locator('.strip').nth(1).locator('.drawn').allTextContents();
    await drawn(view, () => view.getByRole('button', { name: 'Lock draws' }).click());
    const locked = (await draws()).slice(2);
    await drawn(view, () => page.keyboard.press('n'));
    expect(await view.locator('#index').inputValue()).toBe('2');
    expect((await draws()).slice(2)).toEqual(locked);
    await drawn(view, () => page.keyboard.press('l'));
    expect((await draws()).slice(2)).not.toEqual(locked);
    // Crops by keys.
    const from = await box(view, 'online');
    await view.locator('.left canvas').focus();
    await drawn(view, () => page.keyboard.press(from.left > 0 ? 'ArrowLeft' : 'Shift+ArrowLeft'));
    expect(await box(view, 'online')).not.toEqual(from);
    await drawn(view, () => page.keyboard.press('Delete'));
    expect(await box(view, 'online')).toEqual(from);
    // Patches by keys.
    await view.locator('.view .over').nth(1).focus();
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowRight']) await page.keyboard.press(key);
    await until(view, '/^target, row 2, column 2(;| \\()/.test(document.querySelector(".readout").textContent)');
    await until(page, 'globalThis.kept?.index === 1 && globalThis.kept?.views?.[0].mask.count === 98');
    const kept = await page.evaluate('globalThis.kept');
    expect(faults).toEqual([]);
    await close(entry);
    const again = await open({ file: join(root, 'keys.siam.json'), state: kept });
    await shown(again.view);
    expect(await again.view.locator('#index').inputValue()).toBe('2');
    expect(await again.view.locator('.view .note').first().textContent()).toContain('98 of 196 masked');
    expect(await again.view.getByRole('button', { name: 'Discard changes' }).isVisible()).toBe(true);
    await drawn(again.view, () => again.view.getByRole('button', { name: 'Discard changes' }).click());
    expect(await again.view.locator('.view .note').first().textContent()).toContain('118 of 196 masked');
    await close(again);
  });

  it('shows an image without a run file, one view alone, and fits a narrow column', async () => {
    const image = await open({ image: join(images, 'boat', '0.jpg'), width: 420, theme: 'light' });
    await shown(image.view);
    expect(await image.view.locator('h1').textContent()).toBe('0.jpg');
    expect(await image.view.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await picture(image.page, 'augmentations narrow');
    expect(image.faults).toEqual([]);
    await close(image);
    const mae = await open({ file: writeRun('mae', { method: { name: 'mae' } }) });
    await shown(mae.view);
    expect(await mae.view.locator('.headline').textContent()).toBe('The model sees 49 of 196 patches and is to fill in the 147 others.');
    await picture(mae.page, 'augmentations one view');
    expect(mae.faults).toEqual([]);
    await close(mae);
  });

  it('shows as many views as there are, and where the position embedding says that a patch lies', async () => {
    const crop = (scale: [number, number]): LabView['crop'] => ({ scale, ratio: [0.75, 1.3333], interpolation: 'bicubic' });
    const augment: LabView[] = [
      { name: 'online', size: 224, crop: crop([0.6, 1]), ops: [{ op: 'horizontalFlip', p: 0 }], mask: { kind: 'block', count: 60, minBlock: 16, aspect: [0.3, 3.3] } },
      { name: 'target', size: 224, crop: crop([0.1, 0.4]), ops: [{ op: 'horizontalFlip', p: 1 }], mask: null, count: 4 },
    ];
    const entry = await open({ file: writeRun('several', { augment }) });
    const { page, view, faults } = entry;
    await shown(view);
    expect(await view.locator('.view .name').allTextContents()).toEqual(['online', 'target0', 'target1', 'target2', 'target3']);
    expect(await view.locator('.headline').textContent()).toMatch(/The other 3 views share \d+ % to \d+ %\.$/);
    await view.getByLabel('Position embedding').check();
    await view.locator('.view .over').nth(1).scrollIntoViewIfNeeded();
    const target = (await view.locator('.view .over').nth(1).boundingBox())!;
    await page.mouse.move(target.x + target.width * 0.3, target.y + target.height * 0.3);
    await until(view, '/^target0, row 5, column 5/.test(document.querySelector(".readout").textContent)');
    // The place that the embedding is most like is where the patch is, where it is in view a at all.
    const said = (await view.locator('.readout').textContent())!;
    const [, row, column] = /in online at row (\d+), column (\d+)/.exec(said) ?? [], [, likeRow, likeColumn] = /most like row (\d+), column (\d+)/.exec(said)!;
    if (row !== undefined) expect(Math.max(Math.abs(Number(row) - Number(likeRow)), Math.abs(Number(column) - Number(likeColumn)))).toBeLessThanOrEqual(1);
    await picture(page, 'augmentations several');
    expect(faults).toEqual([]);
    await close(entry);
  });

  it('says what to do when there is nothing, in Restricted Mode, and when something is wrong', async () => {
    const empty = await open({});
    await empty.view.getByRole('button', { name: 'Choose…' }).click();
    await until(empty.view, 'document.querySelector(".empty h2").textContent === "See what your model sees"');
    await picture(empty.page, 'augmentations empty');
    for (let wait = 0; empty.server.asked.length === 0 && wait < 200; wait++) await empty.page.waitForTimeout(20);
    expect(empty.server.asked).toEqual(['choose']);
    await close(empty);

    const untrusted = await open({ file: writeRun('untrusted'), trusted: false });
    await until(untrusted.view, '/Nothing is started in Restricted Mode/.test(document.querySelector(".empty h2").textContent)');
    await untrusted.view.getByRole('button', { name: 'Manage trust' }).click();
    untrusted.server.trusted = true;
    await untrusted.server.host.look(true);
    await shown(untrusted.view);
    await close(untrusted);

    const file = writeRun('wrong');
    const wrong = await open({ file });
    await shown(wrong.view);
    const text = readFileSync(file, 'utf8');
    wrong.server.write(file, text.replace('"epochs": 10', '"epochs": "<img src=x onerror=alert(1)>"'));
    await until(wrong.view, '/cannot be used as it is.*schedule.epochs/s.test(document.querySelector(".trouble").textContent)');
    wrong.server.write(file, text);
    await until(wrong.view, 'document.querySelector(".trouble").hidden');
    // An image that cannot be decoded, named as hostilely as may be.
    writeFileSync(join(images, 'boat', '0 <img src=x onerror=alert(1)>.jpg'), 'no image');
    await wrong.server.host.look(true);
    await until(wrong.view, '/cannot decode boat.0 <img/.test(document.querySelector(".trouble").textContent)');
    await drawn(wrong.view, () => wrong.view.getByRole('button', { name: 'Next image' }).click());
    expect(await wrong.view.locator('.trouble').isHidden()).toBe(true);
    expect(wrong.faults).toEqual([]);
    await close(wrong);
  });
});
