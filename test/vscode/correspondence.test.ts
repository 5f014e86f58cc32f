/** Dense correspondence in a real VS Code: from a run that still trains to the patch that is pointed at; follows new checkpoints; restored after a reload; silent in Restricted Mode. */
import { dirname, join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { generateImages } from '../../backend/data/generator/index.ts';
import { until } from './editor/until.ts';
import { closeBrowserAfterTests, themes, withEditor, type Theme, type Workbench } from './editor/workbench.ts';
import { temporaryWorkspace } from './editor/workspace.ts';

const workspace = temporaryWorkspace();
closeBrowserAfterTests();
const pictures = process.env.SIAMSCOPE_SCREENSHOTS !== undefined;

/** The view shows a pair. */
const shown = (workbench: Workbench): Promise<void> => workbench.webview().locator('.headline b').waitFor({ timeout: 60_000 });

async function open(workbench: Workbench): Promise<void> {
  await workbench.command('SiamScope: Dense Correspondence');
  await workbench.page.locator('.quick-input-list .monaco-list-row', { hasText: 'flowers' }).first().click();
}

/** The middle of view a is pointed at, and the words say what it is most like. */
async function pointAtTheMiddle(workbench: Workbench): Promise<void> {
  const picture = workbench.webview().locator('.over').first();
  await until('the words say what it is most like', async () => {
    await picture.hover({ position: { x: 60, y: 60 } });
    await picture.hover();
    return /^View a, row \d+, column \d+: most like row \d+, column \d+ of view b, cosine/.test((await workbench.webview().locator('.readout').textContent()) ?? '');
  });
}

describe.skipIf(inject('noWorkbench'))('dense correspondence', () => {
  it('opens on a run that trains, points, follows its checkpoints, and is restored after a reload', { timeout: 600_000 }, async () => {
    const checkpoint = { everySteps: 10, keep: 3 };
    if (pictures) {
      // A picture for the README wants larger images than a test does, and features that were learned.
      const file = workspace.writeRunFile('flowers', 3000, { preset: 'demo', data: { train: 'pictures/train' }, schedule: { steps: 1500, warmupSteps: 150 }, batch: { size: 16 }, checkpoint: { everySteps: 250, keep: 9 } });
      await generateImages(join(dirname(file), 'pictures'), { classes: ['boat', 'fish', 'flower', 'mug'], perClass: 100, size: 160, seed: 11 });
    } else workspace.writeRunFile('flowers', 100_000, { checkpoint });
    const run = await workspace.startFile('flowers');
    await until('its first checkpoint', () => (run.status()?.checkpoint ?? 0) > 0, 240_000);
    if (pictures) await until('its end', () => run.status()?.state === 'done', 480_000);
    await withEditor({ workspace: workspace.folder }, async (workbench) => {
      const { page } = workbench;
      await workbench.container('SiamScope');
      await workbench.tree('Runs').getByRole('treeitem', { name: /flowers/ }).waitFor({ timeout: 60_000 });
      await open(workbench);
      await shown(workbench);
      await pointAtTheMiddle(workbench);
      expect(await workbench.accessibilityViolations()).toEqual([]);
      if (pictures) {
        await workbench.command('View: Close Primary Side Bar');
        // A pinned patch is in the picture wherever the pointer is.
        const { width, height } = (await workbench.webview().locator('.over').first().boundingBox())!;
        await workbench.webview().locator('.over').first().click({ position: { x: 0.4 * width, y: 0.45 * height } });
      }
      for (const theme of pictures ? (Object.keys(themes) as Theme[]) : []) {
        await workbench.theme(theme);
        await workbench.picture(`correspondence-${theme}`);
      }
      if (pictures) return;
      // What the run saves meanwhile is shown of itself.
      const step = async (): Promise<number> => Number(((await workbench.webview().locator('.steps output').textContent()) ?? '').replaceAll(/\D/g, ''));
      const before = await step();
      await until('a newer checkpoint is shown', async () => (await step()) > before, 60_000);
      await pointAtTheMiddle(workbench);
      const times = await (await workbench.webviewFrame()).evaluate<number[]>('performance.getEntriesByName("look-pointed").map(({ duration }) => duration).sort((a, b) => a - b)');
      console.log(`a patch pointed at while a run trains is drawn in ${times[Math.floor(times.length / 2)]!.toFixed(1)} ms`);
      expect(times[Math.floor(times.length / 2)]).toBeLessThan(16);
      await workbench.webview().getByRole('button', { name: 'Next image' }).click();
      await workbench.webview().getByRole('button', { name: 'Matches', exact: true }).click();
      await workbench.webview().getByText('2 of 40').waitFor();
      await workbench.stored();
      await workbench.reload();
      await page.getByRole('tab', { name: /^Correspondence: flowers/ }).click();
      await shown(workbench);
      await workbench.webview().getByText('2 of 40').waitFor();
      await workbench.webview().getByText(/^\d+ patches are each other's best match/).waitFor();
    });
  });

  it('launches nothing in Restricted Mode, and says so', async () => {
    await workspace.start('flowers', 6);
    await until('its end', () => workspace.run('flowers').status()?.state === 'done', 60_000);
    await withEditor({ workspace: workspace.folder, restricted: true }, async (workbench) => {
      await workbench.page.getByRole('button', { name: /^Restricted Mode/ }).first().waitFor();
      await workbench.container('SiamScope');
      await workbench.tree('Runs').getByRole('treeitem', { name: /flowers/ }).waitFor({ timeout: 60_000 });
      await open(workbench);
      await workbench.webview().getByText('Nothing is started in Restricted Mode').waitFor();
      await workbench.webview().getByRole('button', { name: 'Manage trust' }).waitFor();
    });
  });
});
