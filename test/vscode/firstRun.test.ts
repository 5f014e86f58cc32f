/** A new user's path: install the package, open a folder of images, make a run file, start it, see its curve; timed from the opened folder on. */
import { describe, expect, inject, it } from 'vitest';
import { until } from './editor/until.ts';
import { closeBrowserAfterTests, withEditor } from './editor/workbench.ts';
import { temporaryWorkspace } from './editor/workspace.ts';

const workspace = temporaryWorkspace();
closeBrowserAfterTests();

describe.skipIf(inject('noWorkbench'))('a new user', () => {
  it('has a run going and its curve on screen within a minute', async () => {
    const begun = performance.now();
    const seconds = () => `${((performance.now() - begun) / 1000).toFixed(1)} s`;
    await withEditor({ workspace: workspace.folder }, async (workbench) => {
      const { page } = workbench;
      console.log(`installed, and the folder is open: ${seconds()}`);
      await workbench.container('SiamScope');
      await page.getByRole('link', { name: 'New Run' }).or(page.getByRole('button', { name: 'New Run' })).first().click();
      const rows = page.locator('.quick-input-list .monaco-list-row');
      await rows.filter({ hasText: 'photos' }).first().click();
      await page.locator('.quick-input-title', { hasText: 'recipe' }).waitFor();
      await page.locator('.quick-input-box input').fill('tiny');
      await rows.filter({ hasText: 'tiny' }).first().click();
      await page.getByRole('tab', { name: /photos\.siam\.json/ }).waitFor();
      console.log(`the run file is written and open: ${seconds()}`);
      await page.locator('.codelens-decoration').getByText('Start', { exact: true }).click();
      await workbench.run('photos', 'starting|running|done').waitFor();
      console.log(`the run is in the tree: ${seconds()}`);
      await until('points of the curve', async () => (await workbench.points()).shown > 0, 60_000);
      const all = performance.now() - begun;
      console.log(`a run going and its curve on screen, from nothing installed: ${(all / 1000).toFixed(1)} s`);
      expect(all).toBeLessThan(60_000);
      await workbench.run('photos', 'done').waitFor({ timeout: 120_000 });
      expect(workspace.run('photos').rows().at(-1)?.step).toBe(40);
    });
  });
});
