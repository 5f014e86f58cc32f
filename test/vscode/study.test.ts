/** In a real VS Code: a checkpoint evaluated from the tree, and a study from its file to the live table and on to a run's curves. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { generateImages } from '../../backend/data/generator/index.ts';
import { writeProgress, writeResult, writeStatus, writeStudy } from '../extension/studyFixture.ts';
import { writeRun } from '../webviews/runsFixture.ts';
import { until } from './editor/until.ts';
import { closeBrowserAfterTests, withEditor } from './editor/workbench.ts';
import { temporaryWorkspace } from './editor/workspace.ts';

const workspace = temporaryWorkspace();
closeBrowserAfterTests();

describe.skipIf(inject('noWorkbench'))('evaluations and studies', () => {
  it('are reached from the tree and from a study file, and lead to a report, a table and curves', { timeout: 180_000 }, async () => {
    const at = (...names: string[]): string => join(workspace.folder, ...names);
    await generateImages(at('shapes'), { classes: ['boat', 'fish'], perClass: 12, testPerClass: 12, size: 64, seed: 1 });
    workspace.writeRunFile('flowers', 4, { data: { train: 'shapes/train', test: 'shapes/test', workers: 1 }, batch: { size: 8 } });
    const run = await workspace.startFile('flowers');
    await until('its end', () => run.status()?.state === 'done', 60_000);
    await withEditor({ workspace: workspace.folder }, async (workbench) => {
      const { page } = workbench;
      page.setDefaultTimeout(60_000);
      await workbench.container('SiamScope');
      const tree = workbench.tree('Checkpoints');
      const checkpoint = tree.getByRole('treeitem', { name: /^Checkpoint of step 4/ });
      await checkpoint.waitFor({ timeout: 60_000 });
      // A menu stays as it was opened, and may have been before the window knew that it trusts the folder.
      await until('the menu offers an evaluation', async () => {
        await page.keyboard.press('Escape');
        await checkpoint.click({ button: 'right' });
        return page.getByRole('menuitem', { name: 'Evaluate...', disabled: false }).click({ timeout: 2000 }).then(() => true, () => false);
      }, 60_000);
      await page.locator('.quick-input-list .monaco-list-row', { hasText: 'neighbours vote' }).click();
      await tree.getByRole('treeitem', { name: /^Evaluation by k-NN: \d+\.\d % \(.* to .*\) · 24 images/ }).waitFor({ timeout: 60_000 });
      await page.getByRole('tab', { name: 'k-NN, step 4' }).waitFor();
      const report = workbench.webview();
      await report.getByRole('heading', { name: /^\d+\.\d % of 24 images are recognised by nearest neighbours/ }).waitFor();
      // By the editor's theme: a dark one, on a system that is light.
      expect(await (await workbench.webviewFrame()).evaluate('[getComputedStyle(document.documentElement).backgroundColor, getComputedStyle(document.querySelector("h1")).color]')).toEqual(['rgb(22, 23, 26)', 'rgb(234, 231, 225)']);
      const kept = join(run.folder, 'evaluations', '4-knn.json');
      await until('the evaluation is kept', () => existsSync(kept));
      expect(JSON.parse(readFileSync(kept, 'utf8'))).toMatchObject({ step: 4, protocol: 'knn', images: 24 });

      const study = writeStudy(workspace.folder);
      writeProgress(study);
      for (const row of ['mae', 'siamese']) writeRun(study.cell(row, 0), { seed: 1, steps: 1200 });
      await workbench.openFile('paper.study.json');
      await page.locator('.codelens-decoration').getByText(/Open Table: 8 of 15 runs done/).first().click({ timeout: 60_000 });
      await page.getByRole('tab', { name: 'Study: paper' }).waitFor();
      const table = workbench.webview();
      await table.getByRole('heading', { name: 'SiameseIM and its ablations' }).waitFor();
      expect((await table.locator('tr.row').allTextContents()).map((text) => /^▸?(Untrained|MoCo-v3|MAE|SiameseIM|\(d\)|\(i\))/.exec(text.trim())?.[1])).toEqual(['Untrained', 'MoCo-v3', 'MAE', 'SiameseIM', '(d)', '(i)']);
      expect(await workbench.accessibilityViolations()).toEqual([]);
      await workbench.command('View: Close Primary Side Bar');
      await workbench.picture('study-dark');
      // Live: what a run leaves behind is in the table, whoever ran it.
      const seed = (of: string): ReturnType<typeof table.getByRole> => table.getByRole('button', { name: new RegExp(`^${of}`) });
      await seed('MoCo-v3, seed 2: waiting').waitFor();
      writeStatus(study.cell('mocov3', 2), 'done', 1200);
      writeResult(study.cell('mocov3', 2), [0.319, 0.146, 0.411]);
      await seed('MoCo-v3, seed 2: done').waitFor();
      await seed('SiameseIM, seed 0: done').click();
      await page.getByRole('tab', { name: /^Curves: / }).waitFor();
      await until('the curves have every point', async () => (await workbench.points()).all === 1200);
    });
  });
});
