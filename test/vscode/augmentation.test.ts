/** The augmentation lab in a real VS Code: from the lens above a run file to a crop that is dragged, written and undone; restored after a reload; silent in Restricted Mode. */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { generateImages } from '../../backend/data/generator/index.ts';
import { until } from './editor/until.ts';
import { closeBrowserAfterTests, themes, withEditor, type Theme, type Workbench } from './editor/workbench.ts';
import { temporaryWorkspace } from './editor/workspace.ts';

const workspace = temporaryWorkspace();
closeBrowserAfterTests();

/** Lenses are drawn anew when more is known of the file: a click may find the old one. */
async function lens(workbench: Workbench): Promise<void> {
  const tab = workbench.page.getByRole('tab', { name: /^Augmentations/ });
  for (let tries = 0; tries < 4 && (await tab.count()) === 0; tries++) {
    await workbench.page.locator('.codelens-decoration').getByText('Preview Augmentations').click();
    await tab.waitFor({ timeout: 5000 }).catch(() => undefined);
  }
}
/** The lab shows a sample. */
const shown = (workbench: Workbench): Promise<void> => workbench.webview().locator('.headline b').waitFor({ timeout: 60_000 });
const value = (workbench: Workbench, label: string): Promise<string> => workbench.webview().getByLabel(label).inputValue();

describe.skipIf(inject('noWorkbench'))('the augmentation lab', () => {
  it('opens from a run file, is dragged in, writes what was changed, and follows the undoing', { timeout: 300_000 }, async () => {
    const file = workspace.writeRunFile('lab', 40, { preset: 'siamese-vit-small' });
    if (process.env.SIAMSCOPE_SCREENSHOTS) {
      // A picture for the README wants larger images than a test does.
      await generateImages(join(dirname(file), 'pictures'), { classes: ['boat', 'fish', 'flower', 'mug'], perClass: 3, size: 400, seed: 11 });
      writeFileSync(file, `${JSON.stringify({ preset: 'siamese-vit-small', name: 'lab', seed: 3, data: { train: 'pictures/train' } }, null, 2)}\n`);
    }
    const before = readFileSync(file, 'utf8');
    await withEditor({ workspace: workspace.folder }, async (workbench) => {
      const { page } = workbench;
      await workbench.openFile('lab.siam.json');
      await lens(workbench);
      await shown(workbench);
      expect(await workbench.accessibilityViolations()).toEqual([]);
      for (const theme of process.env.SIAMSCOPE_SCREENSHOTS ? (Object.keys(themes) as Theme[]) : []) {
        await workbench.theme(theme);
        await workbench.picture(`augmentations-${theme}`);
      }
      // The lower right corner of a crop goes up and left.
      await workbench.webview().getByText('Crops in numbers').click();
      const side = async (name: string): Promise<number> => Number(await value(workbench, `${name} of target, in pixels`));
      const crop = { left: await side('Left'), top: await side('Top'), width: await side('Width'), height: await side('Height') };
      const canvas = workbench.webview().locator('.left canvas');
      await canvas.scrollIntoViewIfNeeded();
      const place = (await canvas.boundingBox())!;
      const width = /(\d+) by \d+ pixels/.exec((await canvas.getAttribute('aria-label'))!)![1]!;
      const scale = place.width / Number(width);
      const [x, y] = [place.x + (crop.left + crop.width) * scale, place.y + (crop.top + crop.height) * scale];
      await page.mouse.move(x - 1, y - 1);
      await page.mouse.down();
      await page.mouse.move(x - 0.2 * crop.width * scale, y - 0.3 * crop.height * scale, { steps: 8 });
      await page.mouse.up();
      await until('the crop is as it was dragged', async () => Math.abs((await side('Width')) - 0.8 * crop.width) <= 3 && Math.abs((await side('Height')) - 0.7 * crop.height) <= 3);
      await workbench.webview().getByRole('button', { name: 'Smallest allowed' }).click();
      const area = Number(await value(workbench, 'least area of the crop of target as a number'));
      await workbench.webview().getByRole('button', { name: 'Write to lab.siam.json' }).click();
      await workbench.webview().getByText('Written to lab.siam.json, where it can be undone.').waitFor();
      // Beside or behind the lab, the file is open once.
      expect(await page.getByRole('tab', { name: /^lab\.siam\.json/ }).count()).toBe(1);
      // Saved, it is in the file, and nothing besides; undone, it is the file of before.
      await page.getByRole('tab', { name: /^lab\.siam\.json/ }).click();
      await page.locator('.editor-container').getByRole('code').first().click();
      await page.keyboard.press('Control+S');
      await until('the file has it', () => readFileSync(file, 'utf8') !== before);
      const written = JSON.parse(readFileSync(file, 'utf8')) as { augment: { name: string; crop: { scale: number[] } }[] };
      expect(written.augment.map(({ name, crop: { scale: [least] } }) => [name, least])[1]).toEqual(['target', area]);
      expect({ ...written, augment: undefined }).toEqual({ ...(JSON.parse(before) as object), augment: undefined });
      await page.keyboard.press('Control+Z');
      await page.keyboard.press('Control+S');
      await until('the file is as it was', () => readFileSync(file, 'utf8') === before);
      await page.getByRole('tab', { name: /^Augmentations/ }).click();
      await shown(workbench);
      await until('the lab has the file\'s value again', async () => Number(await value(workbench, 'least area of the crop of target as a number').catch(() => '0')) === 0.08);
      // Another image, then the window is loaded anew.
      await workbench.webview().getByRole('button', { name: 'Next image' }).click();
      const image = (): Promise<string | null> => workbench.webview().locator('.toolbar .file').textContent();
      await until('the next image', async () => !(await image())?.includes('00000.jpg'));
      const shownBefore = await image();
      await workbench.stored();
      await workbench.reload();
      await page.getByRole('tab', { name: /^Augmentations/ }).click();
      await shown(workbench);
      expect(await workbench.webview().locator('#index').inputValue()).toBe('2');
      await until('the image of before', async () => (await image()) === shownBefore);
    });
  });

  it('launches nothing in Restricted Mode, and says so', async () => {
    workspace.writeRunFile('restricted', 40);
    await withEditor({ workspace: workspace.folder, restricted: true }, async (workbench) => {
      await workbench.page.getByRole('button', { name: /^Restricted Mode/ }).first().waitFor();
      await workbench.openFile('restricted.siam.json');
      await lens(workbench);
      await workbench.webview().getByText('Nothing is started in Restricted Mode').waitFor();
      await workbench.webview().getByRole('button', { name: 'Manage trust' }).waitFor();
    });
  });
});
