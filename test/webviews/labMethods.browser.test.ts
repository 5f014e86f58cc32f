/** The augmentation lab on methods of several crops, of masks of other kinds, and of steps that move pixels, in a real browser. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mapPoint } from '../../backend/augment/geometry.ts';
import { openDataset } from '../../backend/data/dataset.ts';
import { traceSample } from '../../backend/data/trace.ts';
import { droppedAt } from '../../backend/train/dropped.ts';
import { viewPlanOf } from '../../backend/train/config.ts';
import { loadRun } from '../../backend/train/runFile.ts';
import { noBrowser } from '../helpers/browser.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { close, drawn, LabPages, shown, until, writeImages, writeRun } from './labPage.ts';

if (noBrowser) console.warn(`Skipped: the augmentation lab of several methods in a browser (${noBrowser}).`);

const root = temporaryFolder();
const pictures = process.env.SIAMSCOPE_SCREENSHOTS;
const model = { arch: 'vit_nano', imageSize: 64, patchSize: 8 };

describe.skipIf(noBrowser !== null)('the augmentation lab on other methods', () => {
  let pages: LabPages | undefined;

  beforeAll(async () => {
    if (pictures) mkdirSync(pictures, { recursive: true });
    await writeImages(root);
    pages = await LabPages.start();
  });
  afterAll(() => pages?.end());

  it('shows the patches that a method drops itself, as the step drops them that sees the sample, and says what of each view is hidden', async () => {
    const file = writeRun(root, 'drops', { model, method: { name: 'msn', focalSize: 32, focalViews: 2, anchorViews: 2 }, batch: { size: 4 } });
    const { view, page, faults, ...entry } = await pages!.open({ file });
    await shown(view);
    expect(await view.locator('.view figcaption').allTextContents()).toEqual([expect.not.stringContaining('dropped'), expect.stringContaining('10 of 64 dropped'), expect.stringContaining('10 of 64 dropped'), expect.not.stringContaining('dropped'), expect.not.stringContaining('dropped')]);
    expect(await view.locator('.masks').textContent()).toBe('Dropped, in the same places of a whole batch: 10 of 64 patches of anchor0 (16 %) and 10 of 64 patches of anchor1 (16 %). The model sees all of the 3 other views.');
    expect(await view.getByRole('article', { name: 'Mask of anchor' }).locator('.drawn').textContent()).toBe('10 of 64 dropped by the method, in the same places of a whole batch');
    expect(await view.getByRole('checkbox', { name: 'Mask' }).isVisible()).toBe(true);
    // What is said of each patch is what one of the epoch's three steps drops.
    const config = await loadRun(file);
    const steps = [0, 1, 2].map((step) => [...droppedAt(viewPlanOf(config), config.method, { seed: 3, step, micro: 0 })[1]!].join(''));
    // Row by row by the keys, back and forth.
    const read = await view.evaluate<string>(`(() => {
      const over = document.querySelectorAll('.view .over')[1], press = (key) => over.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true })), rows = [];
      press('ArrowRight');
      for (let row = 0; row < 8; row++) {
        const line = [];
        for (let column = 0; column < 8; column++) {
          line.push(document.querySelector('.readout').textContent.includes('(dropped)') ? 1 : 0);
          if (column < 7) press(row % 2 === 0 ? 'ArrowRight' : 'ArrowLeft');
        }
        rows.push(row % 2 === 0 ? line : line.reverse());
        press('ArrowDown');
      }
      return rows.flat().join('');
    })()`);
    expect(steps).toContain(read);
    if (pictures) await page.screenshot({ path: join(pictures, 'augmentations drops.png') });
    expect(faults).toEqual([]);
    await close({ view, page, faults, ...entry });
  });

  it('follows a patch of any crop into every other one, wherever it lies', async () => {
    const entry = await pages!.open({ file: writeRun(root, 'crops', { model, method: { name: 'dino', localSize: 32, localCrops: 4 } }) });
    const { view, page, faults } = entry;
    await shown(view);
    const names = await view.locator('.view .name').allTextContents();
    expect(names).toEqual(['global0', 'global1', 'local0', 'local1', 'local2', 'local3']);
    const key = { seed: 3, epoch: 0, index: 0 }, plan = viewPlanOf(await loadRun(join(root, 'crops.siam.json')));
    const { views } = await traceSample(await openDataset(join(root, 'images')), plan, key);
    for (const [at, from] of views.entries()) {
      const grid = from.size / 8;
      await view.locator('.view .over').nth(at).focus();
      for (const pressed of ['ArrowDown', 'ArrowDown', 'ArrowRight']) await page.keyboard.press(pressed);
      const said = (await view.locator('.readout').textContent())!;
      expect(said).toMatch(new RegExp(`^${names[at]}, row 2, column 2;`));
      const missing: string[] = [];
      views.forEach((to, other) => {
        if (other === at) return;
        const { row, column } = mapPoint(from.crop, to.crop, { row: 1.5 / grid, column: 1.5 / grid });
        if (row < 0 || row >= 1 || column < 0 || column >= 1) return missing.push(names[other]!);
        expect(said).toContain(`in ${names[other]} at row ${Math.floor((row * to.size) / 8) + 1}, column ${Math.floor((column * to.size) / 8) + 1}`);
      });
      for (const name of missing) expect(said.split('not in ')[1]).toContain(name);
      if (missing.length === 0) expect(said).not.toContain('not in');
      if (pictures && at === 3) await page.screenshot({ path: join(pictures, 'augmentations crops.png') });
      await page.keyboard.press('Escape');
    }
    expect(faults).toEqual([]);
    await close(entry);
  });

  it('shows every crop of many samples, and methods by their published names', async () => {
    const entry = await pages!.open({ file: writeRun(root, 'many', { model, method: { name: 'ibot', localSize: 32, localCrops: 5 } }) });
    const { view, faults } = entry;
    await shown(view);
    expect(await view.locator('.about').textContent()).toContain('iBOT: global0, global1, 5 × local');
    await view.evaluate('document.querySelector(".many").open = true');
    await until(view, 'performance.getEntriesByName("lab-cards").length > 0');
    expect(await view.locator('.cards .said').allTextContents()).toEqual(Array.from({ length: 12 }, () => expect.stringMatching(/shared, others (<1|\d+) % to \d+ %$/)));
    // A picture 128 wide, two views of 96, and five tiles of 46 in three columns of two: all drawn but the last place.
    const drawnAt = await view.evaluate<boolean[]>(`(() => {
      const canvas = document.querySelector('.cards canvas'), scale = canvas.width / canvas.clientWidth, { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      const at = (x, y) => data[4 * (Math.round(y * scale) * canvas.width + Math.round(x * scale)) + 3] > 0;
      const from = 128 + 4, tiles = from + 200;
      return [at(from + 48, 48), at(from + 148, 48), at(tiles + 23, 23), at(tiles + 23, 73), at(tiles + 73, 23), at(tiles + 73, 73), at(tiles + 123, 23), at(tiles + 123, 73)];
    })()`);
    expect(drawnAt).toEqual([true, true, true, true, true, true, true, false]);
    if (pictures) await view.locator('.many').screenshot({ path: join(pictures, 'augmentations many crops.png') });
    expect(faults).toEqual([]);
    await close(entry);
  });

  it('sets a varied mask as the run file has it, in both masked views alike, and writes it', async () => {
    const file = writeRun(root, 'varied', { model, method: { name: 'ibot', localSize: 32, localCrops: 2, minBlock: 4 } });
    const entry = await pages!.open({ file });
    const { view, page, faults } = entry;
    await shown(view);
    const mask = (name: string) => view.getByRole('article', { name: `Mask of ${name}` });
    const label = (text: string): string => `${text} of the mask of global0`;
    expect(await mask('global0').locator('select').first().locator('option').allTextContents()).toEqual(['none', 'single patches', 'blocks', 'varied']);
    expect(await mask('local').locator('input, select').count()).toBe(0);
    // The method's own ranges, of which the second is the one that masks.
    const end = (which: string, range: number) => view.getByLabel(`${label(`${which} share ${range}`)} as a number`);
    expect([await end('least', 1).inputValue(), await end('greatest', 1).inputValue(), await end('least', 2).inputValue(), await end('greatest', 2).inputValue()]).toEqual(['0', '0', '0.1', '0.5']);
    if (pictures) await view.getByRole('region', { name: 'Pipeline of global0' }).screenshot({ path: join(pictures, 'augmentations varied mask.png') });
    await view.getByText('Change all views alike').click();
    const put = (name: string, value: string) => drawn(view, async () => {
      await view.getByLabel(name, { exact: true }).fill(value);
      await page.keyboard.press('Tab');
    });
    await put(`${label('greatest share 2')} as a number`, '0.8');
    await put(`${label('least share 2')} as a number`, '0.8');
    await put(`${label('least block')} as a number`, '2');
    await drawn(view, () => view.getByRole('button', { name: 'Remove the last range of the mask of global0' }).click());
    await drawn(view, () => view.getByRole('button', { name: 'Add a range to the mask of global0' }).click());
    await put(`${label('greatest share 2')} as a number`, '0.5');
    await drawn(view, () => view.getByLabel(label('shape')).selectOption('random'));
    expect(await view.getByLabel(`${label('least block')} as a number`).count()).toBe(0);
    await view.getByRole('button', { name: 'Write to varied.siam.json' }).click();
    await until(view, '/^Written to/.test(document.querySelector(".status").textContent)');
    const { augment } = await loadRun(file);
    for (const at of [0, 1]) expect(augment![at]!.mask).toMatchObject({ kind: 'varied', shape: 'random', shares: [[0, 0], [0, 0.5]], minBlock: 2 });
    expect(augment![2]!.mask).toBeNull();
    expect(faults).toEqual([]);
    await close(entry);
  });

  it('speaks of a ResNet\'s features, which are no patches', async () => {
    const entry = await pages!.open({ file: writeRun(root, 'features', { model: { arch: 'resnet_nano', imageSize: 64 }, method: { name: 'densecl' } }) });
    const { view, page, faults } = entry;
    await shown(view);
    expect(await view.locator('.about').textContent()).toContain('DenseCL: query, key at 64 pixels, a feature every 16 pixels');
    expect(await view.locator('#view').textContent()).not.toMatch(/patch/i);
    await view.getByLabel('Feature grid').check();
    expect(await view.getByRole('checkbox', { name: 'Mask' }).isVisible(), 'DenseCL sees everything').toBe(false);
    if (pictures) await page.screenshot({ path: join(pictures, 'augmentations features.png') });
    expect(faults).toEqual([]);
    await close(entry);
  });

  it('says where a step moved pixels, and claims no places there', async () => {
    const file = writeRun(root, 'moved', { model, method: { name: 'mocov3' } });
    const [first, second] = viewPlanOf(await loadRun(file)).views;
    const randAugment = { op: 'randAugment', p: 1, operations: 15, chance: 1, magnitude: 9, deviation: 0, interpolation: 'bicubic' };
    const entry = await pages!.open({ file: writeRun(root, 'moved', { model, method: { name: 'mocov3' }, augment: [first, { ...second, ops: [randAugment] }] }) });
    const { view, page, faults } = entry;
    await shown(view);
    expect(await view.locator('.view .note').allTextContents()).toEqual([expect.not.stringContaining('moved'), expect.stringContaining('pixels moved')]);
    expect(await view.locator('.masks').textContent()).toMatch(/^Steps moved pixels of second: /);
    for (const at of [0, 1]) {
      await view.locator('.view .over').nth(at).focus();
      await page.keyboard.press('ArrowDown');
      expect(await view.locator('.readout').textContent()).toMatch(at === 0 ? /not known in second/ : /^second, row 1, column 1: a step moved its pixels/);
    }
    expect(faults).toEqual([]);
    await close(entry);
  });
});
